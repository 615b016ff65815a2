"""`durablectl drain`: wait until nothing is in flight; the gate of a deploy."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Name, Selection, Where
from durablectl.cli.arguments.parameters import Interval, Timeout
from durablectl.cli.framework import app_completers, exit_codes
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.wait.drain import Drain, drain_and_show
from durablectl.model import IN_FLIGHT, InstanceFilter
from durablectl.render.query import compiled


def drain(
    session: Session,
    name: Name = None,
    exclude_name: Annotated[
        list[str] | None,
        typer.Option(
            metavar="ORCHESTRATOR",
            help="Not instances of this one; may be given several times.",
            autocompletion=app_completers.orchestrators,
        ),
    ] = None,
    where: Where = None,
    snapshot: Annotated[
        bool,
        typer.Option(
            "--snapshot",
            help="Only those that are in flight now; ignore instances that start later.",
        ),
    ] = False,
    allow: Annotated[
        int,
        typer.Option(metavar="N", min=0, help="Number of instances that may stay in flight."),
    ] = 0,
    timeout: Timeout = None,
    interval: Interval = None,
) -> None:
    """Wait until nothing is in flight; changes nothing.

    Instances that are Pending, Running, ContinuedAsNew or Suspended are in flight; entities are not
    counted. Succeeds when two checks in a row find none (or no more than --allow). The hub must be
    named. After --timeout it exits with 124 and prints the instances that are still in flight.

    Examples:
      durablectl drain --timeout 30m
      durablectl drain --name order --snapshot --timeout 10m
      durablectl drain --exclude-name monitor --allow 2 -o json
    """
    excluded = frozenset(each.lower() for each in exclude_name or ())
    expression = None if where is None else compiled(where)
    selection = Selection(InstanceFilter(IN_FLIGHT, name), expression)
    wanted = Drain(selection, excluded, snapshot, allow)
    session.settings.require_named_hub("drain")
    hub = session.hub
    is_drained = drain_and_show(
        at(session, hub), session.settings.label, wanted, timeout=timeout, interval=interval or 1.0
    )
    if not is_drained:
        statuses = ",".join(sorted(status.value for status in IN_FLIGHT))
        session.out.hint(f"{session.command_line('list')} --status {statuses}")
        raise typer.Exit(exit_codes.ExitCode.TIMED_OUT)
