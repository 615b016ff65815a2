"""The shells that can complete, and their scripts."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

from durablectl.packaged import packaged_text

SHELLS = {
    "bash": "durablectl.bash",
    "zsh": "durablectl.zsh",
    "fish": "durablectl.fish",
    "powershell": "durablectl.ps1",
}


def script(shell: str) -> str:
    """The completion script of a shell."""
    return packaged_text("durablectl.cli.framework", f"shells/{SHELLS[shell]}")


def current_shell(environ: Mapping[str, str]) -> str | None:
    """The shell that the user has, if it is one that we know."""
    name = Path(environ.get("SHELL", "")).name
    if name in SHELLS:
        return name
    return (
        "powershell"
        if name == "pwsh" or (sys.platform == "win32" and "PSModulePath" in environ)
        else None
    )
