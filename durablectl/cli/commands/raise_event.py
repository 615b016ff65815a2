"""`durablectl raise-event`: send an event to an instance, or to many."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.instance_ids import is_status_url
from durablectl.cli.arguments.new_instance import EncodeOption, Input, InputFile, InputJson
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Last
from durablectl.cli.batch.runner import BatchOperation, control
from durablectl.cli.framework import app_completers, exit_codes
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import last_started
from durablectl.cli.session.chosen import choose
from durablectl.cli.session.targets import input_of, refuse_stdin_twice
from durablectl.errors import UsageError
from durablectl.model import IN_FLIGHT

IN_WAVES = (
    "an event changes nothing that a filter sees: the same command sends it to the same "
    "instances again; name ids to reach others"
)


def raise_event(
    session: Session,
    filters: Filters,
    how: How,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[ID|URL|@FILE|- EVENT] [FIELD]...",
            help="The instance (or a file or standard input that names several), the event's name, "
            "and its data as fields; "
            "with --event NAME ids and fields alone.",
            autocompletion=app_completers.instance_then_event,
        ),
    ] = None,
    from_: FromFiles = None,
    event: Annotated[
        str | None,
        typer.Option(
            metavar="NAME",
            help="The event's name; then ids or a filter may name many.",
            autocompletion=app_completers.events,
        ),
    ] = None,
    input: InputFile = None,
    input_json: InputJson = None,
    encode: EncodeOption = None,
    ignore_finished: IgnoreFinished = False,
    last: Last = False,
) -> None:
    """Send an event to an instance.

    Data options are the same as the input options of `start`; without them the data is null. An
    event is kept until the instance waits for it. With --event it is sent to all given ids, or to
    every instance in flight that a filter finds.

    Examples:
      durablectl raise-event order-7 Paid by=ada amount:=12.5
      durablectl raise-event order-7 Paid --input payment.json
      durablectl raise-event --event Go --name order --status Running by=ada --yes
    """
    named = [*(last_started(session, (), last=True) if last else ()), *(words or ())]
    instances, name, fields = _read(named, from_, event)
    if not name:
        raise UsageError("an event needs a name", hint="durablectl raise-event ID EVENT")
    refuse_stdin_twice([*instances, *(from_ or [])], input)
    data = input_of(session, Input(fields, input, input_json, encode))
    chosen = choose(
        session,
        "raise-event",
        instances,
        from_,
        filters,
        how,
        states=IN_FLIGHT,
        ignore_finished=ignore_finished,
    )
    if chosen is None:
        return
    report = control(
        session.out,
        chosen.hub,
        chosen.ids,
        BatchOperation(
            "raise-event",
            f"event '{name}' sent",
            lambda each: chosen.hub.raise_event(each, name, data),
            in_waves=IN_WAVES,
            needs_worker=True,
        ),
        how,
        by_filter=chosen.by_filter,
        ignore_finished=ignore_finished,
    )
    leave(exit_codes.for_batch(is_complete=report.is_complete))


def _read(
    words: Sequence[str], from_: Sequence[str] | None, event: str | None
) -> tuple[list[str], str, list[str]]:
    """The ids, the event's name and the fields: ID EVENT FIELD…, or with --event ids and fields,
    which have an `=`.
    """
    if event is not None:
        fields = [word for word in words if "=" in word and not is_status_url(word)]
        return [word for word in words if word not in fields], event, fields
    if from_:
        raise UsageError(
            "with --from the event is named by --event",
            hint="durablectl raise-event --event NAME --from FILE",
        )
    if len(words) < 2:
        missing = "EVENT" if words else "ID"
        raise UsageError(
            f"missing argument {missing}",
            hint="`durablectl raise-event ID EVENT`, or --event NAME and a filter",
        )
    return [words[0]], words[1], list(words[2:])
