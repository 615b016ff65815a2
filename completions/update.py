"""Write the completion scripts that this folder holds, from the program itself: python
completions/update.py
"""

from __future__ import annotations

from pathlib import Path

from durablectl.cli.framework.completion import SHELLS, script

FILES = {
    "bash": "durablectl.bash",
    "zsh": "_durablectl",
    "fish": "durablectl.fish",
    "powershell": "durablectl.ps1",
}

if __name__ == "__main__":
    for shell in SHELLS:
        (Path(__file__).parent / FILES[shell]).write_text(script(shell), encoding="utf-8")
