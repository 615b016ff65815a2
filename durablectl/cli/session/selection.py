"""What a filter selects for a batch: shown before anything is done, and asked about.

Changes nothing.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from durablectl import wire
from durablectl.cli.arguments.filters import Selection
from durablectl.cli.arguments.parameters import How
from durablectl.config.restart_journal import Standing
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, InstanceStatus
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.selection import FIRST, tell_skipped
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session

Stand = Callable[[InstanceStatus], Standing]


def new(_status: InstanceStatus) -> Standing:
    """How instances stand for a verb that keeps no journal."""
    return Standing.NEW


class Selected:
    """The instances that a filter selects, each once; entities and recognisable children are left
    out, and counted, unless included.

    So is what a journal has as done. What it has as unclear is selected, to fail, but not in a dry
    run; it does not count for --limit.
    """

    def __init__(self, hub: TaskHub, selection: Selection, how: How, stand: Stand) -> None:
        self._hub, self._how, self._stand = hub, how, stand
        self._entities = selection.filter.include_entities
        self._selection = replace(
            selection, filter=replace(selection.filter, include_entities=True)
        )
        self.left_entities = self.left_children = 0
        self.left_done: dict[str, str] = {}

    def __iter__(self) -> Iterator[InstanceStatus]:
        count = 0
        for status in self._chosen():
            standing = self._stand(status)
            if standing is Standing.DONE or (standing is Standing.UNCLEAR and self._how.dry_run):
                self.left_done[status.instance_id] = standing.value
                continue
            yield status
            count += standing is Standing.NEW
            if count == self._how.limit:
                return

    def _chosen(self) -> Iterator[InstanceStatus]:
        seen: set[str] = set()
        for status in self._selection.find(self._hub):
            # a hub that changes under the listing may show one twice
            if status.instance_id in seen:
                continue
            seen.add(status.instance_id)
            if status.is_entity and not self._entities:
                self.left_entities += 1
            elif status.is_child and not self._how.include_children:
                self.left_children += 1
            else:
                yield status

    def tell_left_out(self, out: Output) -> None:
        """Say what was left out so far."""
        tell_skipped(out, self.left_done)
        if self.left_entities:
            what = "1 entity" if self.left_entities == 1 else f"{self.left_entities} entities"
            out.note(f"{what} left out; --include-entities includes them")
        if self.left_children:
            what = (
                "1 sub-orchestration"
                if self.left_children == 1
                else (f"{self.left_children} sub-orchestrations")
            )
            out.note(f"{what} left out; --include-children includes them")


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
    session: Session, ids: Sequence[str], verb: str, times: str, *, yes: bool
) -> None:
    """Show the count and the first ten, and ask unless `yes`; without a terminal `UsageError`.

    `times` are those of the filter.
    """
    session.out.note(f"{_counted(ids)} in {session.hub_label}:")
    for instance_id in ids[:FIRST]:
        session.out.note(f"  {safe_line(instance_id)}")
    if len(ids) > FIRST:
        session.out.note(f"  and {len(ids) - FIRST} more")
    if yes:
        return
    if not session.is_terminal:
        raise UsageError(
            f"cannot ask without a terminal whether to {verb} {_counted(ids)}",
            hint="look with --dry-run, then add --yes",
        )
    session.out.talk(f"{verb} {_counted(ids)}{times and f' {times}'}? [y/N]")
    if session.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed; nothing was changed")


def _counted(ids: Sequence[str]) -> str:
    return "1 instance" if len(ids) == 1 else f"{len(ids)} instances"
