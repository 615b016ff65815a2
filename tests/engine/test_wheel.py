"""What the wheel promises, turned by hand on real files."""

from __future__ import annotations

import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import LEASE_SECONDS, SIGN_SECONDS, LeaseLost
from durablectl.errors import EntityNotFound, HubUnusable, InstanceNotFound, WrongState
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from tests.engine.turning import App, Turning


def test_a_sequence_runs_to_its_end(turning: Turning) -> None:
    status = turning.run(turning.wheel(), "sequence", ["Oslo"])
    assert (status.runtime_status, status.output) == (RuntimeStatus.COMPLETED, ["Hello Oslo!"])


def test_a_fan_out_keeps_the_order_of_its_tasks(turning: Turning) -> None:
    status = turning.run(turning.wheel(), "fan_out", 200)
    assert status.output == [f"Hello {n}!" for n in range(200)]


def test_async_activities_run_beside_the_others(turning: Turning, app: App) -> None:
    @app.orchestrator
    def both(context: Any) -> Any:
        return (
            yield context.task_all(
                [context.call_activity("greet", 1), context.call_activity("greet_async", 2)]
            )
        )

    assert turning.run(turning.wheel(), "both").output == ["Hello 1!", "Hello 2!"]


def test_a_failed_activity_fails_the_instance_with_its_reason(turning: Turning) -> None:
    status = turning.run(turning.wheel(), "failing")
    assert status.runtime_status is RuntimeStatus.FAILED
    assert status.output.startswith(
        "Orchestrator function 'failing' failed: Activity function "
        "'fail' failed:  ValueError: no luck"
    )


def test_a_timer_fires_when_it_is_due_and_not_before(turning: Turning) -> None:
    wheel = turning.wheel()
    assert (
        turning.run(wheel, "sleeper", 60, instance_id="s").runtime_status is RuntimeStatus.RUNNING
    )
    turning.advance(59.9)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("s").runtime_status is RuntimeStatus.RUNNING
    turning.advance(0.1)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("s").output == "woke"


def test_an_event_raised_before_the_start_is_processed_is_kept(turning: Turning) -> None:
    turning.hub.start("approval", instance_id="a")
    turning.hub.raise_event("a", "approve", {"by": "ada"})
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("a").output == {"by": "ada"}


def test_events_are_kept_over_continue_as_new_in_their_order(turning: Turning) -> None:
    turning.hub.start("ticks", [], instance_id="t")
    for number in (1, 2, 3):
        turning.hub.raise_event("t", "Tick", number)
    turning.turn_until_quiet(turning.wheel())
    status = turning.hub.get_status("t", show_history=True)
    assert (status.input, status.output) == ([1, 2], [1, 2, 3])
    assert [event.event_type for event in status.history or ()] == [
        "ExecutionStarted",
        "EventRaised",
        "ExecutionCompleted",
    ]


def test_a_child_answers_its_parent(turning: Turning) -> None:
    status = turning.run(turning.wheel(), "parent", ["sequence", ["Oslo"], "kid"])
    assert status.output == ["Hello Oslo!"]
    assert turning.hub.get_status("kid").runtime_status is RuntimeStatus.COMPLETED


def test_a_failed_child_fails_its_parent(turning: Turning) -> None:
    status = turning.run(turning.wheel(), "parent", ["failing", None, "kid"])
    assert status.runtime_status is RuntimeStatus.FAILED
    assert (
        "Orchestrator function 'failing' failed: Activity function 'fail' failed:  ValueError: "
        "no luck"
    ) in status.output


def test_52_a_child_id_in_use_fails_the_callers_task(turning: Turning) -> None:
    turning.hub.start("approval", instance_id="kid")
    status = turning.run(turning.wheel(), "parent", ["sequence", None, "kid"])
    assert "An Orchestration instance with the status Running already exists." in status.output


