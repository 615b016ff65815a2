"""Critical sections: an orchestration that has locked entities is alone with them."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl import judge
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.maintenance import check_hub
from durablectl.errors import WrongState
from durablectl.functionapp.loader import load_app
from durablectl.model import EntityId, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
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


def test_what_raised_in_its_section_fails_again_after_a_rewind_as_it_did(bank: Durable) -> None:
    bank.run("fails_inside", "a", instance_id="one")
    code = bank._registry.orchestrators.get("fails_inside")
    assert code is not None
    for _ in range(2):
        bank.hub.rewind("one")
        assert bank.wait("one").runtime_status is RuntimeStatus.FAILED
        assert judge(bank.history("one"), code).fits
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


class Workers:
    """Three workers on a hub in `folder`; who is killed is replaced at once."""

    def __init__(self, folder: Path, hub: LocalTaskHub) -> None:
        self.folder, self._hub = folder, hub
        self._workers = [self._new() for _ in range(3)]

    def kill_one(self, rng: random.Random) -> None:
        """Kill one with SIGKILL, a random number of episodes from now."""
        wanted = self._episodes() + rng.randrange(1, 40)
        deadline = time.monotonic() + 30
        while self._episodes() < wanted and time.monotonic() < deadline:
            self._hub.pause(0.5)
        number = rng.randrange(3)
        self._end(self._workers[number])
        self._workers[number] = self._new()

    def end(self) -> None:
        for each in self._workers:
            self._end(each)

    def _episodes(self) -> int:
        ((number,),) = self._hub.database.query("SELECT count(*) FROM history")
        return int(number)

    def _new(self) -> subprocess.Popen[bytes]:
        command = [sys.executable, "-m", "durablectl", "worker", "--hub", "hub.db", "-q"]
        return subprocess.Popen([*command, "--app", str(APP)], cwd=self.folder)

    def _end(self, worker: subprocess.Popen[bytes]) -> None:
        worker.kill()
        worker.wait()


def left(hub: LocalTaskHub) -> list[Any]:
    """Locks that somebody has, and messages that no worker has taken."""
    return hub.database.query(
        "SELECT locked_by FROM entities WHERE locked_by IS NOT NULL "
        "UNION ALL SELECT event FROM inbox"
    )


def test_sections_of_workers_that_are_killed_at_random_exclude_each_other(
    tmp_path: Path, kills: int
) -> None:
    rng = random.Random(42)
    pairs = [["a", "b", 1], ["b", "a", 2], ["b", "c", 3], ["c", "a", 1]] * 4
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        ids = hub.start_many([("transfer", each, None) for each in pairs])
        workers = Workers(tmp_path, hub)
        try:
            for _ in range(kills):
                ids += hub.start_many([("transfer", each, None) for each in pairs])
                workers.kill_one(rng)
            ended = [wait_for_completion(hub, each, timeout=60).runtime_status for each in ids]
            deadline = time.monotonic() + 30
            while left(hub) and time.monotonic() < deadline:  # the last releases are on their way
                hub.pause(0.5)
        finally:
            workers.end()
        assert set(ended) == {RuntimeStatus.COMPLETED}
        found = [hub.get_entity(EntityId("account", key)) for key in "abc"]
        assert found == [(kills + 1) * 4 * each for each in (-1 + 2 + 1, 1 - 2 - 3, 3 - 1)]
        assert left(hub) == []
        assert check_hub(hub.database, datetime.now(UTC)).problems == ()
