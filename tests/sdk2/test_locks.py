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
from durablectl.errors import WrongState
from durablectl.functionapp.loader import load_app
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from durablectl.testing import Durable
from tests.engine.crashing import crash
from tests.engine.dispatching import Dispatching
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


@pytest.mark.parametrize(("name", "told"), [("risks", "one"), ("risks_below", "below")])
def test_what_failed_in_a_section_is_not_rewound(bank: Durable, name: str, told: str) -> None:
    bank.mock("risky", raises=ValueError("no"))
    bank.run(name, "a", instance_id="one")
    bank.mock("risky", returns=None)
    with pytest.raises(WrongState, match=f"'{told}' failed while it had locked entities"):
        bank.hub.rewind("one")
    assert bank.status("one").runtime_status is RuntimeStatus.FAILED
    assert bank.run("transfer", ["a", "b", 1]).output == [-1, 1]


def test_what_failed_after_its_section_is_rewound(bank: Durable) -> None:
    bank.mock("risky", calls=lambda given: 1 / 0 if given == "after" else None)
    assert bank.run("risks", "a", instance_id="one").runtime_status is RuntimeStatus.FAILED
    bank.mock("risky", returns="done")
    bank.hub.rewind("one")
    assert bank.wait("one").output == "done"
    assert bank.hub.get_entity(A) == 1


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


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_commit_of_sections_loses_nothing(tmp_path: Path, is_after: bool) -> None:
    app: Any = load_app(APP)
    for at in range(1, 100):
        dispatching = Dispatching(tmp_path / f"{at}.db", app)
        for number, order in enumerate([["a", "b", 1], ["b", "a", 5]]):
            dispatching.hub.start("transfer", order, instance_id=f"t{number}")
        dispatching.hub.start("fails_inside", "a", instance_id="fails")
        dispatching.hub.start("ends_inside", "b", instance_id="ends")
        has_crashed = crash(dispatching, at, is_after)
        dispatching.process_until_quiet(dispatching.dispatcher())
        told = f"crash at commit {at}"
        assert dispatching.hub.counts() == {"Completed": 3, "Failed": 1}, told
        assert [dispatching.hub.get_entity(each) for each in (A, B)] == [4, -4], told
        assert dispatching.hub.database.query("SELECT event FROM inbox") == [], told
        dispatching.close()
        if not has_crashed:
            return
    pytest.fail("the work never fitted into 100 commits")


def test_a_lock_of_an_entity_that_the_app_lacks_waits_and_doctor_names_it(tmp_path: Path) -> None:
    def durablectl(*words: str) -> str:
        command = [sys.executable, "-m", "durablectl", *words, "--hub", "hub.db"]
        command += ["--app", str(APP)]
        done = subprocess.run(
            command, cwd=tmp_path, check=False, timeout=60, capture_output=True, text=True
        )
        return done.stdout + done.stderr

    durablectl("start", "locks_unknown", "--input-json", '"k"', "--instance-id", "one")
    durablectl("worker", "--until-idle", "-q")
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        assert hub.get_status("one").runtime_status is RuntimeStatus.RUNNING
    assert "1 waits for the entity 'ghost'" in durablectl("doctor")


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
