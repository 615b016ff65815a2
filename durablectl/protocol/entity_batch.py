"""One batch of operations on an entity, as the SDK's executor takes and answers it; no protobuf, no
I/O.

Inputs, results and states are JSON text.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from durablectl.history.entity_actions import EntityAction, SentSignal, StartedOrchestration
from durablectl.protocol.failures import FailureDetails, read_failure
from durablectl.protocol.fields import (
    Fields,
    Message,
    malformed,
    plain,
    read_needed,
    read_text,
    read_time,
    text_field,
)


@dataclass(frozen=True, slots=True)
class OperationRequest:
    name: str
    request_id: str
    input: str | None = None


@dataclass(frozen=True, slots=True)
class OperationResult:
    """What an operation returned, or why it failed."""

    result: str | None = None
    failure: FailureDetails | None = None


@dataclass(frozen=True, slots=True)
class BatchResult:
    """The state after a batch, None when the entity is deleted; a result for each operation, in
    order.

    `failure` is why the batch as a whole failed, in which case nothing of it counts.
    """

    state: str | None
    results: tuple[OperationResult, ...] = ()
    actions: tuple[EntityAction, ...] = ()
    failure: FailureDetails | None = None


def batch_fields(
    instance_id: str, state: str | None, operations: Sequence[OperationRequest]
) -> Fields:
    """The fields of an EntityBatchRequest."""
    requests = [
        {
            "operation": plain(each.name),
            "requestId": plain(each.request_id),
            "input": text_field(each.input),
        }
        for each in operations
    ]
    return {
        "instanceId": plain(instance_id),
        "entityState": text_field(state),
        "operations": requests,
    }


def read_batch(message: Message, operations: int) -> BatchResult:
    """The result in an EntityBatchResult of a batch of that many operations."""
    failure = read_failure(message)
    results = tuple(map(_read_result, message.results))
    if failure is None and len(results) != operations:
        raise malformed(message, f"it has {len(results)} results for {operations} operations")
    actions = tuple(map(_read_action, message.actions))
    return BatchResult(read_text(message, "entityState"), results, actions, failure)


def _read_result(message: Any) -> OperationResult:
    match message.WhichOneof("resultType"):
        case "success":
            return OperationResult(read_text(message.success, "result") or None)
        case "failure":
            return OperationResult(failure=read_failure(message.failure) or FailureDetails(""))
    raise malformed(message, "it is neither a success nor a failure")


def _read_action(message: Any) -> EntityAction:
    match message.WhichOneof("operationActionType"):
        case "sendSignal":
            part = message.sendSignal
            target, input = read_needed(part, "instanceId"), read_text(part, "input")
            return SentSignal(target, part.name, input, read_time(part, "scheduledTime"))
        case "startNewOrchestration":
            part = message.startNewOrchestration
            more = (
                read_text(part, "input"),
                read_text(part, "version"),
                read_time(part, "scheduledTime"),
            )
            return StartedOrchestration(part.instanceId, read_needed(part, "name"), *more)
    raise malformed(message, "it is neither a signal nor a start")
