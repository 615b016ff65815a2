"""`durablectl terminate`: ask for the end of instances."""

from __future__ import annotations

import typer

from durablectl.cli.arguments.filters import IN_FLIGHT, Filters
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Instances, Reason
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.batch.control import choose, control
from durablectl.cli.batch.runner import REQUESTS, BatchOperation
from durablectl.cli.framework.option_groups import spread
from durablectl.cli.session import Session
from durablectl.cli.wait.wait_after import Settle


@spread
def terminate(
    ctx: typer.Context,
    filters: Filters,
    how: How,
    settle: Settle,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_finished: IgnoreFinished = False,
) -> None:
    """End running instances.

    This is a request: an instance ends a moment later. What is finished already is a conflict (exit
    6).

    By a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:
      durablectl terminate order-7 --reason "no longer needed"
      durablectl terminate --name order --stuck=2h --dry-run
      durablectl terminate --name order --stuck=2h --yes --wait --timeout 5m
    """
    session: Session = ctx.obj
    chosen = choose(
        session,
        "terminate",
        instances,
        from_,
        filters,
        how,
        states=IN_FLIGHT,
        ignore_finished=ignore_finished,
    )
    why = reason if reason is not None else default_reason(session)
    control(
        session,
        chosen,
        how,
        lambda hub: BatchOperation(
            "terminate",
            "termination requested",
            lambda each: hub.terminate(each, why),
            in_waves=REQUESTS,
        ),
        ignore_finished=ignore_finished,
        settled=settle.until(lambda status: status.is_final, "runtimeStatus=='Terminated'"),
    )
