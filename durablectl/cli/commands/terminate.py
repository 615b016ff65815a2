"""`durablectl terminate`: ask for the end of instances."""

from __future__ import annotations

import typer

from durablectl.cli.batches import Tolerance, default_reason, for_each
from durablectl.cli.parameters import Confirm, FromFiles, IgnoreFinished, IgnoreNotFound, Instances, Reason, Yes
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets


def terminate(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_not_found: IgnoreNotFound = False,
    ignore_finished: IgnoreFinished = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """End running instances.

    This is a request: an instance ends a moment later. What is finished already is a conflict (exit 6).

    Examples:
      durablectl terminate order-7 --reason "no longer needed"
      durablectl list --status Running -o id | durablectl terminate -
    """
    session: Session = ctx.obj
    targets = Targets(session, instances, from_)
    hub, why = targets.begin_change(yes=yes, confirm=confirm), reason if reason is not None else default_reason(session)
    tolerance = Tolerance(not_found=ignore_not_found, finished=ignore_finished)
    for_each(session, targets, hub, lambda each: hub.terminate(each, why), told="termination requested", tolerance=tolerance)
