"""The instances that ids or a filter name for one verb: shown, asked about, and then handed over.

Knows no verb by name, and carries nothing out.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from durablectl.cli.arguments.filters import Filters, Selection
from durablectl.cli.arguments.parameters import How
from durablectl.cli.session.selection import (
    Filtered,
    Standings,
    Wave,
    confirm_selection,
    no_journal,
    times_of,
)
from durablectl.cli.session.targets import Targets, refuse_query
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.loop import in_time
from durablectl.render.terminal.instances import tell_skipped
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session


@dataclass(frozen=True, slots=True)
class Chosen:
    """The instances that were chosen, the hub they are in, and whether a filter chose them; then
    `statuses` has what it saw.
    """

    hub: TaskHub
    ids: Sequence[str]
    statuses: dict[str, InstanceStatus] | None = None
    has_left_out: bool = False

    @property
    def by_filter(self) -> bool:
        return self.statuses is not None


def choose(
    session: Session,
    verb: str,
    names: Sequence[str] | None,
    from_: Sequence[str] | None,
    filters: Filters,
    how: How,
    *,
    states: frozenset[RuntimeStatus] = frozenset(),
    ignore_finished: bool = False,
    journal: Standings = no_journal,
    timeout: float | None = None,
) -> Chosen | None:
    """The instances that ids or a filter name, after the question; None when nothing is to be done
    (a dry run, or there is none).

    A filter without --status means the `states` that the verb is for. What is looked up for it may
    take `timeout` seconds; then it is `Unreachable`.
    """
    named = bool(names or from_)
    if named == filters.are_given:
        what = "give ids or a filter, not both" if named else f"no ids or filter given to {verb}"
        raise UsageError(what, hint=f"check a filter first: durablectl {verb} … --dry-run")
    if named:
        targets = Targets(session, names, from_)
        hub = in_time(targets.hub, timeout)
        found = ((each, _find(hub, each)) for each in targets.ids)
        stand = journal(targets.hub, len(targets.ids) > 1)
        wave = Wave(found, how, stand, skips_final=ignore_finished)
        return _of_ids(session, verb, targets, wave, how)
    selection = filters.selection(session.out.detail)
    if states and not selection.filter.statuses:
        selection = replace(selection, filter=replace(selection.filter, statuses=states))
    return by_filter(session, verb, selection, how, journal=journal, timeout=timeout)


def _of_ids(session: Session, verb: str, targets: Targets, wave: Wave, how: How) -> Chosen | None:
    """The named instances, at most --limit of them; None for a dry run, which shows them."""
    if how.dry_run:
        refuse_query(session)
        session.out.note(f"{wave.show(session.out)} to {verb}; nothing was changed")
        return None
    hub, ids = targets.begin_change(yes=how.yes, confirm=how.confirm), targets.ids
    if not ids:
        session.out.note("no instance was named; nothing to do")
    if how.limit is not None and how.limit < len(ids):
        ids = [instance_id for instance_id, _ in wave]
        tell_skipped(session.out, wave.left_out)
    return Chosen(hub, ids)


def _find(hub: TaskHub, instance_id: str) -> InstanceStatus | None:
    try:
        return hub.get_status(instance_id, show_input=False)
    except InstanceNotFound:
        return None


def by_filter(
    session: Session,
    verb: str,
    selection: Selection,
    how: How,
    *,
    times: str | None = None,
    journal: Standings = no_journal,
    timeout: float | None = None,
) -> Chosen | None:
    """What the filter selects, after the question; None for a dry run, which shows it, and when
    nothing matches.

    `times` are those that were asked for, if the filter has got others as well.
    """
    refuse_query(session)
    if not how.dry_run:
        session.settings.require_named_hub(f"{verb} by filter")
    times = times_of(selection.filter) if times is None else times
    if times:
        session.out.note(f"instances {times}")
    name = "" if how.dry_run else session.begin_batch(yes=how.yes, confirm=how.confirm)
    filtered = Filtered(in_time(session.hub, timeout), selection, how)
    wave = Wave(filtered, how, journal(session.hub, True), skips_final=False)
    if how.dry_run:
        count = wave.show(session.out)
        filtered.tell_left_out(session.out)
        session.out.note(f"{count} to {verb} in {session.settings.label}; nothing was changed")
        return None
    statuses = {
        instance_id: replace(status, custom_status=None, output=None, input=None)
        for instance_id, status in wave
        if status is not None
    }
    tell_skipped(session.out, wave.left_out)
    filtered.tell_left_out(session.out)
    if statuses:
        confirm_selection(session, statuses, verb, times, name, yes=how.yes)
    else:
        session.out.note("nothing matches; nothing to do")
    has_left_out = bool(filtered.children or filtered.entities)
    return Chosen(session.hub, list(statuses), statuses, has_left_out)
