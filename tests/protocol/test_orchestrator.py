"""The SDK's own executor runs orchestrators on our events, and its actions are our decisions."""

from __future__ import annotations

import json
import logging
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from generated import events
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, NEEDS_SDK, PROPERTY, T0, sdk, sent

from durablectl.history import events as e
from durablectl.model import RuntimeStatus
from durablectl.protocol.failures import FailureDetails, reason_and_details
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.history import Execution, event_fields
from durablectl.protocol.messages import durable_task
from durablectl.protocol.orchestrator import Outcome, read_actions, read_response, request_fields

MESSAGES = durable_task().messages
OWNER = Execution("order-1", "e1")
BROKEN = FailureDetails(
    "no", "builtins.ValueError", "File x", FailureDetails("key", "builtins.KeyError")
)


def run(
    orchestrator: Callable[..., Any],
    started: e.ExecutionStarted,
    answer: Callable[[e.Decision], list[e.Inbound]],
    *later: e.Inbound,
):
    """Run to the end, each time from the whole history, as the SDK does behind a host; the outcome
    and the history.
    """
    from durabletask.serialization import DEFAULT_DATA_CONVERTER
    from durabletask.worker import _OrchestrationExecutor, _Registry

    registry = _Registry()
    registry.add_named_orchestrator(started.name, orchestrator)
    history: list[e.Event] = []
    inbox: list[e.Inbound] = [started]
    waiting = list(later)
    for episode in range(50):
        now = T0 + timedelta(seconds=episode)
        new = [e.OrchestratorStarted(now), *inbox]
        executor = _OrchestrationExecutor(
            registry, logging.getLogger("test"), DEFAULT_DATA_CONVERTER
        )
        past, fresh = (
            [sent(sdk.HistoryEvent, event_fields(event, OWNER)) for event in each]
            for each in (history, new)
        )
        result = executor.execute(OWNER.instance_id, past, fresh)
        outcome = read_actions(result.actions, now, result.encoded_custom_status)
        history += [*new, *outcome.decisions, *([outcome.ending] if outcome.ending else [])]
        if outcome.ending is not None:
            return outcome, history
        inbox = [event for decision in outcome.decisions for event in answer(decision)] or [
            waiting.pop(0)
        ]
    raise AssertionError("the orchestration does not end")


def answers(**activities: Any) -> Callable[[e.Decision], list[e.Inbound]]:
    """Answers each decision at once: an activity with its result or the failures that come before
    it, a timer when it is due.
    """
    attempts = {
        name: iter(results if isinstance(results, list) else [results])
        for name, results in activities.items()
    }

    def answer(decision: e.Decision) -> list[e.Inbound]:
        match decision:
            case e.TimerCreated():
                return [e.TimerFired(decision.fire_at, decision.task_id, decision.fire_at)]
            case e.TaskScheduled() | e.SubOrchestrationCreated():
                is_task = isinstance(decision, e.TaskScheduled)
                given = next(attempts[decision.name])
                if isinstance(given, FailureDetails):
                    kind = e.TaskFailed if is_task else e.SubOrchestrationFailed
                    return [kind(T0, decision.task_id, *reason_and_details(given))]
                done = e.TaskCompleted if is_task else e.SubOrchestrationCompleted
                return [done(T0, decision.task_id, json.dumps(given))]
        return []

    return answer


def started(input: Any = None, **more: Any) -> e.ExecutionStarted:
    return e.ExecutionStarted(T0, "Order", json.dumps(input), **more)


@NEEDS_SDK
def test_a_sequence_ends_with_its_result():
    def order(ctx, count):
        total = 0
        for _ in range(count):
            total = yield ctx.call_activity("add", input=total, tags={"team": "shop"})
        return total

    outcome, history = run(order, started(3), answers(add=[1, 2, 3]))
    assert outcome == Outcome(
        (), e.ExecutionCompleted(T0 + timedelta(seconds=3), RuntimeStatus.COMPLETED, "3")
    )
    assert [event.input for event in history if isinstance(event, e.TaskScheduled)] == [
        "0",
        "1",
        "2",
    ]


