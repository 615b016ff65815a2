"""The instances that ids or a filter name for one verb: shown, asked about, and then handed over.

Knows no verb by name, and carries nothing out.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from durablectl.cli.arguments.filters import Filters, Selection
from durablectl.cli.arguments.parameters import How
from durablectl.cli.session.selection import Selected, Stand, confirm_selection, new, times_of
from durablectl.cli.session.targets import Targets, refuse_query
from durablectl.config.restart_journal import Standing
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.loop import in_time
from durablectl.render.terminal.selection import show_chosen, tell_skipped
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
    journal: Callable[[TaskHub, bool], Stand] = lambda _hub, _many: new,
    timeout: float | None = None,
) -> Chosen | None:
    """The instances that ids or a filter name, after the question; None when nothing is to be done
    (a dry run, or there is none).

    A filter without --status means the `states` that the verb is for. `journal` tells how an
    instance of a hub stands, one or one of many. What is looked up for it may take `timeout`
    seconds; then it is `Unreachable`.
    """
    named = bool(names or from_)
    if named == filters.are_given:
        what = "give ids or a filter, not both" if named else f"no ids or filter given to {verb}"
        raise UsageError(what, hint=f"check a filter first: durablectl {verb} … --dry-run")
    if named:
        targets = Targets(session, names, from_)
        return by_ids(
            session,
            verb,
            targets,
            how,
            ignore_finished=ignore_finished,
            stand=journal(targets.hub, len(targets.ids) > 1),
            timeout=timeout,
        )
    selection = filters.selection(session.out.detail)
    if states and not selection.filter.statuses:
        selection = replace(selection, filter=replace(selection.filter, statuses=states))
    session.settings.require_named_hub(f"{verb} by filter")
    stand = journal(session.hub, True)
    return by_filter(session, verb, selection, how, stand=stand, timeout=timeout)


def by_ids(
    session: Session,
    verb: str,
    targets: Targets,
    how: How,
    *,
    ignore_finished: bool = False,
    stand: Stand = new,
    timeout: float | None = None,
) -> Chosen | None:
    """The named instances, at most --limit of them; None for a dry run, which shows them."""
    wave = _Wave(in_time(targets.hub, timeout), targets.ids, how, ignore_finished, stand)
    if how.dry_run:
        refuse_query(session)
        count = show_chosen(session.out, (status for _, status in wave if status is not None))
        tell_skipped(session.out, wave.left_out)
        session.out.note(f"{count} to {verb}; nothing was changed")
        return None
    hub, ids = targets.begin_change(yes=how.yes, confirm=how.confirm), targets.ids
    if not ids:
        session.out.note("no instance was named; nothing to do")
    if how.limit is not None and how.limit < len(ids):
        ids = [instance_id for instance_id, _ in wave]
        tell_skipped(session.out, wave.left_out)
    return Chosen(hub, ids)


class _Wave:
    """At most --limit of the named instances.

    Those that there is nothing to do for do not count: the next call continues with the next.
    """

    def __init__(
        self, hub: TaskHub, ids: Sequence[str], how: How, ignore_finished: bool, stand: Stand
    ) -> None:
        self._hub, self._ids, self._how, self._stand = hub, ids, how, stand
        self._ignore_finished = ignore_finished
        self.left_out: dict[str, str] = {}

    def __iter__(self) -> Iterator[tuple[str, InstanceStatus | None]]:
        count = 0
        for instance_id in self._ids:
            status = self._find(instance_id)
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
        return "finished already" if status.is_final and self._ignore_finished else None

    def _find(self, instance_id: str) -> InstanceStatus | None:
        try:
            return self._hub.get_status(instance_id, show_input=False)
        except InstanceNotFound:
            return None


def by_filter(
    session: Session,
    verb: str,
    selection: Selection,
    how: How,
    *,
    times: str | None = None,
    stand: Stand = new,
    timeout: float | None = None,
) -> Chosen | None:
    """What the filter selects, after the question; None for a dry run, which shows it, and when
    nothing matches.

    `times` are those that were asked for, if the filter has got others as well.
    """
    refuse_query(session)
    session.settings.require_named_hub(f"{verb} by filter")
    times = times_of(selection.filter) if times is None else times
    if times:
        session.out.note(f"instances {times}")
    if how.dry_run:
        selected = Selected(in_time(session.hub, timeout), selection, how, stand)
        count = show_chosen(session.out, selected)
        selected.tell_left_out(session.out)
        session.out.note(f"{count} to {verb} in {session.hub_label}; nothing was changed")
        return None
    session.begin_change(yes=how.yes, confirm=how.confirm)
    selected = Selected(in_time(session.hub, timeout), selection, how, stand)
    statuses = {
        status.instance_id: replace(status, custom_status=None, output=None, input=None)
        for status in selected
    }
    selected.tell_left_out(session.out)
    if statuses:
        confirm_selection(session, list(statuses), verb, times, yes=how.yes)
    else:
        session.out.note("nothing matches; nothing to do")
    return Chosen(
        session.hub,
        list(statuses),
        statuses,
        bool(selected.left_children or selected.left_entities),
    )
