"""The engine's events are shown as the service shows its own, event for event as it was
recorded."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from recorded_server import VALUES, steps

from durablectl.history.events import (
    ContinueAsNew,
    Event,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionRewound,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCompleted,
    SubOrchestrationCreated,
    SubOrchestrationFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from durablectl.history.service import history_view
from durablectl.model import RuntimeStatus

T0 = datetime(2026, 11, 2, 3, 4, 5, 123456, UTC)
LATER = T0 + timedelta(seconds=1)
COMPLETED, FAILED, TERMINATED = (
    RuntimeStatus.COMPLETED,
    RuntimeStatus.FAILED,
    RuntimeStatus.TERMINATED,
)
RECORDED = {
    f"{step.scenario} {step.name.partition(' ')[2]}": step
    for step in steps()
    if isinstance(step.json, dict) and "historyEvents" in step.json
}
NO_LUCK = (
    "The activity function 'fail' failed: \"no luck\". See the function execution logs for "
    "additional details."
)


def episode(*events: Event) -> list[Event]:
    return [OrchestratorStarted(T0), *events, OrchestratorCompleted(T0)]


def called(task_id: int, name: str, result: str) -> list[Event]:
    return [*episode(TaskScheduled(T0, task_id, name, '"x"')), TaskCompleted(T0, task_id, result)]


SEQUENCE = [
    *episode(ExecutionStarted(T0, "hello_cities", '["Oslo","Bergen"]')),
    *called(0, "say_hello", '"Hello Oslo!"'),
    *called(1, "say_hello", '"Hello Bergen!"'),
    *episode(ExecutionCompleted(T0, COMPLETED, '["Hello Oslo!","Hello Bergen!"]')),
]
APPROVAL = [
    ExecutionStarted(T0, "approval"),
    EventRaised(T0, "Approve", '{"ok":true}'),
    ExecutionCompleted(T0, COMPLETED, '{"ok":true}'),
]
FAILING: list[Event] = [
    ExecutionStarted(T0, "failing"),
    TaskScheduled(T0, 0, "fail"),
    TaskFailed(T0, 0, "Activity function 'fail' failed: no luck", "System.Exception: no luck"),
    ExecutionCompleted(T0, FAILED, f"Orchestrator function 'failing' failed: {NO_LUCK}"),
]
HISTORIES: dict[str, list[Event]] = {
    "history sequence, with outputs": SEQUENCE,
    "history sequence, without outputs": SEQUENCE,
    "history sequence, with neither input nor outputs": SEQUENCE,
    "history timer": [
        ExecutionStarted(T0, "sleeper", "0.2"),
        TimerCreated(T0, 0, T0),
        TimerFired(T0, 0, T0),
        ExecutionCompleted(T0, COMPLETED, '"woke"'),
    ],
    "history event": APPROVAL,
    "history event, without input": APPROVAL,
    "history sub-orchestration": [
        ExecutionStarted(T0, "parent"),
        SubOrchestrationCreated(T0, 0, "hello_cities", "r0123456789par:child", '["Oslo"]'),
        SubOrchestrationCompleted(T0, 0, '["Hello Oslo!"]'),
        ExecutionCompleted(T0, COMPLETED, '["Hello Oslo!"]'),
    ],
    "history the child's history": [
        ExecutionStarted(T0, "hello_cities", '["Oslo"]', generation=None),
        *called(0, "say_hello", '"Hello Oslo!"'),
        ExecutionCompleted(T0, COMPLETED, '["Hello Oslo!"]'),
    ],
    "history failed activity": FAILING,
    "history failed activity, without outputs": FAILING,
    "history failed sub-orchestration": [
        ExecutionStarted(T0, "failing_parent"),
        SubOrchestrationCreated(T0, 0, "failing", "r0123456789fp:child"),
        SubOrchestrationFailed(
            T0, 0, f"Orchestrator function 'failing' failed: {NO_LUCK}", "System.Exception: no luck"
        ),
        ExecutionCompleted(
            T0,
            FAILED,
            "Orchestrator function 'failing_parent' failed: The orchestrator function 'failing' "
            f'failed: "{NO_LUCK}". '
            "See the function execution logs for additional details.",
        ),
    ],
    "history after continue-as-new": [
        ExecutionStarted(T0, "countdown", "0", generation=None),
        *called(0, "say_hello", '"Hello 0!"'),
        ExecutionCompleted(T0, COMPLETED, "0"),
    ],
    "history running on a timer": [ExecutionStarted(T0, "sleeper", "60"), TimerCreated(T0, 0, T0)],
    "history terminated": [
        ExecutionStarted(T0, "sleeper", "60"),
        TimerCreated(T0, 0, T0),
        ExecutionTerminated(T0, "enough"),
        ExecutionCompleted(T0, TERMINATED, "enough"),
    ],
    "engine a child without a given id": [
        ExecutionStarted(T0, "parent_auto"),
        SubOrchestrationCreated(T0, 0, "hello_cities", f"{VALUES['guid']}:0", '["Oslo"]'),
        SubOrchestrationCompleted(T0, 0, '["Hello Oslo!"]'),
        ExecutionCompleted(T0, COMPLETED, '["Hello Oslo!"]'),
    ],
    "engine the event wins, the timer is cancelled": [
        ExecutionStarted(T0, "event_or_timeout", "60"),
        TimerCreated(T0, 0, T0),
        EventRaised(T0, "Approve", "1"),
        ExecutionCompleted(T0, COMPLETED, '"approved"'),
    ],
    "engine the timer wins": [
        ExecutionStarted(T0, "event_or_timeout", "0.3"),
        TimerCreated(T0, 0, T0),
        TimerFired(T0, 0, T0),
        ExecutionCompleted(T0, COMPLETED, '"timed out"'),
    ],
    "engine a failure that is caught": [
        ExecutionStarted(T0, "catches"),
        *FAILING[1:-1],
        *called(1, "say_hello", '"Hello again!"'),
        ExecutionCompleted(T0, COMPLETED, '"Hello again!"'),
    ],
    "engine a retry that succeeds": [
        ExecutionStarted(T0, "retry_ok", '"r0123456789ro"'),
        TaskScheduled(T0, 0, "fail_once"),
        TaskFailed(
            T0, 0, "Activity function 'fail_once' failed: first try", "System.Exception: no luck"
        ),
        TimerCreated(T0, 1, T0),
        TimerFired(T0, 1, T0),
        *called(2, "fail_once", '"second try"'),
        ExecutionCompleted(T0, COMPLETED, '"second try"'),
    ],
    "engine the parent's history": [
        ExecutionStarted(T0, "parent_slow", "60"),
        SubOrchestrationCreated(T0, 0, "sleeper", "r0123456789pt:child", "60"),
        SubOrchestrationFailed(T0, 0, "enough"),
        ExecutionCompleted(
            T0,
            FAILED,
            "Orchestrator function 'parent_slow' failed: The orchestrator function 'sleeper' "
            'failed: "". '
            "See the function execution logs for additional details.",
        ),
    ],
    "engine a race that the timer wins": [
        *episode(
            ExecutionStarted(T0, "any_race"),
            TimerCreated(T0, 0, T0),
            TaskScheduled(T0, 1, "slow", "2.0"),
        ),
        *episode(
            TimerFired(T0, 0, T0),
            TaskCompleted(T0, 1, '"slept"'),
            ExecutionCompleted(T0, COMPLETED, '"timer"'),
        ),
    ],
}


def test_every_recorded_history_is_told_here():
    assert HISTORIES.keys() == RECORDED.keys()


@pytest.mark.parametrize("name", HISTORIES)
def test_a_history_is_shown_as_it_was_recorded(name: str):
    step = RECORDED[name]
    shown = history_view(
        HISTORIES[name],
        show_input=step.query.get("showInput") != "false",
        show_output=step.query.get("showHistoryOutput") == "true",
    )
    recorded = json.dumps(step.json["historyEvents"]).replace(".1234567", ".123456")
    # the second decision of an episode is shown a microsecond after the first
    text = json.dumps([dict(event.members) for event in shown]).replace(".123457+", ".123456+")
    assert text == recorded


@pytest.mark.parametrize(
    ("event", "members"),
    [
        (
            TaskScheduled(T0, 0, "greet", '"x"'),
            {"Name": "greet", "Input": None, "ParentTraceContext": None},
        ),
        (
            SubOrchestrationCreated(T0, 0, "child", "c", "1"),
            {"Name": "child", "InstanceId": "c", "Input": None, "ClientSpanId": None},
        ),
        (
            EventSent(T0, 0, "@counter@k", "op", "{}"),
            {"InstanceId": "@counter@k", "Name": "op", "Input": "{}"},
        ),
        (ExecutionSuspended(T0, "pause"), {"Reason": "pause"}),
        (ExecutionResumed(T0), {"Reason": None}),
        (
            ExecutionRewound(T0, "fixed"),
            {
                "Reason": "fixed",
                "ParentExecutionId": None,
                "InstanceId": None,
                "ParentTraceContext": None,
            },
        ),
        (ContinueAsNew(T0, "5"), {"OrchestrationStatus": 2, "Result": "5", "FailureDetails": None}),
        (TaskCompleted(T0, 7, "1"), {"Result": 1}),
    ],
    ids=lambda value: type(value).__name__ if not isinstance(value, dict) else "",
)
def test_an_event_that_was_not_recorded_has_the_documented_members(
    event: Event, members: dict[str, Any]
):
    (shown,) = history_view([event], show_input=True, show_output=True)
    assert list(shown.members.items())[1:] == [
        *members.items(),
        ("Timestamp", "2026-11-02T03:04:05.123456Z"),
    ]


def test_times_are_as_exact_as_need_be_and_the_scheduled_one_has_an_offset():
    (event,) = history_view(
        [TaskScheduled(T0.replace(microsecond=0), 0, "f"), TaskCompleted(LATER, 0)],
        show_input=True,
        show_output=False,
    )
    assert event.timestamp == LATER
    assert (event.members["ScheduledTime"], event.members["Timestamp"]) == (
        "2026-11-02T03:04:05+00:00",
        "2026-11-02T03:04:06.123456Z",
    )


def test_a_terminations_result_is_its_first_json_token():
    (event,) = history_view(
        [ExecutionCompleted(T0, TERMINATED, "5 minutes late")], show_input=True, show_output=True
    )
    assert event.members["Result"] == 5


def test_calls_of_one_episode_are_shown_a_microsecond_apart():
    """What replays the history tells them apart by it."""
    calls = [TaskScheduled(T0, number, "same") for number in range(3)]
    answers = [TaskCompleted(LATER, number, "1") for number in (2, 0, 1)]
    shown = history_view([*episode(*calls), *answers], show_input=True, show_output=True)
    assert [each.members["ScheduledTime"][17:27] for each in shown] == [
        "05.123458+",
        "05.123456+",
        "05.123457+",
    ]
