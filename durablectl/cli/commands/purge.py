"""`durablectl purge`: delete finished instances and their history, by id or by filter."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Annotated

import typer

from durablectl.cli.batches import Tolerance, for_each
from durablectl.cli.filters import CreatedAfter, CreatedBefore, Name, Prefix, Statuses, UpdatedAfter, UpdatedBefore, filter_of, final_only
from durablectl.cli.parameters import Confirm, FromFiles, IgnoreNotFound, Instances, Yes
from durablectl.cli.selection import confirm_selection, show_selection
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets, refuse_query
from durablectl.errors import NotFound, UsageError, WrongState
from durablectl.model import InstanceFilter
from durablectl.taskhub import TaskHub, list_instances

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)


def purge(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    status: Statuses = None,
    name: Name = None,
    prefix: Prefix = "",
    created_after: CreatedAfter = None,
    created_before: CreatedBefore = None,
    updated_after: UpdatedAfter = None,
    updated_before: UpdatedBefore = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Show what would be purged; with -o id for a second call.")] = False,
    ignore_not_found: IgnoreNotFound = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Delete finished instances and their history.

    By id, or by a filter: then it shows how many there are and the first ten, and asks. Running instances are never deleted.

    Examples:
      durablectl purge order-7
      durablectl purge --created-before 30d --status Completed --dry-run
      durablectl purge --created-before 30d --status Completed,Failed --yes
    """
    session: Session = ctx.obj
    filter = filter_of(
        session,
        status,
        name,
        prefix,
        created_after=created_after,
        created_before=created_before,
        updated_after=updated_after,
        updated_before=updated_before,
    )
    named = bool(instances or from_)
    if named == (filter != InstanceFilter()):
        what = "both ids and a filter" if named else "nothing"
        raise UsageError(f"{what} says what to purge", hint="name ids, or filter, for example with --created-before 30d")
    if named:
        _by_id(session, Targets(session, instances, from_), Tolerance(not_found=ignore_not_found), (dry_run, yes, confirm))
    else:
        _by_filter(session, filter, (dry_run, yes, confirm))


def _by_id(session: Session, targets: Targets, tolerance: Tolerance, asked: tuple[bool, bool, str | None]) -> None:
    dry_run, yes, confirm = asked
    if dry_run:
        hub = targets.hub
        show_selection(session, (hub.get_status(each, show_input=False) for each in targets.ids), "would be purged")
        return
    hub = targets.begin_change(yes=yes, confirm=confirm)
    for_each(session, targets, hub, lambda each: _purge_one(hub, each), told="purged", tolerance=tolerance)


def _purge_one(hub: TaskHub, instance_id: str) -> None:
    if hub.purge(instance_id) == 0:
        raise NotFound(f"nothing to purge of '{instance_id}'")


def _by_filter(session: Session, filter: InstanceFilter, asked: tuple[bool, bool, str | None]) -> None:
    dry_run, yes, confirm = asked
    # What was counted is what is deleted: an upper bound keeps out whatever is created while the question is on the screen.
    upper = filter.created_to or datetime.now(UTC)
    bounded = _bounded(filter, upper)
    if not session.settings.named and (session.settings.url or session.settings.path):
        raise UsageError(
            f"a purge by filter wants a hub that was named, not one that was found ({session.hub_label})",
            hint=f"name it: --hub {session.settings.path}" if session.settings.path else "name it with --hub or --context",
        )
    if dry_run:
        show_selection(session, list_instances(session.hub, bounded), "would be purged")
        return
    refuse_query(session)
    session.begin_change(yes=yes, confirm=confirm)
    found = [each.instance_id for each in list_instances(session.hub, bounded)]
    if not found:
        session.out.note("nothing matches; nothing to do")
        _show_deleted(session, 0)
        return
    confirm_selection(session, found, "purge", yes=yes)
    hub_can = not (filter.name or filter.prefix or filter.updated_from or filter.updated_to)
    deleted = (
        session.hub.purge_by(created_from=filter.created_from or EPOCH, created_to=upper, statuses=bounded.statuses)
        if hub_can
        else sum(_purge_quietly(session.hub, each) for each in found)
    )
    _show_deleted(session, deleted)


def _bounded(filter: InstanceFilter, upper: datetime) -> InstanceFilter:
    return InstanceFilter(
        final_only(filter.statuses), filter.name, filter.prefix, filter.created_from, upper, filter.updated_from, filter.updated_to
    )


def _purge_quietly(hub: TaskHub, instance_id: str) -> int:
    """Purge one of a filter's: what is gone, or was started again, in the meantime is passed over."""
    try:
        return hub.purge(instance_id)
    except (NotFound, WrongState):
        return 0


def _show_deleted(session: Session, deleted: int) -> None:
    if session.out.is_text:
        session.out.note(f"{deleted} purged")
    else:
        session.out.show("", {"instancesDeleted": deleted}, id=str(deleted))
