"""What unfinished instances wait for, on one line each, for commands that show more than that: from
stored rows or a history, without the app's code.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from itertools import filterfalse, islice
from typing import TypeVar

from durablectl.backends.explaining import explain_instance, glance
from durablectl.backends.history_source import LoadApp
from durablectl.errors import DurablectlError
from durablectl.explanation.model import NO_WORKER, Explanation
from durablectl.model import InstanceStatus
from durablectl.polling.parallel import Runner, each_by_itself
from durablectl.render.explanation import awaited_line, explained_line, problem_line
from durablectl.render.views import Rows
from durablectl.taskhub import TaskHub

Item = TypeVar("Item")
Result = TypeVar("Result")
AT_ONCE = 8  # requests to a remote hub
SECONDS = 10.0  # for one of them
SECONDS_AFTER_A_WAIT = 2.0
IN_A_GROUP = 64


def waiting_rows(hub: TaskHub, status: InstanceStatus) -> Rows:
    """What an instance waits for, and what else would keep it from continuing, each with its label;
    nothing for one that is finished, or where it cannot be known.
    """
    made = _glance(hub, status)
    if made is None:
        return ()
    line, problem = _line(made), problem_line(made)
    rows = (("waiting for", "" if line == problem else line), ("problem", problem))
    return tuple(row for row in rows if row[1])


def with_waiting(
    hub: TaskHub, statuses: Iterable[InstanceStatus]
) -> Iterator[tuple[InstanceStatus, str]]:
    """Each status with its line, in their order; a remote hub is asked for several at a time."""
    rest = iter(statuses)
    while group := list(islice(rest, IN_A_GROUP)):
        made = _of_each(hub, partial(_glance, hub), group)
        yield from zip(group, map(_line, made), strict=True)


class Glances:
    """What the instances of a listing that is looked at again and again wait for.

    A remote hub is asked only for those that have changed since the last look.
    """

    def __init__(self, hub: TaskHub) -> None:
        self._hub = hub
        self._known: dict[str, tuple[datetime, Explanation | None]] = {}

    def look(self, statuses: Sequence[InstanceStatus]) -> None:
        """Learn what these wait for, and forget the others."""
        before, is_remote = self._known, not self._hub.commits_together
        stale = [each for each in statuses if not (is_remote and self._is_current(each))]
        found = _of_each(self._hub, partial(_glance, self._hub), stale)
        news = {
            each.instance_id: (each.last_updated_time, made)
            for each, made in zip(stale, found, strict=True)
        }
        shown = {each.instance_id for each in statuses}
        self._known = {name: known for name, known in before.items() if name in shown} | news

    def line(self, instance_id: str, now: datetime) -> str:
        """What it waits for, as far as the last look showed."""
        _, made = self._known.get(instance_id, (now, None))
        return "" if made is None else explained_line(made, now)

    def _is_current(self, status: InstanceStatus) -> bool:
        known = self._known.get(status.instance_id)
        return known is not None and known[0] == status.last_updated_time


def lines_after_a_wait(
    hub: TaskHub, instance_ids: Sequence[str], load_app: LoadApp | None
) -> list[tuple[str, str]]:
    """The ids that a wait gave up on, each with a sentence about what it waits for: with names and
    lines of the code where `load_app` gives the app, which this process has then run until now.
    What cannot be known is left out.
    """
    lines = _of_each(hub, partial(_line_of, hub, load_app), instance_ids)
    return [(name, line) for name, line in zip(instance_ids, lines, strict=True) if line]


def _line(made: Explanation | None) -> str:
    return "" if made is None else explained_line(made, datetime.now(UTC))


def _line_of(hub: TaskHub, load_app: LoadApp | None, instance_id: str) -> str:
    try:
        made = explain_instance(hub.within(SECONDS_AFTER_A_WAIT), instance_id, load_app)
    except DurablectlError:
        return ""
    if line := awaited_line(made, datetime.now(UTC)):
        return f"{instance_id} waits for {line}"
    if load_app is not None:
        made = replace(made, problems=tuple(filterfalse(_is_of_no_worker, made.problems)))
    problem = problem_line(made)
    return f"{instance_id}: {problem}" if problem else ""


def _is_of_no_worker(problem: str) -> bool:
    return problem.startswith(NO_WORKER)


def _glance(hub: TaskHub, status: InstanceStatus) -> Explanation | None:
    if status.is_final or status.is_entity:
        return None
    try:
        return glance(hub.within(SECONDS), status)
    except DurablectlError:
        return None


def _of_each(
    hub: TaskHub, operate: Callable[[Item], Result], items: Sequence[Item]
) -> list[Result]:
    """What it gives for each, in their order; a remote hub is asked for several at a time."""
    if hub.commits_together:
        return list(map(operate, items))
    results: dict[int, Result] = {}

    def run(number: int) -> None:
        results[number] = operate(items[number])

    for outcome in Runner(range(len(items)), each_by_itself(run), concurrency=AT_ONCE):
        if outcome.error is not None:
            raise outcome.error
    return [results[number] for number in range(len(items))]
