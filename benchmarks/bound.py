"""What SQLite and Python alone could do: loops that write the rows which a durable engine has to
write, and nothing else.

A kept generator for each instance, JSON of every input and output, the activity's call, history and
instance rows, and a commit (`synchronous=FULL`) for every `each` episodes. No leases, no threads,
no queries: nothing that makes it an engine.
"""

from __future__ import annotations

import json
import sqlite3
import statistics
import subprocess
import sys
import time
from collections.abc import Callable, Generator, Sequence
from pathlib import Path
from typing import Any

Figures = dict[str, float]
encode = json.JSONEncoder(separators=(",", ":"), check_circular=False).encode

SCHEMA = """
CREATE TABLE instances (id TEXT PRIMARY KEY, name TEXT, status INTEGER, created REAL, updated REAL,
  input TEXT, output TEXT) WITHOUT ROWID;
CREATE TABLE history (instance TEXT, sequence INTEGER, kind INTEGER, at REAL, fields TEXT,
  PRIMARY KEY (instance, sequence)) WITHOUT ROWID;
"""
INSTANCE = "INSERT INTO instances VALUES (?, ?, 0, ?, ?, ?, NULL)"
CHANGE = "UPDATE instances SET status = ?, updated = ?, output = ? WHERE id = ?"
EVENT = "INSERT INTO history VALUES (?, ?, ?, ?, ?)"
STARTED, BEGUN, SCHEDULED, ENDED, COMPLETED, SUBSCRIBED, RAISED = range(7)


def hello(name: str) -> str:
    return f"Hello {name}"


def sequence(steps: int) -> Generator[Any, Any, int]:
    said = []
    for _ in range(steps):
        said.append((yield "hello", "Tokyo"))
    return len(said)


class Rows:
    """The rows of one commit."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self._connection = connection
        self.instances: list[tuple[Any, ...]] = []
        self.changes: list[tuple[Any, ...]] = []
        self.events: list[tuple[Any, ...]] = []

    def commit(self) -> None:
        self._connection.execute("BEGIN IMMEDIATE")
        for statement, rows in (
            (INSTANCE, self.instances),
            (CHANGE, self.changes),
            (EVENT, self.events),
        ):
            if rows:
                self._connection.executemany(statement, rows)
                rows.clear()
        self._connection.execute("COMMIT")


def open_rows(folder: Path) -> Rows:
    connection = sqlite3.connect(
        folder / f"bound-{time.perf_counter_ns()}.db", isolation_level=None, cached_statements=256
    )
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA synchronous = FULL")
    connection.execute("PRAGMA wal_autocheckpoint = 4000")
    connection.executescript(SCHEMA)
    return Rows(connection)


def start(rows: Rows, count: int, name: str, input: str) -> list[str]:
    ids = [f"instance-{number:08d}" for number in range(count)]
    now = time.time()
    rows.instances.extend((each, name, now, now, input) for each in ids)
    rows.events.extend(
        (each, 0, STARTED, now, encode({"name": name, "input": input})) for each in ids
    )
    rows.commit()
    return ids


def sequences(folder: Path, count: int, steps: int, each: int) -> float:
    """Seconds for `count` instances of `steps` activities one after the other."""
    rows = open_rows(folder)
    began = time.perf_counter()
    ready: list[tuple[str, Generator[Any, Any, int], str | None, int]] = [
        (instance, sequence(steps), None, 1)
        for instance in start(rows, count, "sequence", str(steps))
    ]
    while ready:
        following = []
        for first in range(0, len(ready), each):
            for instance, generator, result, number in ready[first : first + each]:
                if (waiting := _episode(rows, instance, generator, result, number)) is not None:
                    following.append(waiting)
            rows.commit()
        ready = [
            (instance, generator, encode(hello(json.loads(argument))), number)
            for instance, generator, argument, number in following
        ]
    return time.perf_counter() - began


def _episode(
    rows: Rows, instance: str, generator: Any, result: str | None, number: int
) -> tuple[str, Any, str, int] | None:
    now, value = time.time(), None
    if result is not None:
        rows.events.append(
            (instance, number, ENDED, now, encode({"taskId": number, "result": result}))
        )
        value, number = json.loads(result), number + 1
    rows.events.append((instance, number, BEGUN, now, None))
    try:
        name, argument = generator.send(value)
    except StopIteration as end:
        output = encode(end.value)
        rows.events.append((instance, number + 1, COMPLETED, now, encode({"result": output})))
        rows.changes.append((2, now, output, instance))
        return None
    text = encode(argument)
    rows.events.append(
        (instance, number + 1, SCHEDULED, now, encode({"name": name, "input": text}))
    )
    rows.changes.append((1, now, None, instance))
    return instance, generator, text, number + 2


def fan_out(folder: Path, count: int, width: int, each: int) -> float:
    """Seconds for `count` instances of `width` activities side by side."""
    rows = open_rows(folder)
    began = time.perf_counter()
    for instance in start(rows, count, "fan_out", str(width)):
        now = time.time()
        inputs = [encode("Tokyo") for _ in range(width)]
        rows.events.append((instance, 1, BEGUN, now, None))
        rows.events.extend(
            (instance, 2 + task, SCHEDULED, now, encode({"name": "hello", "input": text}))
            for task, text in enumerate(inputs)
        )
        rows.changes.append((1, now, None, instance))
        rows.commit()
        for first in range(0, width, each):
            _complete(rows, instance, inputs[first : first + each], 2 + width + first)
        output = encode(width)
        rows.events.append(
            (instance, 2 + 2 * width, COMPLETED, time.time(), encode({"result": output}))
        )
        rows.changes.append((2, time.time(), output, instance))
        rows.commit()
    return time.perf_counter() - began


def _complete(rows: Rows, instance: str, inputs: Sequence[str], number: int) -> None:
    now = time.time()
    for offset, text in enumerate(inputs):
        result = encode(hello(json.loads(text)))
        rows.events.append(
            (instance, number + offset, ENDED, now, encode({"taskId": offset, "result": result}))
        )
    rows.commit()


def events(folder: Path, count: int, each: int) -> float:
    """Seconds from the first event to the last completion, for `count` instances that wait for
    one."""
    rows = open_rows(folder)
    ids = start(rows, count, "wait_for_go", "null")
    now = time.time()
    rows.events.extend((instance, 1, SUBSCRIBED, now, encode({"name": "go"})) for instance in ids)
    rows.commit()
    began = time.perf_counter()
    for first in range(0, count, each):
        for instance in ids[first : first + each]:
            now, text = time.time(), encode("x")
            rows.events.append((instance, 2, RAISED, now, encode({"name": "go", "input": text})))
            rows.events.append((instance, 3, BEGUN, now, None))
            rows.events.append((instance, 4, COMPLETED, now, encode({"result": text})))
            rows.changes.append((2, now, text, instance))
        rows.commit()
    return time.perf_counter() - began


BURN = """
import time
for _ in range({count}):
    end = time.thread_time() + 0.005
    while time.thread_time() < end:
        sum(range(300))
