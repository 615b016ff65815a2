"""`durablectl rewind`: let failed instances try again."""

from __future__ import annotations

from datetime import datetime

import typer

from durablectl.cli.arguments.filters import Filters
from durablectl.cli.arguments.parameters import FromFiles, How, IgnoreFinished, Instances, Reason
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.batch.control import choose, control
from durablectl.cli.batch.runner import REQUESTS, BatchOperation
from durablectl.cli.framework.option_groups import spread
from durablectl.cli.session import Session
from durablectl.cli.wait.wait_after import Settle
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub


@spread
def rewind(
    ctx: typer.Context,
    filters: Filters,
    how: How,
    settle: Settle,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_finished: IgnoreFinished = False,
) -> None:
    """Let failed instances try their failed steps again.

    This is a request: the steps that succeeded keep their results, those that failed run again.

    By a filter it shows how many there are and the first ten, and asks; entities and
    sub-orchestrations are left out.

    Examples:
      durablectl rewind order-7 --reason "the bank is back"
      durablectl rewind --name order --created-after 1d --yes
    """
    session: Session = ctx.obj
    chosen = choose(
        session,
        "rewind",
        instances,
        from_,
        filters,
        how,
        states=frozenset({RuntimeStatus.FAILED}),
        ignore_finished=ignore_finished,
    )
    why = reason if reason is not None else default_reason(session)
    before: dict[str, datetime] = {}

    def rewind_one(hub: TaskHub, instance_id: str) -> None:
        if settle.wait:
            before[instance_id] = hub.get_status(instance_id, show_input=False).last_updated_time
        hub.rewind(instance_id, why)

    def goes_on(status: InstanceStatus) -> bool:
        moved = status.last_updated_time != before.get(status.instance_id)
        return moved or status.runtime_status is not RuntimeStatus.FAILED

    control(
        session,
        chosen,
        how,
        lambda hub: BatchOperation(
            "rewind", "rewind requested", lambda each: rewind_one(hub, each), in_waves=REQUESTS
        ),
        ignore_finished=ignore_finished,
        settled=settle.until(goes_on, "runtimeStatus!='Failed'"),
    )
