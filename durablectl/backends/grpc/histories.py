"""The history of an instance over gRPC, as our events."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import replace

from durablectl.backends.grpc.calls import Calls
from durablectl.backends.grpc.transport import Answer
from durablectl.errors import Unsupported
from durablectl.history.events import (
    Event,
    ExecutionCompleted,
    ExecutionTerminated,
    OrchestratorCompleted,
)
from durablectl.history.exported import RawHistory
from durablectl.history.service import history_view
from durablectl.model import HistoryEvent, StatusParts
from durablectl.protocol.fields import Message, plain
from durablectl.protocol.history import History, read_history
from durablectl.protocol.messages import dapr
from durablectl.wire import value_from_text


def shown_history(calls: Calls, instance_id: str, parts: StatusParts) -> tuple[HistoryEvent, ...]:
    """The history of an instance in the service's words."""
    events = _history(calls, instance_id).events
    return history_view(events, show_input=parts.show_input, show_output=parts.show_history_output)


def raw_history(calls: Calls, instance_id: str, name: str) -> RawHistory:
    """The complete events; `Unsupported` where some are of an unknown kind."""
    history = _history(calls, instance_id)
    if history.left_out:
        kinds = ", ".join(sorted({kind or "unknown" for kind in history.left_out}))
        raise Unsupported(
            f"the history of instance '{instance_id}' has events that cannot be replayed: {kinds}"
        )
    return RawHistory(instance_id, history.execution.execution_id, name, history.events)


def _history(calls: Calls, instance_id: str) -> History:
    """The whole history of the current execution.

    Dapr has a method of its own for that, which is tried where there is no stream, or an empty one.
    """
    fields = {"instanceId": plain(instance_id)}
    lacking: Unsupported | None = None
    messages: Sequence[Message] = ()
    try:
        messages = list(_of_chunks(calls.call("StreamInstanceHistory", fields)))
    except Unsupported as error:
        lacking = error
    if not messages:
        try:
            messages = calls.call("GetInstanceHistory", fields, dialect=dapr()).message.events
        except Unsupported:
            if lacking is not None:
                raise lacking from None
    history = read_history(messages)
    return replace(history, events=tuple(_as_ours(history.events)))


def _of_chunks(answer: Answer) -> Iterator[Message]:
    for chunk in answer.messages:
        yield from chunk.events


def _as_ours(events: Iterable[Event]) -> Iterator[Event]:
    """The events with an end that lies inside of the last episode, where some servers put it after
    that, and with plain reasons: in the protocol the one of a termination is an output, JSON text.
    """
    held: OrchestratorCompleted | None = None
    for event in events:
        if held is not None and not isinstance(event, ExecutionCompleted):
            yield held
            held = None
        if isinstance(event, OrchestratorCompleted):
            held = event
            continue
        if isinstance(event, ExecutionTerminated):
            reason = value_from_text(event.reason)
            yield replace(event, reason=reason) if isinstance(reason, str) else event
        else:
            yield event
    if held is not None:
        yield held
