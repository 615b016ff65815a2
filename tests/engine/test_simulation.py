"""The promises hold in simulated worlds, and what the simulation has found stays mended."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path
from random import Random
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.leases import LEASE_SECONDS
from durablectl.errors import AlreadyExists, OutcomeUnknown
from durablectl.model import EntityId, RuntimeStatus
from tests.engine.dispatching import T0, App, Dispatching
from tests.simulate.__main__ import simulate
from tests.simulate.network import Network
from tests.simulate.scripts import Expected

SEEDS = range(40)


@pytest.mark.parametrize("seed", SEEDS)
def test_a_simulated_world_breaks_no_promise(seed: int) -> None:
    simulate(seed, steps=150)


@pytest.mark.parametrize("seed", [7, 8], ids=["on the file", "over the network"])
def test_a_seed_tells_the_same_story_again(seed: int) -> None:
    assert simulate(seed).story == simulate(seed).story


def test_a_start_over_a_network_that_loses_and_doubles_happens_once(tmp_path: Path) -> None:
    lost = 0
    for seed in range(40):
        network = Network(LocalTaskHub(tmp_path / "hub.db", create=True), Random(seed), lambda: T0)
        instance_id, is_told = f"i{seed}", False
        with suppress(OutcomeUnknown, AlreadyExists):
            network.hub.start("script", [[], []], instance_id=instance_id)
            is_told = True
        network.deliver_late()
        started = network.accepted.count(("start", instance_id, None))
        lost += started and not is_told
        network.close()
        assert is_told <= started <= 1, f"seed {seed}"
    assert lost > 0


def test_a_wrong_output_is_noticed() -> None:
    script = Expected([["do", 1], ["take", "Item"]], items=["a"])
    assert script.mismatch(["did 1", "a"]) is None
    assert script.mismatch(["did 1", "b"]) == "step ['take', 'Item'] gave 'b' instead of 'a'"
    assert script.mismatch(["did 1"]) is not None


def activities(dispatching: Dispatching) -> list[Any]:
    return dispatching.hub.database.query("SELECT task_id, worker FROM activities")


def test_a_result_for_an_instance_that_another_worker_holds_ends_the_activity(
    dispatching: Dispatching,
) -> None:
    dispatching.hub.start("fan_out", 20, instance_id="f")
    holder, other = dispatching.dispatcher(), dispatching.dispatcher()
    holder.process_next(dispatching.now)
    holder.process_next(dispatching.now)  # schedules 20, leases what it has room for
    while other.process_next(dispatching.now) or other.is_working:
        other.scale_up()
    assert [row for row in activities(dispatching) if row[1] == other.lease.key] == []
    dispatching.process_until_quiet(holder, other)
    assert activities(dispatching) == []


def test_a_batch_begun_under_a_lost_session_changes_nothing(tmp_path: Path, app: App) -> None:
    dispatching = Dispatching(tmp_path / "hub.db", app)
    counter = EntityId("counter", "k")
    dispatching.hub.signal_entity(counter, "add", 1)
    stalled = dispatching.dispatcher()
    stalled.process_next(dispatching.now)  # dispatches the batch
    second = dispatching.dispatcher()
    dispatching.advance(LEASE_SECONDS + 1)
    assert dispatching.patrol(second)
    dispatching.process_until_quiet(second)
    dispatching.hub.signal_entity(counter, "add", 10)
    dispatching.process_until_quiet(second)
    # a worker that was taken over goes on with its threads
    third = dispatching.dispatcher(pool=stalled._pool)
    dispatching.process_until_quiet(third, second)
    assert dispatching.hub.get_entity(counter) == 11
    dispatching.close()


def test_a_finished_instance_is_not_leased_by_what_comes_too_late(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.hub.raise_event("a", "Other", 2)
    dispatching.process_until_quiet(dispatcher)
    with dispatching.hub.database.transaction() as sql:
        sql.execute(
            "INSERT INTO inbox (instance, visible_at, at, event) SELECT key, 0, 0, "
            "'[15,0,\"Late\",null]' FROM instances"
        )
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.database.query(
        "SELECT worker, (SELECT count(*) FROM inbox) FROM instances"
    ) == [(None, 0)]


def test_activities_of_a_dead_worker_are_taken_over_by_who_finds_it(
    dispatching: Dispatching,
) -> None:
    survivor, dead = dispatching.dispatcher(), dispatching.dispatcher()
    dispatching.hub.start("fan_out", 3, instance_id="f")
    for _ in range(2):  # takes it on, schedules its activities
        dead.process_next(dispatching.now)
    dispatching.process_until_quiet(survivor)
    dead.lease.abandon()  # killed
    assert survivor.lease.free_dead_workers(dispatching.now)
    survivor.fetch_again()
    dispatching.process_until_quiet(survivor)
    assert dispatching.hub.get_status("f").output == ["Hello 0!", "Hello 1!", "Hello 2!"]


@pytest.fixture
def is_mended(app: App) -> list[bool]:
    """The app has an activity `fragile`, which fails while this is empty."""
    is_mended: list[bool] = []

    @app.activity
    def fragile(_n: int) -> str:
        if not is_mended:
            raise ValueError("out of order")
        return "done"

    return is_mended


def test_a_rewind_keeps_a_timer_that_the_code_had_set_to_now(
    dispatching: Dispatching, app: App, is_mended: list[bool]
) -> None:
    @app.orchestrator
    def naps(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime)
        return (yield context.call_activity("fragile", 1))

    dispatcher = dispatching.dispatcher()
    assert (
        dispatching.run(dispatcher, "naps", instance_id="n").runtime_status is RuntimeStatus.FAILED
    )
    is_mended.append(True)
    dispatching.hub.rewind("n")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("n").output == "done"


def test_a_rewind_keeps_a_failure_that_was_caught_before_a_child_failed(
    dispatching: Dispatching, app: App, is_mended: list[bool]
) -> None:
    @app.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity("fragile", 1))

    @app.orchestrator
    def careful(context: Any) -> Any:
        with suppress(Exception):
            yield context.call_activity("fail", "caught")
        return (yield context.call_sub_orchestrator("child"))

    dispatcher = dispatching.dispatcher()
    assert (
        dispatching.run(dispatcher, "careful", instance_id="c").runtime_status
        is RuntimeStatus.FAILED
    )
    is_mended.append(True)
    dispatching.hub.rewind("c")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("c").output == "done"
