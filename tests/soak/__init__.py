"""A soak: mixed load for a while on one hub with two workers, `serve` and clients of every kind;
nothing may grow, be lost or come twice.

`python -m tests.soak --minutes 30`; it reads /proc, and so runs on Linux only.
"""
