"""Starting an instance: what `start` and `run` have in common."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Any

from durablectl.cli.arguments.new_instance import New
from durablectl.config.quantities import parse_start
from durablectl.errors import Unreachable, UsageError, WaitTimeout
from durablectl.model import CheckStatusPayload, IfExists
from durablectl.new_ids import FreshId, check_new_instance_id, instance_id_warnings, random_id
from durablectl.polling.loop import in_time
from durablectl.quoting import command
from durablectl.render.output import Output
from durablectl.render.views import duration_text
from durablectl.taskhub import TaskHub


@contextmanager
def started_instance(
    name: str,
    value: object,
    new: New,
    timeout: float | None,
    out: Output,
    *,
    begin: Callable[..., TaskHub],
) -> Iterator[tuple[TaskHub, CheckStatusPayload]]:
    """Start it once with the input `value`, on the hub that `begin` opens once all is checked.

    `WaitTimeout` when that is not acknowledged after `timeout` seconds. From then on and while
    inside, Ctrl-C and SIGTERM say which instance may have been started.
    """
    at, tags = _schedule(new)
    if new.instance_id is not None:
        check_new_instance_id(new.instance_id)
        for warning in instance_id_warnings(new.instance_id):
            out.warn(warning)
    hub = begin(replaces=new.if_exists is IfExists.REPLACE)
    hub.require_orchestrator(name)
    limited = in_time(hub, timeout)
    id = new.instance_id or FreshId(random_id())  # known before the hub answers
    options: dict[str, Any] = {
        "instance_id": id,
        "version": new.orchestration_version,
        "if_exists": new.if_exists,
    }
    what = f"instance '{id}' may have been started"
    look = f"{command('status', id)} shows whether it was"
    with told_if_cut_off(out, what, look):
        with timed(timeout):
            if at is None and not tags:
                payload = limited.start(name, value, **options)
            else:
                payload = limited.schedule(name, value, at=at, tags=tags, **options)
        yield hub, payload


def started_text(payload: CheckStatusPayload) -> str:
    """Whether it was started, or was there already; `--if-exists attach` continues with that."""
    found = payload.attached
    if found is None:
        return f"started {payload.id}"
    return f"{payload.id} was there already, and is {found.runtime_status.value}"


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
        hint = "write 2026-01-31T12:00:00Z, or a duration from now, such as 2h or 30d"
        raise UsageError(f"--at: {error.message}", hint=hint) from error


@contextmanager
def told_if_cut_off(out: Output, what: str, look: str) -> Iterator[None]:
    """While inside, Ctrl-C and SIGTERM say `what` may be so, and where to `look`."""
    try:
        yield
    except KeyboardInterrupt as error:
        out.error(f"{str(error) or 'interrupted'}; {what}", look)
        raise


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
