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
from tests.engine.turning import T0, App, Turning
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


def activities(turning: Turning) -> list[Any]:
    return turning.hub.database.query("SELECT task_id, worker FROM activities")


def test_a_result_for_an_instance_that_another_worker_holds_ends_the_activity(
    turning: Turning,
) -> None:
    turning.hub.start("fan_out", 20, instance_id="f")
    holder, other = turning.wheel(), turning.wheel()
    holder.turn(turning.now)
    holder.turn(turning.now)  # schedules 20, leases what it has room for
    while other.turn(turning.now) or other.is_working:
        other.tend()
    assert [row for row in activities(turning) if row[1] == other.session.key] == []
    turning.turn_until_quiet(holder, other)
    assert activities(turning) == []


def test_a_batch_begun_under_a_lost_session_changes_nothing(tmp_path: Path, app: App) -> None:
    turning = Turning(tmp_path / "hub.db", app)
    counter = EntityId("counter", "k")
    turning.hub.signal_entity(counter, "add", 1)
    stalled = turning.wheel()
    stalled.turn(turning.now)  # dispatches the batch
    second = turning.wheel()
    turning.advance(LEASE_SECONDS + 1)
    assert turning.patrol(second)
    turning.turn_until_quiet(second)
    turning.hub.signal_entity(counter, "add", 10)
    turning.turn_until_quiet(second)
    # a worker that was taken over goes on with its threads
    third = turning.wheel(pool=stalled._pool)
    turning.turn_until_quiet(third, second)
    assert turning.hub.get_entity(counter) == 11
    turning.close()


def test_a_finished_instance_is_not_leased_by_what_comes_too_late(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.hub.raise_event("a", "Approve", 1)
    turning.hub.raise_event("a", "Other", 2)
    turning.turn_until_quiet(wheel)
    with turning.hub.database.transaction() as sql:
        sql.execute(
            "INSERT INTO inbox (instance, visible_at, at, event) SELECT key, 0, 0, "
            "'[15,0,\"Late\",null]' FROM instances"
        )
    turning.turn_until_quiet(wheel)
    assert turning.hub.database.query(
        "SELECT worker, (SELECT count(*) FROM inbox) FROM instances"
    ) == [(None, 0)]


def test_activities_of_a_dead_worker_are_taken_over_by_who_finds_it(turning: Turning) -> None:
    survivor, dead = turning.wheel(), turning.wheel()
    turning.hub.start("fan_out", 3, instance_id="f")
    for _ in range(2):  # takes it on, schedules its activities
        dead.turn(turning.now)
    turning.turn_until_quiet(survivor)
    dead.session.abandon()  # killed
    assert survivor.session.free_dead_workers(turning.now)
    survivor.look_again()
    turning.turn_until_quiet(survivor)
    assert turning.hub.get_status("f").output == ["Hello 0!", "Hello 1!", "Hello 2!"]


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
    turning: Turning, app: App, is_mended: list[bool]
) -> None:
    @app.orchestrator
    def naps(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime)
        return (yield context.call_activity("fragile", 1))

    wheel = turning.wheel()
    assert turning.run(wheel, "naps", instance_id="n").runtime_status is RuntimeStatus.FAILED
    is_mended.append(True)
    turning.hub.rewind("n")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("n").output == "done"


def test_a_rewind_keeps_a_failure_that_was_caught_before_a_child_failed(
    turning: Turning, app: App, is_mended: list[bool]
) -> None:
    @app.orchestrator
    def child(context: Any) -> Any:
        return (yield context.call_activity("fragile", 1))

    @app.orchestrator
    def careful(context: Any) -> Any:
        with suppress(Exception):
            yield context.call_activity("fail", "caught")
        return (yield context.call_sub_orchestrator("child"))

    wheel = turning.wheel()
    assert turning.run(wheel, "careful", instance_id="c").runtime_status is RuntimeStatus.FAILED
    is_mended.append(True)
    turning.hub.rewind("c")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("c").output == "done"
