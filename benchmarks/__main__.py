"""Run the benchmarks: `python -m benchmarks [--only w1 w2] [--reps 3] [--full] [--peer-python PATH]
[--write]`.

Every workload runs in a fresh process and an empty folder; ours, the bound and the peer take turns,
so that a busy machine slows down all of them, and the medians make one table. Only the ratios mean
something on another machine. `--write` keeps the run in last.json and README.md, and every run is
compared with the kept one.
"""

from __future__ import annotations

import argparse
import json
import os
import platform
import sqlite3
import statistics
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path

from benchmarks import bound, startup, workloads
from benchmarks.table import summary, table

HERE = Path(__file__).parent
LAST, README = HERE / "last.json", HERE / "README.md"
MARK = "<!-- the last run -->\n"
LIMIT_SECONDS = 300.0
OURS = workloads.WORKLOADS | startup.WORKLOADS
PEERS = ("w1", "w1_one", "w2_1x1000", "w2_100x100", "w4_1000")
ONCE = {"growth", "growth_full", "list_100000", "startup"}


def run_one(who: str, name: str) -> dict[str, float]:
    """One workload in this process."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        if who == "bound":
            return bound.WORKLOADS[name](Path(folder))
        function, arguments = OURS[name]
        return function(Path(folder), *arguments)


def in_a_fresh_process(
    who: str, name: str, peer_python: str | None, limit: float
) -> dict[str, float] | None:
    """The figures of one run; None, with a word on stderr, when it failed."""
    command = [sys.executable, "-m", "benchmarks", "--one", who, name]
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        cwd = HERE.parent
        if who == "dbos":
            command, cwd = (
                [peer_python or sys.executable, str(HERE / "peer_dbos.py"), name],
                Path(folder),
            )
        try:
            done = subprocess.run(
                command, cwd=cwd, capture_output=True, text=True, timeout=limit, check=False
            )
        except subprocess.TimeoutExpired:
            print(f"{who} {name}: not within {limit:.0f} s", file=sys.stderr)
            return None
    line = next((line for line in done.stdout.splitlines() if line.startswith("FIGURES ")), None)
    if line is None:
        print(f"{who} {name}: {done.stderr[-500:]}", file=sys.stderr)
        return None
    figures: dict[str, float] = json.loads(line.removeprefix("FIGURES "))
    print(
        f"{who} {name}: {', '.join(f'{key} {value:.4g}' for key, value in figures.items())}",
        file=sys.stderr,
    )
    return figures


def measure(
    names: Sequence[str], reps: int, peer_python: str | None, limit: float
) -> dict[str, dict[str, dict[str, float]]]:
    """Medians by who, workload and key."""
    measured: dict[str, dict[str, dict[str, float]]] = {"here": {}, "bound": {}, "dbos": {}}
    for name in names:
        sides = (
            ["here"]
            + ["bound"] * (name in bound.WORKLOADS)
            + ["dbos"] * (peer_python is not None and name in PEERS)
        )
        runs: dict[str, list[dict[str, float]]] = {who: [] for who in sides}
        for repetition in range(1 if name in ONCE else reps):
            for who in sides:
                if who == "dbos" and repetition and not runs["dbos"]:
                    continue  # it did not end in time
                if (figures := in_a_fresh_process(who, name, peer_python, limit)) is not None:
                    runs[who].append(figures)
        for who, found in runs.items():
            if found:
                measured[who][name] = {
                    key: statistics.median(each[key] for each in found) for key in found[0]
                }
    return measured


def machine() -> str:
    python, sqlite = platform.python_version(), sqlite3.sqlite_version
    return (
        f"{os.cpu_count()} cores, {platform.system()} {platform.machine()}, Python {python}, "
        f"SQLite {sqlite}"
    )


def main() -> int:
    parser = argparse.ArgumentParser(
        prog="python -m benchmarks",
        description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )
    parser.add_argument(
        "--only",
        nargs="*",
        default=[],
        metavar="PREFIX",
        help="only workloads whose names begin so",
    )
    parser.add_argument("--reps", type=int, default=3, help="how often each runs")
    parser.add_argument(
        "--full",
        action="store_true",
        help="the growth of a hub to 1,000,000 instances, too (10 minutes)",
    )
    parser.add_argument(
        "--peer-python", metavar="PATH", help="the Python of a virtual environment that has dbos"
    )
    parser.add_argument("--limit", type=float, default=LIMIT_SECONDS, help="seconds for one run")
    parser.add_argument(
        "--write", action="store_true", help="keep this run in last.json and README.md"
    )
    parser.add_argument("--one", nargs=2, metavar=("WHO", "NAME"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        print("FIGURES", json.dumps(run_one(*options.one)), flush=True)
        os._exit(0)  # activities may still hold threads
    names = [name for name in OURS if name != ("growth" if options.full else "growth_full")]
    if options.only:
        names = [name for name in names if name.startswith(tuple(options.only))]
    last = json.loads(LAST.read_text()) if LAST.exists() else {}
    measured = measure(
        names, options.reps, options.peer_python, 3600 if options.full else options.limit
    )
    if "growth_full" in measured["here"]:
        measured["here"]["growth"] = measured["here"].pop("growth_full")
    if options.write:  # what did not run this time is kept
        measured = {who: {**last.get(who, {}), **figures} for who, figures in measured.items()}
    text = "\n".join([machine(), "", *table(measured, last), "", *summary(measured), ""])
    print(text)
    if options.write:
        LAST.write_text(json.dumps(measured, indent=1, sort_keys=True) + "\n")
        README.write_text(README.read_text().partition(MARK)[0] + MARK + text)
    return 0


if __name__ == "__main__":
    sys.exit(main())
