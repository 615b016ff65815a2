"""History events survive the way through the protocol's messages, ours and the SDK's."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from generated import events, failures, some_time, tags, texts
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, PROPERTY, T0, sent

from durablectl.errors import UsageError
from durablectl.history import events as e
from durablectl.model import RuntimeStatus
from durablectl.protocol import history
from durablectl.protocol.failures import FailureDetails, read_failure
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.history import Execution, History, event_fields, read_event, read_history
from durablectl.protocol.messages import dapr, durable_task

OWNER = Execution("order-1", "e1", {"team": "shop"}, T0)
MESSAGES = durable_task().messages


def there_and_back(kinds, event, failure=None):
    return read_event(sent(kinds.HistoryEvent, event_fields(event, OWNER, failure)))


def event_message(kind, part, number=-1, timestamp=True):
    at = {"seconds": 1_767_323_045, "nanos": 678_901_999} if timestamp else None
    return sent(MESSAGES.HistoryEvent, {"eventId": number, "timestamp": at, kind: part})


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(event=events)
def test_an_event_survives(kinds, event):
    assert there_and_back(kinds, event) == event


@PROPERTY
@given(event=events.filter(lambda event: not isinstance(event, e.ExecutionRewound)))
def test_an_event_survives_in_daprs_dialect(event):
    if isinstance(event, e.TaskFailed | e.SubOrchestrationFailed):
        event = replace(event, details=None)  # Dapr's failures have no properties
    assert there_and_back(dapr().messages, event) == event


@PROPERTY
@given(
    owner=st.builds(Execution, texts, texts, tags, some_time),
    failure=failures,
    rest=st.lists(events, max_size=5),
)
def test_a_history_keeps_its_owner_and_the_structure_of_its_failure(owner, failure, rest):
    middle = [
        event for event in rest if not isinstance(event, e.ExecutionStarted | e.ExecutionCompleted)
    ]
    ending = e.ExecutionCompleted(T0, RuntimeStatus.FAILED, failure.text)
    whole = (e.ExecutionStarted(T0, "Order", generation=None), *middle, ending)
    messages = [sent(MESSAGES.HistoryEvent, event_fields(event, owner, failure)) for event in whole]
    assert read_history(messages) == History(whole, owner)
    assert read_failure(messages[-1].executionCompleted) == failure


def test_a_decision_has_its_number_as_event_id_and_its_answer_names_it():
    decided = MESSAGES.HistoryEvent(**event_fields(e.TaskScheduled(T0, 7, "pay"), OWNER))
    answered = MESSAGES.HistoryEvent(**event_fields(e.TaskCompleted(T0, 7, "1"), OWNER))
    fired = MESSAGES.HistoryEvent(**event_fields(e.TimerFired(T0, 7, T0), OWNER))
    assert (decided.eventId, answered.eventId, answered.taskCompleted.taskScheduledId) == (7, -1, 7)
    assert (fired.eventId, fired.timerFired.timerId) == (-1, 7)


def test_what_the_protocol_has_no_place_for_is_left_out():
    started = e.ExecutionStarted(T0, "Order", generation=3)
    failed = e.TaskFailed(
        T0,
        1,
        "Activity function 'pay' failed:  Broke: no",
        '{"ClassName": "Broke", "Message": "no"}',
    )
    assert there_and_back(MESSAGES, started) == replace(started, generation=None)
    assert there_and_back(MESSAGES, failed).reason == "no"


def test_a_failure_of_the_engine_is_structured():
    inner = '{"ClassName": "KeyError", "Message": "k"}'
    details = (
        f'{{"ClassName": "ValueError", "Message": "no", "StackTraceString": "File x", '
        f'"InnerException": {inner}}}'
    )
    failed = e.TaskFailed(T0, 1, "Activity function 'pay' failed:  ValueError: no", details)
    sent_failure = MESSAGES.HistoryEvent(**event_fields(failed, OWNER)).taskFailed.failureDetails
    assert (sent_failure.errorType, sent_failure.errorMessage, sent_failure.stackTrace.value) == (
        "ValueError",
        "no",
        "File x",
    )
    assert (
        sent_failure.innerFailure.errorType,
        sent_failure.innerFailure.HasField("stackTrace"),
    ) == ("KeyError", False)


def test_an_end_is_told_as_the_service_tells_it():
    failure = FailureDetails("no", "ValueError")
    ending = event_message(
        "executionCompleted",
        {
            "orchestrationStatus": 3,
            "failureDetails": {"errorType": "ValueError", "errorMessage": "no"},
        },
    )
    assert read_event(ending).result == failure.text == "ValueError: no"
    bare = event_message(
        "executionCompleted", {"orchestrationStatus": 3, "result": {"value": "no"}}
    )
    assert read_event(bare).result == "no"
    again = event_message(
        "executionCompleted", {"orchestrationStatus": 2, "result": {"value": "5"}}
    )
    assert isinstance(read_event(again), e.ContinueAsNew)


def test_times_are_exact_to_the_microsecond_over_their_whole_range():
    for time in (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    ):
        assert there_and_back(MESSAGES, e.TimerFired(time, 0, time)) == e.TimerFired(time, 0, time)
    # the rest of a microsecond is dropped
    assert read_event(event_message("orchestratorStarted", {})).timestamp == T0


def test_an_event_without_a_time_has_that_of_its_episode():
    started = event_message("orchestratorStarted", {})
    zero, none = (
        sent(MESSAGES.HistoryEvent, {"timestamp": at, "eventRaised": {"name": "n"}})
        for at in ({}, None)
    )
    assert read_history([started, zero, none]).events == (
        e.OrchestratorStarted(T0),
        *[e.EventRaised(T0, "n")] * 2,
    )
    assert read_event(zero).timestamp == datetime(1970, 1, 1, tzinfo=UTC)


def test_lone_surrogates_are_written_as_escapes():
    raised = there_and_back(MESSAGES, e.EventRaised(T0, "a\ud800", '"\udfff"'))
    assert (raised.name, raised.input) == ("a\\ud800", '"\\udfff"')


def test_a_task_id_that_no_message_holds_is_refused():
    with pytest.raises(UsageError, match="the task id 2147483648 does not fit into a message"):
        event_fields(e.TaskScheduled(T0, 2**31, "pay"), OWNER)


LOCK = {
    "criticalSectionId": "c1",
    "lockSet": ["@a@1", "@b@2"],
    "position": 1,
    "parentInstanceId": {"value": "order-1"},
}
FAILED = {"requestId": "r1", "failureDetails": {"errorType": "ValueError", "errorMessage": "no"}}
ENTITY_EVENTS = [
    (
        "entityOperationCalled",
        {
            "requestId": "r1",
            "operation": "add",
            "input": {"value": "1"},
            "targetInstanceId": {"value": "@a@1"},
            "parentInstanceId": {"value": "p"},
        },
        e.EventSent(T0, 5, "@a@1", "op", '{"op":"add","input":"1","id":"r1","parent":"p"}'),
    ),
    (
        "entityOperationSignaled",
        {
            "requestId": "r1",
            "operation": "add",
            "targetInstanceId": {"value": "@a@1"},
            "scheduledTime": {"seconds": 1, "nanos": 500_000_000},
        },
        e.EventSent(
            T0,
            5,
            "@a@1",
            "op@1970-01-01T00:00:01.5000000Z",
            '{"op":"add","signal":true,"input":null,"id":"r1","due":"1970-01-01T00:00:01.5Z"}',
        ),
    ),
    (
        "entityLockRequested",
        LOCK,
        e.EventSent(
            T0,
            5,
            "@b@2",
            "op",
            '{"op":null,"id":"c1","parent":"order-1","lockset":[{"name":"a","key":"1"},{"name":"b","key":"2"}],"pos":1}',
        ),
    ),
    (
        "entityUnlockSent",
        {
            "criticalSectionId": "c1",
            "parentInstanceId": {"value": "order-1"},
            "targetInstanceId": {"value": "@a@1"},
        },
        e.EventSent(T0, 5, "@a@1", "release", '{"parent":"order-1","id":"c1"}'),
    ),
    ("entityLockGranted", {"criticalSectionId": "c1"}, e.EventRaised(T0, "c1", '{"result":null}')),
    (
        "entityOperationCompleted",
        {"requestId": "r1", "output": {"value": "7"}},
        e.EventRaised(T0, "r1", '{"result":"7"}'),
    ),
    (
        "entityOperationFailed",
        FAILED,
        e.EventRaised(
            T0,
            "r1",
            '{"result":"\\"no\\"","exceptionType":"ValueError","failureDetails":'
            '{"ErrorType":"ValueError","ErrorMessage":"no","StackTrace":null,"InnerFailure":null}}',
        ),
    ),
]


@pytest.mark.parametrize(
    ("kind", "part", "event"), ENTITY_EVENTS, ids=[kind for kind, _, _ in ENTITY_EVENTS]
)
def test_a_message_of_an_entity_is_the_event_that_durable_functions_writes(kind, part, event):
    assert read_event(event_message(kind, part, 5)) == event


def test_events_that_have_no_counterpart_are_counted():
    messages = [
        event_message(kind, {}) for kind in ("orchestratorStarted", "genericEvent", "historyState")
    ]
    assert read_history([*messages, MESSAGES.HistoryEvent()]).left_out == (
        "genericEvent",
        "historyState",
        "",
    )
    stalled = dapr().messages.HistoryEvent(timestamp={"seconds": 1}, executionStalled={})
    assert read_history([stalled]).left_out == ("executionStalled",)


def test_a_history_without_an_end_is_cut_off(monkeypatch):
    monkeypatch.setattr(history, "MOST_EVENTS", 3)
    with pytest.raises(MalformedMessage, match="the history has more than 3 events"):
        read_history(event_message("orchestratorStarted", {}) for _ in iter(int, 1))


def test_a_streamed_history_is_cut_into_messages_that_clients_take():
    short = [e.OrchestratorStarted(T0)] * 250
    large = [e.EventRaised(T0, "n", "x" * 700_000)] * 3
    chunks = list(history.history_chunks(MESSAGES, [*short, *large], OWNER))
    assert [len(chunk.events) for chunk in chunks] == [100, 100, 51, 1, 1]
    assert read_history(event for chunk in chunks for event in chunk.events).events == (
        *short,
        *large,
    )
    assert list(history.history_chunks(MESSAGES, [], OWNER)) == []


BROKEN = {
    "no time": (
        event_message("timerCreated", {}),
        "a message TimerCreatedEvent cannot be read: 'fireAt' is missing",
    ),
    "no timestamp": (
        event_message("timerCreated", {}, timestamp=False),
        "a message HistoryEvent cannot be read: 'timestamp' is missing",
    ),
    "a time after the year 9999": (
        event_message("timerFired", {"fireAt": {"seconds": 2**62}}),
        "'fireAt' is not a time",
    ),
    "too many nanoseconds": (
        event_message("timerFired", {"fireAt": {"nanos": 2**31 - 1}}),
        "0 s and 2147483647 ns since 1970",
    ),
    "a lock beyond its set": (
        event_message("entityLockRequested", LOCK | {"position": 2}),
        "'position' is 2, and 'lockSet' has 2 entities",
    ),
    "a lock before its set": (
        event_message("entityLockRequested", LOCK | {"position": -1}),
        "'position' is -1",
    ),
    "no entity": (
        event_message("entityUnlockSent", {"targetInstanceId": {"value": "order-1"}}),
        "'order-1' is",
    ),
}


@pytest.mark.parametrize(("message", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_event_is_malformed(message, problem):
    with pytest.raises(MalformedMessage) as raised:
        read_event(message)
    assert problem in raised.value.message


def test_the_codec_alone_loads_no_protobuf():
    modules = [
        path.stem for path in Path(history.__file__).parent.glob("*.py") if path.stem != "messages"
    ]
    code = (
        f"import sys, importlib\nfor name in {modules!r}: "
        f"importlib.import_module(f'durablectl.protocol.{{name}}')\n"
        "print([name for name in sys.modules if name.startswith(('google', 'grpc'))])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
