"""`durablectl purge`: delete finished instances and their history, by id or by filter."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Filters, Selection, final_only
from durablectl.cli.arguments.parameters import FromFiles, How, Instances
from durablectl.cli.batch.purge_by_time import purge_slices
from durablectl.cli.batch.runner import BatchOperation, control
from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.chosen import Chosen, by_filter, choose
from durablectl.cli.session.selection import times_of
from durablectl.cli.session.targets import refuse_query
from durablectl.errors import NotFound
from durablectl.taskhub import TaskHub


def purge(
    session: Session,
    filters: Filters,
    how: How,
    instances: Instances = None,
    from_: FromFiles = None,
    recursive: Annotated[
        bool,
        typer.Option("--recursive", help="Delete their sub-orchestrations, too (not over HTTP)."),
    ] = False,
) -> None:
    """Delete finished instances and their history.

    With a filter it shows how many there are and the first ten, and asks. Running
    instances are never deleted. With only times and statuses, the service deletes them itself, one
    time range at a time; with any other filter they are deleted id by id. Sub-orchestrations stay,
    unless --recursive.

    Examples:
      durablectl purge order-7
      durablectl purge --created-before 30d --status Completed --dry-run
      durablectl purge --created-before 30d --status Completed,Failed --include-children --yes
    """
    if instances or from_ or not filters.are_given:
        chosen = choose(session, "purge", instances, from_, filters, how)
        if chosen is not None:
            _carry_out(session, chosen, _operation(chosen.hub, recursive=recursive), how)
        return
    refuse_query(session)
    # What was counted is what is deleted: an upper bound keeps out whatever is created while the
    # question is on the screen.
    asked = filters.selection(session.out.detail)
    selection = _bounded(asked, datetime.now(UTC))
    chosen = by_filter(session, "purge", selection, how, times=times_of(asked.filter))
    if chosen is None:
        return
    is_partial = recursive or how.limit or how.rate or not chosen.ids or chosen.has_left_out
    if is_partial or not _service_can(selection):
        operation = _operation(chosen.hub, recursive=recursive)
        _carry_out(session, chosen, replace(operation, sum_name="instancesDeleted"), how)
        return
    created = [each.created_time for each in (chosen.statuses or {}).values()]
    is_complete = purge_slices(session.out, chosen.hub, selection.filter, created)
    leave(exit_codes.for_batch(is_complete=is_complete))


def _carry_out(session: Session, chosen: Chosen, operation: BatchOperation, how: How) -> None:
    report = control(
        session.out, chosen.hub, chosen.ids, operation, how, by_filter=chosen.by_filter
    )
    leave(exit_codes.for_batch(is_complete=report.is_complete))


def _operation(hub: TaskHub, *, recursive: bool) -> BatchOperation:
    def purge_one(instance_id: str) -> int:
        deleted = hub.purge(instance_id, recursive=recursive)
        if deleted == 0:
            raise NotFound(f"nothing to purge of '{instance_id}'")
        return deleted

    purge_all = partial(hub.purge_many, recursive=recursive)
    is_batched = hub.purges_together and not recursive
    return BatchOperation(
        "purge", "purged", purge_one, operate_all=purge_all, is_batched=is_batched
    )


def _bounded(selection: Selection, now: datetime) -> Selection:
    bounded = replace(
        selection.filter,
        statuses=final_only(selection.filter.statuses),
        created_to=selection.filter.created_to or now,
    )
    return replace(selection, filter=bounded)


def _service_can(selection: Selection) -> bool:
    """Whether the service's own purge knows everything that was asked for: times of creation and
    states.
    """
    filter = selection.filter
    return selection.where is None and not (
        filter.name or filter.prefix or filter.updated_from or filter.updated_to
    )
