"""`durablectl run`: start an instance, wait for it and print its output."""

from __future__ import annotations

import typer

from durablectl.cli.parameters import (
    EncodeOption,
    Fields,
    InputFile,
    InputJson,
    InstanceIdOption,
    Interval,
    OnTimeout,
    OnTimeoutOption,
    Orchestrator,
    Response,
    SkipTimers,
    Timeout,
    Until,
    Version,
)
from durablectl.cli.reporting import Ci, Junit
from durablectl.cli.session import Session
from durablectl.cli.starting import IfExistsOption, start_instance
from durablectl.cli.targets import input_of
from durablectl.cli.waiting import WaitOptions, wait_and_show
from durablectl.errors import Unsupported
from durablectl.model import IfExists


def run(
    ctx: typer.Context,
    name: Orchestrator,
    fields: Fields = None,
    input: InputFile = None,
    input_json: InputJson = None,
    encode: EncodeOption = None,
    instance_id: InstanceIdOption = None,
    if_exists: IfExistsOption = IfExists.FAIL,
    orchestration_version: Version = None,
    timeout: Timeout = None,
    interval: Interval = None,
    until: Until = None,
    on_timeout: OnTimeoutOption = OnTimeout.LEAVE,
    response: Response = False,
    skip_timers: SkipTimers = False,
    junit: Junit = None,
    ci: Ci = None,
) -> None:
    """Start an instance, wait for it and print its output.

    This is `durablectl start --wait`: the exit code tells how it ended (10 failed, 11 terminated, 12 canceled, 124 timed out).

    Examples:
      durablectl run order --input order.json
      durablectl run order city=Tokyo --timeout 30s -o json
    """
    session: Session = ctx.obj
    options = WaitOptions.of(
        timeout=timeout,
        interval=interval,
        until=until,
        on_timeout=on_timeout,
        response=response,
        skip_timers=skip_timers,
        junit=junit,
        ci=ci,
    )
    if skip_timers and not session.is_local:
        session.require_hub()
        raise Unsupported(f"the {session.hub_label} waits for its own timers", hint="--skip-timers is for a local hub: --hub PATH")
    value = input_of(session, input, input_json, fields, encode)
    hub, payload = start_instance(session, name, value, instance_id=instance_id, if_exists=if_exists, version=orchestration_version)
    session.out.note(f"started {payload.id}")
    wait_and_show(session, hub, [payload.id], options)
