"""Soak a hub: `python -m tests.soak --minutes 30`.

Prints one table; exit code 1 when anything grew, was lost, or came twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.soak.growth import table
from tests.soak.soak import Soak

SHORTEST = 5.0
"""Minutes; what is watched for less is still warming up, and is not judged by its growth."""
SAMPLES_A_THIRD = 120


def main() -> int:
    parser = argparse.ArgumentParser(prog="python -m tests.soak", description=__doc__)
    parser.add_argument("--minutes", type=float, default=30.0, help="how long the load lasts")
    parser.add_argument("--seed", type=int, default=0, help="what the clients do when")
    parser.add_argument(
        "--folder", type=Path, help="where the hub lies (default: a new folder that is deleted)"
    )
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="soak-") as temporary:
        folder = options.folder or Path(temporary)
        folder.mkdir(parents=True, exist_ok=True)
        soak = Soak(folder, options.seed)
        seconds = options.minutes * 60
        soak.run(seconds, max(1.0, seconds / 3 / SAMPLES_A_THIRD))
    print(table(soak.series()))
    print(
        f"\n{options.minutes:g} minutes: "
        + ", ".join(f"{number} {what}" for what, number in sorted(soak.ledger.counts.items()))
    )
    troubles = soak.troubles
    if options.minutes >= SHORTEST:
        troubles += [
            f"{series.who}: its {series.kind} grows" for series in soak.series() if series.grows
        ]
    print("\n".join(troubles[:50]) or "nothing lost, nothing twice, nothing stuck")
    return 1 if troubles else 0


if __name__ == "__main__":
    sys.exit(main())
