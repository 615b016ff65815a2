"""Record runs and try power cuts of them: `python -m tests.powerloss --seeds 10 --cuts 500`;
`--first N --seeds 1` is one of them.
"""

from __future__ import annotations

import argparse
import shutil
import sys
import tempfile
import time
from pathlib import Path

from tests.powerloss.cuts import try_cuts
from tests.powerloss.disk import Disk
from tests.powerloss.recording import record


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.powerloss", description=__doc__)
    parser.add_argument("--seeds", type=int, default=4, help="how many runs to record")
    parser.add_argument("--first", type=int, default=0, help="the seed of the first")
    parser.add_argument("--cuts", type=int, default=500, help="how many cuts to try of each")
    parser.add_argument(
        "--steps", type=int, default=150, help="how many steps each of the two clients takes"
    )
    parser.add_argument(
        "--ill", default="", metavar="NAME", help="let some syncs of these files fail: -wal"
    )
    options = parser.parse_args()
    memory = Path("/dev/shm")
    for seed in range(options.first, options.first + options.seeds):
        home = Path(
            tempfile.mkdtemp(prefix=f"powerloss-{seed}-", dir=memory if memory.is_dir() else None)
        )
        (home / "disk").mkdir()
        disk, began = Disk(home / "disk", home), time.monotonic()
        record(disk, seed=seed, steps=options.steps, ill=options.ill)
        recorded = time.monotonic()
        try_cuts(disk, count=options.cuts, seed=seed)
        calls, seconds = sum(1 for _ in disk.records()), time.monotonic() - recorded
        print(
            f"seed {seed}: {calls} calls in {recorded - began:.1f} s, {options.cuts} cuts in "
            f"{seconds:.1f} s",
            flush=True,
        )
        shutil.rmtree(home)
    return 0


if __name__ == "__main__":
    sys.exit(main())
