"""What a filter selects for a batch: shown before anything is done, and asked about.

Changes nothing.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import replace
from itertools import islice

from durablectl import wire
from durablectl.cli.arguments.filters import Selection
from durablectl.cli.arguments.parameters import How
from durablectl.cli.batch.report import tell_skipped
from durablectl.cli.session import Session
from durablectl.config.restart_journal import Standing
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, InstanceStatus, utc_now
from durablectl.quoting import quoted
from durablectl.render import views
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_items
from durablectl.taskhub import TaskHub

FIRST = 10


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

    def tell_left_out(self, session: Session) -> None:
        """Say what was left out so far."""
        tell_skipped(session.out, self.left_done)
        if self.left_entities:
            what = "1 entity" if self.left_entities == 1 else f"{self.left_entities} entities"
            session.out.note(f"{what} left out; --include-entities takes in every one")
        if self.left_children:
            what = (
                "1 sub-orchestration"
                if self.left_children == 1
                else (f"{self.left_children} sub-orchestrations")
            )
            session.out.note(f"{what} left out; --include-children takes in every one")


def require_named_hub(session: Session, what: str) -> None:
    """`UsageError` when the hub is one that was found beside the app, not named."""
    session.require_hub()
    if not session.settings.named:
        raise UsageError(
            f"{what} needs an explicit hub, not one that was found ({session.hub_label})",
            hint=f"name it: --hub {quoted(str(session.settings.path))}"
            if session.settings.path
            else "name it with --hub or --context",
        )


def show_selection(session: Session, selected: Iterable[InstanceStatus], told: str) -> None:
    """Print what a dry run selects, and last how many that are."""
    count = show_chosen(session.out, selected)
    session.out.note(f"{count} {told}; nothing was changed")


def show_chosen(out: Output, chosen: Iterable[InstanceStatus]) -> int:
    """Print instances and return how many they are; on a terminal the first ten, and of more how
    many of each orchestrator and status.
    """
    counted: Counter[tuple[str, str]] = Counter()

    def each() -> Iterator[InstanceStatus]:
        for status in chosen:
            counted[status.name, status.runtime_status.value] += 1
            yield status

    found = each()
    show_items(
        out,
        islice(found, FIRST) if out.is_rich else found,
        table=(lambda items: views.recent([*items], utc_now())) if out.is_rich else views.instances,
        json=wire.status_to_json,
        id=lambda status: status.instance_id,
    )
    for _ in found:  # what is only counted
        pass
    if out.is_rich and counted.total() > FIRST:
        out.note(f"and {counted.total() - FIRST} more; -o id or -o json shows all. In all:")
        for (name, status), number in counted.most_common(FIRST):
            out.note(f"  {number:>6}  {safe_line(name)}  {status}")
    return counted.total()


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
