"""What the dispatcher promises, turned by hand on real files."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.episode import Episode
from durablectl.engine.store.client import Store
from durablectl.engine.store.database import Database
from durablectl.engine.store.instances import NewInstance
from durablectl.engine.store.leases import HEARTBEAT_SECONDS, LEASE_SECONDS, LeaseLost
from durablectl.engine.store.maintenance import check_hub
from durablectl.engine.worker.activity_pool import ActivityPool
from durablectl.errors import EntityNotFound, HubUnusable, InstanceNotFound, WrongState
from durablectl.history import events as e
from durablectl.model import EntityId, IfExists, InstanceFilter, RuntimeStatus
from tests.engine.dispatching import T0, App, Dispatching


def test_a_sequence_runs_to_its_end(dispatching: Dispatching) -> None:
    status = dispatching.run(dispatching.dispatcher(), "sequence", ["Oslo"])
    assert (status.runtime_status, status.output) == (RuntimeStatus.COMPLETED, ["Hello Oslo!"])


def test_a_fan_out_keeps_the_order_of_its_tasks(dispatching: Dispatching) -> None:
    status = dispatching.run(dispatching.dispatcher(), "fan_out", 200)
    assert status.output == [f"Hello {n}!" for n in range(200)]


def test_no_call_is_dated_before_the_result_that_it_follows(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def two(context: Any) -> Any:
        yield context.call_activity("later")
        yield context.call_activity("greet", 1)

    @app.activity
    def later(_: Any) -> None:
        clock[0] += timedelta(seconds=1)

    clock = [T0]
    done = threading.Semaphore(0)
    dispatcher = dispatching.dispatcher(pool=ActivityPool(app, 1, done.release, lambda: clock[0]))
    dispatching.hub.start("two", instance_id="t")
    while dispatcher.process_next(T0) or dispatcher.is_working:
        dispatcher.scale_up()
        done.acquire(timeout=0.01)
    times = [event.timestamp for event in dispatching.events("t")]
    assert (times == sorted(times), times[-1]) == (True, T0 + timedelta(seconds=1))


def test_async_activities_run_beside_the_others(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def both(context: Any) -> Any:
        return (
            yield context.task_all(
                [context.call_activity("greet", 1), context.call_activity("greet_async", 2)]
            )
        )

    assert dispatching.run(dispatching.dispatcher(), "both").output == ["Hello 1!", "Hello 2!"]


def test_a_failed_activity_fails_the_instance_with_its_reason(dispatching: Dispatching) -> None:
    status = dispatching.run(dispatching.dispatcher(), "failing")
    assert status.runtime_status is RuntimeStatus.FAILED
    assert status.output.startswith(
        "Orchestrator function 'failing' failed: Activity function "
        "'fail' failed:  ValueError: no luck"
    )


def test_a_timer_fires_when_it_is_due_and_not_before(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    assert (
        dispatching.run(dispatcher, "sleeper", 60, instance_id="s").runtime_status
        is RuntimeStatus.RUNNING
    )
    dispatching.advance(59.9)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").runtime_status is RuntimeStatus.RUNNING
    dispatching.advance(0.1)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").output == "woke"


def test_an_event_raised_before_the_start_is_processed_is_kept(dispatching: Dispatching) -> None:
    dispatching.hub.start("approval", instance_id="a")
    dispatching.hub.raise_event("a", "approve", {"by": "ada"})
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("a").output == {"by": "ada"}


def test_events_are_kept_over_continue_as_new_in_their_order(dispatching: Dispatching) -> None:
    dispatching.hub.start("ticks", [], instance_id="t")
    for number in (1, 2, 3):
        dispatching.hub.raise_event("t", "Tick", number)
    dispatching.process_until_quiet(dispatching.dispatcher())
    status = dispatching.hub.get_status("t", show_history=True)
    assert (status.input, status.output) == ([1, 2], [1, 2, 3])
    assert [event.event_type for event in status.history or ()] == [
        "ExecutionStarted",
        "EventRaised",
        "ExecutionCompleted",
    ]


def test_an_event_that_comes_while_an_execution_ends_follows_those_that_it_hands_on(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def collects(context: Any) -> Any:
        seen = context.get_input() or []
        seen.append((yield context.wait_for_external_event("Tick")))
        if len(seen) == 1:
            dispatching.hub.raise_event("c", "Tick", 3)
        return seen if len(seen) == 3 else context.continue_as_new(seen)

    dispatching.hub.start("collects", instance_id="c")
    for number in (1, 2):
        dispatching.hub.raise_event("c", "Tick", number)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("c").output == [1, 2, 3]


def test_a_child_answers_its_parent(dispatching: Dispatching) -> None:
    status = dispatching.run(dispatching.dispatcher(), "parent", ["sequence", ["Oslo"], "kid"])
    assert status.output == ["Hello Oslo!"]
    assert dispatching.hub.get_status("kid").runtime_status is RuntimeStatus.COMPLETED


def test_a_failed_child_fails_its_parent(dispatching: Dispatching) -> None:
    status = dispatching.run(dispatching.dispatcher(), "parent", ["failing", None, "kid"])
    assert status.runtime_status is RuntimeStatus.FAILED
    assert (
        "Orchestrator function 'failing' failed: Activity function 'fail' failed:  ValueError: "
        "no luck"
    ) in status.output


def test_52_a_child_id_in_use_fails_the_callers_task(dispatching: Dispatching) -> None:
    dispatching.hub.start("approval", instance_id="kid")
    status = dispatching.run(dispatching.dispatcher(), "parent", ["sequence", None, "kid"])
    assert "An Orchestration instance with the status Running already exists." in status.output


@pytest.mark.parametrize("call", [["sequence_typo", None, "kid"]], ids=["sub-orchestrator"])
def test_33_an_unknown_function_fails_the_caller(dispatching: Dispatching, call: list[Any]) -> None:
    status = dispatching.run(dispatching.dispatcher(), "parent", call)
    assert (
        "The function 'sequence_typo' doesn't exist, is disabled, or is not an orchestrator "
        "function."
    ) in status.output


def test_33_an_unknown_activity_fails_the_caller(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def unknown(context: Any) -> Any:
        yield context.call_activity("greed", 1)

    status = dispatching.run(dispatching.dispatcher(), "unknown")
    assert (
        "The function 'greed' doesn't exist, is disabled, or is not an activity function."
        in status.output
    )


def test_33_an_unknown_activity_fails_the_caller_also_after_its_worker_died(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def unknown(context: Any) -> Any:
        yield context.call_activity("greed", 1)

    dead = dispatching.dispatcher()
    dispatching.hub.start("unknown", instance_id="u")
    for _ in range(2):  # takes it on, schedules the activity
        dead.process_next(dispatching.now)
    dead.lease.abandon()  # killed before the failure was written
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("u").runtime_status is RuntimeStatus.FAILED


def test_60_terminate_ends_an_instance_with_its_reason(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "sleeper", 60, instance_id="s")
    dispatching.hub.terminate("s", "enough")
    dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status("s")
    assert (status.runtime_status, status.output) == (RuntimeStatus.TERMINATED, "enough")


def test_63_a_suspended_instance_holds_its_events_until_it_is_resumed(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.suspend("a", "wait")
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("a").runtime_status is RuntimeStatus.SUSPENDED
    dispatching.hub.resume("a")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("a").output == 1


def test_70_operations_of_an_entity_run_in_order(dispatching: Dispatching) -> None:
    dispatcher, counter = dispatching.dispatcher(), EntityId("Counter", "k")
    for number in (1, 2, 3):
        dispatching.hub.signal_entity(counter, "add", number)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_entity(counter) == 6
    assert [entity.state for entity in dispatching.hub.list_entities(fetch_state=True)] == [6]


def test_71_an_orchestrator_signals_and_calls_an_entity(dispatching: Dispatching) -> None:
    assert dispatching.run(dispatching.dispatcher(), "counted", "k").output == 2


def test_73_a_deleted_entity_is_gone(dispatching: Dispatching) -> None:
    dispatcher, counter = dispatching.dispatcher(), EntityId("counter", "k")
    dispatching.hub.signal_entity(counter, "add", 1)
    dispatching.hub.delete_entity(counter)
    dispatching.process_until_quiet(dispatcher)
    with pytest.raises(EntityNotFound):
        dispatching.hub.get_entity(counter)
    assert dispatching.hub.list_entities().items == ()


def test_64_rewind_tries_the_failed_steps_again(dispatching: Dispatching, app: App) -> None:
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

    dispatcher = dispatching.dispatcher()
    assert (
        dispatching.run(
            dispatcher, "parent", ["flaky", None, "kid"], instance_id="p"
        ).runtime_status
        is RuntimeStatus.FAILED
    )
    dispatching.hub.rewind("p", "fixed")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("p").output == "second try"


def test_what_a_dead_worker_held_goes_on_at_once(dispatching: Dispatching) -> None:
    first = dispatching.dispatcher()
    dispatching.run(first, "approval", instance_id="a")
    first.lease.abandon()  # what the system does with the lock of a killed process
    dispatching.hub.raise_event("a", "Approve", "yes")
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("a").output == "yes"


def test_a_stalled_worker_is_refused_after_a_takeover_and_writes_nothing(
    dispatching: Dispatching,
) -> None:
    stalled = dispatching.dispatcher()
    dispatching.run(stalled, "approval", instance_id="a")
    second = dispatching.dispatcher()
    dispatching.advance(LEASE_SECONDS + 1)
    assert dispatching.patrol(second)
    dispatching.hub.raise_event("a", "Approve", 1)
    with pytest.raises(LeaseLost):
        stalled.process_next(dispatching.now)
    dispatching.process_until_quiet(second)
    assert dispatching.hub.get_status("a").output == 1


def test_a_clock_that_jumps_makes_no_worker_look_stalled(dispatching: Dispatching) -> None:
    first, second = dispatching.dispatcher(), dispatching.dispatcher()
    dispatching.run(first, "approval", instance_id="a")
    dispatching.now += timedelta(days=1)
    assert not dispatching.patrol(second)
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.process_until_quiet(first)
    assert dispatching.hub.get_status("a").output == 1


def test_a_worker_at_work_is_not_taken_for_a_stalled_one(dispatching: Dispatching) -> None:
    busy, second = dispatching.dispatcher(), dispatching.dispatcher()
    for number in range(LEASE_SECONDS):
        dispatching.advance(HEARTBEAT_SECONDS + 0.1)
        dispatching.run(busy, "sequence", ["Oslo"], instance_id=f"s{number}")
        assert not dispatching.patrol(second)


def test_a_worker_that_leaves_gives_back_what_it_held(dispatching: Dispatching) -> None:
    first = dispatching.dispatcher()
    dispatching.run(first, "approval", instance_id="a")
    first.close()
    row = Store(dispatching.hub.database).get("a")
    assert row.worker is None


def test_idle_workers_leave_a_sign_of_life_now_and_then_and_write_nothing_else(
    dispatching: Dispatching,
) -> None:
    dispatchers = [dispatching.dispatcher(), dispatching.dispatcher()]
    dispatching.run(dispatchers[0], "approval", instance_id="a")
    commits = set()
    for _ in range(20):
        for dispatcher in dispatchers:
            dispatching.advance(0.01)
            dispatcher.process_next(dispatching.now)
            commits.add(dispatching.hub.changes())
    assert len(commits) <= 2
    dispatching.advance(LEASE_SECONDS - 1)
    for dispatcher in dispatchers:
        dispatcher.fetch_again()
        dispatcher.process_next(dispatching.now)
    dispatching.advance(2)
    assert not dispatching.patrol(dispatchers[0])


def test_two_workers_share_the_activities_and_run_each_once(
    dispatching: Dispatching, app: App
) -> None:
    ran: list[int] = []

    @app.activity
    def note(number: int) -> int:
        ran.append(number)
        return number

    @app.orchestrator
    def notes(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("note", n) for n in range(100)]))

    dispatching.hub.start("notes", instance_id="n")
    dispatching.process_until_quiet(dispatching.dispatcher(), dispatching.dispatcher())
    assert dispatching.hub.get_status("n").output == sorted(ran) == list(range(100))


def test_an_evicted_instance_goes_on_from_its_history(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher(cache_size=1)
    for name in ("a", "b", "c"):
        dispatching.hub.start("approval", instance_id=name)
    dispatching.process_until_quiet(dispatcher)
    for name in ("a", "b", "c"):
        dispatching.hub.raise_event(name, "Approve", name)
    dispatching.process_until_quiet(dispatcher)
    assert [dispatching.hub.get_status(name).output for name in ("a", "b", "c")] == ["a", "b", "c"]


def test_an_instance_that_its_app_does_not_know_stays_pending(dispatching: Dispatching) -> None:
    assert (
        dispatching.run(dispatching.dispatcher(), "unheard_of").runtime_status
        is RuntimeStatus.PENDING
    )


def test_a_worker_that_fails_the_unknown_says_what_the_service_says(
    dispatching: Dispatching,
) -> None:
    status = dispatching.run(dispatching.dispatcher(fails_unknown=True), "unheard_of")
    assert status.output.startswith(
        "Orchestrator function 'unheard_of' failed: The function "
        "'unheard_of' doesn't exist, is disabled"
    )


def test_68_a_recursive_purge_takes_the_children_and_a_plain_one_leaves_them(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    for name in ("a", "b"):
        dispatching.run(
            dispatcher,
            "parent",
            ["parent", ["sequence", None, f"{name}:kid:kid"], f"{name}:kid"],
            instance_id=name,
        )
    assert (dispatching.hub.purge("a"), dispatching.hub.purge("b", recursive=True)) == (1, 3)
    assert sorted(status.instance_id for status in dispatching.hub.list_page(InstanceFilter())) == [
        "a:kid",
        "a:kid:kid",
    ]


def test_68_instances_that_are_purged_together_fare_as_one_by_one(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["sequence", None, "a:kid"], instance_id="a")
    dispatching.run(dispatcher, "parent", ["sequence", None, "b:kid"], instance_id="b")
    dispatching.run(dispatcher, "parent", ["approval", None, "c:kid"], instance_id="c")
    outcomes = dispatching.hub.purge_many(["a", "a:kid", "b:kid", "b", "c", "gone"], recursive=True)
    told = [each if isinstance(each, int) else type(each) for each in outcomes]
    assert told == [2, InstanceNotFound, 1, 1, WrongState, InstanceNotFound]
    assert sorted(status.instance_id for status in dispatching.hub.list_page(InstanceFilter())) == [
        "c",
        "c:kid",
    ]


def test_68_a_recursive_purge_deletes_nothing_while_a_child_runs(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.terminate("p")
    dispatching.process_until_quiet(dispatcher)
    with pytest.raises(WrongState, match="instance 'kid' is Running"):
        dispatching.hub.purge("p", recursive=True)
    assert dispatching.hub.get_status("p").is_final


def test_a_scoped_worker_takes_only_its_roots_and_what_they_call(dispatching: Dispatching) -> None:
    for name in ("mine", "theirs"):
        dispatching.hub.start("parent", ["sequence", ["Oslo"], f"{name}:kid"], instance_id=name)
    key = Store(dispatching.hub.database).get("mine").key
    dispatching.process_until_quiet(dispatching.dispatcher(roots=(key,)))
    states = {
        status.instance_id: status.runtime_status.value
        for status in dispatching.hub.list_page(InstanceFilter())
    }
    assert states == {"mine": "Completed", "mine:kid": "Completed", "theirs": "Pending"}


def test_a_scoped_worker_leaves_the_activities_of_others(dispatching: Dispatching) -> None:
    for name in ("mine", "theirs"):
        dispatching.hub.start("sequence", ["Oslo"], instance_id=name)
    database = dispatching.hub.database
    scheduled = "SELECT i.id FROM activities a JOIN instances i ON i.key = a.instance ORDER BY i.id"
    first = dispatching.dispatcher()
    while not database.query(scheduled):
        first.process_next(T0)
    first.close()
    key = Store(database).get("mine").key
    dispatching.process_until_quiet(dispatching.dispatcher(roots=(key,)))
    assert (dispatching.hub.get_status("mine").output, database.query(scheduled)) == (
        ["Hello Oslo!"],
        [("theirs",)],
    )


def test_a_clock_that_jumps_back_delays_no_message(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.now -= timedelta(days=1)
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("a").output == 1


def test_a_finished_instance_is_replaced_by_a_start_of_the_same_id(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "sequence", ["Oslo"], instance_id="s")
    dispatching.hub.restart("s", new_id=False)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").output == ["Hello Oslo!"]


def test_the_hub_file_of_a_newer_version_is_refused_and_left_alone(
    dispatching: Dispatching,
) -> None:
    with dispatching.hub._database.transaction() as sql:
        sql.execute("PRAGMA user_version = 99")
    with pytest.raises(HubUnusable, match="newer durablectl"):
        Database(dispatching.path)


def test_the_activities_of_a_dead_worker_wake_their_instance_at_once(
    dispatching: Dispatching, app: App
) -> None:
    gate = threading.Event()

    @app.activity
    def held_up(number: int) -> int:
        gate.wait(10)
        return number

    @app.orchestrator
    def waits(context: Any) -> Any:
        return (yield context.call_activity("held_up", 1))

    dead = dispatching.dispatcher()
    dispatching.hub.start("waits", instance_id="w")
    while dead.process_next(dispatching.now):
        pass
    dead.lease.abandon()
    gate.set()
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("w").output == 1


def test_the_folder_of_a_hub_ignores_itself(tmp_path: Path) -> None:
    for _ in range(2):
        Database(tmp_path / "p" / ".durablectl" / "hub.db", create=True).close()
    assert (tmp_path / "p" / ".durablectl" / ".gitignore").read_text() == "*\n"


def test_a_start_that_replaces_ends_what_another_start_put_there(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", 0, instance_id="a")
    others = [1]

    class Hub(LocalTaskHub):
        def pause(self, seconds: float) -> None:
            dispatching.process_until_quiet(dispatcher)
            if others:
                replace = {"instance_id": "a", "if_exists": IfExists.REPLACE}
                dispatching.hub.start("approval", others.pop(), **replace)
                dispatching.process_until_quiet(dispatcher)

    with Hub(dispatching.path, now=lambda: dispatching.now) as hub:
        hub.start("approval", 2, instance_id="a", if_exists=IfExists.REPLACE)
    assert (others, dispatching.hub.get_status("a").input) == ([], 2)


class LeavesItsCallOpen:
    """An execution that completes at once, and does not wait for the activity that it calls."""

    def __init__(self, *_ids: str) -> None:
        pass

    def run(self, new: Sequence[e.Inbound], now: datetime) -> Episode:
        called = e.TaskScheduled(now, 0, "slow", "1")
        ended = e.ExecutionCompleted(now, RuntimeStatus.COMPLETED, None)
        began, over = e.OrchestratorStarted(now), e.OrchestratorCompleted(now)
        history = [began, *new, called, ended, over]
        return Episode(history, [called], ended.status, ending=ended, drops_open=True)

    def rebuild(self, past: Sequence[e.Event]) -> None:
        raise AssertionError(past)

    def close(self) -> None:
        pass

    def where(self) -> str:
        return ""


def test_an_activity_that_its_instance_did_not_wait_for_is_no_problem_of_the_hub(
    dispatching: Dispatching, app: App
) -> None:
    app.orchestrators.add(Orchestrator("leaves", print, begin=LeavesItsCallOpen))
    go = threading.Event()

    @app.activity
    def slow(_: Any) -> None:
        go.wait(10)

    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("leaves", instance_id="l")
    while dispatching.state("l") is not RuntimeStatus.COMPLETED:
        dispatcher.process_next(T0)
    database = dispatching.hub.database
    running = database.query("SELECT name FROM activities"), check_hub(database, T0).problems
    go.set()
    dispatching.process_until_quiet(dispatcher)
    left = database.query("SELECT name FROM activities UNION ALL SELECT event FROM inbox")
    assert (running, left) == (([("slow",)], ()), [])


@pytest.mark.parametrize("cache_size", [10, 0], ids=["in memory", "loaded"])
def test_a_sub_orchestration_has_the_tags_of_its_caller(
    dispatching: Dispatching, app: App, cache_size: int
) -> None:
    @app.orchestrator
    def calls(context: Any) -> Any:
        yield context.call_activity("greet", "Oslo")
        if context.get_input() is None:
            return context.continue_as_new("again")
        return (yield context.call_sub_orchestrator("below", instance_id="child"))

    @app.orchestrator
    def below(context: Any) -> Any:
        yield context.call_sub_orchestrator("sequence", ["Oslo"], instance_id="grandchild")

    store = Store(dispatching.hub.database)
    store.start([NewInstance("tagged", "calls", None, "", 0, tags='{"team": "orders"}')])
    dispatching.process_until_quiet(dispatching.dispatcher(cache_size=cache_size))
    tags = [store.details(each).tags for each in ("tagged", "child", "grandchild")]
    assert tags == [{"team": "orders"}] * 3
