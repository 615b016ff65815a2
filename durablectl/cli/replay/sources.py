"""Where the histories of a replay come from: files, folders, instances of a hub, all in flight.

Runs no code of the app.
"""

from __future__ import annotations

import random
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from durablectl import wire
from durablectl.backends.saving import with_entities
from durablectl.cli.arguments.filters import Selection
from durablectl.errors import InstanceNotFound, Unsupported, UsageError
from durablectl.history.exported import raw_from_json
from durablectl.history.saved import History, ServiceHistory, is_of_one_moment, read_histories
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.parallel import Runner, each_by_itself
from durablectl.taskhub import TaskHub

AT_ONCE = 8
READS = 3
"""How often an instance is read that changes while it is read."""
HAVE_A_HISTORY = frozenset(
    {RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED, RuntimeStatus.CONTINUED_AS_NEW}
)


@dataclass(frozen=True, slots=True)
class Found:
    """A history, and its JSON where it came from a hub; `reason` says why it cannot be used."""

    history: History
    document: dict[str, Any] | None = None
    reason: str = ""


def of_file(path: Path, limit: int) -> Iterator[Found]:
    """The histories in a file or in the files of a folder, each of at most `limit` bytes;
    `UsageError` for what cannot be read.
    """
    files = [path]
    if path.is_dir():
        files = sorted(each for each in path.iterdir() if each.suffix in (".json", ".jsonl"))
    for file in files:
        yield from (Found(history) for history in read_histories(file, limit=limit))


def with_history(selection: Selection) -> Selection:
    """The selection of those in flight that have a history; `UsageError` when it asks for others.

    Pending ones have no history, and those that end while the others are read need none.
    """
    if selection.filter.statuses - HAVE_A_HISTORY:
        raise UsageError(
            "--in-flight is about instances that are Running or Suspended",
            hint="leave out --status, or name one of these",
        )
    statuses = selection.filter.statuses or HAVE_A_HISTORY
    return replace(selection, filter=replace(selection.filter, statuses=statuses))


def in_flight(
    hub: TaskHub,
    wanted: Selection,
    sample: int | None,
    note: Callable[[str], None],
    *,
    saves: bool = False,
) -> Iterator[Found]:
    """The histories of all instances that match; of each orchestrator at most `sample` of them,
    drawn at random. `saves` as in `fetched`.
    """
    found = wanted.find(hub)
    listed = found if sample is None else _sampled(found, sample)
    ids = (each.instance_id for each in listed if not each.is_entity)
    yield from fetched(hub, ids, note, is_listed=True, saves=saves)


def fetched(
    hub: TaskHub,
    ids: Iterable[str],
    note: Callable[[str], None],
    *,
    is_listed: bool = False,
    saves: bool = False,
) -> Iterator[Found]:
    """The histories of instances, several at a time, in any order.

    One that `is_listed` and gone by now is left out. With `saves` the documents have the states of
    the entities that the instance calls.
    """

    def fetch(instance_id: str) -> Found:
        found = _fetch(hub, instance_id, note)
        if saves and found.document is not None and not found.reason:
            return replace(found, document=with_entities(hub, found.document))
        return found

    runner = Runner(ids, each_by_itself(fetch), concurrency=AT_ONCE)
    try:
        for outcome in runner:
            if is_listed and isinstance(outcome.error, InstanceNotFound):
                note(f"instance '{outcome.item}' has been purged meanwhile")
                continue
            if outcome.error is not None:
                raise outcome.error
            assert isinstance(outcome.result, Found)
            yield outcome.result
    finally:
        runner.stop()


def _fetch(hub: TaskHub, instance_id: str, note: Callable[[str], None]) -> Found:
    try:
        document = hub.raw_history(instance_id)
    except Unsupported:
        return _fetch_shown(hub, instance_id, note)
    return Found(raw_from_json(document), document)


def _fetch_shown(hub: TaskHub, instance_id: str, note: Callable[[str], None]) -> Found:
    for read in range(READS):
        if read:
            note(f"instance '{instance_id}' changed while it was read; reading it again")
        status = hub.get_status(instance_id, show_history=True, show_history_output=True)
        found = Found(ServiceHistory.of(status), wire.status_to_json(status))
        if is_of_one_moment(status):
            return found
    return replace(found, reason="it changes while it is read")


def _sampled(found: Iterable[InstanceStatus], size: int) -> list[InstanceStatus]:
    """At most `size` of each orchestrator, each with the same chance (reservoir sampling): all are
    listed, and few are kept.
    """
    chance = random.Random(0)  # noqa: S311 - the same gate draws the same sample
    kept: dict[str, list[InstanceStatus]] = {}
    seen: dict[str, int] = {}
    for status in found:
        name = status.name.lower()
        sample, count = kept.setdefault(name, []), seen.get(name, 0)
        seen[name] = count + 1
        if count < size:
            sample.append(status)
        elif (place := chance.randrange(count + 1)) < size:
            sample[place] = status
    return [status for sample in kept.values() for status in sample]
