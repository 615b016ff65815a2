"""What must be in a hub after a power cut, and what must become of it; judged by the notes that
clients made before.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.store.maintenance import check_hub
from durablectl.engine.worker.worker import Worker, WorkerCallbacks
from durablectl.errors import EntityNotFound
from durablectl.model import EntityId, InstanceFilter, InstanceStatus, RuntimeStatus
from tests.powerloss.recording import CLIENTS

SECONDS = 20.0


@dataclass(slots=True)
class Notes:
    """What clients had tried, and what had been acknowledged to them; (what, whom) -> numbers or
    outputs, in order.
    """

    tried: dict[tuple[str, str], list[Any]] = field(default_factory=dict)
    acknowledged: dict[tuple[str, str], list[Any]] = field(default_factory=dict)

    @staticmethod
    def read(lines: Iterable[str]) -> Notes:
        notes = Notes()
        for stage, what, whom, value in map(json.loads, lines):
            (notes.tried if stage == "try" else notes.acknowledged).setdefault(
                (what, whom), []
            ).append(value)
        return notes

    def whom(self, what: str, *, acknowledged: bool) -> set[str]:
        return {
            whom
            for each, whom in (self.acknowledged if acknowledged else self.tried)
            if each == what
        }

    def check(self, what: str, whom: str, seen: list[Any]) -> None:
        """`seen` holds what was acknowledged and perhaps what else was tried, each once, in the
        order in which it was tried.
        """
        tried, acknowledged = (
            self.tried.get((what, whom), []),
            self.acknowledged.get((what, whom), []),
        )
        assert seen == [each for each in tried if each in seen], f"{what} {whom}: {seen} of {tried}"
        assert set(acknowledged) <= set(seen), (
            f"{what} {whom}: {acknowledged} were acknowledged, {seen} are there"
        )


def check_survivor(path: Path, notes: Notes, app: Registry) -> None:
    """Open the hub as the next process does, judge what is there, let a worker bring all of it to
    its end, and judge that.
    """
    if not path.exists():
        assert not notes.acknowledged, "the hub is gone"
        return
    with LocalTaskHub(path) as hub:
        problems = check_hub(hub.database, datetime.now(UTC)).problems
        assert problems == ()
        found = instances(hub)
        missing = notes.whom("start", acknowledged=True) - set(found)
        assert not missing, f"acknowledged and lost: {missing}"
        for (what, whom), (output, *_) in notes.acknowledged.items():
            assert what != "end" or (found[whom].runtime_status, found[whom].output) == (
                RuntimeStatus.COMPLETED,
                output,
            ), f"{whom} had ended"
        finish(hub, [each for each in found if "-collect-" in each], app)
        check_ends(hub, notes)


def finish(hub: LocalTaskHub, collecting: Iterable[str], app: Registry) -> None:
    for each in collecting:
        hub.raise_event(each, "Tick")
    told: list[str] = []
    worker = Worker(hub.database, app, skips_timers=True, callbacks=WorkerCallbacks(told.append))
    worker.start()
    is_idle = worker.wait_until_idle(SECONDS)
    worker.stop()
    assert (is_idle, told) == (True, [])


def check_ends(hub: LocalTaskHub, notes: Notes) -> None:
    found = instances(hub)
    assert {status.runtime_status for status in found.values()} <= {RuntimeStatus.COMPLETED}
    works = {each for each in found if "collect" not in each and ":" not in each}
    for each in works:
        assert found[each].output == [each, [0, 1, 2], f"{each}:child"]
    assert sorted(state(hub, "work")) == sorted(works)
    for each in found.keys() - works:
        if "-collect-" in each:
            notes.check("tick", each, found[each].output)
    for name in CLIENTS:
        notes.check("signal", name, state(hub, name))


def instances(hub: LocalTaskHub) -> dict[str, InstanceStatus]:
    return {
        each.instance_id: each
        for each in hub.list_page(InstanceFilter(), top=10_000).items
        if not each.instance_id.startswith("@")
    }


def state(hub: LocalTaskHub, key: str) -> list[Any]:
    try:
        found: list[Any] = hub.get_entity(EntityId("ledger", key))
    except EntityNotFound:
        return []
    return found
