"""Starting an instance: what `start` and `run` have in common."""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
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
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import hub_key
from durablectl.cli.session.targets import input_of
from durablectl.config.times import parse_start
from durablectl.errors import FunctionNotFound, Unreachable, UsageError, WaitTimeout
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


At = Annotated[
    str | None,
    typer.Option(
        "--at", metavar="TIME", help="Start at this time, or after this duration (gRPC hubs)."
    ),
]
Tags = Annotated[
    list[str] | None,
    typer.Option("--tag", metavar="KEY=VALUE", help="Attach this tag (repeatable; gRPC hubs)."),
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
    at: At = None
    tag: Tags = None

    @property
    def is_scheduled(self) -> bool:
        """Whether it needs more than a plain start."""
        return self.at is not None or bool(self.tag)


def start_instance(
    session: Session, name: str, new: New, timeout: float | None
) -> tuple[TaskHub, CheckStatusPayload]:
    """Start it once, on a hub that is made if it is a local one; says on stderr which hub that is.

    `WaitTimeout` when that is not acknowledged after `timeout` seconds.
    """
    scheduled = _schedule(new) if new.is_scheduled else None
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
            if scheduled is not None:
                at, tags = scheduled
                return hub, limited.schedule(
                    name, value, at=at, tags=tags, **options, if_exists=new.if_exists
                )
            payload = limited.start(name, value, **options, if_exists=new.if_exists)
    except FunctionNotFound as error:
        near = nearest(name, hub.orchestrators() or ())
        hint = f"did you mean '{near}'?" if near else error.hint
        raise FunctionNotFound(error.message, hint=hint) from error
    session.last_started.keep(hub_key(hub), payload.id)
    return hub, payload


def _schedule(new: New) -> tuple[datetime | None, dict[str, str]]:
    """The time and the tags; `UsageError` for what is neither."""
    tags: dict[str, str] = {}
    for text in new.tag or ():
        key, equals, value = text.partition("=")
        if not key or not equals:
            raise UsageError(f"--tag: '{text}' is not KEY=VALUE", hint="write --tag team=orders")
        if key in tags:
            raise UsageError(f"--tag: '{key}' is given twice")
        tags[key] = value
    try:
        return None if new.at is None else parse_start(new.at, datetime.now(UTC)), tags
    except UsageError as error:
        hint = "write 2026-01-31T12:00:00Z, or a duration from now, as 2h or 30d"
        raise UsageError(f"--at: {error.message}", hint=hint) from error


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
