"""`durablectl raise-event`: send an event to an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli import names
from durablectl.cli.batches import Tolerance, for_each
from durablectl.cli.parameters import Confirm, EncodeOption, Fields, IgnoreFinished, IgnoreNotFound, InputFile, InputJson, Yes
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets, input_of, refuse_stdin_twice
from durablectl.errors import UsageError


def raise_event(
    ctx: typer.Context,
    instance: Annotated[
        str,
        typer.Argument(
            metavar="ID|@FILE|-", help="The instance, or a file or standard input that names several.", autocompletion=names.instances
        ),
    ],
    event_name: Annotated[str, typer.Argument(metavar="EVENT", help="The event's name.")],
    fields: Fields = None,
    input: InputFile = None,
    input_json: InputJson = None,
    encode: EncodeOption = None,
    ignore_not_found: IgnoreNotFound = False,
    ignore_finished: IgnoreFinished = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Send an event to an instance.

    The event's data is given as the input of `start` is; without it the data is null. An event that nobody waits for yet is kept.

    Examples:
      durablectl raise-event order-7 Paid by=ada amount:=12.5
      durablectl raise-event order-7 Paid --input payment.json
    """
    session: Session = ctx.obj
    if not event_name:
        raise UsageError("an event needs a name", hint="durablectl raise-event ID EVENT")
    refuse_stdin_twice([instance], input)
    data = input_of(session, input, input_json, fields, encode)
    targets = Targets(session, [instance])
    hub = targets.begin_change(yes=yes, confirm=confirm)
    tolerance = Tolerance(not_found=ignore_not_found, finished=ignore_finished)
    for_each(
        session, targets, hub, lambda each: hub.raise_event(each, event_name, data), told=f"event '{event_name}' sent", tolerance=tolerance
    )
