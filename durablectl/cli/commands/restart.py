"""`durablectl restart`: start instances anew with their name and input."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.batches import Tolerance, for_each
from durablectl.cli.parameters import Confirm, FromFiles, IgnoreNotFound, Instances, Yes
from durablectl.cli.session import Session
from durablectl.cli.showing import show_new_payload
from durablectl.cli.targets import Targets
from durablectl.errors import UsageError

NewId = Annotated[bool | None, typer.Option("--new-id/--same-id", help="Start it under a new id (the default for one), or under its own.")]


def restart(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    new_id: NewId = None,
    ignore_not_found: IgnoreNotFound = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Start an instance anew with its name and input.

    Prints what `start` prints, for several instances a line with the old and the new id each. Several want --new-id or --same-id.

    Examples:
      durablectl restart order-7
      durablectl list --status Failed -o id | durablectl restart - --same-id
    """
    session: Session = ctx.obj
    targets = Targets(session, instances, from_)
    if new_id is None and len(targets.ids) > 1:
        raise UsageError("to restart several instances, say under which ids", hint="add --new-id or --same-id")
    hub = targets.begin_change(yes=yes, confirm=confirm)
    if len(targets.ids) == 1 and not ignore_not_found:
        show_new_payload(session, hub, hub.restart(targets.ids[0], new_id=new_id is not False))
        return
    for_each(
        session,
        targets,
        hub,
        lambda each: hub.restart(each, new_id=new_id is not False).id,
        told="restarted",
        tolerance=Tolerance(not_found=ignore_not_found),
    )
