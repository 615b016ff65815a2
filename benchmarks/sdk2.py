"""The workloads of apps on azure-functions-durable 2.x beside the same ones on our own context.

usage: python -m benchmarks.sdk2 --python PATH [--reps 5]

PATH is a Python of 3.13 or later with durablectl[grpc,serve] and azure-functions-durable 2.x (see
tests/sdk2/requirements.txt); without it, the workloads are skipped by name. Both apps run on that
Python, in turns, each run in a fresh process. Figures are instances or activities for each second
of processor time of the process (client, dispatcher and activities), and of the wall clock. The
starter is an HTTP function that starts an instance of three activities with the app's own client
and waits for it.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from benchmarks.workloads import batch
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.functionapp.loader import load_app

HERE = Path(__file__).parent
APPS = {"own": HERE / "app", "sdk2": HERE / "app_sdk2"}
SHAPES: dict[str, tuple[str, int, int]] = {
    "W1: 1,000 sequences of 3": ("sequence", 1000, 3),
    "W2: 1 x 1,000 activities": ("fan_out", 1, 1000),
    "W2: 100 x 100 activities": ("fan_out", 100, 100),
}
STARTER = "starter that starts and waits"
ROUNDS = 5


def run_shape(who: str, shape: str) -> dict[str, float]:
    """One workload in this process: the rates of its best round."""
    name, count, each = SHAPES[shape]
    done = count if name == "sequence" else count * each
    registry = load_app(APPS[who])
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder:
        path = Path(folder) / "hub.db"
        with LocalTaskHub(path, registry=registry, create=True) as hub:
            worker = Worker(Database(path), registry)
            worker.start()
            wall, cpu = [], []
            for _ in range(ROUNDS):
                began = time.process_time()
                wall.append(batch(hub, name, count, each))
                cpu.append(time.process_time() - began)
            worker.stop()
    return {"wall": done / min(wall), "cpu": done / min(cpu)}


def run_starter(_who: str, _shape: str) -> dict[str, float]:
    """Milliseconds of a request, one after the other, to a server in a process of its own."""
    with tempfile.TemporaryDirectory(prefix="benchmark-") as folder, _served(Path(folder)) as port:
        connection = http.client.HTTPConnection("127.0.0.1", port)
        taken = []
        for _ in range(220):
            began = time.perf_counter()
            connection.request("POST", "/api/run/3")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise SystemExit(f"the starter answers {answer.status}: {body!r}")
            taken.append((time.perf_counter() - began) * 1000)
    taken = sorted(taken[20:])
    return {"p50": statistics.median(taken), "p10": taken[len(taken) // 10], "least": taken[0]}


@contextmanager
def _served(folder: Path) -> Iterator[int]:
    command = [sys.executable, "-m", "durablectl", "serve", "--hub", str(folder / "hub.db")]
    command += ["--port", "0", "--log", "off", "--app", str(APPS["sdk2"])]
    with (folder / "stderr.txt").open("w") as errors:
        process = subprocess.Popen(command, stdout=subprocess.DEVNULL, stderr=errors)
    try:
        yield _port(process, folder / "stderr.txt")
    finally:
        process.terminate()
        process.wait()


def _port(process: subprocess.Popen[bytes], said: Path) -> int:
    while process.poll() is None:
        for line in said.read_text().splitlines():
            if line.startswith("task hub ") and "://" in line:
                return int(line.partition("://")[2].partition("/")[0].rpartition(":")[2])
        time.sleep(0.05)
    raise SystemExit(f"the server does not start: {said.read_text()}")


def in_a_fresh_process(python: str, who: str, shape: str) -> dict[str, float]:
    done = subprocess.run(
        [python, "-m", "benchmarks.sdk2", "--one", who, shape],
        cwd=HERE.parent,
        capture_output=True,
        text=True,
        check=False,
    )
    lines = [line for line in done.stdout.splitlines() if line.startswith("FIGURES ")]
    if not lines:
        raise SystemExit(f"{who}, {shape}: {done.stderr[-1000:]}")
    figures: dict[str, float] = json.loads(lines[0].removeprefix("FIGURES "))
    print(f"{who}, {shape}: {figures}", file=sys.stderr)
    return figures


def table(python: str, reps: int, shapes: Sequence[str]) -> Iterator[str]:
    """The lines of the table; our own context and 2.x take turns."""
    yield "| | own context | 2.x | by processor time | by the clock | after |"
    yield "|---|---|---|---|---|---|"
    for shape in shapes:
        runs = [
            [in_a_fresh_process(python, who, shape) for who in ("own", "sdk2")] for _ in range(reps)
        ]
        own, new = ([run[side]["cpu"] for run in runs] for side in (0, 1))
        ratios = [
            statistics.median(run[1][key] / run[0][key] for run in runs) for key in ("cpu", "wall")
        ]
        yield (
            f"| {shape} | {statistics.median(own):,.0f} /s | {statistics.median(new):,.0f} /s | "
            f"{ratios[0]:.2f} x | {ratios[1]:.2f} x | >= 0.4 x |"
        )
    found = [in_a_fresh_process(python, "sdk2", STARTER) for _ in range(reps)]
    shown = ", ".join(f"{key} {min(each[key] for each in found):.1f} ms" for key in found[0])
    yield f"| {STARTER} (the best run) | | {shown} | | | p50 <= 12 ms |"


def main() -> None:
    parser = argparse.ArgumentParser(description=(__doc__ or "").splitlines()[0])
    parser.add_argument("--python", metavar="PATH", help="a Python that has 2.x of the SDK")
    parser.add_argument("--reps", type=int, default=5)
    parser.add_argument("--one", nargs=2, metavar=("WHO", "SHAPE"), help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.one:
        run = run_starter if options.one[1] == STARTER else run_shape
        print("FIGURES", json.dumps(run(*options.one)), flush=True)
        os._exit(0)  # activities may still hold threads
    if options.python is None:
        for name in (*SHAPES, STARTER):
            print(f"skipped: {name}: no --python with azure-functions-durable 2.x is given")
        return
    for line in table(str(Path(options.python).absolute()), options.reps, list(SHAPES)):
        print(line, flush=True)


if __name__ == "__main__":
    main()
