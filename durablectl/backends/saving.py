"""What is saved with a history: the states of the entities that its instance calls. Reads a hub,
changes none.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from typing import Any

from durablectl.errors import EntityNotFound, UsageError
from durablectl.history.saved import entities_of, history_of
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
