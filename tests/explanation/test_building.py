"""What a history proves: literal events in, an explanation out."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from durablectl.explanation.building import MOST_CHILDREN, Refined, explain_status
from durablectl.explanation.model import Explanation, StepKind, Wait
from durablectl.explanation.steps import Execution
from durablectl.model import InstanceDetails, InstanceStatus, RuntimeStatus
from durablectl.wire import history_event_from_json

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds: float) -> str:
    return (T0 + timedelta(seconds=seconds)).isoformat().replace("+00:00", "Z")


def event(kind: str, seconds: float, **members: Any) -> dict[str, Any]:
    return {"EventType": kind, "Timestamp": at(seconds), **members}


STARTED = event("ExecutionStarted", 0, FunctionName="order")


def status(*events: dict[str, Any], **members: Any) -> InstanceStatus:
    given: dict[str, Any] = {
        "name": "order",
        "instance_id": "a",
        "runtime_status": RuntimeStatus.RUNNING,
        "created_time": T0,
        "last_updated_time": T0,
        "history": tuple(history_event_from_json(each) for each in events),
    }
    return InstanceStatus(**given | members)


class Hub:
    """Statuses by id, and nothing more to say about them."""

    def __init__(self, found: Mapping[str, InstanceStatus]) -> None:
        self.found, self.asked = found, 0

    def find(self, instance_id: str) -> InstanceStatus | None:
        self.asked += 1
        return self.found.get(instance_id)

    def details(self, status: InstanceStatus) -> InstanceDetails:
        return status.details or InstanceDetails()

    def refine(
        self, status: InstanceStatus, execution: Execution, waits: Sequence[Wait]
    ) -> Refined:
        return Refined(tuple(waits))


def explained(*events: dict[str, Any], **members: Any) -> Explanation:
    return explain_status(status(STARTED, *events, **members), Hub({}))


def test_nothing_open_means_an_external_event():
    made = explained()
    assert [(each.kind, each.name) for each in made.waiting_for] == [(StepKind.EVENT, "")]


def test_what_is_open_comes_in_the_order_of_what_blocks():
    made = explained(
        event("TimerCreated", 1, FireAt=at(60)),
        event("SubOrchestrationInstanceCreated", 1, Name="pay", InstanceId="a:1"),
        event("TaskScheduled", 1, Name="charge"),
    )
    assert [each.kind for each in made.waiting_for] == [
        StepKind.ACTIVITY,
        StepKind.CHILD,
        StepKind.TIMER,
    ]
    assert made.waiting_for[-1].until == T0 + timedelta(seconds=60)


def test_a_timer_after_a_failure_says_what_failed():
    made = explained(
        event("TaskFailed", 2, FunctionName="charge", ScheduledTime=at(1), Reason="the bank"),
        event("TimerCreated", 2.1, FireAt=at(60)),
    )
    (timer,) = made.waiting_for
    assert (timer.name, timer.attempt, timer.last_failure) == ("charge", 1, "the bank")


def test_a_timer_long_after_a_failure_does_not():
    made = explained(
        event("TaskFailed", 2, FunctionName="charge", ScheduledTime=at(1), Reason="the bank"),
        event("TimerCreated", 20, FireAt=at(60)),
    )
    assert made.waiting_for[0].last_failure == ""


def test_a_second_attempt_at_work_is_counted():
    made = explained(
        event("TaskFailed", 2, FunctionName="charge", ScheduledTime=at(1), Reason="the bank"),
        event("TimerCreated", 2, FireAt=at(3)),
        event("TimerFired", 3, FireAt=at(3)),
        event("TaskScheduled", 3, Name="charge"),
    )
    (wait,) = made.waiting_for
    assert (wait.kind, wait.attempt) == (StepKind.ACTIVITY, 2)


def test_a_timer_that_time_has_passed_by_was_cancelled():
    made = explained(
        event("TimerCreated", 1, FireAt=at(5)),
        event("EventRaised", 2, Name="Approval"),
        event("TaskScheduled", 9, Name="charge"),
    )
    assert [each.kind for each in made.waiting_for] == [StepKind.ACTIVITY]
    assert [each.name for each in made.received] == ["Approval"]


def test_an_entity_that_was_called_is_named():
    request = '{"op": "get", "id": "r-1", "input": null}'
    made = explained(event("EventSent", 1, InstanceId="@counter@k", Name="op", Input=request))
    assert [(each.kind, each.name, each.instance_id) for each in made.waiting_for] == [
        (StepKind.ENTITY, "get", "@counter@k")
    ]


def calls(*children: str) -> list[dict[str, Any]]:
    return [
        event("SubOrchestrationInstanceCreated", 1, Name="pay", InstanceId=child)
        for child in children
    ]


def test_children_that_call_each_other_in_a_circle_end():
    hub = Hub({"a": status(STARTED, *calls("b")), "b": status(STARTED, *calls("a"))})
    depth, waits = 0, explain_status(hub.found["a"], hub).waiting_for
    while waits:
        depth, waits = depth + 1, waits[0].waiting_for
    assert depth == 17


def test_only_so_many_children_are_fetched_and_that_is_said():
    hub = Hub({})
    made = explain_status(status(STARTED, *calls(*(f"a:{n}" for n in range(300)))), hub)
    assert (hub.asked, len(made.waiting_for)) == (MOST_CHILDREN, 300)
    assert any("only the first 100" in each for each in made.unknown)


def test_a_child_that_is_gone_is_said():
    made = explained(*calls("a:1"))
    assert made.waiting_for[0].status is None
    assert "sub-orchestration 'a:1' is not there" in made.unknown[0]


def test_a_suspended_child_is_what_to_resume():
    hub = Hub({"a:1": status(STARTED, instance_id="a:1", runtime_status=RuntimeStatus.SUSPENDED)})
    made = explain_status(status(STARTED, *calls("a:1")), hub)
    assert str(made.next[0]) == "durablectl resume a:1"


def test_calls_that_failed_beside_the_one_that_counted_are_named():
    failed = [
        event("TaskFailed", end, FunctionName=name, ScheduledTime=at(1), Reason=reason)
        for end, name, reason in ((2, "reserve", "no tea"), (3, "charge", "no money"))
    ]
    made = explained(
        *failed,
        runtime_status=RuntimeStatus.FAILED,
        output="Orchestrator function 'order' failed: no money",
    )
    assert made.failure is not None
    assert [each.name for each in made.failure.also_failed] == ["reserve"]
    assert made.failure.chain[0].call is not None
    assert made.failure.chain[0].call.name == "charge"


def test_the_critical_path_is_what_ended_last_before_each_step():
    done = [
        event("TaskCompleted", end, FunctionName=name, ScheduledTime=at(begin))
        for begin, end, name in ((1, 1.5, "quick"), (1, 5, "slow"), (6, 7, "last"))
    ]
    made = explained(
        *done,
        event("ExecutionCompleted", 8, OrchestrationStatus="Completed"),
        runtime_status=RuntimeStatus.COMPLETED,
    )
    spent = made.time_spent
    assert spent is not None
    assert [each.name for each in spent.path] == ["slow", "last"]
    assert (spent.seconds, spent.between) == (8.0, 3.0)
    assert [each.name for each in spent.longest] == ["slow", "last", "quick"]


def test_an_event_that_nothing_waits_for_is_not_on_the_critical_path():
    made = explained(
        event("TimerCreated", 1, FireAt=at(8)),
        event("EventRaised", 3, Name="Ping"),
        event("TimerFired", 8, FireAt=at(8)),
        event("ExecutionCompleted", 8, OrchestrationStatus="Completed"),
        runtime_status=RuntimeStatus.COMPLETED,
    )
    assert made.time_spent is not None
    assert [each.kind for each in made.time_spent.path] == [StepKind.TIMER]
    assert [each.kind for each in made.time_spent.longest] == [StepKind.TIMER]


@pytest.mark.parametrize(
    "events",
    [
        [{"EventType": "TimerCreated"}],
        [{"EventType": "EventSent", "Input": "[[[", "InstanceId": 7}],
        [{"EventType": "TaskFailed", "Timestamp": "soon", "Reason": 5, "FunctionName": None}],
        [{"EventType": "ExecutionTerminated", "Input": {"a": 1}}],
        [{}],
    ],
    ids=["timer", "entity", "task", "reason", "empty"],
)
@pytest.mark.parametrize("state", list(RuntimeStatus), ids=lambda each: each.value)
def test_a_damaged_history_is_explained_as_far_as_it_can_be_read(events, state):
    assert explained(*events, runtime_status=state).to_json()["runtimeStatus"] == state.value
