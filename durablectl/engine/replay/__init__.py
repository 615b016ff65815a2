"""The replay core: history in, decisions out. No clock, no I/O, no store."""
