"""The history of a hub's instance, and what is saved with it: the states of the entities that the
instance calls. Reads a hub, changes none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from durablectl.errors import EntityNotFound, Unsupported, UsageError
from durablectl.history.saved import History, entities_of, history_of
from durablectl.model import EntityId
from durablectl.taskhub import TaskHub

MOST_ENTITIES = 1_000
"""Each is a request of its own."""


def with_entities(hub: TaskHub, document: dict[str, Any]) -> dict[str, Any]:
    """A saved history and, as `entities`, the states of those that its instance calls: an import
    takes them from there.
    """
    states = states_of(hub, document.get("instanceId", ""), entities_of(history_of(document)))
    return document if not states else {**document, "entities": states}


def whole_history(hub: TaskHub, instance_id: str) -> History:
    """The history of an instance: complete where the hub has all of it."""
    try:
        return history_of(hub.raw_history(instance_id))
    except Unsupported:
        return history_of(hub.get_status(instance_id, show_history=True, show_history_output=True))


def states_of(hub: TaskHub, instance_id: str, entity_ids: Iterable[str]) -> dict[str, Any]:
    """The states of entities by id, without those that have none."""
    ids = list(entity_ids)
    if len(ids) > MOST_ENTITIES:
        raise UsageError(f"instance '{instance_id}' calls more than {MOST_ENTITIES} entities")
    found: dict[str, Any] = {}
    for each in ids:
        try:
            found[each] = hub.get_entity(EntityId.parse(each))
        except (EntityNotFound, ValueError):
            continue
    return json.loads(json.dumps(found)) if found else {}
