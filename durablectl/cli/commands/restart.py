"""`durablectl restart`: start instances again with their name and input."""

from __future__ import annotations

from collections.abc import Sequence
from contextlib import closing
from functools import cache
from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.parameters import How, Instances
from durablectl.cli.batch.report import Skipped
from durablectl.cli.batch.runner import BatchOperation, control
from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.at_hub import tell_without_worker
from durablectl.cli.framework.completers import of_instance
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.chosen import Chosen, choose
from durablectl.cli.session.selection import Stand, new
from durablectl.cli.session.targets import refuse_query, required
from durablectl.cli.start.instance import told_if_cut_off
from durablectl.config.restart_journal import Journal, Standing, journal_path
from durablectl.errors import Conflict, DurablectlError, OutcomeUnknown, Unsupported, UsageError
from durablectl.history.timeline import step_names
from durablectl.model import FINAL_STATUSES
from durablectl.quoting import command
from durablectl.render.gantt import plan_table, plan_text
from durablectl.render.terminal.tables import show_table
from durablectl.taskhub import TaskHub


def _steps(ctx: typer.Context, incomplete: str) -> list[str]:
    """The steps of the instance: their numbers, and the names of the activities and
    sub-orchestrators that are called once.
    """
    return of_instance(ctx, incomplete, step_names)


NoInput = Annotated[str | None, typer.Option("--input", "-i", "--input-json", hidden=True)]


def restart(
    session: Session,
    filters: Filters,
    how: How,
    instances: Instances = None,
    from_: Annotated[
        list[str] | None,
        typer.Option(
            "--from",
            metavar="[STEP]",
            help="Keep the results before this step of the instance, and run the rest again: its "
            "number in `history`, an activity's name, or nothing for the first that failed (local "
            "hub). Without an instance: a FILE with instances, as @FILE.",
            autocompletion=_steps,
        ),
    ] = None,
    new_id: Annotated[
        bool | None,
        typer.Option(
            "--new-id/--same-id",
            help="Start it under a new id (the default for one), or under its own.",
        ),
    ] = None,
    journal: Annotated[
        str | None,
        typer.Option(
            metavar="FILE",
            help="Where old and new ids are kept (default: in the user's state folder).",
        ),
    ] = None,
    no_input: NoInput = None,
) -> None:
    """Restart an instance with its name and input.

    For one instance it prints what `start` prints; for several, one line each with the old and the
    new id. Several require --new-id or --same-id. A journal records them: run the command again
    after an interruption and it continues, without restarting an instance twice. --dry-run and
    --limit count only those that the journal does not have yet.

    With --from STEP, a new instance keeps the history up to that step: the results before it are
    kept, sub-orchestrations before it do not run again, and the rest runs with the current code.
    With --dry-run it shows what would be kept and what would run again.

    Examples:
      durablectl restart order-7
      durablectl restart order-7 --from charge --dry-run
      durablectl restart --status Failed --created-after 1d --new-id --limit 3 --yes
      durablectl list --status Failed -o id | durablectl restart - --same-id
    """
    if no_input is not None:
        raise UsageError(
            "an instance is restarted with the input that it had",
            hint="with another input it is a new one: durablectl start NAME --input FILE",
        )
    if instances and from_:
        _check_from(filters, how, from_, new_id, journal)
        _restart_from(session, instances, from_[0], how)
        return
    is_new = new_id is not False
    journal_at = cache(Journal)

    def journal_of(hub: TaskHub) -> Journal:
        return journal_at(journal_path(journal, session.cwd, hub.address, hub.name, new_id=is_new))

    def stands(hub: TaskHub, many: bool) -> Stand:
        is_kept = journal is not None or (new_id is not None and (many or how.ignore_not_found))
        return (lambda status: journal_of(hub).standing(status)) if is_kept else new

    if new_id is None and filters.are_given and not (instances or from_ or how.dry_run):
        raise _no_kind_of_id()
    chosen = choose(
        session, "restart", instances, from_, filters, how, states=FINAL_STATUSES, journal=stands
    )
    if chosen is None:
        return
    many = chosen.by_filter or len(chosen.ids) > 1
    if new_id is None and many:
        raise _no_kind_of_id()
    if not many and chosen.ids and not how.ignore_not_found and journal is None:
        what = f"instance '{chosen.ids[0]}' may have been restarted"
        with told_if_cut_off(session.out, what, "durablectl list shows whether it was"):
            payload = chosen.hub.restart(chosen.ids[0], new_id=is_new)
        at(session, chosen.hub).show_new_payload(payload)
        tell_without_worker(session.out, chosen.hub)
        return
    with closing(journal_of(chosen.hub)) as kept:
        _restart_many(session, chosen, kept, how, is_new)


