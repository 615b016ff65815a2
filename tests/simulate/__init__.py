"""Deterministic simulation: several workers, a server and clients on one hub file, every choice
made by one seeded scheduler:
who goes on, who crashes or stalls, what a disk refuses, what a network loses, delays and doubles,
and when it is.

`python -m tests.simulate --seeds 100000` looks for a seed that breaks a promise; `--seed N` runs
one again and shows what happened.
"""
