"""One verb over ids or over a filter: chosen, shown, asked about, carried out. Knows no verb by name."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import typer

from durablectl.cli.batches import ALL_OF_IT, Operation, Tolerance, carry_out
from durablectl.cli.exits import ExitCode, for_outcomes
from durablectl.cli.filters import Filters, Selection
from durablectl.cli.parameters import How
from durablectl.cli.selection import Selected, confirm_selection, require_named_hub, show_selection, times_of
from durablectl.cli.session import Session
from durablectl.cli.settling import Settled
from durablectl.cli.targets import Targets, refuse_query
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub


@dataclass(frozen=True, slots=True)
class Chosen:
    """The instances that were chosen, the hub they are in, and whether a filter chose them; then `statuses` has what it saw."""

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
) -> Chosen | None:
    """The instances that ids or a filter name, after the question; None when nothing is to be done (a dry run, or there is none).

    A filter without --status means the `states` that the verb is for.
    """
    named = bool(names or from_)
    if named == filters.are_given:
        what = "both ids and a filter say" if named else "nothing says"
        raise UsageError(f"{what} what to {verb}", hint=f"name ids, or filter; look at a filter first: durablectl {verb} … --dry-run")
    if named:
        return by_ids(session, verb, Targets(session, names, from_), how)
    selection = filters.selection(session)
    if states and not selection.filter.statuses:
        selection = replace(selection, filter=replace(selection.filter, statuses=states))
    return by_filter(session, verb, selection, how)


def by_ids(session: Session, verb: str, targets: Targets, how: How) -> Chosen | None:
    """The named instances, at most --limit of them; None for a dry run, which shows them."""
    ids = targets.ids[: how.limit]
    if how.dry_run:
        refuse_query(session)
        show_selection(session, _there(session, targets.hub, ids), f"to {verb}")
        return None
    hub = targets.begin_change(yes=how.yes, confirm=how.confirm)
    if not ids:
        session.out.note("no instance was named; nothing to do")
    return Chosen(hub, ids)


def _there(session: Session, hub: TaskHub, ids: Sequence[str]) -> Iterator[InstanceStatus]:
    for instance_id in ids:
        try:
            yield hub.get_status(instance_id, show_input=False)
        except InstanceNotFound:
            session.out.note(f"not there: {instance_id}")


def by_filter(session: Session, verb: str, selection: Selection, how: How, *, times: str | None = None) -> Chosen | None:
    """What the filter selects, after the question; None for a dry run, which shows it, and when nothing matches.

    `times` are those that were asked for, if the filter has got others as well.
    """
    refuse_query(session)
    require_named_hub(session, f"{verb} by filter")
    times = times_of(selection.filter) if times is None else times
    if times:
        session.out.note(f"instances {times}")
    if how.dry_run:
        selected = Selected(session.hub, selection, children=how.include_children, limit=how.limit)
        show_selection(session, selected, f"to {verb} in {session.hub_label}")
        selected.tell_left_out(session)
        return None
    session.begin_change(yes=how.yes, confirm=how.confirm)
    selected = Selected(session.hub, selection, children=how.include_children, limit=how.limit)
    statuses = {status.instance_id: replace(status, custom_status=None, output=None, input=None) for status in selected}
    selected.tell_left_out(session)
    if statuses:
        confirm_selection(session, list(statuses), verb, times, yes=how.yes)
    else:
        session.out.note("nothing matches; nothing to do")
    return Chosen(session.hub, list(statuses), statuses, bool(selected.left_children or selected.left_entities))


def control(
    session: Session,
    chosen: Chosen | None,
    how: How,
    operation: Callable[[TaskHub], Operation],
    *,
    ignore_finished: bool = False,
    settled: Settled | None = None,
) -> None:
    """Carry it out on what was chosen, and wait until it is so if that is wanted; leaves with exit code 1 when something failed."""
    if chosen is None:
        return
    tolerance = ALL_OF_IT if chosen.by_filter else Tolerance(how.ignore_not_found, ignore_finished)
    account = carry_out(session, chosen.hub, chosen.ids, operation(chosen.hub), how, tolerance)
    codes: list[int] = [account.exit_code]
    if settled is not None and account.done:
        codes.append(settled.wait(session, chosen.hub, list(account.done)))
    if (code := for_outcomes(codes)) != ExitCode.DONE:
        raise typer.Exit(code)
