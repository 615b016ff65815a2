"""One operation on many instances: selected, run, reported."""
