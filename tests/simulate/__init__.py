"""Deterministic simulation: several workers and clients on one hub file, every choice made by one seeded scheduler.

`python -m tests.simulate --seeds 100000` looks for a seed that breaks a promise; `--seed N` runs one again and shows what happened.
"""
