"""Starting an instance: what `start` and `run` have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Annotated, NamedTuple

import typer

from durablectl.cli.arguments.parameters import (
    EncodeOption,
    Fields,
    InputFile,
    InputJson,
    InstanceIdOption,
    Version,
)
from durablectl.cli.arguments.targets import input_of
from durablectl.cli.session import Session
from durablectl.errors import FunctionNotFound, Unreachable, WaitTimeout
from durablectl.model import CheckStatusPayload, IfExists
from durablectl.new_ids import check_new_instance_id, instance_id_warnings
from durablectl.polling.loop import LAST_LOOK
from durablectl.quoting import nearest
from durablectl.render.views import duration_text
from durablectl.taskhub import TaskHub

IfExistsOption = Annotated[
    IfExists,
    typer.Option("--if-exists", help="What to do when any instance, finished or not, has the id."),
]


class New(NamedTuple):
    """The options of what is to be started."""

    fields: Fields = None
    input: InputFile = None
    input_json: InputJson = None
    encode: EncodeOption = None
    instance_id: InstanceIdOption = None
    if_exists: IfExistsOption = IfExists.FAIL
    orchestration_version: Version = None


def start_instance(
    session: Session, name: str, new: New, timeout: float | None
) -> tuple[TaskHub, CheckStatusPayload]:
    """Start it once, on a hub that is made if it is a local one; says on stderr which hub that is.

    `WaitTimeout` when that is not acknowledged after `timeout` seconds.
    """
    value = input_of(session, new.input, new.input_json, new.fields, new.encode)
    if new.instance_id is not None:
        check_new_instance_id(new.instance_id)
        for warning in instance_id_warnings(new.instance_id):
            session.out.warn(warning)
    session.begin_change(controls=new.if_exists is IfExists.REPLACE)
    hub = session.open(create=True)
    limited = hub if timeout is None else hub.within(max(timeout, LAST_LOOK))
    options = {"instance_id": new.instance_id, "version": new.orchestration_version}
    try:
        with timed(timeout):
            return hub, limited.start(name, value, **options, if_exists=new.if_exists)
    except FunctionNotFound as error:
        near = nearest(name, hub.orchestrators() or ())
        hint = f"did you mean '{near}'?" if near else error.hint
        raise FunctionNotFound(error.message, hint=hint) from error


@contextmanager
def timed(timeout: float | None) -> Iterator[None]:
    """Turn `Unreachable` into `WaitTimeout` when that many seconds have passed by then."""
    started = time.monotonic()
    try:
        yield
    except Unreachable as error:
        if timeout is None or time.monotonic() - started < timeout:
            raise
        raise WaitTimeout(
            f"timed out after {duration_text(timeout)}: {error.message}", hint=error.hint
        ) from error