@NEEDS_SDK
def test_what_runs_at_once_is_decided_at_once():
    from durabletask import task

    def order(ctx, _):
        calls = [
            ctx.call_activity("add", input=number, tags={"n": str(number)}) for number in range(3)
        ]
        return (yield task.when_all(calls))

    decided: list[e.Decision] = []

    def answer(decision):
        decided.append(decision)
        return answers(add=decision.input)(decision)

    outcome, _ = run(order, started(), answer)
    assert outcome.ending.result == '["0", "1", "2"]'
    assert decided == [e.TaskScheduled(T0, number + 1, "add", str(number)) for number in range(3)]


@NEEDS_SDK
def test_a_failure_reaches_the_code_with_its_structure():
    from durabletask import task

    seen = []

    def order(ctx, _):
        try:
            yield ctx.call_activity("pay")
        except task.TaskFailedError as error:
            seen.append(error.details)
            raise

    outcome, _ = run(order, started(), answers(pay=BROKEN))
    assert (seen[-1].error_type, seen[-1].message, seen[-1].stack_trace) == (
        "builtins.ValueError",
        "no",
        "File x",
    )
    assert seen[-1].is_caused_by(ValueError)
    assert seen[-1].inner_failure.error_type == "builtins.KeyError"
    assert outcome.ending.status is RuntimeStatus.FAILED
    assert outcome.ending.result == outcome.failure.text
    assert outcome.failure.error_type == "durabletask.task.TaskFailedError"
    assert outcome.failure.inner.error_type == "builtins.ValueError"


@NEEDS_SDK
def test_a_retry_waits_for_a_timer_and_schedules_the_same_task_again():
    from durabletask import task

    def order(ctx, _):
        policy = task.RetryPolicy(
            first_retry_interval=timedelta(seconds=1), max_number_of_attempts=3
        )
        return (yield ctx.call_activity("pay", retry_policy=policy))

    outcome, history = run(order, started(), answers(pay=[BROKEN, BROKEN, "paid"]))
    assert outcome.ending.result == '"paid"'
    assert [
        event.task_id for event in history if isinstance(event, e.TaskScheduled | e.TimerCreated)
    ] == [1, 2, 1, 3, 1]


@NEEDS_SDK
def test_a_child_has_its_id_and_version_and_its_parent_is_known():
    def order(ctx, _):
        yield ctx.call_sub_orchestrator("Ship", input=1, version="2")
        return [ctx.parent_instance_id, ctx.version]

    parent = e.ParentInstance("order-0", "e0", 4)
    outcome, history = run(order, started(parent=parent, version="7"), answers(Ship="done"))
    assert outcome.ending.result == '["order-0", "7"]'
    assert [event for event in history if isinstance(event, e.SubOrchestrationCreated)] == [
        e.SubOrchestrationCreated(T0, 1, "Ship", "order-1:0001", "1", "2")
    ]


@NEEDS_SDK
def test_a_timer_fires_at_its_time():
    def order(ctx, _):
        yield ctx.create_timer(timedelta(days=1))
        return "late"

    _, history = run(order, started(), answers())
    assert [event.fire_at for event in history if isinstance(event, e.TimerCreated)] == [
        T0 + timedelta(days=1)
    ]


@NEEDS_SDK
def test_events_reach_the_code_and_are_carried_over_to_the_next_execution():
    def order(ctx, _):
        first = yield ctx.wait_for_external_event("Approval")
        yield ctx.wait_for_external_event("Go")
        ctx.continue_as_new(first, save_events=True, new_version="2")

    later = [
        e.EventRaised(T0, name, data)
        for name, data in (("approval", "1"), ("Other", "2"), ("Go", None))
    ]
    outcome, _ = run(order, started(), answers(), *later)
    now = T0 + timedelta(seconds=3)
    assert outcome == Outcome(
        (), e.ContinueAsNew(now, "1"), None, (e.EventRaised(now, "other", "2"),), "2"
    )


