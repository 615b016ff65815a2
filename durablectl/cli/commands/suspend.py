"""`durablectl suspend`: ask instances to pause."""

from __future__ import annotations

import typer

from durablectl.cli.batches import Tolerance, default_reason, for_each
from durablectl.cli.parameters import Confirm, FromFiles, IgnoreFinished, IgnoreNotFound, Instances, Reason, Yes
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets


def suspend(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_not_found: IgnoreNotFound = False,
    ignore_finished: IgnoreFinished = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Pause running instances.

    This is a request: an instance pauses a moment later. Events wait until it goes on.

    Examples:
      durablectl suspend order-7 --reason "maintenance"
      durablectl list --status Running -o id | durablectl suspend -
    """
    session: Session = ctx.obj
    targets = Targets(session, instances, from_)
    hub, why = targets.begin_change(yes=yes, confirm=confirm), reason if reason is not None else default_reason(session)
    tolerance = Tolerance(not_found=ignore_not_found, finished=ignore_finished)
    for_each(session, targets, hub, lambda each: hub.suspend(each, why), told="suspension requested", tolerance=tolerance)
