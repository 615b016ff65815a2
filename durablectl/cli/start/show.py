"""Check-status payloads and statuses in the wanted form: for people, as the service's JSON, or as
ids; keys stay hidden.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace

from durablectl import wire
from durablectl.causes import cause_of_event
from durablectl.cli.session import Session
from durablectl.cli.session.targets import command_line, statuses_json
from durablectl.errors import DurablectlError
from durablectl.model import CheckStatusPayload, InstanceStatus, RuntimeStatus
from durablectl.render import views
from durablectl.render.output import OutputFormat
from durablectl.render.terminal.tables import show_details, show_table
from durablectl.taskhub import TaskHub

STATUS_ADDRESS = "statusQueryGetUri"


def payload_json(session: Session, payload: CheckStatusPayload) -> dict[str, str]:
    """The service's JSON of a payload, with `code=***` unless --show-secrets."""
    return wire.payload_to_json(payload if session.options.show_secrets else wire.redacted(payload))


def show_payload(
    session: Session, hub: TaskHub, payload: CheckStatusPayload, state: RuntimeStatus | None
) -> None:
    """Print a payload in the wanted form."""
    if not session.out.is_text:
        session.out.show("", payload_json(session, payload), id=payload.id)
        return
    commands = [command_line(session, verb, payload.id, hub=hub) for verb in next_verbs(state)]
    shown = payload if session.out.verbose else _with_live_address(hub, payload)
    show_details(
        session.out,
        views.payload(shown, state, commands, show_secrets=session.options.show_secrets),
    )


def _with_live_address(hub: TaskHub, payload: CheckStatusPayload) -> CheckStatusPayload:
    """The payload with the one address that a person needs: that of the status, if a server answers
    there; `links` shows all.
    """
    kept = {STATUS_ADDRESS} if hub.is_served() else set[str]()
    entries = {name: value for name, value in payload.entries.items() if name in kept}
    return replace(payload, entries=entries)


def next_verbs(state: RuntimeStatus | None) -> tuple[str, ...]:
    """What a person may want to do next with an instance in this state."""
    if state is not None and state.is_final:
        return ("status", "restart", "purge")
    return ("wait", "status", "resume" if state is RuntimeStatus.SUSPENDED else "terminate")


def show_new_payload(session: Session, hub: TaskHub, payload: CheckStatusPayload) -> None:
    """Print the payload of an instance that was just started; for people with its state, and why it
    failed if it did at once.
    """
    status = _status(hub, payload.id) if session.out.is_text else None
    show_payload(session, hub, payload, status.runtime_status if status else RuntimeStatus.PENDING)
    if status is not None and status.runtime_status is RuntimeStatus.FAILED:
        session.out.warn(f"the instance has failed already: {views.ending_line(status)}")


def _status(hub: TaskHub, instance_id: str) -> InstanceStatus | None:
    try:
        return hub.get_status(instance_id, show_input=False)
    except DurablectlError:
        return None  # the start is done; that its state cannot be told yet is not a failure


def with_traceback(hub: TaskHub, status: InstanceStatus) -> InstanceStatus:
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


def show_statuses(
    session: Session,
    statuses: Sequence[InstanceStatus],
    *,
    single: bool,
    show_input: bool = True,
    waiting: Callable[[InstanceStatus], str] = lambda _status: "",
) -> None:
    """Print the status of one instance or of several, with the histories that they have; on a
    terminal also what they wait for.
    """
    out = session.out
    if out.format is OutputFormat.ID:
        out.ids(status.instance_id for status in statuses)
    elif not out.is_text:
        out.show("", statuses_json(statuses, single=single))
    else:
        for number, status in enumerate(statuses):
            if number:
                out.data("")
            details = views.instance(status, show_input=show_input, traceback=out.verbose)
            if out.is_terminal and (line := waiting(status)):
                details = details._replace(rows=(*details.rows, ("waiting for", line)))
            show_details(out, details)
            if status.history is not None:
                out.data("")
                show_table(out, views.history(status.history))
