"""`durablectl resume`: let suspended instances are still running."""

from __future__ import annotations

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Instances, Reason
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.batch.control import choose, control
from durablectl.cli.batch.runner import REQUESTS, BatchOperation
from durablectl.cli.framework.option_groups import spread
from durablectl.cli.session import Session
from durablectl.cli.wait.wait_after import Settle
from durablectl.model import RuntimeStatus


@spread
def resume(
    ctx: typer.Context,
    filters: Filters,
    how: How,
    settle: Settle,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_finished: IgnoreFinished = False,
) -> None:
    """Resume suspended instances.

    This is a request: an instance continues a moment later.

    By a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:
      durablectl resume order-7
      durablectl resume --name order --status Suspended --yes
    """
    session: Session = ctx.obj
    chosen = choose(
        session,
        "resume",
        instances,
        from_,
        filters,
        how,
        states=frozenset({RuntimeStatus.SUSPENDED}),
        ignore_finished=ignore_finished,
    )
    why = reason if reason is not None else default_reason(session)
    control(
        session,
        chosen,
        how,
        lambda hub: BatchOperation(
            "resume", "resumption requested", lambda each: hub.resume(each, why), in_waves=REQUESTS
        ),
        ignore_finished=ignore_finished,
        settled=settle.until(
            lambda status: status.runtime_status is not RuntimeStatus.SUSPENDED,
            "runtimeStatus!='Suspended'",
        ),
    )
