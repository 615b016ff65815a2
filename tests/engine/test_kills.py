"""Of several processes on one hub, random ones are killed at random times: nothing that was
acknowledged is lost, nothing comes twice.
"""

from __future__ import annotations

import json
import os
import random
import subprocess
import sys
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import suppress
from datetime import UTC, datetime
from itertools import count
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.client import Store
from durablectl.engine.store.maintenance import check_hub
from durablectl.errors import EntityNotFound, WrongState
from durablectl.history.columns import micros
from durablectl.history.events import TaskCompleted
from durablectl.model import EntityId, InstanceFilter
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import list_instances
from tests.engine.killed import APP, ITEMS, STEPS

WORKERS = 3
ROOT = Path(__file__).parents[2]


class Crowd:
    """Workers and a client on a hub in `folder`. Whoever is killed is replaced at once."""

    def __init__(self, folder: Path) -> None:
        self.folder, self.path = folder, folder / "hub.db"
        self.notes, self.told = folder / "notes", folder / "told"
        (folder / "function_app.py").write_text(APP)
        for file in (self.notes, self.told):
            file.touch()
        self._names = count()
        self._workers = [self._new_worker() for _ in range(WORKERS)]
        self._client = self._new_client()
        self.clients_killed = 0

    def kill_one(self, rng: random.Random) -> None:
        number = rng.randrange(WORKERS + 1)
        if number == WORKERS:
            self.kill_client()
            self._client = self._new_client()
            return
        _kill(self._workers[number])
        self._workers[number] = self._new_worker()

    def kill_client(self) -> None:
        _kill(self._client)
        self.clients_killed += 1

    def wait_for_notes(self, number: int, seconds: float = 2.0) -> None:
        """Wait until activities have left so many notes more; not for ever, all workers may just
        have been killed.
        """
        before, deadline = self.notes.stat().st_size, time.monotonic() + seconds
        while self.notes.stat().st_size - before < number * 20 and time.monotonic() < deadline:
            time.sleep(0.0005)

    def acknowledged(self) -> tuple[dict[str, list[int]], int]:
        """What the clients were told: the items of every instance, and how many signals."""
        items: dict[str, list[int]] = {}
        signals = 0
        for verb, *words in map(str.split, self.told.read_text().splitlines()):
            match verb:
                case "started":
                    items[words[0]] = []
                case "raised":
                    items[words[0]].append(int(words[1]))
                case "signalled":
                    signals += 1
        return items, signals

    def end(self) -> None:
        for process in (*self._workers, self._client):
            _kill(process)

    def _new_worker(self) -> subprocess.Popen[bytes]:
        words = ("-m", "durablectl", "worker", "--hub", str(self.path), "--app", str(self.folder))
        return subprocess.Popen(
            [sys.executable, *words],
            env=os.environ | {"NOTES": str(self.notes)},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )

    def _new_client(self) -> subprocess.Popen[bytes]:
        words = ("-m", "tests.engine.killed", str(self.path), f"c{next(self._names)}")
        with self.told.open("ab") as told:
            return subprocess.Popen(
                [sys.executable, *words], cwd=ROOT, stdout=told, stderr=subprocess.DEVNULL
            )


def _kill(process: subprocess.Popen[bytes]) -> None:
    process.kill()
    process.wait()


@pytest.fixture
def crowd(tmp_path: Path) -> Iterator[Crowd]:
    LocalTaskHub(tmp_path / "hub.db", create=True).close()
    crowd = Crowd(tmp_path)
    yield crowd
    crowd.end()


def test_nothing_acknowledged_is_lost_while_workers_and_clients_are_killed_at_random(
    crowd: Crowd, kills: int
) -> None:
    rng = random.Random(42)
    crowd.wait_for_notes(1, seconds=30)
    for _ in range(kills):
        crowd.wait_for_notes(rng.randrange(1, 40))
        crowd.kill_one(rng)
    crowd.kill_client()
    with LocalTaskHub(crowd.path) as hub:
        ids = [status.instance_id for status in list_instances(hub, InstanceFilter(name="work"))]
        items, signals = crowd.acknowledged()
        assert items
        assert set(items) <= set(ids)
        seen = {each: finished(hub, each) for each in ids}
        assert {
            each: seen[each]
            for each in items
            if seen[each] not in (items[each], range_after(items[each]))
        } == {}
        assert counted(hub, "works") == 2 * len(ids)
        assert signals <= counted(hub, "clients") <= signals + crowd.clients_killed
        check_notes(hub, crowd.notes, ids)
        assert check_hub(hub.database, datetime.now(UTC)).problems == ()


def finished(hub: LocalTaskHub, instance_id: str) -> list[int]:
    """The items that an instance has seen; it is told that there are no more, which its client may
    not have lived to do.
    """
    with suppress(WrongState):  # it was told
        hub.raise_event(instance_id, "Item", None)
    output: list[int] = wait_for_completion(hub, instance_id, timeout=60).output
    return output


def range_after(items: list[int]) -> list[int]:
    """With one more item: raised, and the client was killed before it was told so."""
    return list(range(min(len(items) + 1, ITEMS)))


def counted(hub: LocalTaskHub, key: str) -> int:
    """The state of a counter for which no message is left."""
    deadline = time.monotonic() + 30
    while hub.database.query("SELECT 1 FROM inbox LIMIT 1") and time.monotonic() < deadline:
        hub.pause(0.05)
    try:
        total: int = hub.get_entity(EntityId("counter", key))
    except EntityNotFound:  # no client lived to send it a signal
        return 0
    return total


def check_notes(hub: LocalTaskHub, notes: Path, ids: list[str]) -> None:
    """Every activity has run, and none once more after the run whose completion is in the
    history."""
    begun: defaultdict[str, list[int]] = defaultdict(list)
    for line in notes.read_text().splitlines():
        what, time_ = line.split()
        begun[what].append(int(time_))
    assert set(begun) == {f"{each}:{step}" for each in ids for step in STEPS}
    for each in ids:
        for execution in (each, f"{each}:child"):
            for event in Store(hub.database).history(execution):
                if isinstance(event, TaskCompleted):
                    again = [
                        moment
                        for moment in begun[json.loads(event.result or "")]
                        if moment > micros(event.timestamp)
                    ]
                    assert again == [], f"{event.result} ran again after it was done"
