"""What `status` does; knows no Typer, which takes longer to load than all of this."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

from durablectl.causes import cause_of_event
from durablectl.cli.framework import exit_codes
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import wanted
from durablectl.errors import DurablectlError, InstanceNotFound
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render import views
from durablectl.render.output import Output, OutputFormat
from durablectl.render.terminal.instances import show_statuses
from durablectl.render.views import Rows
from durablectl.taskhub import TaskHub


def show_status(
    session: Session,
    instances: Sequence[str] | None,
    from_: Sequence[str] | None = None,
    *,
    show_input: bool = True,
    history: bool = False,
    history_output: bool = False,
    exit_status: bool = False,
    last: bool = False,
) -> int:
    """Print the status of the instances that were named; the exit code.

    The parameters are the options of the command.
    """
    targets = wanted(session, instances, from_, last=last)
    statuses: list[InstanceStatus] = []
    codes: list[int] = []
    for each in targets.ids:
        try:
            statuses.append(
                targets.hub.get_status(
                    each,
                    show_input=show_input,
                    show_history=history or history_output,
                    show_history_output=history_output,
                )
            )
        except InstanceNotFound as error:
            if len(targets.ids) == 1:
                raise
            session.out.error(error.message)
            codes.append(exit_codes.for_error(error))
    if session.out.verbose and session.out.is_text:
        statuses = [_with_traceback(targets.hub, each) for each in statuses]
    show_statuses(
        session.out,
        statuses,
        single=len(targets.ids) == 1,
        show_input=show_input,
        waiting=lambda status: _waiting(targets.hub, status),
        more=targets.hub.details,
    )
    if exit_status:
        codes += [exit_codes.for_outcome(each.runtime_status) for each in statuses]
        if session.out.format in (OutputFormat.JSON, OutputFormat.JSONL):
            _tell_outcomes(session.out, statuses)
    return exit_codes.for_outcomes(codes)


def _tell_outcomes(out: Output, statuses: Sequence[InstanceStatus]) -> None:
    """Say in the error object which instances the exit code is about."""
    for status in statuses:
        if status.runtime_status is not RuntimeStatus.COMPLETED:
            reason = views.ending_line(status) if status.is_final else ""
            words = (status.instance_id, status.runtime_status.value, reason)
            out.error(": ".join(filter(None, words)))


def _with_traceback(hub: TaskHub, status: InstanceStatus) -> InstanceStatus:
    """The status of a failed instance with the exception that its history has, where its output
    holds no traceback.
    """
    cause = status.cause
    if cause is None or cause.traceback:
        return status
    try:
        history = (
            hub.get_status(status.instance_id, show_input=False, show_history=True).history or ()
        )
    except DurablectlError:
        return status  # some providers have no history to show
    failed = [
        event.members
        for event in history
        if event.event_type in ("TaskFailed", "SubOrchestrationInstanceFailed")
    ]
    details = [
        members.get("Details") for members in failed if cause_of_event(members).text == cause.text
    ]
    return replace(
        status,
        failure_details=next((each for each in reversed(details) if isinstance(each, str)), None),
    )


def _waiting(hub: TaskHub, status: InstanceStatus) -> Rows:
    from durablectl.cli.wait.waiting_for import waiting_rows  # deferred: a pipe does not pay for it

    return waiting_rows(hub, status)
