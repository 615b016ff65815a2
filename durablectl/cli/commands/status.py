"""`durablectl status`: show the status of an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.parameters import FromFiles, Instances, Last
from durablectl.cli.session import Session
from durablectl.cli.status import show_status


def status(
    session: Session,
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

    For a failed instance it shows the innermost exception, where the app's code raised it, and the
    functions that it passed through; with -v the traceback too. On a terminal it shows what an
    unfinished instance waits for; `durablectl why` shows more. With -o json it prints the service's
    status object, or an array of them for several instances.

    Examples:
      durablectl status order-7
      durablectl status order-7 --history -o json
      durablectl status order-7 --exit-status
    """
    code = show_status(
        session,
        instances,
        from_,
        show_input=show_input,
        history=history,
        history_output=history_output,
        exit_status=exit_status,
        last=last,
    )
    raise typer.Exit(code)
