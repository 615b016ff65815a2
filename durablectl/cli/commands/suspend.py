"""`durablectl suspend`: ask instances to pause."""

from __future__ import annotations

import typer

from durablectl.cli.arguments.filters import UNDER_WAY, Filters
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Instances, Reason
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.batch.control import choose, control
from durablectl.cli.batch.runner import REQUESTS, BatchOperation
from durablectl.cli.framework.option_groups import spread
from durablectl.cli.session import Session
from durablectl.cli.wait.wait_after import Settle
from durablectl.model import RuntimeStatus


@spread
def suspend(
    ctx: typer.Context,
    filters: Filters,
    how: How,
    settle: Settle,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_finished: IgnoreFinished = False,
) -> None:
    """Pause running instances.

    This is a request: an instance pauses a moment later, and keeps its events until it is resumed.

    By a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:
      durablectl suspend order-7 --reason "the bank is down"
      durablectl suspend --name order --status Running --yes
    """
    session: Session = ctx.obj
    chosen = choose(
        session,
        "suspend",
        instances,
        from_,
        filters,
        how,
        states=UNDER_WAY,
        ignore_finished=ignore_finished,
    )
    why = reason if reason is not None else default_reason(session)
    control(
        session,
        chosen,
        how,
        lambda hub: BatchOperation(
            "suspend",
            "suspension requested",
            lambda each: hub.suspend(each, why),
            in_waves=REQUESTS,
        ),
        ignore_finished=ignore_finished,
        settled=settle.until(
            lambda status: status.is_final or status.runtime_status is RuntimeStatus.SUSPENDED,
            "runtimeStatus=='Suspended'",
        ),
    )