"""


def burning(count: int) -> float:
    """5 ms of CPU, so many a second: what `count` processes get of this machine when they do
    nothing else.
    """
    began = time.perf_counter()
    burners = [
        subprocess.Popen([sys.executable, "-c", BURN.format(count=400 // count)])
        for _ in range(count)
    ]
    for burner in burners:
        burner.wait()
    return 400 / (time.perf_counter() - began)


def _median(call: Callable[[], float], times: int) -> float:
    return statistics.median(call() for _ in range(times))


WORKLOADS: dict[str, Callable[[Path], Figures]] = {
    "w1": lambda folder: {"rate": 1000 / _median(lambda: sequences(folder, 1000, 3, 1000), 5)},
    "w1_one": lambda folder: {"ms": 1000 * _median(lambda: sequences(folder, 1, 3, 1), 25)},
    "w2_1x1000": lambda folder: {"rate": 1000 / _median(lambda: fan_out(folder, 1, 1000, 1000), 5)},
    "w2_100x100": lambda folder: {
        "rate": 10_000 / _median(lambda: fan_out(folder, 100, 100, 100), 3)
    },
    "w3_500": lambda folder: {"seconds": _median(lambda: sequences(folder, 1, 500, 1), 3)},
    "w3_2000": lambda folder: {"seconds": _median(lambda: sequences(folder, 1, 2000, 1), 3)},
    "processes_1": lambda _folder: {"rate": burning(1)},
    "processes_2": lambda _folder: {"rate": burning(2)},
    "processes_4": lambda _folder: {"rate": burning(4)},
    "activity_processes_2": lambda _folder: {"rate": burning(2)},
    "w4_5000": lambda folder: {"rate": 5000 / _median(lambda: events(folder, 5000, 1000), 3)},
}
