"""What the protocol's methods do with entities; knows no gRPC."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.client import Store
from durablectl.engine.store.instances import delete_instances
from durablectl.engine.store.locks import release_orphaned
from durablectl.errors import EntityNotFound
from durablectl.model import EntityId, EntityStatus, Page, utc_now
from durablectl.protocol.entities import (
    Entity,
    EntityQuery,
    entities_fields,
    entity_fields,
    read_entity_query,
)
from durablectl.protocol.fields import Fields, malformed, read_needed, read_text, read_time

MOST_ON_PAGE = 1000
MOST_CLEANED = 500


class Entities:
    """The methods about entities, by name."""

    def __init__(self, hub: LocalTaskHub, store: Store) -> None:
        self._hub, self._store = hub, store
        self.methods: dict[str, Callable[[Any], Fields]] = {
            "SignalEntity": self._signal,
            "GetEntity": self._get,
            "QueryEntities": self._query,
            "CleanEntityStorage": self._clean,
        }

    def _signal(self, message: Any) -> Fields:
        self._store.signal(
            _entity_id(message),
            message.name,
            read_text(message, "input"),
            utc_now(),
            read_time(message, "scheduledTime"),
        )
        return {}

    def _get(self, message: Any) -> Fields:
        entity_id = _entity_id(message)
        try:
            state = self._hub.get_entity(entity_id)
        except EntityNotFound:
            return {"exists": False}
        operated_at = self._store.entity_operated_at(entity_id)
        if operated_at is None:  # it was deleted meanwhile
            return {"exists": False}
        shown = state if message.includeState else None
        return {
            "exists": True,
            "entity": entity_fields(
                Entity(
                    EntityStatus(entity_id, operated_at, shown),
                    self._store.backlog(entity_id),
                    self._store.locked_by(entity_id),
                )
            ),
        }

    def _query(self, message: Any) -> Fields:
        query = read_entity_query(message)
        name, found, _ = query.prefix.removeprefix("@").partition("@")
        page = self._hub.list_entities(
            name if found else None,
            fetch_state=query.show_state,
            top=min(query.top or MOST_ON_PAGE, MOST_ON_PAGE),
            continuation_token=query.continuation_token,
        )
        rows = tuple(Entity(each) for each in page if _matches(each, query))
        return entities_fields(Page(rows, page.continuation_token))

    def _clean(self, message: Any) -> Fields:
        """Release the locks of instances that have ended, and delete entities that have neither a
        state nor anything to do: what a worker runs is still in the inbox.
        """
        with self._hub.database.transaction() as sql:
            released = release_orphaned(sql) if message.releaseOrphanedLocks else 0
            if not message.removeEmptyEntities:
                return {"orphanedLocksReleased": released}
            keys = [
                key
                for (key,) in sql.execute(
                    "SELECT i.key FROM instances i JOIN entities e ON e.instance = i.key WHERE "
                    "e.state IS NULL AND e.locked_by IS NULL AND NOT EXISTS (SELECT 1 FROM inbox m "
                    "WHERE m.instance = i.key) LIMIT ?",
                    (MOST_CLEANED,),
                )
            ]
            delete_instances(sql, keys)
        more = {"value": "more"} if len(keys) == MOST_CLEANED else None
        return {
            "emptyEntitiesRemoved": len(keys),
            "orphanedLocksReleased": released,
            "continuationToken": more,
        }


def _entity_id(message: Any) -> EntityId:
    text = read_needed(message, "instanceId")
    try:
        return EntityId.parse(text)
    except ValueError as error:
        raise malformed(message, str(error)) from None


def _matches(entity: EntityStatus, query: EntityQuery) -> bool:
    at = entity.last_operation_time
    return (
        str(entity.entity_id).startswith(query.prefix)
        and (query.modified_from is None or at >= query.modified_from)
        and (query.modified_to is None or at <= query.modified_to)
    )
