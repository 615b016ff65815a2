"""What no other test holds of the points in docs/fidelity.md, by number, on dispatcher that are
turned
by hand; and that list itself.
"""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.df import RetryOptions
from durablectl.errors import AlreadyExists, InstanceNotFound, WrongState
from durablectl.history.events import EventRaised, TaskScheduled, TimerCreated, TimerFired
from durablectl.model import IfExists, RuntimeStatus
from tests.engine.dispatching import T0, App, Dispatching

ROOT = Path(__file__).parents[2]


# Lifecycle, ids, time


def test_01_an_instance_goes_through_its_states(dispatching: Dispatching) -> None:
    dispatcher, seen = dispatching.dispatcher(), []
    dispatching.hub.start("approval", instance_id="a")
    steps = [
        lambda: dispatching.hub.suspend("a"),
        lambda: dispatching.hub.resume("a"),
        lambda: dispatching.hub.raise_event("a", "Approve"),
    ]
    seen.append(dispatching.state("a"))
    for step in [lambda: None, *steps]:
        step()
        dispatching.process_until_quiet(dispatcher)
        seen.append(dispatching.state("a"))
    assert [each.value for each in seen] == [
        "Pending",
        "Running",
        "Suspended",
        "Running",
        "Completed",
    ]


def test_02_an_id_is_made_of_32_hex_digits(dispatching: Dispatching) -> None:
    assert re.fullmatch("[0-9a-f]{32}", dispatching.hub.start("approval").id)


def test_03_an_unfinished_instance_keeps_its_id_and_a_finished_one_can_be_replaced(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    with pytest.raises(AlreadyExists):
        dispatching.hub.start("sequence", instance_id="a")
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.start("sequence", ["Oslo"], instance_id="a", if_exists=IfExists.REPLACE)
    dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status("a")
    assert (status.name, status.output) == ("sequence", ["Hello Oslo!"])


def test_04_an_unknown_orchestrator_fails_with_the_names_that_are_known(
    dispatching: Dispatching,
) -> None:
    output = dispatching.run(dispatching.dispatcher(fails_unknown=True), "sekwence").output
    assert (
        "The function 'sekwence' doesn't exist, is disabled, or is not an orchestrator function."
        in output
    )
    assert "The following are the known orchestrator functions: 'approval', 'counted'" in output


@pytest.fixture
def gate(app: App) -> threading.Event:
    """Lets the activity `slow` come to its end."""
    gate = threading.Event()

    @app.activity
    def slow(value: Any) -> Any:
        gate.wait(30)
        return value

    @app.orchestrator
    def slow_one(context: Any) -> Any:
        return (yield context.call_activity("slow", 1))

    @app.orchestrator
    def race(context: Any) -> Any:
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("Go"))
        event = context.wait_for_external_event("Go")
        yield context.task_any([event, context.call_activity("slow", 1)])
        return context.continue_as_new(2)

    return gate


def turn_once_or_more(dispatching: Dispatching, dispatcher: Any) -> None:
    """Turn while there is something to do, whether activities run or not."""
    while dispatcher.process_next(dispatching.now):
        pass


