"""The engine's workloads.

Each runs in a fresh process and an empty folder, and returns its figures by name.
"""

from __future__ import annotations

import resource
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.functionapp.loader import load_app
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.polling.loop import wait_for_completion

APP = Path(__file__).parent / "app"
Figures = dict[str, float]


@contextmanager
def working_hub(folder: Path) -> Iterator[LocalTaskHub]:
    """A hub with its worker in this process, as the command that waits has it."""
    registry = load_app(APP)
    with LocalTaskHub(folder / "hub.db", registry=registry, create=True) as hub:
        worker = Worker(Database(folder / "hub.db"), registry)
        worker.start()
        try:
            yield hub
        finally:
            worker.stop()


def finish(hub: LocalTaskHub, ids: Sequence[str]) -> None:
    for each in ids:
        status = wait_for_completion(hub, each)
        assert status.runtime_status is RuntimeStatus.COMPLETED, status


def batch(hub: LocalTaskHub, name: str, count: int, argument: object) -> float:
    """Seconds from the start of `count` instances, given at once, to the end of the last."""
    began = time.perf_counter()
    finish(hub, hub.start_many([(name, argument, None)] * count))
    return time.perf_counter() - began


def memory_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024 * 1024
    )


def sequences(folder: Path) -> Figures:
    with working_hub(folder) as hub:
        return {"rate": 1000 / statistics.median(batch(hub, "sequence", 1000, 3) for _ in range(5))}


def one_at_a_time(folder: Path) -> Figures:
    with working_hub(folder) as hub:
        batch(hub, "sequence", 1, 3)
        taken = sorted(batch(hub, "sequence", 1, 3) for _ in range(100))
    return {"ms": statistics.median(taken) * 1000, "p99_ms": taken[98] * 1000}


def fan_out(folder: Path, count: int, each: int) -> Figures:
    with working_hub(folder) as hub:
        return {
            "rate": count
            * each
            / statistics.median(batch(hub, "fan_out", count, each) for _ in range(5))
        }


def long_history(folder: Path, steps: int) -> Figures:
    with working_hub(folder) as hub:
        return {"seconds": batch(hub, "sequence", 1, steps)}


def events(folder: Path, count: int, together: int) -> Figures:
    """An event for each of `count` instances that wait for one, `together` of them acknowledged by
    one commit.
    """
    with working_hub(folder) as hub:
        ids = hub.start_many([("wait_for_go", None, None)] * count)
        while hub.counts().get(RuntimeStatus.RUNNING.value, 0) < count:
            hub.pause(0.1)
        began = time.perf_counter()
        for first in range(0, count, together):
            with hub.group():
                for each in ids[first : first + together]:
                    hub.raise_event(each, "go", "x")
        finish(hub, ids)
        return {"rate": count / (time.perf_counter() - began), "mb": memory_mb()}


def growth(folder: Path, count: int) -> Figures:
    """The first workload on an empty hub, and on one that holds `count` finished instances; what
    the hub costs then.
    """
    with working_hub(folder) as hub:
        empty = statistics.median(batch(hub, "sequence", 1000, 3) for _ in range(3))
        for _ in range((count - 3000) // 1000):
            batch(hub, "sequence", 1000, 3)
        size = (folder / "hub.db").stat().st_size
        full = statistics.median(batch(hub, "sequence", 1000, 3) for _ in range(3))
        recent = hub.start("sequence", 1).id
        finish(hub, [recent])
        return {
            "ratio": empty / full,
            "bytes": size / count,
            "status_ms": milliseconds(lambda: hub.get_status(recent)),
            "list_ms": milliseconds(lambda: hub.list_page(InstanceFilter(), top=100)),
            "failed_ms": milliseconds(
                lambda: hub.list_page(InstanceFilter(frozenset({RuntimeStatus.FAILED})), top=100)
            ),
        }


def milliseconds(call: Callable[[], object]) -> float:
    taken = []
    for _ in range(20):
        began = time.perf_counter()
        call()
        taken.append(time.perf_counter() - began)
    return statistics.median(taken) * 1000


def processes(folder: Path, count: int, *options: str) -> Figures:
    """Activities that burn 5 ms of CPU each, on `count` worker processes of the command line."""
    instances, each = 20, 20
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        command = [
            sys.executable,
            "-m",
            "durablectl",
            "worker",
            "--hub",
            str(folder / "hub.db"),
            "--app",
            str(APP),
            "-q",
            *options,
        ]
        workers = [subprocess.Popen(command, stderr=subprocess.DEVNULL) for _ in range(count)]
        while len(hub._live_workers()) < count:
            hub.pause(0.05)
        batch(hub, "burn_many", count, 4)  # every worker has run something
        seconds = batch(hub, "burn_many", instances, each)
        for worker in workers:
            worker.terminate()
        for worker in workers:
            worker.wait()
    return {"rate": instances * each / seconds}


def listing(folder: Path) -> Figures:
    """The peak memory of `durablectl list` over 100,000 instances."""
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        for _ in range(100):
            hub.start_many([("sequence", 3, None)] * 1000)
    began = time.perf_counter()
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "list",
        "--hub",
        str(folder / "hub.db"),
        "-o",
        "jsonl",
    ]
    subprocess.run(command, stdout=subprocess.DEVNULL, check=True)
    peak = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / (
        1024 if sys.platform != "darwin" else 1024 * 1024
    )
    return {"mb": peak, "seconds": time.perf_counter() - began}


WORKLOADS: dict[str, tuple[Callable[..., Figures], tuple[object, ...]]] = {
    "w1": (sequences, ()),
    "w1_one": (one_at_a_time, ()),
    "w2_1x1000": (fan_out, (1, 1000)),
    "w2_100x100": (fan_out, (100, 100)),
    "w3_500": (long_history, (500,)),
    "w3_2000": (long_history, (2000,)),
    "w4_1000": (events, (1000, 500)),
    "w4_5000": (events, (5000, 500)),
    "w4_singly": (events, (1000, 1)),
    "growth": (growth, (20_000,)),
    "growth_full": (growth, (1_000_000,)),
    "processes_1": (processes, (1,)),
    "processes_2": (processes, (2,)),
    "processes_4": (processes, (4,)),
    "activity_processes_2": (processes, (1, "--activity-processes", "2")),
    "list_100000": (listing, ()),
}
