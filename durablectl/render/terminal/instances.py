"""The statuses of instances in the wanted form: for people, as the service's JSON, or as ids."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from durablectl import wire
from durablectl.model import InstanceDetails, InstanceStatus
from durablectl.render import views
from durablectl.render.output import Output, OutputFormat
from durablectl.render.terminal.tables import show_details, show_table


def statuses_json(statuses: Sequence[InstanceStatus], *, single: bool) -> object:
    """The service's JSON of one status, or of several as an array."""
    shown = [wire.status_to_json(status) for status in statuses]
    return shown[0] if single and shown else shown


def show_statuses(
    out: Output,
    statuses: Sequence[InstanceStatus],
    *,
    single: bool,
    show_input: bool = True,
    waiting: Callable[[InstanceStatus], str] = lambda _status: "",
    more: Callable[[InstanceStatus], InstanceDetails | None] = lambda _status: None,
) -> None:
    """Print the status of one instance or of several, with the histories that they have; on a
    terminal also what they wait for, and with --verbose what `more` tells of them.
    """
    if out.format is OutputFormat.ID:
        out.ids(status.instance_id for status in statuses)
    elif not out.is_text:
        out.show("", statuses_json(statuses, single=single))
    else:
        for number, status in enumerate(statuses):
            if number:
                out.data("")
            details = views.instance(
                status,
                show_input=show_input,
                traceback=out.verbose,
                more=more(status) if out.verbose else None,
            )
            if out.is_terminal and (line := waiting(status)):
                details = details._replace(rows=(*details.rows, ("waiting for", line)))
            show_details(out, details)
            if status.history is not None:
                out.data("")
                show_table(out, views.history(status.history))
