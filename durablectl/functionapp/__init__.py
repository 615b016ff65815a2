"""The user's `function_app.py`: loads it, and gives its functions as a Registry."""
