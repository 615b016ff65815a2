"""Entities over gRPC."""

from __future__ import annotations

from durablectl.backends.grpc.calls import Calls
from durablectl.errors import InstanceNotFound
from durablectl.model import EntityId, EntityStatus, InstanceStatus, Page, RuntimeStatus
from durablectl.new_ids import random_uuid
from durablectl.protocol.entities import (
    EntityQuery,
    entity_query_fields,
    prefix_of,
    read_entities,
    read_entity,
)
from durablectl.protocol.fields import plain, text_field


def find_entity(calls: Calls, entity_id: EntityId) -> EntityStatus | None:
    """An entity with its state; None when there is none, or one without a state."""
    calls.require("GetEntity")
    fields = {"instanceId": plain(str(entity_id)), "includeState": True}
    try:
        answer = calls.call("GetEntity", fields).message
    except InstanceNotFound:
        return None
    if not answer.exists or not answer.entity.HasField("serializedState"):
        return None
    return read_entity(answer.entity).status


def status_of_entity(calls: Calls, instance_id: str) -> InstanceStatus | None:
    """The status of an entity, which the protocol does not count among the instances."""
    entity = find_entity(calls, EntityId.parse(instance_id))
    return None if entity is None else _as_instance(instance_id, entity)


def page_of_statuses(calls: Calls, top: int, token: str | None) -> Page[InstanceStatus]:
    """A page of the entities as instances, among which other kinds of hubs list them."""
    page = page_of_entities(calls, None, top, token)
    found = tuple(_as_instance(str(each.entity_id), each) for each in page)
    return Page(found, page.continuation_token)


def _as_instance(instance_id: str, entity: EntityStatus) -> InstanceStatus:
    at = entity.last_operation_time
    return InstanceStatus(instance_id, instance_id, RuntimeStatus.RUNNING, at, at)


def page_of_entities(
    calls: Calls, name: str | None, top: int, token: str | None
) -> Page[EntityStatus]:
    """A page of the entities that have a state, which is read with them.

    Some servers also list those that were deleted.
    """
    calls.require("QueryEntities")
    query = EntityQuery(prefix_of(name), show_state=True, top=top, continuation_token=token)
    answer = calls.call("QueryEntities", entity_query_fields(query)).message
    page = read_entities(answer)
    held = zip(page, answer.entities, strict=True)
    kept = tuple(entity.status for entity, sent in held if sent.HasField("serializedState"))
    return Page(kept, page.continuation_token)


def signal(calls: Calls, entity_id: EntityId, operation: str, text: str | None, look: str) -> None:
    calls.require("SignalEntity")
    fields = {"name": plain(operation), "input": text_field(text), "requestId": random_uuid()}
    calls.tell("SignalEntity", str(entity_id), fields, look)
