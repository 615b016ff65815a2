"""Executions of another hub as instances of this one, with the links between them; pure.

What was decided and is still open is taken out of the history: no worker may run an activity of
production by accident. The code decides it again once the instance is resumed. Only calls of
sub-orchestrations that come along stay.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from durablectl.errors import UsageError, WrongState
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from durablectl.history.restart import episodes_of, still_suspended, unanswered
from durablectl.model import RuntimeStatus, is_child_id
from durablectl.new_ids import check_new_instance_id

REASON = "imported"
Episodes = tuple[tuple[datetime, tuple[e.Event, ...]], ...]


@dataclass(frozen=True, slots=True)
class ImportedInstance:
    """An instance to create: Suspended, or as it ended (then `output` is what its row has).

    `caller` is the id of its parent, which is imported before it, and the number of the call.
    """

    instance_id: str
    started: e.ExecutionStarted
    execution_id: str
    status: RuntimeStatus
    created_at: datetime
    updated_at: datetime
    episodes: Episodes = field(repr=False)
    output: str | None = None
    custom_status: str | None = None
    caller: tuple[str, int] | None = None


def children_of(history: RawHistory) -> Iterator[str]:
    """The ids of the sub-orchestrations that an execution has called."""
    for event in history.events:
        if isinstance(event, e.SubOrchestrationCreated):
            yield event.instance_id


def root_of(gathered: Sequence[RawHistory]) -> RawHistory:
    """The one that no other has called; `UsageError` when there are several."""
    called = {child for each in gathered for child in children_of(each)}
    roots = [each for each in gathered if each.instance_id not in called]
    if len(roots) != 1:
        names = ", ".join(f"'{each.instance_id}'" for each in roots[:5]) or "none"
        raise UsageError(
            "one instance is imported, with its sub-orchestrations; instances that no other one "
            f"has called: {names}"
        )
    return roots[0]


def imported(
    gathered: Sequence[RawHistory],
    new_id: str | None,
    now: datetime,
    new_execution: Callable[[], str],
) -> list[ImportedInstance]:
    """The instances to create, parents first.

    With `new_id` the root gets that id, and its sub-orchestrations get those that the code gives
    them there, as far as that can be known. `new_execution` makes the ids of executions.
    `UsageError` for histories that cannot be imported, or ids that an instance must not have.
    """
    by_id = {each.instance_id: each for each in gathered}
    root = root_of(gathered).instance_id
    order = list(_tree(root, by_id))
    for old in order:
        kept = None if new_id else by_id[old].execution_id
        by_id[old] = replace(by_id[old], execution_id=kept or new_execution())
    callers = dict(_callers(order, by_id))
    names = {old: old for old in order}
    if new_id is not None:
        names[root] = new_id
        for old, (parent, number) in callers.items():
            if old in names:
                names[old] = _child_name(old, by_id[parent], number, names[parent])
    for name in names.values():
        check_new_instance_id(name)
    return [_instance(by_id[old], by_id, names, callers.get(old), now) for old in order]


def _tree(instance_id: str, by_id: Mapping[str, RawHistory]) -> Iterator[str]:
    waiting, seen = [instance_id], set[str]()
    while waiting:
        each = waiting.pop(0)
        if each in by_id and each not in seen:
            seen.add(each)
            yield each
            waiting += children_of(by_id[each])


def _child_name(old: str, parent: RawHistory, number: int, new_parent: str) -> str:
    """The id of a sub-orchestration whose parent has the id `new_parent`: the engine's own, else
    one that was made of the parent's id, else the given one behind the parent's.
    """
    if is_child_id(old):
        return f"{parent.execution_id}:{number}"
    rest = old.removeprefix(parent.instance_id)
    is_made_of_parent = rest != old and not rest[:1].isalnum()
    return new_parent + rest if is_made_of_parent else f"{new_parent}:{old}"


def _callers(
    order: Sequence[str], by_id: Mapping[str, RawHistory]
) -> Iterator[tuple[str, tuple[str, int]]]:
    for parent in order:
        for event in by_id[parent].events:
            if isinstance(event, e.SubOrchestrationCreated):
                yield event.instance_id, (parent, event.task_id)


def _instance(
    history: RawHistory,
    by_id: Mapping[str, RawHistory],
    names: Mapping[str, str],
    caller: tuple[str, int] | None,
    now: datetime,
) -> ImportedInstance:
    started = next((one for one in history.events if isinstance(one, e.ExecutionStarted)), None)
    if started is None:
        raise UsageError(
            f"the history of instance '{history.instance_id}' is empty: it has not started"
        )
    last = history.events[-1].timestamp
    ending = _ending(history)
    episodes = (
        tuple(episodes_of([_renamed(event, names) for event in history.events]))
        if ending is not None
        else tuple(_open_episodes(history, by_id, names, now))
    )
    return ImportedInstance(
        names[history.instance_id],
        started,
        history.execution_id,
        RuntimeStatus.SUSPENDED if ending is None else ending.status,
        history.extras.created_time or started.timestamp,
        now if ending is None else last,
        episodes,
        None if ending is None else _output(ending),
        history.extras.custom_status,
        None if caller is None else (names[caller[0]], caller[1]),
    )


def _ending(history: RawHistory) -> e.ExecutionCompleted | None:
    for event in reversed(history.events):
        if isinstance(event, e.ContinueAsNew):
            raise WrongState(
                f"instance '{history.instance_id}' has just continued as new, and its history is "
                "that of the execution before",
                hint="save its history again",
            )
        if isinstance(event, e.ExecutionCompleted):
            return event
    return None


def _open_episodes(
    history: RawHistory, by_id: Mapping[str, RawHistory], names: Mapping[str, str], now: datetime
) -> Iterator[tuple[datetime, tuple[e.Event, ...]]]:
    """The episodes of an execution that has not ended, and one that suspends it."""
    events = history.events
    gone, answers = set[int](), list[e.Event]()
    for at in unanswered(events, len(events), ()):
        event = events[at]
        if not isinstance(event, e.SubOrchestrationCreated) or event.instance_id not in by_id:
            gone.add(at)
        elif (ended := _ending(by_id[event.instance_id])) is not None:
            answers.append(_answer(event, ended))
    left = [_renamed(event, names) for at, event in enumerate(events) if at not in gone]
    yield from episodes_of(left)
    # as after a rewind, what was taken out is decided again
    rewound = [e.ExecutionRewound(now, REASON)] if gone else []
    paused = [] if still_suspended(events, len(events)) else [e.ExecutionSuspended(now, REASON)]
    if answers or rewound or paused:
        time = max(now, events[-1].timestamp)
        yield time, tuple(replace(each, timestamp=time) for each in (*rewound, *answers, *paused))


def _renamed(event: e.Event, names: Mapping[str, str]) -> e.Event:
    if isinstance(event, e.SubOrchestrationCreated) and event.instance_id in names:
        return replace(event, instance_id=names[event.instance_id])
    return event


def _answer(call: e.SubOrchestrationCreated, ending: e.ExecutionCompleted) -> e.Event:
    """What a child that has ended since its parent was read answers."""
    if ending.status is RuntimeStatus.COMPLETED:
        return e.SubOrchestrationCompleted(ending.timestamp, call.task_id, ending.result)
    reason, details = ending.result or "", ending.details
    return e.SubOrchestrationFailed(ending.timestamp, call.task_id, reason, details)


def _output(ending: e.ExecutionCompleted) -> str | None:
    is_json = ending.status is RuntimeStatus.COMPLETED or ending.result is None
    return ending.result if is_json else json.dumps(ending.result)


def not_started(
    instance_id: str, name: str, input: str | None, created: datetime, generation: int | None
) -> RawHistory:
    """The history of an instance that was started and has not run yet."""
    started = e.ExecutionStarted(created, name, input, generation=generation)
    return RawHistory(instance_id, "", name, (e.OrchestratorStarted(created), started))
