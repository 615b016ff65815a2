"""What an import takes along: an instance with its sub-orchestrations, and the states of the
entities that they call. Reads a hub, changes none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from durablectl.engine.registry import Registry
from durablectl.engine.replay.completing import completed
from durablectl.errors import EntityNotFound, InstanceNotFound, Unsupported, UsageError
from durablectl.history.exported import RawHistory, raw_from_json
from durablectl.history.importing import (
    Gathered,
    ImportedInstance,
    children_of,
    entities_of,
    not_started,
)
from durablectl.history.saved import History, ServiceHistory
from durablectl.model import EntityId, InstanceStatus
from durablectl.payload import dumps
from durablectl.taskhub import TaskHub

MOST_INSTANCES, MOST_ENTITIES = 1000, 1000
"""Each is a request of its own."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An instance with what belongs to it. `entities` are states as JSON text, by id; `notes` say
    what could not be taken along.
    """

    gathered: tuple[Gathered, ...]
    entities: dict[str, str] = field(default_factory=dict)
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Imported:
    """What was imported: the instances, the root first, and the ids of the entities whose states
    were there already, and stay.
    """

    instances: tuple[ImportedInstance, ...]
    kept_entities: frozenset[str] = frozenset()


def bundle_of_histories(
    histories: Sequence[History], registry: Registry | None, *, force: bool = False
) -> Bundle:
    """Saved histories of an instance and of its sub-orchestrations."""
    gathered = tuple(Gathered(_completed(each, registry, force)) for each in histories)
    called = sorted({id_ for each in gathered for id_ in entities_of(each.history)})
    notes = [f"a file has no states of entities: {', '.join(called)}"] if called else []
    known = {each.history.instance_id for each in gathered}
    missing = [
        child for each in gathered for child in children_of(each.history) if child not in known
    ]
    notes += [f"the file has no history of sub-orchestration '{child}'" for child in missing]
    return Bundle(gathered, notes=tuple(notes))


def bundle_of_hub(
    hub: TaskHub,
    instance_id: str,
    registry: Callable[[], Registry | None],
    *,
    force: bool = False,
) -> Bundle:
    """An instance of another hub, its sub-orchestrations at every level, and the states of their
    entities.

    `registry` is asked when the history needs the app. `InstanceNotFound` when there is no such
    instance.
    """
    found: dict[str, Gathered] = {}
    notes: list[str] = []
    waiting = [instance_id]
    while waiting:
        each = waiting.pop(0)
        if each in found:
            continue
        if len(found) == MOST_INSTANCES:
            raise UsageError(
                f"instance '{instance_id}' has more than {MOST_INSTANCES} sub-orchestrations"
            )
        try:
            found[each] = _gathered(hub, each, registry, force)
        except InstanceNotFound:
            if not found:
                raise
            notes.append(f"sub-orchestration '{each}' is not there any more")
            continue
        waiting += children_of(found[each].history)
    entities = dict.fromkeys(id_ for each in found.values() for id_ in entities_of(each.history))
    if len(entities) > MOST_ENTITIES:
        raise UsageError(f"instance '{instance_id}' calls more than {MOST_ENTITIES} entities")
    states = {id_: state for id_ in entities if (state := _state(hub, id_)) is not None}
    return Bundle(tuple(found.values()), states, tuple(notes))


def _gathered(
    hub: TaskHub, instance_id: str, registry: Callable[[], Registry | None], force: bool
) -> Gathered:
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which is not an instance to import")
    status = hub.get_status(instance_id, show_history=True, show_history_output=True)
    history = _history(hub, status)
    is_complete = isinstance(history, RawHistory) and not history.is_foreign
    return Gathered(
        _completed(history, None if is_complete else registry(), force),
        status.created_time,
        None if status.custom_status is None else dumps(status.custom_status),
    )


def _history(hub: TaskHub, status: InstanceStatus) -> History:
    try:
        raw = raw_from_json(hub.raw_history(status.instance_id))
    except Unsupported:
        history: History = ServiceHistory.of(status)
        is_empty = not status.history
    else:
        history, is_empty = raw, not raw.events
    if not is_empty:
        return history
    input = None if status.input is None else dumps(status.input)
    return not_started(status.instance_id, status.name, input, status.created_time, 0)


def _completed(history: History, registry: Registry | None, force: bool) -> RawHistory:
    code = None if registry is None else registry.orchestrators.get(history.name)
    return completed(history, code, force=force)


def _state(hub: TaskHub, entity_id: str) -> str | None:
    try:
        return dumps(hub.get_entity(EntityId.parse(entity_id)))
    except (EntityNotFound, ValueError):
        return None
