"""`durablectl run`: start an instance, wait for it and print its output."""

from __future__ import annotations

import time

from durablectl.cli.arguments.new_instance import Input, New
from durablectl.cli.arguments.parameters import Orchestrator
from durablectl.cli.arguments.waiting import Waiting
from durablectl.cli.arguments.working import CheckReplay, SkipTimers
from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.choosing import remember
from durablectl.cli.session.targets import input_of
from durablectl.cli.start.instance import started_instance, started_text
from durablectl.cli.wait.resume_hint import Wanted
from durablectl.cli.wait.wait import wait_and_show


def run(
    session: Session,
    name: Orchestrator,
    given: Input = Input(),
    new: New = New(),
    waiting: Waiting = Waiting(),
    skip_timers: SkipTimers = False,
    replay_check: CheckReplay = None,
) -> None:
    """Start an instance, wait for it and print its output.

    This is `durablectl start --wait`: the exit code says how it ended (10 failed, 11 terminated,
    12 canceled, 124 timed out). On a local hub the finished instance is replayed once, and a
    warning names the line where its code does not repeat its decisions.

    Examples:
      durablectl run order --input order.json
      durablectl run order city=Tokyo --timeout 30s -o json
    """
    waiting = waiting.checked()
    if skip_timers:
        hint = "--skip-timers is for a local hub: --hub PATH"
        session.require_local("waits for its own timers", hint)
    began = time.monotonic()
    value = input_of(session, given)
    tells_differences = None
    with started_instance(
        name, value, new, waiting.timeout, session.out, begin=session.begin_start
    ) as (hub, payload):
        remember(session, hub, payload.id)
        if session.is_local:
            # deferred: a remote run needs none
            from durablectl.cli.local.checks import difference_log, warn_of_source

            tells_differences = difference_log(session.out, wanted=replay_check is not False)
            if session.settings.app is not None:
                warn_of_source(session.out, session.registry(), name)
        session.out.note(started_text(payload))
    here = at(session, hub, skip_timers=skip_timers, on_difference=tells_differences)
    wanted = Wanted([payload.id], waiting, is_started=True)
    end = wait_and_show(here, wanted, spent=time.monotonic() - began)
    leave(exit_codes.for_wait(**end._asdict()))
