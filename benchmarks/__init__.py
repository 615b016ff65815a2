"""What durablectl costs, beside what SQLite alone could do and beside a peer: `python -m
benchmarks`.
"""
