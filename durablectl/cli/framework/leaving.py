"""How a command ends with an exit code."""

from __future__ import annotations

import typer

from durablectl.cli.framework.exit_codes import ExitCode, for_outcomes


def leave(*codes: int) -> None:
    """End the command with what these codes come to, unless that is 0."""
    if (code := for_outcomes(codes)) is not ExitCode.DONE:
        raise typer.Exit(code)
