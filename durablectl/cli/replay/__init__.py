"""Replaying histories against the app's code: where they come from, and what became of each."""