@NEEDS_SDK
def test_an_event_is_sent_to_another_instance():
    def order(ctx, _):
        ctx.send_event("order-2", "Ready", data={"a": 1})
        yield ctx.create_timer(timedelta(seconds=1))

    _, history = run(order, started(), answers())
    (message,) = [event for event in history if isinstance(event, e.EventSent)]
    assert (message.instance_id, message.name, json.loads(message.input)) == (
        "order-2",
        "Ready",
        {"a": 1},
    )


def entity(**replies: str) -> Callable[[e.Decision], list[e.Inbound]]:
    """Answers a request to an entity by its operation, and a lock at once."""

    def answer(decision: e.Decision) -> list[e.Inbound]:
        request = json.loads(decision.input) if isinstance(decision, e.EventSent) else {}
        if request.get("lockset"):
            return [e.EventRaised(T0, request["id"], '{"result": null}')]
        reply = replies.get(request.get("op") or "")
        return [] if reply is None else [e.EventRaised(T0, request["id"], reply)]

    return answer


@NEEDS_SDK
def test_an_entity_is_called_signalled_and_locked_in_the_form_of_durable_functions():
    from durabletask.entities import EntityInstanceId

    counter = EntityInstanceId("counter", "1")

    def order(ctx, _):
        ctx.signal_entity(counter, "reset", signal_time=T0 + timedelta(hours=1))
        with (yield ctx.lock_entities([EntityInstanceId("b", "2"), counter])):
            return (yield ctx.call_entity(counter, "add", 2))

    outcome, history = run(order, started(), entity(add='{"result": "5"}'))
    assert outcome.ending.result == "5"
    messages = [
        (event.instance_id, event.name, json.loads(event.input))
        for event in history
        if isinstance(event, e.EventSent)
    ]
    due = "2026-01-02T04:04:05.678901"
    assert [(target, name, request.get("op")) for target, name, request in messages] == [
        ("@counter@1", f"op@{due}0Z", "reset"),
        ("@b@2", "op", None),
        ("@counter@1", "op", "add"),
        ("@b@2", "release", None),
        ("@counter@1", "release", None),
    ]
    assert messages[0][2]["due"] == f"{due}Z"
    assert messages[1][2]["lockset"] == [{"name": "b", "key": "2"}, {"name": "counter", "key": "1"}]
    assert {messages[at][2]["id"] for at in (1, 3, 4)} == {messages[1][2]["id"]}


@NEEDS_SDK
def test_a_failed_operation_of_an_entity_reaches_the_code_with_its_structure():
    from durabletask.entities import EntityInstanceId
    from durabletask.task import TaskFailedError

    from durablectl.protocol.entity_messages import reply_text

    def order(ctx, _):
        try:
            yield ctx.call_entity(EntityInstanceId("counter", "1"), "add")
        except TaskFailedError as error:
            return [error.details.inner_failure.error_type, error.details.inner_failure.message]

    outcome, _ = run(order, started(), entity(add=reply_text(failure=BROKEN)))
    assert json.loads(outcome.ending.result) == ["builtins.ValueError", "no"]


@NEEDS_SDK
def test_a_termination_keeps_its_reason_as_it_came():
    def order(ctx, _):
        yield ctx.wait_for_external_event("Never")

    outcome, _ = run(order, started(), answers(), e.ExecutionTerminated(T0, '"stop"'))
    assert outcome.ending == e.ExecutionCompleted(
        T0 + timedelta(seconds=1), RuntimeStatus.TERMINATED, '"stop"'
    )


@NEEDS_SDK
def test_a_suspended_instance_takes_its_events_when_it_is_resumed():
    def order(ctx, _):
        ctx.set_custom_status({"step": 1})
        return (yield ctx.wait_for_external_event("Go"))

    later = [e.ExecutionSuspended(T0, "wait"), e.EventRaised(T0, "Go", "1"), e.ExecutionResumed(T0)]
    outcome, history = run(order, started(), answers(), *later)
    assert (outcome.ending.result, json.loads(outcome.custom_status)) == ("1", {"step": 1})
    assert isinstance(history[-2], e.ExecutionResumed)


