"""`durablectl help`: the help of the program or of a command, for people or as JSON."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.framework.command_table import SUMMARIES
from durablectl.cli.framework.completers import choices
from durablectl.cli.framework.tree import described, found
from durablectl.cli.session import Session
from durablectl.errors import UsageError
from durablectl.render.output import OutputFormat


def help(
    session: Session,
    command: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="[COMMAND]...",
            help="A command, as `list` or `context add`; without it, the program.",
            autocompletion=choices(SUMMARIES),
        ),
    ] = None,
    as_json: Annotated[
        bool, typer.Option("--json", help="Print the description as JSON; the same as -o json.")
    ] = False,
) -> None:
    """Show the help, or describe every command as JSON.

    The JSON has the commands with their arguments, options, defaults, exit codes and the fields of
    what they print. It comes from the same tree as the help.

    Examples:

      durablectl help list

      durablectl help --json
    """
    path = command or []
    if as_json or session.out.format is OutputFormat.JSON:
        session.out.json(described(path))
    elif session.out.is_text:
        session.out.data(found(path).get_help())
    else:
        raise UsageError(
            f"the help has no form -o {session.out.format.value}", hint="durablectl help --json"
        )
