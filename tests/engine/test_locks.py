"""Locks of entities, as the store keeps them: exclusive, and released however it ends."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from durablectl.df import EntityId
from durablectl.model import InstanceFilter
from tests.engine.crashing import crash
from tests.engine.dispatching import App, Dispatching
from tests.engine.locking import LockTask, add_account, transfer

A, B = EntityId("account", "a"), EntityId("account", "b")


@pytest.fixture
def bank(app: App) -> App:
    add_account(app)

    @app.orchestrator
    def moves(context: Any) -> Any:
        source, target, amount = context.get_input()
        wait = context.call_activity("greet", "x")
        accounts = EntityId("account", source), EntityId("account", target)
        return (yield from transfer(context, *accounts, amount, wait))

    @app.orchestrator
    def fails_inside(context: Any) -> Any:
        lock = LockTask([A, B])
        yield lock
        with lock.section(context):
            yield context.call_activity("fail", "inside")

    @app.orchestrator
    def keeps(_context: Any) -> Any:
        yield LockTask([B, A])
        raise ValueError("without a release")

    @app.orchestrator
    def holds(context: Any) -> Any:
        lock = LockTask([A, B])
        yield lock
        with lock.section(context):
            yield context.wait_for_external_event("release")

    @app.orchestrator
    def writes_and_waits(context: Any) -> Any:
        yield LockTask([A])
        version, _ = yield context.call_entity(A, "read")
        late = context.call_entity(A, "write", [version, 100])
        yield context.task_all([late, context.wait_for_external_event("never")])

    return app


@pytest.fixture
def locking(tmp_path: Path, bank: App) -> Iterator[Dispatching]:
    dispatching = Dispatching(tmp_path / "hub.db", bank)
    yield dispatching
    dispatching.close()


def left(dispatching: Dispatching) -> list[Any]:
    """Locks that somebody has, and messages that nobody has taken."""
    return dispatching.hub.database.query(
        "SELECT locked_by FROM entities WHERE locked_by IS NOT NULL UNION ALL SELECT event FROM inbox"
    )


def begin(dispatching: Dispatching) -> None:
    """Everything that takes the two locks, in both orders, and what goes on beside them."""
    hub = dispatching.hub
    for number, order in enumerate([["a", "b", 1], ["b", "a", 5], ["a", "b", 7]]):
        hub.start("moves", order, instance_id=f"m{number}")
        hub.signal_entity(A, "add", 100)
    hub.start("fails_inside", instance_id="fails")
    hub.start("keeps", instance_id="keeps")
    hub.start("holds", instance_id="held")
    hub.terminate(hub.start("holds", instance_id="terminated").id, "enough")
    hub.start("moves", ["b", "a", 10], instance_id="m3")
    hub.signal_entity(B, "add", 1000)
    hub.raise_event("held", "release")


@pytest.mark.parametrize("is_after", [False, True], ids=["before", "after"])
def test_a_crash_at_every_commit_keeps_the_locks_exclusive_and_releases_them(
    tmp_path: Path, bank: App, is_after: bool
) -> None:
    for at in range(1, 200):
        dispatching = Dispatching(tmp_path / f"{at}.db", bank)
        begin(dispatching)
        has_crashed = crash(dispatching, at, is_after)
        dispatching.process_until_quiet(dispatching.dispatcher())
        hub = dispatching.hub
        told = f"crash at commit {at}"
        assert hub.counts(InstanceFilter()) == {
            "Completed": 5,
            "Failed": 2,
            "Terminated": 1,
        }, told
        amounts = [hub.get_entity(each)[1] for each in (A, B)]
        assert amounts == [300 - 1 + 5 - 7 + 10, 1000 + 1 - 5 + 7 - 10], told
        assert left(dispatching) == [], told
        dispatching.close()
        if not has_crashed:
            return
    pytest.fail("the work never fitted into 200 commits")


@pytest.mark.parametrize("end", ["release", "terminate", "purge"])
def test_who_waits_gets_the_lock_when_the_other_one_ends(locking: Dispatching, end: str) -> None:
    hub, dispatcher = locking.hub, locking.dispatcher()
    hub.start("holds", instance_id="first")
    locking.process_until_quiet(dispatcher)
    hub.start("moves", ["b", "a", 1], instance_id="second")
    locking.process_until_quiet(dispatcher)
    assert hub.get_status("second").output is None
    if end == "release":
        hub.raise_event("first", "release")
    else:
        hub.terminate("first", "enough")
    locking.process_until_quiet(dispatcher)
    if end == "purge":
        hub.purge("first")
    assert hub.get_status("second").output == "moved"
    assert left(locking) == []


def test_what_a_terminated_one_has_sent_runs_before_the_next_ones_section(
    locking: Dispatching,
) -> None:
    hub, dispatcher = locking.hub, locking.dispatcher()
    hub.start("holds", instance_id="first")
    locking.process_until_quiet(dispatcher)
    with hub.group():
        hub.start("writes_and_waits", instance_id="one")
        hub.start("moves", ["b", "a", 1], instance_id="two")
    locking.process_until_quiet(dispatcher)
    hub.raise_event("first", "release")
    while not locking.hub.database.query("SELECT 1 FROM inbox WHERE event LIKE '%,100]%'"):
        dispatcher.process_next(locking.now)
    hub.terminate("one", "enough")
    locking.process_until_quiet(dispatcher)
    assert (hub.get_status("two").output, hub.get_entity(A)) == ("moved", [2, 101])
    assert left(locking) == []
