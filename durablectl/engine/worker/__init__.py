"""Runs work items: the dispatcher, the activity pool, the embedded worker."""