@pytest.mark.parametrize("call", [["sequence_typo", None, "kid"]], ids=["sub-orchestrator"])
def test_33_an_unknown_function_fails_the_caller(turning: Turning, call: list[Any]) -> None:
    status = turning.run(turning.wheel(), "parent", call)
    assert (
        "The function 'sequence_typo' doesn't exist, is disabled, or is not an orchestrator "
        "function."
    ) in status.output


def test_33_an_unknown_activity_fails_the_caller(turning: Turning, app: App) -> None:
    @app.orchestrator
    def unknown(context: Any) -> Any:
        yield context.call_activity("greed", 1)

    status = turning.run(turning.wheel(), "unknown")
    assert (
        "The function 'greed' doesn't exist, is disabled, or is not an activity function."
        in status.output
    )


def test_33_an_unknown_activity_fails_the_caller_also_after_its_worker_died(
    turning: Turning, app: App
) -> None:
    @app.orchestrator
    def unknown(context: Any) -> Any:
        yield context.call_activity("greed", 1)

    dead = turning.wheel()
    turning.hub.start("unknown", instance_id="u")
    for _ in range(2):  # takes it on, schedules the activity
        dead.turn(turning.now)
    dead.session.abandon()  # killed before the failure was written
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("u").runtime_status is RuntimeStatus.FAILED


def test_60_terminate_ends_an_instance_with_its_reason(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "sleeper", 60, instance_id="s")
    turning.hub.terminate("s", "enough")
    turning.turn_until_quiet(wheel)
    status = turning.hub.get_status("s")
    assert (status.runtime_status, status.output) == (RuntimeStatus.TERMINATED, "enough")