def _restart_many(session: Session, chosen: Chosen, kept: Journal, how: How, is_new: bool) -> None:
    """Restart what was chosen and note it in the journal."""
    if chosen.ids:
        kept.open()
        session.out.note(f"old and new ids are kept in {kept.path}")
    operation = _operation(chosen, kept, is_new)
    report = control(
        session.out, chosen.hub, chosen.ids, operation, how, by_filter=chosen.by_filter
    )
    leave(exit_codes.for_batch(is_complete=report.is_complete))


def _check_from(
    filters: Filters, how: How, steps: Sequence[str], new_id: bool | None, journal: str | None
) -> None:
    """Refuse what makes no sense for one instance that is restarted from a step."""
    hint = "durablectl restart ID --from STEP [--dry-run]"
    if len(steps) > 1:
        raise UsageError("--from STEP is given twice", hint="name one step")
    if filters.are_given:
        raise UsageError("--from STEP restarts one instance, not those of a filter", hint=hint)
    if new_id is False:
        raise UsageError(
            "--same-id cannot be used with --from STEP: the instance stays as it is, and the new "
            "one gets an id of its own",
            hint="leave out --same-id",
        )
    if journal is not None or how != How(how.dry_run, how.yes, how.confirm):
        raise UsageError("--from STEP restarts one instance: it takes no batch options", hint=hint)


def _restart_from(session: Session, names: Sequence[str], step: str, how: How) -> None:
    """Restart one instance of a local hub from one of its steps: a number or a name, "" for the
    first that failed.
    """
    targets = required(session, names)
    if len(targets.ids) > 1:
        raise UsageError(
            f"--from STEP restarts one instance, and {len(targets.ids)} were named",
            hint="name one",
        )
    refuse_query(session)
    instance_id = targets.ids[0]
    if targets.is_foreign or not session.is_local:
        raise Unsupported(
            f"the {session.settings.label} cannot restart an instance from a step",
            hint=command("restart", instance_id),
        )
    hub = session.open_local()
    plan = hub.plan_restart(instance_id, step or None)
    if how.dry_run and not session.out.is_text:
        session.out.show("", plan.to_json(), id=instance_id)
        return
    if how.dry_run:
        show_table(session.out, plan_table(plan))
        session.out.note(f"would restart {plan_text(plan)}")
        return
    targets.begin_change(yes=how.yes, confirm=how.confirm)
    payload = hub.restart_from(instance_id, step or None)
    session.out.note(plan_text(plan))
    for child in plan.children:
        session.out.note(f"sub-orchestration '{child}' will be called again under this id")
    at(session, targets.hub).show_new_payload(payload)
    tell_without_worker(session.out, targets.hub)


def _no_kind_of_id() -> UsageError:
    return UsageError(
        "to restart several instances, say under which ids", hint="add --new-id or --same-id"
    )


def _operation(chosen: Chosen, journal: Journal, is_new: bool) -> BatchOperation:
    def restart_one(instance_id: str) -> object:
        status = (
            chosen.statuses[instance_id]
            if chosen.statuses is not None
            else chosen.hub.get_status(instance_id, show_input=False)
        )
        updated, standing = status.last_updated_time, journal.standing(status)
        if standing is Standing.UNCLEAR:
            raise Conflict(
                "an earlier run may have restarted it, and was cut off; look, then "
                f"name another --journal than {journal.path}"
            )
        if standing is Standing.DONE:
            return Skipped(standing.value)
        journal.begin(instance_id, updated)
        try:
            made = chosen.hub.restart(instance_id, new_id=is_new).id
        except OutcomeUnknown:
            raise
        except DurablectlError:
            journal.end(instance_id, updated, None)
            raise
        journal.end(instance_id, updated, made)
        return made

    return BatchOperation("restart", "restarted", restart_one, is_grouped=False, needs_worker=True)
