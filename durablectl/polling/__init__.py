"""Polling, waiting and running in parallel, against any hub."""
