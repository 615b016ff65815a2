"""Explains an instance: what it does or waits for, why it failed, where its time went. Pure."""
