"""`durablectl completion`: the shell's completion, shown or installed.

Edits no file that is the user's own.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.framework.completers import choices
from durablectl.cli.framework.groups import Commands
from durablectl.cli.framework.shell_scripts import SHELLS, current_shell, script
from durablectl.cli.session import Session
from durablectl.errors import DurablectlError, UsageError, reason_of

Shell = Annotated[
    str | None,
    typer.Argument(
        metavar="[" + "|".join(SHELLS) + "]",
        help="The shell; without it, the one in $SHELL.",
        autocompletion=choices(SHELLS),
    ),
]

app = Commands(
    """Show or install the shell's completion.

    Example:

      durablectl completion install
    """
)


@app.command("show")
def show(session: Session, shell: Shell = None) -> None:
    """Print the completion script of a shell.

    Example:

      durablectl completion show bash
    """
    session.out.data(script(_known(session, shell)).rstrip("\n"))


@app.command("install")
def install(session: Session, shell: Shell = None) -> None:
    """Install the completion script where the shell finds it, and say what is left to do.

    Example:

      durablectl completion install zsh
    """
    name = _known(session, shell)
    target, advice = _place(name, session.environ)
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        target.write_text(script(name), encoding="utf-8")
    except OSError as error:
        raise DurablectlError(f"cannot write {target}: {reason_of(error)}") from error
    session.out.note(f"written: {target}")
    session.out.hint(advice)


def _known(session: Session, shell: str | None) -> str:
    name, hint = shell or current_shell(session.environ), f"name one of {', '.join(SHELLS)}"
    if name is None:
        raise UsageError("the shell in $SHELL is unknown or not set", hint=hint)
    name = "powershell" if name == "pwsh" else name
    if name not in SHELLS:
        raise UsageError(f"there is no completion for '{name}'", hint=hint)
    return name


def _place(shell: str, environ: Mapping[str, str]) -> tuple[Path, str]:
    """Where a shell looks for its completions, and what to do after the script is there."""
    shares = Path(environ.get("XDG_DATA_HOME") or Path.home() / ".local" / "share")
    settings = Path(environ.get("XDG_CONFIG_HOME") or Path.home() / ".config")
    match shell:
        case "bash":
            target = shares / "bash-completion" / "completions" / "durablectl"
            return target, (
                "open a new shell; without the package bash-completion, add to "
                f"~/.bashrc: source {target}"
            )
        case "zsh":
            target = shares / "zsh" / "site-functions" / "_durablectl"
            return target, (
                f"put this into ~/.zshrc, before compinit: fpath=({target.parent} $fpath)"
            )
        case "fish":
            return settings / "fish" / "completions" / "durablectl.fish", "open a new shell"
        case _:
            target = settings / "powershell" / "durablectl.ps1"
            return target, f"put this into your $PROFILE: . '{target}'"