@NEEDS_SDK
def test_a_rewound_history_is_replayed_as_it_is_now():
    def order(ctx, _):
        return (yield ctx.call_activity("pay"))

    outcome, _ = run(order, started(), answers(pay="paid"), e.ExecutionRewound(T0, "again"))
    assert outcome.ending.result == '"paid"'


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(past=st.lists(events, max_size=4), new=st.lists(events, max_size=4))
def test_a_request_has_the_past_and_the_new_events(kinds, past, new):
    message = sent(kinds.OrchestratorRequest, request_fields(OWNER, past, new))
    assert (message.instanceId, message.executionId.value) == ("order-1", "e1")
    for read, written in ((message.pastEvents, past), (message.newEvents, new)):
        assert list(read) == [kinds.HistoryEvent(**event_fields(event, OWNER)) for event in written]


def test_a_response_is_read_with_its_custom_status():
    response = MESSAGES.OrchestratorResponse(
        actions=[{"id": 3, "createTimer": {"fireAt": {"seconds": 1}}}],
        customStatus={"value": '"busy"'},
    )
    fire_at = T0.replace(1970, 1, 1, 0, 0, 1, 0)
    assert read_response(response, T0) == Outcome(
        (e.TimerCreated(T0, 3, fire_at),), custom_status='"busy"'
    )


def test_a_failure_without_structure_is_told_by_its_text():
    complete = {"orchestrationStatus": 3, "result": {"value": "no"}}
    outcome = read_actions([MESSAGES.OrchestratorAction(completeOrchestration=complete)], T0)
    assert (outcome.ending.result, outcome.failure) == ("no", FailureDetails("no"))


def action(**fields: Any) -> Any:
    return [MESSAGES.OrchestratorAction(**fields)]


COMPLETE = {"completeOrchestration": {"orchestrationStatus": 1}}
REFUSED = {
    "nothing": (action(id=1), "the action 'None' is not supported"),
    "a rewind": (
        action(rewindOrchestration={}),
        "the action 'rewindOrchestration' is not supported",
    ),
    "an end of another instance": (
        action(terminateOrchestration={}),
        "the action 'terminateOrchestration' is not supported",
    ),
    "two ends": (action(**COMPLETE) * 2, "the orchestration completes twice"),
    "an end that is none": (
        action(completeOrchestration={"orchestrationStatus": 0}),
        "an orchestration cannot complete with the status 0",
    ),
    "an end with an unknown status": (
        action(completeOrchestration={"orchestrationStatus": 77}),
        "an orchestration cannot complete with the status 77",
    ),
    "a timer without a time": (action(createTimer={}), "'fireAt' is missing"),
    "a message without a kind": (action(sendEntityMessage={}), "it has no message"),
    "a message to no entity": (
        action(sendEntityMessage={"entityUnlockSent": {"criticalSectionId": "c"}}),
        "'' is",
    ),
    "other events to carry over": (
        action(
            completeOrchestration={
                "orchestrationStatus": 2,
                "carryoverEvents": [{"timerFired": {}}],
            }
        ),
        "only raised events can be carried over",
    ),
}


@pytest.mark.parametrize(("actions", "problem"), REFUSED.values(), ids=REFUSED.keys())
def test_actions_that_make_no_sense_are_malformed(actions, problem):
    with pytest.raises(MalformedMessage) as raised:
        read_actions(actions, T0)
    assert problem in raised.value.message


@pytest.mark.parametrize("name", ["isPartial", "requiresHistory"])
def test_a_part_of_a_response_is_malformed(name):
    with pytest.raises(MalformedMessage, match="only a part of the response"):
        read_response(MESSAGES.OrchestratorResponse(**{name: True}), T0)
