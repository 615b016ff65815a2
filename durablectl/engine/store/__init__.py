"""The SQLite file of a local hub. Runs no user code."""
