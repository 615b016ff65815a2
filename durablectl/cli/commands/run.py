"""`durablectl run`: start an instance, wait for it and print its output."""

from __future__ import annotations

import time
from dataclasses import replace

import typer

from durablectl.cli.arguments.parameters import CheckReplay, Orchestrator, SkipTimers
from durablectl.cli.framework.option_groups import spread
from durablectl.cli.session import Session
from durablectl.cli.start.instance import New, start_instance
from durablectl.cli.wait.options import Waiting
from durablectl.cli.wait.wait import WaitOptions, wait_and_show
from durablectl.errors import Unsupported


@spread
def run(
    ctx: typer.Context,
    name: Orchestrator,
    new: New = New(),
    waiting: Waiting = Waiting(),
    skip_timers: SkipTimers = False,
    replay_check: CheckReplay = None,
) -> None:
    """Start an instance, wait for it and print its output.

    This is `durablectl start --wait`: the exit code tells how it ended (10 failed, 11 terminated,
    12 canceled, 124 timed out). On a local hub the finished instance is replayed once, and a
    warning names the line where its code does not repeat its decisions.

    Examples:
      durablectl run order --input order.json
      durablectl run order city=Tokyo --timeout 30s -o json
    """
    session: Session = ctx.obj
    options = WaitOptions.of(**waiting._asdict(), skip_timers=skip_timers)
    if skip_timers and not session.is_local:
        session.require_hub()
        raise Unsupported(
            f"the {session.hub_label} waits for its own timers",
            hint="--skip-timers is for a local hub: --hub PATH",
        )
    began = time.monotonic()
    hub, payload = start_instance(session, name, new, options.timeout)
    if session.is_local:
        from durablectl.cli.local.checks import (  # deferred: a remote run needs none
            difference_log,
            warn_of_source,
        )

        wanted = replay_check is not False
        options = replace(options, on_difference=difference_log(session.out, wanted=wanted))
        if session.app_path is not None:
            warn_of_source(session.out, session.registry())
    session.out.note(f"started {payload.id}")
    wait_and_show(session, hub, [payload.id], replace(options, spent=time.monotonic() - began))
