"""`explain` says the same on every hub."""

from __future__ import annotations

import pytest

from durablectl import explain
from durablectl.errors import InstanceNotFound
from durablectl.explanation.model import StepKind
from durablectl.model import EntityId, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import TaskHub
from tests.contract.test_instances import until
from tests.server.serving import RECORDINGS


def running(hub: TaskHub, name: str, value: object, instance_id: str) -> None:
    hub.start(name, value, instance_id=instance_id)
    until(hub, instance_id, RuntimeStatus.RUNNING)


def ended(hub: TaskHub, name: str, value: object, instance_id: str) -> None:
    hub.start(name, value, instance_id=instance_id)
    wait_for_completion(hub, instance_id, timeout=30)


def test_a_timer_is_explained_with_when_it_fires(hub: TaskHub, new_id: str) -> None:
    running(hub, "sleeper", 3600, new_id)
    made = explain(hub, new_id)
    (wait,) = made.waiting_for
    assert wait.kind is StepKind.TIMER
    assert wait.until is not None
    assert 3590 < (wait.until - made.created).total_seconds() < 3620
    hub.terminate(new_id)


def test_an_activity_at_work_is_named(hub: TaskHub, new_id: str) -> None:
    running(hub, "slow_one", 2, new_id)
    assert [(each.kind, each.name) for each in explain(hub, new_id).waiting_for] == [
        (StepKind.ACTIVITY, "slow")
    ]


def test_a_sub_orchestration_is_followed_to_what_blocks_it(hub: TaskHub, new_id: str) -> None:
    running(hub, "parent_slow", 3600, new_id)
    until(hub, f"{new_id}:child", RuntimeStatus.RUNNING)
    (child,) = explain(hub, new_id).waiting_for
    assert (child.name, child.instance_id, child.status) == (
        "sleeper",
        f"{new_id}:child",
        RuntimeStatus.RUNNING,
    )
    assert [each.kind for each in child.waiting_for] == [StepKind.TIMER]
    hub.terminate(f"{new_id}:child")


def test_a_failure_is_followed_to_its_innermost_cause(hub: TaskHub, new_id: str) -> None:
    ended(hub, "failing_grandparent", None, new_id)
    failure = explain(hub, new_id).failure
    assert failure is not None
    assert failure.cause == "RuntimeError: no luck"
    assert [each.instance_id for each in failure.chain] == [
        new_id,
        f"{new_id}:p",
        f"{new_id}:p:child",
    ]
    assert failure.chain[-1].call is not None
    assert failure.chain[-1].call.name == "fail"
    assert [line for line in failure.frames if "raise RuntimeError(why)" in line]


def test_the_attempts_of_a_failed_call_are_counted(hub: TaskHub, new_id: str) -> None:
    ended(hub, "retrying", None, new_id)
    failure = explain(hub, new_id).failure
    assert failure is not None
    assert failure.chain[0].call is not None
    assert failure.chain[0].call.attempts == 2


def test_a_failure_of_the_orchestrator_itself_has_no_call(hub: TaskHub, new_id: str) -> None:
    ended(hub, "throwing", None, new_id)
    failure = explain(hub, new_id).failure
    assert failure is not None
    assert "bad orchestrator" in failure.cause  # the service's own text has no class
    assert failure.chain[0].call is None


def test_the_time_of_a_completed_one_is_accounted_for(hub: TaskHub, new_id: str) -> None:
    ended(hub, "hello_cities", ["Oslo", "Rome", "Bern", "Paris"], new_id)
    spent = explain(hub, new_id).time_spent
    assert spent is not None
    assert [each.name for each in spent.path] == ["say_hello"] * 4
    assert len(spent.longest) == 3
    assert spent.between + sum(each.seconds for each in spent.path) == pytest.approx(spent.seconds)


def test_who_ended_it_and_why_is_said(hub: TaskHub, new_id: str) -> None:
    running(hub, "sleeper", 3600, new_id)
    hub.terminate(new_id, "not needed")
    until(hub, new_id, RuntimeStatus.TERMINATED)
    made = explain(hub, new_id)
    assert made.intervention is not None
    assert (made.intervention.reason, str(made.next[0])) == (
        "not needed",
        f"durablectl restart --new-id {new_id}",
    )


def test_a_suspended_one_is_resumed_next(hub: TaskHub, new_id: str) -> None:
    running(hub, "approval", None, new_id)
    hub.suspend(new_id, "over the weekend")
    until(hub, new_id, RuntimeStatus.SUSPENDED)
    made = explain(hub, new_id)
    assert made.intervention is not None
    assert made.intervention.reason == "over the weekend"
    assert (made.waiting_for[0].kind, str(made.next[0])) == (
        StepKind.EVENT,
        f"durablectl resume {new_id}",
    )
    hub.terminate(new_id)


def test_the_app_names_the_event_and_its_line(hub: TaskHub, new_id: str) -> None:
    running(hub, "event_or_timeout", 3600, new_id)
    made = explain(hub, new_id, RECORDINGS / "function_app.py")
    event, timer = sorted(made.waiting_for, key=lambda each: each.kind.value)
    assert (event.name, made.is_any, timer.kind) == ("Approve", True, StepKind.TIMER)
    assert event.place.startswith("function_app.py:")
    assert (made.unknown, str(made.next[0])) == ((), f"durablectl raise-event {new_id} Approve")
    hub.terminate(new_id)


def test_an_entity_is_explained_too(hub: TaskHub, new_id: str) -> None:
    hub.signal_entity(EntityId("counter", new_id), "add", 1)
    ended(hub, "counter_caller", new_id, f"{new_id}-caller")
    made = explain(hub, f"@counter@{new_id}")
    assert (made.waiting_for, str(made.next[0])) == (
        (),
        f"durablectl entity get @counter@{new_id}",
    )


def test_what_is_not_there_is_not_explained(hub: TaskHub, new_id: str) -> None:
    with pytest.raises(InstanceNotFound):
        explain(hub, new_id)