def test_05_each_execution_has_an_id_of_its_own_and_no_results_of_the_one_before(
    dispatching: Dispatching, gate: threading.Event
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("race", 1, instance_id="r")
    turn_once_or_more(dispatching, dispatcher)
    before = dispatching.hub.raw_history("r")["executionId"]
    dispatching.hub.raise_event("r", "Go")
    turn_once_or_more(dispatching, dispatcher)
    gate.set()
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.raw_history("r")["executionId"] != before
    assert dispatching.kinds("r") == [
        "OrchestratorStarted",
        "ExecutionStarted",
        "OrchestratorCompleted",
    ]


def test_06_a_result_for_an_instance_that_is_gone_is_dropped(
    dispatching: Dispatching, gate: threading.Event
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("slow_one", instance_id="s")
    turn_once_or_more(dispatching, dispatcher)
    dispatching.hub.terminate("s")
    turn_once_or_more(dispatching, dispatcher)
    dispatching.hub.purge("s")
    gate.set()
    dispatching.process_until_quiet(dispatcher)
    with pytest.raises(InstanceNotFound):
        dispatching.hub.get_status("s")


def test_63_an_activity_under_way_runs_while_its_instance_is_suspended(
    dispatching: Dispatching, gate: threading.Event
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("slow_one", instance_id="s")
    turn_once_or_more(dispatching, dispatcher)
    dispatching.hub.suspend("s")
    turn_once_or_more(dispatching, dispatcher)
    gate.set()
    dispatching.process_until_quiet(dispatcher)
    assert (dispatching.state("s"), "TaskCompleted" in dispatching.kinds("s")) == (
        RuntimeStatus.SUSPENDED,
        True,
    )
    dispatching.hub.resume("s")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").output == 1


def test_09_counters_begin_anew_in_every_execution(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def again(context: Any) -> Any:
        made = context.new_uuid()
        yield context.call_activity("greet", "x")
        if context.get_input() is None:
            return context.continue_as_new(made)
        return made == context.get_input()

    # the clock stood still
    assert dispatching.run(dispatching.dispatcher(), "again", instance_id="a").output is True
    assert [
        event.task_id for event in dispatching.events("a") if isinstance(event, TaskScheduled)
    ] == [0]


def test_16_no_output_is_null(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def silent(context: Any) -> Any:
        yield context.call_activity("greet", "x")

    status = dispatching.run(dispatching.dispatcher(), "silent")
    assert (status.runtime_status, status.output) == (RuntimeStatus.COMPLETED, None)


def test_20_a_cancelled_timer_that_is_awaited_never_completes(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def stuck(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        timer.cancel()
        yield timer

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "stuck", instance_id="s")
    dispatching.advance(60)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("s") is RuntimeStatus.RUNNING


# Retries and timers


def test_38_numbers_of_attempts_and_timers_are_given_as_their_events_come(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def both(context: Any) -> Any:
        retry = RetryOptions(1000, 2)
        yield context.task_all([context.call_activity_with_retry("fail", retry, n) for n in "ab"])

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "both", instance_id="b")
    for _ in range(3):
        dispatching.advance(1)
        dispatching.process_until_quiet(dispatcher)
    made = [
        (event.task_id, type(event).__name__)
        for event in dispatching.events("b")
        if isinstance(event, TaskScheduled | TimerCreated)
    ]
    names = ["TaskScheduled"] * 2 + ["TimerCreated"] * 2
    assert made == list(enumerate(names * 2))


def test_40_a_retried_child_with_an_id_takes_the_place_of_the_failed_one(
    dispatching: Dispatching, app: App
) -> None:
    tries: list[int] = []

    @app.orchestrator
    def flaky(context: Any) -> Any:
        tries.append(1)
        if len(tries) < 2:
            raise ValueError("first try")
        return "second try"

    @app.orchestrator
    def persistent(context: Any) -> Any:
        return (
            yield context.call_sub_orchestrator_with_retry(
                "flaky", RetryOptions(1000, 3), None, "kid"
            )
        )

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "persistent", instance_id="p")
    assert dispatching.state("kid") is RuntimeStatus.FAILED
    dispatching.advance(1)
    dispatching.process_until_quiet(dispatcher)
    assert [dispatching.hub.get_status(each).output for each in ("p", "kid")] == ["second try"] * 2


@pytest.mark.parametrize("seconds", [0, -60], ids=["now", "past"])
def test_41_a_timer_that_is_due_fires_in_the_next_episode(
    dispatching: Dispatching, seconds: int
) -> None:
    assert (
        dispatching.run(dispatching.dispatcher(), "sleeper", seconds, instance_id="s").output
        == "woke"
    )
    (fired,) = [event for event in dispatching.events("s") if isinstance(event, TimerFired)]
    assert fired.fire_at == T0 + timedelta(seconds=seconds)


def test_43_a_timer_of_a_month_is_one_timer(dispatching: Dispatching) -> None:
    dispatcher, month = dispatching.dispatcher(), 30 * 24 * 3600
    dispatching.run(dispatcher, "sleeper", month, instance_id="s")
    dispatching.advance(month)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.kinds("s").count("TimerFired") == 1


# External events


def test_47_events_reach_pending_and_suspended_instances_only_while_they_are_there(
    dispatching: Dispatching,
) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", instance_id="done")
    with pytest.raises(WrongState):
        dispatching.hub.raise_event("done", "Approve")
    with pytest.raises(InstanceNotFound):
        dispatching.hub.raise_event("nobody", "Approve")


def test_48_events_of_one_sender_arrive_in_their_order(dispatching: Dispatching) -> None:
    dispatching.hub.start("ticks", [], instance_id="t")
    for number in range(3):
        dispatching.hub.raise_event("t", "Tick", number)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("t").output == [0, 1, 2]


def test_49_an_event_that_nobody_awaits_stays_in_the_history(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.raise_event("a", "Other", 1)
    dispatching.process_until_quiet(dispatcher)
    assert [event.name for event in dispatching.events("a") if isinstance(event, EventRaised)] == [
        "Other"
    ]
    assert dispatching.kinds("a").count("OrchestratorStarted") == 2


# Sub-orchestrations


def test_51_a_terminated_child_fails_its_call_with_the_reason(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.terminate("kid", "not wanted")
    dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status("p")
    assert status.runtime_status is RuntimeStatus.FAILED
    assert status.output == "Orchestrator function 'parent' failed: not wanted"


def test_51_a_child_that_continued_as_new_answers_the_same_parent(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["ticks", [], "kid"], instance_id="p")
    for number in range(3):
        dispatching.hub.raise_event("kid", "Tick", number)
        dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("p").output == [0, 1, 2]


def test_53_a_parents_end_does_not_stop_its_children(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.terminate("p")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("kid") is RuntimeStatus.RUNNING


def test_54_a_childs_answer_after_its_parents_end_is_dropped(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.terminate("p", "enough")
    dispatching.hub.raise_event("kid", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    assert [dispatching.hub.get_status(each).output for each in ("p", "kid")] == ["enough", 1]


# Continue-as-new


def test_55_an_instance_that_continues_keeps_what_is_its_own(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def twice(context: Any) -> Any:
        if context.get_input() == 1:
            context.set_custom_status("first")
            return context.continue_as_new(2)
        return [context.version, (yield context.wait_for_external_event("Go"))]

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "twice", 1, instance_id="t", version="7")
    dispatching.advance(60)
    dispatching.hub.raise_event("t", "Go")
    dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status("t")
    assert (status.created_time, status.custom_status, status.input, status.output) == (
        T0,
        "first",
        2,
        ["7", None],
    )


# The list itself

ROWS = re.findall(
    r"^\| (\d+) \| (.+?) \| (.+?) \|$",
    (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8"),
    re.MULTILINE,
)


def test_every_test_that_is_named_exists() -> None:
    page = (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8")
    named = sorted(set(re.findall(r"`([\w/]+\.py)::(\w+)`", page)))
    missing = [
        f"{file}::{name}"
        for file, name in named
        if f"def {name}(" not in (ROOT / "tests" / file).read_text(encoding="utf-8")
    ]
    assert missing == []


def test_every_point_has_a_row() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 90))


@pytest.mark.parametrize(
    ("number", "held"),
    [(number, held) for number, _, held in ROWS],
    ids=[f"{row[0]}" for row in ROWS],
)
def test_every_row_names_tests_that_exist(number: str, held: str) -> None:
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", held)
    assert tests or held.startswith("differs: "), f"point {number} is neither held nor explained"
    for file, name in tests:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), (
            f"point {number}: no {name} in tests/{file}"
        )
