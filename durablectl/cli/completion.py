"""What the shell's completion is told, in the form that each shell reads. Silent on failure."""

from __future__ import annotations

import os
import shlex
import sys
from collections.abc import Iterable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import NamedTuple

from durablectl.cli.tree import PROGRAM, root
from durablectl.render.output import Output
from durablectl.render.safe import safe_line

VARIABLE = "_DURABLECTL_COMPLETE"
SHELLS = {"bash": "durablectl.bash", "zsh": "durablectl.zsh", "fish": "durablectl.fish", "powershell": "durablectl.ps1"}


class Candidate(NamedTuple):
    """One answer."""

    value: str
    help: str = ""


def script(shell: str) -> str:
    """The completion script of a shell."""
    return (Path(__file__).parent / "shells" / SHELLS[shell]).read_text(encoding="utf-8")


def answer(out: Output, environ: Mapping[str, str], arguments: list[str]) -> int:
    """Answer the shell that set `_DURABLECTL_COMPLETE`: one candidate a line. Never fails."""
    shell = environ[VARIABLE]
    try:
        line = environ.get("_DURABLECTL_LINE")
        words = arguments if line is None else split(line)[1:]
        *before, incomplete = words or [""]
        found = candidates(before, incomplete)
        out.lines(_written(shell, found, incomplete, environ.get("_DURABLECTL_WORD")))
    except Exception:
        return 1
    return 0


def candidates(before: list[str], incomplete: str) -> list[Candidate]:
    """What may stand where `incomplete` is begun, after the words `before`."""
    from typer._completion_classes import BashComplete  # deferred: brings what only completion needs

    if incomplete.startswith("@") and "@" not in incomplete[1:]:
        return [Candidate(f"@{path}") for path in _paths(incomplete[1:])]
    os.environ.pop(VARIABLE, None)  # an app or a key command that is run must not answer, too
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123 - no path of ours
        items = BashComplete(root(), {}, PROGRAM, VARIABLE).get_completions(before, incomplete)
    found = []
    for item in items:
        if item.type in ("file", "dir"):
            found += [Candidate(path) for path in _paths(incomplete)]
        else:
            found.append(Candidate(item.value, (item.help or "").partition("\n")[0]))
    return found


def split(line: str) -> list[str]:
    """The words of a line that may end within one; the last is the one under the cursor, empty after a blank."""
    for closing in ("", '"', "'", "\\"):
        try:
            words = shlex.split(line + closing)
        except ValueError:
            continue
        return [*words, ""] if not closing and line[-1:].isspace() and not line.endswith("\\ ") else words
    return line.split()


def _written(shell: str, found: Iterable[Candidate], incomplete: str, word: str | None) -> Iterator[str]:
    for value, help in ((safe_line(each.value), safe_line(each.help)) for each in found):
        if shell == "zsh":
            yield f"{value.replace(':', chr(92) + ':')}:{help}" if help else value.replace(":", "\\:")
        elif shell == "bash":
            yield _after_break(value, incomplete, word)
        else:
            yield f"{value}\t{help}" if help else value


def _after_break(value: str, incomplete: str, word: str | None) -> str:
    """The part of a value that bash replaces: it breaks words at ':' and '='."""
    rest = "" if word in (None, ":", "=") else word or ""
    done = incomplete.removesuffix(rest) if incomplete.endswith(rest) else ""
    if word is not None and done and value.startswith(done) and done[-1:] in ":=":
        return value.removeprefix(done)
    return shlex.quote(value) if any(sign in value for sign in " ()&;|<>$`'\"\\*?") else value


def _paths(incomplete: str) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    where = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".").expanduser()
    shown = incomplete[: len(incomplete) - len(start)]
    entries = sorted(where.iterdir()) if where.is_dir() else []
    named = [entry for entry in entries if entry.name.startswith(start) and (start.startswith(".") or not entry.name.startswith("."))]
    return [f"{shown}{entry.name}{'/' if entry.is_dir() else ''}" for entry in named]


def current_shell(environ: Mapping[str, str]) -> str | None:
    """The shell that the user has, if it is one that we know."""
    name = Path(environ.get("SHELL", "")).name
    if name in SHELLS:
        return name
    return "powershell" if name == "pwsh" or (sys.platform == "win32" and "PSModulePath" in environ) else None
