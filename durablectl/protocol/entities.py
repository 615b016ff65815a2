"""Entities as the protocol has them: their listing, and one batch of operations; no protobuf, no
I/O.
"""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

from durablectl.model import EntityId, EntityStatus, Page
from durablectl.protocol.fields import (
    Fields,
    Message,
    malformed,
    plain,
    read_count,
    read_needed_time,
    read_text,
    read_time,
    read_token,
    text_field,
    time_field,
)
from durablectl.wire import json_text, value_from_text

_MOST = 2**31 - 1


class Entity(NamedTuple):
    """An entity of a listing, how many operations wait for it, and the instance that has locked
    it."""

    status: EntityStatus
    backlog: int = 0
    locked_by: str | None = None


class EntityQuery(NamedTuple):
    """One page of a listing of entities. `prefix` is of their instance ids (`@name@key`).

    With `include_transient` also those that have no state, only operations or a lock.
    """

    prefix: str = ""
    modified_from: datetime | None = None
    modified_to: datetime | None = None
    show_state: bool = False
    include_transient: bool = False
    top: int | None = None
    continuation_token: str | None = None


def prefix_of(name: str | None) -> str:
    """What the instance ids of the entities of a name start with; of all when it is None."""
    return "@" if name is None else f"@{name.lower()}@"


def read_entity(message: Message) -> Entity:
    """The entity in an EntityMetadata."""
    try:
        entity_id = EntityId.parse(message.instanceId)
    except ValueError as error:
        raise malformed(message, str(error)) from None
    state = value_from_text(read_text(message, "serializedState"))
    status = EntityStatus(entity_id, read_needed_time(message, "lastModifiedTime"), state)
    return Entity(
        status, read_count(message, "backlogQueueSize"), read_text(message, "lockedBy") or None
    )


def entity_fields(entity: Entity) -> Fields:
    """The fields of an EntityMetadata."""
    state = entity.status.state
    return {
        "instanceId": plain(str(entity.status.entity_id)),
        "lastModifiedTime": time_field(entity.status.last_operation_time),
        "backlogQueueSize": min(entity.backlog, _MOST),
        "lockedBy": text_field(entity.locked_by),
        "serializedState": None if state is None else text_field(json_text(state)),
    }


def read_entities(response: Message) -> Page[Entity]:
    """The page in a QueryEntitiesResponse."""
    entities = tuple(read_entity(entity) for entity in response.entities)
    return Page(entities, read_token(response, "continuationToken"))


def entities_fields(page: Page[Entity]) -> Fields:
    """The fields of a QueryEntitiesResponse."""
    token = text_field(page.continuation_token)
    return {"entities": [entity_fields(entity) for entity in page], "continuationToken": token}


def read_entity_query(message: Message) -> EntityQuery:
    """The query in a QueryEntitiesRequest."""
    query = message.query
    size = query.pageSize.value if query.HasField("pageSize") else 0
    if size < 0:
        raise malformed(query, f"'pageSize' is negative ({size})")
    return EntityQuery(
        read_text(query, "instanceIdStartsWith") or "",
        read_time(query, "lastModifiedFrom"),
        read_time(query, "lastModifiedTo"),
        query.includeState,
        query.includeTransient,
        size or None,
        read_token(query, "continuationToken"),
    )


def entity_query_fields(query: EntityQuery) -> Fields:
    """The fields of a QueryEntitiesRequest."""
    fields: Fields = {
        "instanceIdStartsWith": text_field(query.prefix or None),
        "lastModifiedFrom": time_field(query.modified_from),
        "lastModifiedTo": time_field(query.modified_to),
        "includeState": query.show_state,
        "includeTransient": query.include_transient,
        "pageSize": None if query.top is None else {"value": min(query.top, _MOST)},
        "continuationToken": text_field(query.continuation_token),
    }
    return {"query": fields}
