"""What a filter selects for a batch: shown before anything is done, and asked about.

Changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import TYPE_CHECKING

from durablectl import wire
from durablectl.cli.arguments.filters import Selection
from durablectl.cli.arguments.parameters import How
from durablectl.config.restart_journal import Standing
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, InstanceStatus
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.instances import (
    FIRST,
    kind_of,
    show_chosen,
    tell_counts,
    tell_skipped,
)
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session

Found = tuple[str, InstanceStatus | None]
Stand = Callable[[InstanceStatus], Standing]
Standings = Callable[[TaskHub, bool], Stand]
"""How the instances of a hub stand, one or one of many."""


def new(_status: InstanceStatus) -> Standing:
    """How instances stand for a verb that keeps no journal."""
    return Standing.NEW


def no_journal(_hub: TaskHub, _many: bool) -> Stand:
    return new


class Wave:
    """At most --limit of the instances that were found, by their ids; None for one that is not
    there.

    Those that there is nothing to do for do not count: the next call continues with the next. What
    a journal has as unclear is taken, to fail, but not in a dry run; it does not count either.
    """

    def __init__(
        self, found: Iterable[Found], how: How, stand: Stand, *, skips_final: bool
    ) -> None:
        self._found, self._how, self._stand, self._skips_final = found, how, stand, skips_final
        self.left_out: dict[str, str] = {}

    def __iter__(self) -> Iterator[Found]:
        count = 0
        for instance_id, status in self._found:
            standing = Standing.NEW if status is None else self._stand(status)
            if (why := self._why_not(status, standing)) is not None:
                self.left_out[instance_id] = why
                continue
            yield instance_id, status
            count += standing is Standing.NEW
            if count == self._how.limit:
                return

    def _why_not(self, status: InstanceStatus | None, standing: Standing) -> str | None:
        if status is None:
            return "not there" if self._how.dry_run or self._how.ignore_not_found else None
        if standing is Standing.DONE or (standing is Standing.UNCLEAR and self._how.dry_run):
            return standing.value
        return "finished already" if status.is_final and self._skips_final else None

    def show(self, out: Output) -> int:
        """Print all of it for a dry run, and what was left out; how many there are."""
        count = show_chosen(out, (status for _, status in self if status is not None))
        tell_skipped(out, self.left_out)
        return count


class Filtered:
    """What a filter finds, each once; entities and recognisable children are left out, and counted,
    unless included.
    """

    def __init__(self, hub: TaskHub, selection: Selection, how: How) -> None:
        self._hub, self._how = hub, how
        self._takes_entities = selection.filter.include_entities
        all_kinds = replace(selection.filter, include_entities=True)
        self._selection = replace(selection, filter=all_kinds)
        self.entities = self.children = 0

    def __iter__(self) -> Iterator[Found]:
        seen: set[str] = set()
        for status in self._selection.find(self._hub):
            # a hub that changes under the listing may show one twice
            if status.instance_id in seen:
                continue
            seen.add(status.instance_id)
            if status.is_entity and not self._takes_entities:
                self.entities += 1
            elif status.is_child and not self._how.include_children:
                self.children += 1
            else:
                yield status.instance_id, status

    def tell_left_out(self, out: Output) -> None:
        """Say what was left out so far."""
        for count, one, many, option in (
            (self.entities, "entity", "entities", "--include-entities"),
            (self.children, "sub-orchestration", "sub-orchestrations", "--include-children"),
        ):
            if count:
                what = f"{count} {one if count == 1 else many}"
                out.note(f"{what} left out; {option} includes them")


def times_of(filter: InstanceFilter) -> str:
    """The times of a filter in UTC, for people: what `30d` or a date without a zone means now; ""
    when it has none.
    """
    bounds = (filter.created_from, filter.created_to, filter.updated_from, filter.updated_to)
    words = ("created after", "created before", "updated after", "updated before")
    return " and ".join(
        f"{word} {wire.time_to_text(time)}"
        for word, time in zip(words, bounds, strict=True)
        if time is not None
    )


def confirm_selection(
    session: Session,
    chosen: Mapping[str, InstanceStatus],
    verb: str,
    times: str,
    name: str,
    *,
    yes: bool,
) -> None:
    """Show how many there are of each orchestrator and status and the first ten, and ask unless
    `yes`; without a terminal `UsageError`.

    `times` are those of the filter; a protected hub asks for its `name`.
    """
    count = "1 instance" if len(chosen) == 1 else f"{len(chosen)} instances"
    session.out.note(f"{count} in {session.settings.label}:")
    tell_counts(session.out, Counter(map(kind_of, chosen.values())))
    for instance_id in islice(chosen, FIRST):
        session.out.note(f"  {safe_line(instance_id)}")
    if len(chosen) > FIRST:
        session.out.note(f"  and {len(chosen) - FIRST} more")
    if yes:
        return
    if not session.is_terminal:
        raise UsageError(
            f"cannot ask without a terminal whether to {verb} {count}",
            hint="look with --dry-run, then add --yes",
        )
    how = f"the hub is protected; type '{name}' to continue:" if name else "[y/N]"
    session.out.talk(f"{verb} {count}{times and f' {times}'}? {how}")
    answer = session.stdin.readline().strip()
    if answer != name if name else answer.lower() not in ("y", "yes"):
        raise UsageError("not confirmed; nothing was changed")
