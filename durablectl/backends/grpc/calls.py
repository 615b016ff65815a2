"""The methods of the protocol with our values in and out; decides nothing."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from copy import copy
from dataclasses import replace
from typing import Self
from uuid import uuid4

from durablectl.backends.grpc.failures import Place, Trouble
from durablectl.backends.grpc.transport import Answer, Terms, Transport
from durablectl.errors import (
    Conflict,
    InstanceNotFound,
    NotFound,
    ServiceError,
    Unsupported,
    UsageError,
)
from durablectl.history.events import Event, ExecutionTerminated
from durablectl.model import EntityId, Page
from durablectl.protocol.entities import (
    Entity,
    EntityQuery,
    entity_query_fields,
    read_entities,
    read_entity,
)
from durablectl.protocol.fields import Fields, Message, plain, read_status, text_field
from durablectl.protocol.history import History, read_history
from durablectl.protocol.instances import Instance, read_page, read_response
from durablectl.protocol.requests import (
    InstanceQuery,
    Purged,
    PurgeRequest,
    StartRequest,
    instance_query_fields,
    purge_fields,
    read_purged,
    start_fields,
)
from durablectl.quoting import command
from durablectl.wire import value_from_text


class Calls:
    """The calls of one hub, each within the deadline if there is one."""

    def __init__(self, transport: Transport, deadline: float | None = None) -> None:
        self._transport, self._terms = transport, Terms(deadline)

    @property
    def place(self) -> Place:
        return self._transport.place

    def until(self, deadline: float) -> Self:
        """The same calls, which end at that time of the pace's clock."""
        calls = copy(self)
        calls._terms = replace(self._terms, deadline=deadline)  # noqa: SLF001 - a copy of ours
        return calls

    def instance(self, instance_id: str, *, payloads: bool = True) -> Instance | None:
        """An instance; None when there is none."""
        fields = {"instanceId": plain(instance_id), "getInputsAndOutputs": payloads}
        try:
            answer = self._call("GetInstance", fields)
        except InstanceNotFound:  # some servers answer NOT_FOUND, others exists=false
            return None
        return read_response(answer.message, instance_id)

    def ends_within(self, instance_id: str, seconds: float) -> bool:
        """Whether an instance ends in that time, as far as the server says; it is asked once."""
        fields = {"instanceId": plain(instance_id), "getInputsAndOutputs": False}
        answer = self._transport.once("WaitForInstanceCompletion", fields, seconds)
        if isinstance(answer, Trouble) or not answer.exists:
            return False
        return read_status(answer.orchestrationState.orchestrationStatus).is_final

    def start(self, request: StartRequest) -> None:
        """`OutcomeUnknown` when the answer was lost: the caller has to look for the id."""
        look = f"{command('status', request.instance_id)} shows whether it was started"
        self._send("StartInstance", start_fields(request), look)

    def page(self, query: InstanceQuery) -> Page[Instance]:
        return read_page(self._call("QueryInstances", instance_query_fields(query)).message)

    def history(self, instance_id: str) -> History:
        """The whole history of the current execution."""
        fields = {"instanceId": plain(instance_id)}
        answer = self._call("StreamInstanceHistory", fields)
        history = read_history(_events(answer))
        return replace(history, events=tuple(map(_with_plain_reason, history.events)))

    def tell(self, method: str, instance_id: str, fields: Fields, look: str | None = None) -> None:
        """A control verb; sent once if there is a `look`, else again when its answer was lost."""
        sent = {"instanceId": plain(instance_id)} | fields
        if look is None:
            self._call(method, sent)
        else:
            self._send(method, sent, look)

    def restart(self, instance_id: str, *, new_id: bool, look: str) -> str:
        """The id that an instance was started again under."""
        fields = {"instanceId": plain(instance_id), "restartWithNewInstanceId": new_id}
        answer = self._send("RestartInstance", fields, look)
        started: str = answer.message.instanceId
        return started or instance_id

    def purge(self, request: PurgeRequest) -> tuple[Purged, bool]:
        """What was deleted, and whether an earlier attempt may have deleted some already."""
        answer = self._call("PurgeInstances", purge_fields(request))
        return read_purged(answer.message), answer.resent

    def entity(self, entity_id: EntityId) -> Entity | None:
        """An entity with its state; None when there is none, or one without a state."""
        fields = {"instanceId": plain(str(entity_id)), "includeState": True}
        try:
            answer = self._call("GetEntity", fields).message
        except InstanceNotFound:
            return None
        if not answer.exists or not answer.entity.HasField("serializedState"):
            return None
        return read_entity(answer.entity)

    def entities(self, query: EntityQuery) -> Page[Entity]:
        """A page of the entities that have a state, which is read with them.

        Some servers also list those that were deleted.
        """
        answer = self._call("QueryEntities", entity_query_fields(query)).message
        page = read_entities(answer)
        held = zip(page, answer.entities, strict=True)
        kept = tuple(entity for entity, sent in held if sent.HasField("serializedState"))
        return Page(kept, page.continuation_token)

    def signal(self, entity_id: EntityId, operation: str, text: str | None, look: str) -> None:
        fields = {
            "name": plain(operation),
            "input": text_field(text),
            "requestId": str(uuid4()),
        }
        self.tell("SignalEntity", str(entity_id), fields, look)

    def hello(self) -> None:
        """Ask for an answer, whatever it is: some servers have no such method."""
        with suppress(Unsupported):
            self._call("Hello", {})

    def has(self, method: str, fields: Fields) -> bool:
        """Whether the server has a method; it is called, with fields that change nothing."""
        try:
            self._call(method, fields)
        except Unsupported:
            return False
        except (NotFound, Conflict, ServiceError, UsageError):
            return True
        return True

    def close(self) -> None:
        self._transport.close()

    def _call(self, method: str, fields: Fields) -> Answer:
        return self._transport.call(method, fields, self._terms)

    def _send(self, method: str, fields: Fields, look: str) -> Answer:
        return self._transport.call(
            method, fields, replace(self._terms, repeatable=False, look=look)
        )


def _with_plain_reason(event: Event) -> Event:
    """The event; a reason for a termination is an output, and so JSON text, in the protocol."""
    if not isinstance(event, ExecutionTerminated):
        return event
    reason = value_from_text(event.reason)
    return replace(event, reason=reason) if isinstance(reason, str) else event


def is_entity_id(instance_id: str) -> bool:
    return instance_id.startswith("@") and "@" in instance_id[2:]


def _events(answer: Answer) -> Iterator[Message]:
    for chunk in answer.messages:
        yield from chunk.events
