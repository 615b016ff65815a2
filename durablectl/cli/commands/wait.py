"""`durablectl wait`: wait until instances are finished."""

from __future__ import annotations

from durablectl.cli.arguments.parameters import FromFiles, Instances, Last
from durablectl.cli.arguments.waiting import OnTimeout, Several, Waiting
from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.leaving import leave
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.choosing import wanted
from durablectl.cli.wait.resume_hint import Wanted
from durablectl.cli.wait.wait import wait_and_show


def wait(
    session: Session,
    waiting: Waiting,
    several: Several,
    instances: Instances = None,
    from_: FromFiles = None,
    last: Last = False,
) -> None:
    """Wait until instances are finished; the exit code says how they ended.

    0 completed (or --until holds), 9 ended before --until held, 10 failed, 11 terminated, 12
    canceled, 124 timed out. Prints the output of the instance that completed, or else how it ended
    and why; with -o json the status object, for several instances an array. Ctrl-C and a time-out
    leave the instances running. Without --timeout it waits through any outage of the service, but
    exits with 5 when nothing has answered in the first 60 seconds. On an instance that ended other
    than Completed, --until holds only if it mentions runtimeStatus.

    Examples:
      durablectl wait order-7 --timeout 30s
      durablectl wait @run.json --timeout 30m -o json
      durablectl wait order-7 --until "runtimeStatus!='Pending'" --timeout 5m
      durablectl list --status Running -o id | durablectl wait - --fail-fast
    """
    waiting, several = waiting.checked(), several.checked()
    targets = wanted(session, instances, from_, last=last, takes_prefix=False)
    hub = targets.hub if waiting.on_timeout is OnTimeout.LEAVE else targets.guarded()
    end = wait_and_show(at(session, hub), Wanted(targets.ids, waiting, several, targets.words))
    leave(exit_codes.for_wait(**end._asdict()))
