"""The way to the program as Typer reads it, which takes longer to load than a whole status."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from durablectl.cli.framework.program import Program


def typer_program() -> type[Program]:
    """Runs and completes what is not read without Typer."""
    from durablectl.cli.framework.program import Program  # deferred, see above

    return Program
