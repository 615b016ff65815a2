"""In front of the azure packages on PYTHONPATH this hides them, as where they are not installed:
each process saves their import.
"""