def test_63_a_suspended_instance_holds_its_events_until_it_is_resumed(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.hub.suspend("a", "wait")
    turning.hub.raise_event("a", "Approve", 1)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("a").runtime_status is RuntimeStatus.SUSPENDED
    turning.hub.resume("a")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("a").output == 1


def test_70_operations_of_an_entity_run_in_order(turning: Turning) -> None:
    wheel, counter = turning.wheel(), EntityId("Counter", "k")
    for number in (1, 2, 3):
        turning.hub.signal_entity(counter, "add", number)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_entity(counter) == 6
    assert [entity.state for entity in turning.hub.list_entities(fetch_state=True)] == [6]


def test_71_an_orchestrator_signals_and_calls_an_entity(turning: Turning) -> None:
    assert turning.run(turning.wheel(), "counted", "k").output == 2


def test_73_a_deleted_entity_is_gone(turning: Turning) -> None:
    wheel, counter = turning.wheel(), EntityId("counter", "k")
    turning.hub.signal_entity(counter, "add", 1)
    turning.hub.delete_entity(counter)
    turning.turn_until_quiet(wheel)
    with pytest.raises(EntityNotFound):
        turning.hub.get_entity(counter)
    assert turning.hub.list_entities().items == ()


def test_64_rewind_tries_the_failed_steps_again(turning: Turning, app: App) -> None:
    tries: list[str] = []

    @app.activity
    def fail_once(name: str) -> str:
        tries.append(name)
        if len(tries) == 1:
            raise RuntimeError("first try")
        return "second try"

    @app.orchestrator
    def flaky(context: Any) -> Any:
        yield context.call_activity("greet", "first")
        return (yield context.call_activity("fail_once", "x"))

    wheel = turning.wheel()
    assert (
        turning.run(wheel, "parent", ["flaky", None, "kid"], instance_id="p").runtime_status
        is RuntimeStatus.FAILED
    )
    turning.hub.rewind("p", "fixed")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("p").output == "second try"


def test_what_a_dead_worker_held_goes_on_at_once(turning: Turning) -> None:
    first = turning.wheel()
    turning.run(first, "approval", instance_id="a")
    first.session.abandon()  # what the system does with the lock of a killed process
    turning.hub.raise_event("a", "Approve", "yes")
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("a").output == "yes"


def test_a_stalled_worker_is_refused_after_a_takeover_and_writes_nothing(turning: Turning) -> None:
    stalled = turning.wheel()
    turning.run(stalled, "approval", instance_id="a")
    second = turning.wheel()
    turning.advance(LEASE_SECONDS + 1)
    assert turning.patrol(second)
    turning.hub.raise_event("a", "Approve", 1)
    with pytest.raises(LeaseLost):
        stalled.turn(turning.now)
    turning.turn_until_quiet(second)
    assert turning.hub.get_status("a").output == 1


def test_a_clock_that_jumps_makes_no_worker_look_stalled(turning: Turning) -> None:
    first, second = turning.wheel(), turning.wheel()
    turning.run(first, "approval", instance_id="a")
    turning.now += timedelta(days=1)
    assert not turning.patrol(second)
    turning.hub.raise_event("a", "Approve", 1)
    turning.turn_until_quiet(first)
    assert turning.hub.get_status("a").output == 1


def test_a_worker_at_work_is_not_taken_for_a_stalled_one(turning: Turning) -> None:
    busy, second = turning.wheel(), turning.wheel()
    for number in range(LEASE_SECONDS):
        turning.advance(SIGN_SECONDS + 0.1)
        turning.run(busy, "sequence", ["Oslo"], instance_id=f"s{number}")
        assert not turning.patrol(second)


def test_a_worker_that_leaves_gives_back_what_it_held(turning: Turning) -> None:
    first = turning.wheel()
    turning.run(first, "approval", instance_id="a")
    first.close()
    row = Store(turning.hub.database).get("a")
    assert row.worker is None


def test_idle_workers_leave_a_sign_of_life_now_and_then_and_write_nothing_else(
    turning: Turning,
) -> None:
    wheels = [turning.wheel(), turning.wheel()]
    turning.run(wheels[0], "approval", instance_id="a")
    commits = set()
    for _ in range(20):
        for wheel in wheels:
            turning.advance(0.01)
            wheel.turn(turning.now)
            commits.add(turning.hub.changes())
    assert len(commits) <= 2
    turning.advance(LEASE_SECONDS - 1)
    for wheel in wheels:
        wheel.look_again()
        wheel.turn(turning.now)
    turning.advance(2)
    assert not turning.patrol(wheels[0])


def test_two_workers_share_the_activities_and_run_each_once(turning: Turning, app: App) -> None:
    ran: list[int] = []

    @app.activity
    def note(number: int) -> int:
        ran.append(number)
        return number

    @app.orchestrator
    def notes(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("note", n) for n in range(100)]))

    turning.hub.start("notes", instance_id="n")
    turning.turn_until_quiet(turning.wheel(), turning.wheel())
    assert turning.hub.get_status("n").output == sorted(ran) == list(range(100))


def test_an_evicted_instance_goes_on_from_its_history(turning: Turning) -> None:
    wheel = turning.wheel(most_kept=1)
    for name in ("a", "b", "c"):
        turning.hub.start("approval", instance_id=name)
    turning.turn_until_quiet(wheel)
    for name in ("a", "b", "c"):
        turning.hub.raise_event(name, "Approve", name)
    turning.turn_until_quiet(wheel)
    assert [turning.hub.get_status(name).output for name in ("a", "b", "c")] == ["a", "b", "c"]


def test_an_instance_that_its_app_does_not_know_stays_pending(turning: Turning) -> None:
    assert turning.run(turning.wheel(), "unheard_of").runtime_status is RuntimeStatus.PENDING


def test_a_worker_that_fails_the_unknown_says_what_the_service_says(turning: Turning) -> None:
    status = turning.run(turning.wheel(fails_unknown=True), "unheard_of")
    assert status.output.startswith(
        "Orchestrator function 'unheard_of' failed: The function "
        "'unheard_of' doesn't exist, is disabled"
    )


