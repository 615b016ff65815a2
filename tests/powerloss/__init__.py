"""Power cuts and ill disks: real processes on a disk that is watched (`disk.c`, by LD_PRELOAD), and
what a cut may leave of it.

`python -m tests.powerloss --seeds 10 --cuts 500` records ten runs and tries cuts of each;
`--ill=-wal` lets some syncs of the WAL fail.
"""
