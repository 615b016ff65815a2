"""`durablectl skill`: a guide for coding assistants, printed or installed."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.framework.skill import MARK, skill_text
from durablectl.cli.session import Session
from durablectl.errors import Conflict, DurablectlError, reason_of


def skill(
    session: Session,
    install: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Write it to DIR/durablectl/SKILL.md instead, and replace an earlier one.",
        ),
    ] = None,
) -> None:
    """Print or install a guide for coding assistants.

    It is one Markdown file, made from the program itself: exit codes, JSON, recipes, and what needs
    a confirmation.

    Examples:

      durablectl skill

      durablectl skill --install .claude/skills
    """
    if install is None:
        session.out.value(skill_text().rstrip("\n"))
        return
    target = session.cwd / install / "durablectl" / "SKILL.md"
    _write(target, skill_text())
    session.out.show(f"wrote {install / 'durablectl' / 'SKILL.md'}", {"path": str(target)})


def _write(target: Path, text: str) -> None:
    try:
        if target.exists() and MARK not in target.read_text(encoding="utf-8", errors="replace"):
            raise Conflict(
                f"{target} was not written by durablectl", hint="name another folder, or remove it"
            )
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(text, encoding="utf-8")
    except OSError as error:
        raise DurablectlError(f"cannot write {target}: {reason_of(error)}") from error
