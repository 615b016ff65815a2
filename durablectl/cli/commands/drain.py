"""`durablectl drain`: wait until nothing is in flight; the gate of a deploy."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Name, Where
from durablectl.cli.arguments.parameters import Interval, Timeout
from durablectl.cli.framework import completers
from durablectl.cli.session import Session
from durablectl.cli.wait.drain import Drain, drain_and_show


def drain(
    ctx: typer.Context,
    name: Name = None,
    exclude_name: Annotated[
        list[str] | None,
        typer.Option(
            "--exclude-name",
            metavar="ORCHESTRATOR",
            help="Not instances of this one; may be given several times.",
            autocompletion=completers.orchestrators,
        ),
    ] = None,
    where: Where = None,
    snapshot: Annotated[
        bool,
        typer.Option(
            "--snapshot", help="Only those that are in flight now: newcomers do not hold the gate."
        ),
    ] = False,
    allow: Annotated[
        int,
        typer.Option(
            "--allow", metavar="N", min=0, help="Number of instances that may stay in flight."
        ),
    ] = 0,
    timeout: Timeout = None,
    interval: Interval = None,
) -> None:
    """Wait until nothing is in flight; changes nothing.

    In flight is what is Pending, Running, ContinuedAsNew or Suspended; entities do not count. It
    passes once two looks in a row found none (or no more than --allow), and only on a hub that was
    named. After --timeout it ends with 124 and prints the ids that are left.

    Examples:
      durablectl drain --timeout 30m
      durablectl drain --name order --snapshot --timeout 10m
      durablectl drain --exclude-name monitor --allow 2 -o json
    """
    session: Session = ctx.obj
    wanted = Drain.of(name, exclude_name or (), where, snapshot=snapshot, allow=allow)
    drain_and_show(session, wanted, timeout, interval or 1.0)
