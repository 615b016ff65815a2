"""Critical sections: an orchestration that has locked entities is alone with them."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from durablectl.testing import Durable
from tests.sdk2.conftest import HERE

APP = HERE / "locking"
A, B = EntityId("account", "a"), EntityId("account", "b")


@pytest.fixture
def bank() -> Iterator[Durable]:
    with Durable() as durable:
        yield durable.app(APP)


def balances(durable: Durable) -> list[Any]:
    return [durable.hub.get_entity(each) for each in (A, B)]


def test_a_section_calls_its_entities_and_ends(bank: Durable) -> None:
    assert bank.run("transfer", ["a", "b", 5]).output == [-5, 5]
    assert bank.run("transfer", ["b", "a", 1]).output == [4, -4]


def test_who_comes_second_waits_for_the_release(bank: Durable) -> None:
    first = bank.start("holds", "a")
    second = bank.start("transfer", ["a", "b", 1])
    assert bank.status(second).runtime_status is RuntimeStatus.RUNNING
    bank.raise_event(first, "release")
    assert bank.status(second).output == [-1, 1]


def test_calls_and_signals_of_others_wait_in_their_order(bank: Durable) -> None:
    first = bank.start("holds", "a")
    bank.hub.signal_entity(A, "note", 1)
    called = bank.start("reads", "a")
    bank.hub.signal_entity(A, "note", 2)
    assert bank.status(called).runtime_status is RuntimeStatus.RUNNING
    bank.raise_event(first, "release")
    assert bank.status(called).output == 1
    assert bank.hub.get_entity(A) == 2


def test_locks_in_different_order_do_not_block_each_other(bank: Durable) -> None:
    running = [bank.start("slow", pair) for pair in (["a", "b"], ["b", "a"])]
    bank.advance(timedelta(minutes=1))
    assert [bank.status(each).output for each in running] == ["done", "done"]


@pytest.mark.parametrize("name", ["fails_inside", "ends_inside", "continues_inside"])
def test_a_lock_ends_with_the_orchestration(bank: Durable, name: str) -> None:
    bank.run(name, "a")
    assert bank.run("transfer", ["a", "b", 1]).output == [-1, 1]


def test_a_lock_ends_with_a_termination(bank: Durable) -> None:
    first = bank.start("holds", "a")
    second = bank.start("transfer", ["a", "b", 1])
    bank.hub.terminate(first, "enough")
    assert bank.wait(second).output == [-1, 1]


def test_who_was_terminated_while_it_waited_gets_no_lock(bank: Durable) -> None:
    first, second = bank.start("holds", "a"), bank.start("holds", "a")
    bank.hub.terminate(second, "enough")
    bank.status(second)
    bank.raise_event(first, "release")
    assert bank.run("transfer", ["a", "b", 1]).output == [-1, 1]


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("locks_twice", "Must not enter another critical section"),
        ("calls_another", "if it is not one of the locked entities"),
    ],
)
def test_what_a_section_must_not_do_fails_it(bank: Durable, name: str, text: str) -> None:
    assert text in bank.run(name, "a").output
    assert bank.run("transfer", ["a", "b", 1]).output == [-1, 1]


def test_under_load_and_killed_workers_nothing_is_lost_or_made_twice(tmp_path: Path) -> None:
    path = tmp_path / "hub.db"
    with LocalTaskHub(path, create=True) as hub:
        pairs = [["a", "b", 1], ["b", "a", 2], ["b", "c", 3], ["c", "a", 1]] * 10
        ids = hub.start_many([("transfer", each, None) for each in pairs])
        command = [sys.executable, "-m", "durablectl", "worker", "--hub", str(path)]
        command += ["--app", str(APP), "--until-idle", "-q"]
        for _ in range(4):
            workers = [subprocess.Popen(command, cwd=tmp_path) for _ in range(2)]
            wanted = min(len(ids), hub.counts().get("Completed", 0) + 6)
            while hub.counts().get("Completed", 0) < wanted:
                hub.pause(0.05)
            for each in workers:
                os.kill(each.pid, signal.SIGKILL)
                each.wait()
        subprocess.run(command, cwd=tmp_path, check=True, timeout=60)
        assert hub.counts(InstanceFilter()) == {"Completed": 40}
        found = {key: hub.get_entity(EntityId("account", key)) for key in "abc"}
        assert found == {"a": 10 * (-1 + 2 + 1), "b": 10 * (1 - 2 - 3), "c": 10 * (3 - 1)}
