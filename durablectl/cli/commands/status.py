"""`durablectl status`: show the status of an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.choosing import Last, wanted
from durablectl.cli.arguments.parameters import FromFiles, Instances
from durablectl.cli.framework import exit_codes
from durablectl.cli.session import Session
from durablectl.cli.start.show import show_statuses, with_traceback
from durablectl.errors import InstanceNotFound
from durablectl.model import InstanceStatus
from durablectl.taskhub import TaskHub


def status(
    ctx: typer.Context,
    instances: Instances = None,
    from_: FromFiles = None,
    show_input: Annotated[
        bool, typer.Option("--show-input/--no-show-input", help="Show the input.")
    ] = True,
    history: Annotated[bool, typer.Option("--history", help="Show the history too.")] = False,
    history_output: Annotated[
        bool, typer.Option("--history-output", help="Show the history with its results.")
    ] = False,
    exit_status: Annotated[
        bool,
        typer.Option(
            "--exit-status", help="Report the status as the exit code: 8 running, 0, 10, 11, 12."
        ),
    ] = False,
    last: Last = False,
) -> None:
    """Show the status of an instance.

    Of a failed one it shows the innermost exception, where in the app's code it was raised, and
    through which functions it came up; with -v the traceback too. On a terminal it shows what an
    unfinished one waits for; `durablectl why` tells more. With -o json it is the service's
    status object, for several instances an array of them.

    Examples:
      durablectl status order-7
      durablectl status order-7 --history -o json
      durablectl status order-7 --exit-status
    """
    session: Session = ctx.obj
    targets = wanted(session, instances, from_, last=last)
    statuses: list[InstanceStatus] = []
    codes: list[int] = []
    for each in targets.ids:
        try:
            statuses.append(
                targets.hub.get_status(
                    each,
                    show_input=show_input,
                    show_history=history or history_output,
                    show_history_output=history_output,
                )
            )
        except InstanceNotFound as error:
            if len(targets.ids) == 1:
                raise
            session.out.error(error.message)
            codes.append(exit_codes.for_error(error))
    if session.out.verbose and session.out.is_text:
        statuses = [with_traceback(targets.hub, each) for each in statuses]
    show_statuses(
        session,
        statuses,
        single=len(targets.ids) == 1,
        show_input=show_input,
        waiting=lambda status: _waiting(targets.hub, status),
    )
    if exit_status:
        codes += [exit_codes.for_outcome(each.runtime_status) for each in statuses]
    raise typer.Exit(exit_codes.for_outcomes(codes))


def _waiting(hub: TaskHub, status: InstanceStatus) -> str:
    from durablectl.cli.wait.waiting_for import waiting_line  # deferred: a pipe does not pay for it

    return waiting_line(hub, status)
