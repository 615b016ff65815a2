"""Who waits for an instance is woken by the commit that ends it, and at once when that was before."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.server.completion_watcher import Waits


@pytest.fixture
def hub(tmp_path: Path) -> Iterator[LocalTaskHub]:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        yield hub


def test_the_commit_that_ends_an_instance_wakes(hub: LocalTaskHub) -> None:
    hub.start("unknown", instance_id="one")
    waits, woken = Waits(hub), threading.Event()
    assert waits.add("one", woken.set)
    assert not woken.is_set()
    with hub.database.transaction() as connection:
        connection.execute("UPDATE instances SET status = 1")  # as a worker does
    assert woken.wait(5)
    waits.stop()


def test_what_has_ended_or_is_gone_wakes_at_once(hub: LocalTaskHub) -> None:
    waits, woken = Waits(hub), threading.Event()
    assert waits.add("gone", woken.set)
    assert woken.is_set()
    waits.stop()
