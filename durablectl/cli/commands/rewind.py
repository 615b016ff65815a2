"""`durablectl rewind`: let failed instances try again."""

from __future__ import annotations

import typer

from durablectl.cli.batches import Tolerance, default_reason, for_each
from durablectl.cli.parameters import Confirm, FromFiles, IgnoreFinished, IgnoreNotFound, Instances, Reason, Yes
from durablectl.cli.session import Session
from durablectl.cli.targets import Targets


def rewind(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    reason: Reason = None,
    ignore_not_found: IgnoreNotFound = False,
    ignore_finished: IgnoreFinished = False,
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Let failed instances try their failed steps again.

    This is a request: the steps that succeeded keep their results, those that failed run again.

    Examples:
      durablectl rewind order-7 --reason "the bank is back"
      durablectl list --status Failed -o id | durablectl rewind -
    """
    session: Session = ctx.obj
    targets = Targets(session, instances, from_)
    hub, why = targets.begin_change(yes=yes, confirm=confirm), reason if reason is not None else default_reason(session)
    tolerance = Tolerance(not_found=ignore_not_found, finished=ignore_finished)
    for_each(session, targets, hub, lambda each: hub.rewind(each, why), told="rewind requested", tolerance=tolerance)
