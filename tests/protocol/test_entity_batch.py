"""A batch of operations reaches the SDK's executor, and its result is read whole."""

from __future__ import annotations

import pytest
from generated import names, some_text
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, PROPERTY, T0, sent

from durablectl.history.entity_actions import SentSignal, StartedOrchestration
from durablectl.protocol import entity_batch as b
from durablectl.protocol.failures import FailureDetails
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.messages import durable_task

MESSAGES = durable_task().messages


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(
    state=some_text,
    operations=st.lists(st.builds(b.OperationRequest, names, names, some_text), max_size=3),
)
def test_a_batch_reaches_the_executor(kinds, state, operations):
    message = sent(kinds.EntityBatchRequest, b.batch_fields("@a@1", state, operations))
    assert message.instanceId == "@a@1"
    assert (message.entityState.value if message.HasField("entityState") else None) == state
    read = [
        b.OperationRequest(
            each.operation, each.requestId, each.input.value if each.HasField("input") else None
        )
        for each in message.operations
    ]
    assert read == operations


def test_the_result_of_a_batch_is_read_whole():
    signal = {
        "instanceId": "@b@2",
        "name": "add",
        "input": {"value": "1"},
        "scheduledTime": {"seconds": 1},
    }
    start = {"instanceId": "i", "name": "Order", "input": {"value": "2"}, "version": {"value": "3"}}
    failed = {"failureDetails": {"errorType": "ValueError", "errorMessage": "no"}}
    message = sent(
        MESSAGES.EntityBatchResult,
        {
            "results": [
                {"success": {"result": {"value": "7"}}},
                {"failure": failed},
                {"success": {"result": {"value": ""}}},
            ],
            "actions": [{"sendSignal": signal}, {"startNewOrchestration": start}],
            "entityState": {"value": "5"},
        },
    )
    due = T0.replace(1970, 1, 1, 0, 0, 1, 0)
    assert b.read_batch(message, 3) == b.BatchResult(
        "5",
        (
            b.OperationResult("7"),
            b.OperationResult(failure=FailureDetails("no", "ValueError")),
            b.OperationResult(),
        ),
        (SentSignal("@b@2", "add", "1", due), StartedOrchestration("i", "Order", "2", "3")),
    )


def test_a_batch_that_fails_as_a_whole_has_no_results():
    message = MESSAGES.EntityBatchResult(failureDetails={"errorMessage": "no"})
    assert b.read_batch(message, 3) == b.BatchResult(None, failure=FailureDetails("no"))


BROKEN = {
    "too few results": (MESSAGES.EntityBatchResult(), 1, "it has 0 results for 1 operations"),
    "an empty result": (
        MESSAGES.EntityBatchResult(results=[{}]),
        1,
        "it is neither a success nor a failure",
    ),
    "an empty action": (
        MESSAGES.EntityBatchResult(actions=[{}]),
        0,
        "it is neither a signal nor a start",
    ),
}


@pytest.mark.parametrize(("message", "operations", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_result_is_malformed(message, operations, problem):
    with pytest.raises(MalformedMessage) as raised:
        b.read_batch(message, operations)
    assert problem in raised.value.message
