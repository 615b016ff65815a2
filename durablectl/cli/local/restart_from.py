"""`restart ID --from STEP`: one instance of a local hub, from one of its steps."""

from __future__ import annotations

from collections.abc import Sequence

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.parameters import How
from durablectl.cli.session import Session
from durablectl.cli.session.targets import refuse_query, required
from durablectl.errors import Unsupported, UsageError
from durablectl.history.restart import RestartPlan
from durablectl.model import CheckStatusPayload
from durablectl.quoting import command
from durablectl.render.restart_plan import plan_table, plan_text
from durablectl.render.terminal.tables import show_table
from durablectl.taskhub import TaskHub


def check_options(
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


def restart_from_step(
    session: Session, names: Sequence[str], step: str, how: How
) -> tuple[TaskHub, CheckStatusPayload] | None:
    """Restart the instance: its hub, and the payload of the new one; None after a dry run.

    `step` is a number or a name, "" for the first that failed.
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
            f"the {session.hub_label} cannot restart an instance from a step",
            hint=command("restart", instance_id),
        )
    hub = session.open_local()
    plan = hub.plan_restart(instance_id, step or None)
    if how.dry_run:
        _show(session, plan)
        return None
    targets.begin_change(yes=how.yes, confirm=how.confirm)
    payload = hub.restart_from(instance_id, step or None)
    session.out.note(plan_text(plan))
    for child in plan.children:
        session.out.note(f"sub-orchestration '{child}' will be called again under this id")
    return hub, payload


def _show(session: Session, plan: RestartPlan) -> None:
    if not session.out.is_text:
        session.out.show("", plan.to_json(), id=plan.instance_id)
        return
    show_table(session.out, plan_table(plan))
    session.out.note(f"would restart {plan_text(plan)}")
