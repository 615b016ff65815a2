"""Waiting for instances, and what is shown and reported then."""
