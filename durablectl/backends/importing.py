"""What an import takes along: an instance with its sub-orchestrations, and the states of the
entities that they call. Reads a hub, changes none.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field, replace

from durablectl.backends.saving import states_of
from durablectl.engine.registry import Registry
from durablectl.engine.replay.completing import completed
from durablectl.errors import InstanceNotFound, Unsupported, UsageError, WrongState
from durablectl.history.exported import RawHistory, extras_of, raw_from_json
from durablectl.history.importing import ImportedInstance, children_of, not_started
from durablectl.history.saved import History, ServiceHistory, entities_of, is_of_one_moment
from durablectl.model import InstanceStatus
from durablectl.payload import dumps
from durablectl.taskhub import TaskHub

MOST_INSTANCES = 1000
"""Each is a request of its own."""
READS = 3
"""How often an instance is read that changes while it is read."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """An instance with what belongs to it. `entities` are states as JSON text, by id; `notes` say
    what could not be taken along.
    """

    gathered: tuple[RawHistory, ...]
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
    gathered = tuple(
        replace(_completed(each, registry, force), extras=each.extras) for each in histories
    )
    entities = {id_: state for each in histories for id_, state in each.extras.entities.items()}
    called = sorted({id_ for each in gathered for id_ in entities_of(each)} - set(entities))
    notes = [f"the file has no state of these entities: {', '.join(called)}"] if called else []
    notes += [
        f"the file does not have the custom status of instance '{each.instance_id}'"
        for each in histories
        if each.extras.created_time is None
    ]
    known = {each.instance_id for each in gathered}
    missing = [child for each in gathered for child in children_of(each) if child not in known]
    notes += [f"the file has no history of sub-orchestration '{child}'" for child in missing]
    return Bundle(gathered, entities, tuple(notes))


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
    found: dict[str, RawHistory] = {}
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
            found[each] = _gathered(hub, each, registry, notes, force)
        except InstanceNotFound:
            if not found:
                raise
            notes.append(f"sub-orchestration '{each}' is not there any more")
            continue
        waiting += children_of(found[each])
    entities = dict.fromkeys(id_ for each in found.values() for id_ in entities_of(each))
    found_states = states_of(hub, instance_id, entities)
    states = {id_: dumps(state) for id_, state in found_states.items()}
    return Bundle(tuple(found.values()), states, tuple(notes))


def _gathered(
    hub: TaskHub,
    instance_id: str,
    registry: Callable[[], Registry | None],
    notes: list[str],
    force: bool,
) -> RawHistory:
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which is not an instance to import")
    status, history = _read(hub, instance_id, notes, force)
    is_complete = isinstance(history, RawHistory) and not history.is_foreign
    made = _completed(history, None if is_complete else registry(), force)
    return replace(made, extras=extras_of(status))


def _read(
    hub: TaskHub, instance_id: str, notes: list[str], force: bool
) -> tuple[InstanceStatus, History]:
    """Status and history of one moment: they are read again while the instance changes meanwhile, a
    few times; `WrongState` then, unless `force`.
    """
    for read in range(READS):
        if read:
            notes.append(f"instance '{instance_id}' changed while it was read; it was read again")
        status = hub.get_status(instance_id, show_history=True, show_history_output=True)
        history = _history(hub, status)
        if isinstance(history, ServiceHistory):
            is_steady = is_of_one_moment(status)
        else:  # which was read after the status
            again = hub.get_status(instance_id, show_input=False)
            is_steady = again.last_updated_time == status.last_updated_time
        if is_steady:
            return status, history
    if force:
        return status, history
    raise WrongState(
        f"instance '{instance_id}' changes while it is read",
        hint="try again when it waits for something, or suspend it; --force imports what was read "
        "last",
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