def test_68_a_recursive_purge_takes_the_children_and_a_plain_one_leaves_them(
    turning: Turning,
) -> None:
    wheel = turning.wheel()
    for name in ("a", "b"):
        turning.run(
            wheel,
            "parent",
            ["parent", ["sequence", None, f"{name}:kid:kid"], f"{name}:kid"],
            instance_id=name,
        )
    assert (turning.hub.purge("a"), turning.hub.purge("b", recursive=True)) == (1, 3)
    assert sorted(status.instance_id for status in turning.hub.list_page(InstanceFilter())) == [
        "a:kid",
        "a:kid:kid",
    ]


def test_68_instances_that_are_purged_together_fare_as_one_by_one(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["sequence", None, "a:kid"], instance_id="a")
    turning.run(wheel, "parent", ["sequence", None, "b:kid"], instance_id="b")
    turning.run(wheel, "parent", ["approval", None, "c:kid"], instance_id="c")
    outcomes = turning.hub.purge_many(["a", "a:kid", "b:kid", "b", "c", "gone"], recursive=True)
    told = [each if isinstance(each, int) else type(each) for each in outcomes]
    assert told == [2, InstanceNotFound, 1, 1, WrongState, InstanceNotFound]
    assert sorted(status.instance_id for status in turning.hub.list_page(InstanceFilter())) == [
        "c",
        "c:kid",
    ]


def test_68_a_recursive_purge_deletes_nothing_while_a_child_runs(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["approval", None, "kid"], instance_id="p")
    turning.hub.terminate("p")
    turning.turn_until_quiet(wheel)
    with pytest.raises(WrongState, match="instance 'kid' is Running"):
        turning.hub.purge("p", recursive=True)
    assert turning.hub.get_status("p").is_final


def test_a_scoped_worker_takes_only_its_roots_and_what_they_call(turning: Turning) -> None:
    for name in ("mine", "theirs"):
        turning.hub.start("parent", ["sequence", ["Oslo"], f"{name}:kid"], instance_id=name)
    key = Store(turning.hub.database).get("mine").key
    turning.turn_until_quiet(turning.wheel(roots=(key,)))
    states = {
        status.instance_id: status.runtime_status.value
        for status in turning.hub.list_page(InstanceFilter())
    }
    assert states == {"mine": "Completed", "mine:kid": "Completed", "theirs": "Pending"}


def test_a_clock_that_jumps_back_delays_no_message(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.now -= timedelta(days=1)
    turning.hub.raise_event("a", "Approve", 1)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("a").output == 1


def test_a_finished_instance_is_replaced_by_a_start_of_the_same_id(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "sequence", ["Oslo"], instance_id="s")
    turning.hub.restart("s", new_id=False)
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("s").output == ["Hello Oslo!"]


def test_the_hub_file_of_a_newer_version_is_refused_and_left_alone(turning: Turning) -> None:
    with turning.hub._database.transaction() as sql:
        sql.execute("PRAGMA user_version = 99")
    with pytest.raises(HubUnusable, match="newer durablectl"):
        Database(turning.path)


def test_the_activities_of_a_dead_worker_wake_their_instance_at_once(
    turning: Turning, app: App
) -> None:
    gate = threading.Event()

    @app.activity
    def held_up(number: int) -> int:
        gate.wait(10)
        return number

    @app.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.call_activity("held_up", 1))

    dead = turning.wheel()
    turning.hub.start("waits", instance_id="w")
    while dead.turn(turning.now):
        pass
    dead.session.abandon()
    gate.set()
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("w").output == 1


def test_the_folder_of_a_hub_ignores_itself(tmp_path: Path) -> None:
    for _ in range(2):
        Database(tmp_path / "p" / ".durablectl" / "hub.db", create=True).close()
    assert (tmp_path / "p" / ".durablectl" / ".gitignore").read_text() == "*\n"
