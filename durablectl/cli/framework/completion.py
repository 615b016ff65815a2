"""What the shell's completion is told, in the form that each shell reads. Silent on failure."""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator, Mapping
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

from durablectl.cli.framework.completers import Candidate, instances
from durablectl.cli.framework.line_reader import read_line
from durablectl.cli.framework.shell_words import Typed, complete_bash, read_bash, read_powershell
from durablectl.cli.framework.typer_door import typer_program
from durablectl.quoting import powershell
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line

VARIABLE = "_DURABLECTL_COMPLETE"
OpenSession = Callable[[Mapping[str, object]], object]
"""Opens a session for the global options that were given."""


def answer(
    out: Output, environ: Mapping[str, str], arguments: list[str], open_session: OpenSession
) -> int:
    """Answer the shell that set `_DURABLECTL_COMPLETE`, each in the form that its script reads.

    Never fails.
    """
    shell = environ[VARIABLE]
    try:
        line = environ.get("_DURABLECTL_LINE", "")
        match shell:
            case "bash":
                typed = read_bash(line)
            case "powershell":
                typed = read_powershell(line)
            case _:
                typed = Typed(["durablectl", *arguments[:-1]], (arguments or [""])[-1])
        found = candidates(typed.words[1:], typed.incomplete, open_session)
        out.exact("".join(_written(shell, found, typed, environ.get("_DURABLECTL_WORD", ""))))
    except Exception:
        return 1
    return 0


def candidates(
    before: list[str],
    incomplete: str,
    open_session: OpenSession,
) -> list[Candidate]:
    """What may stand where `incomplete` is started, after the words `before`: what an argument may
    be, and what begins as typed. `open_session` opens one for the global options that were given.
    """
    option, equals, value = incomplete.partition("=")
    if equals and option.startswith("--") and "--" not in before:  # the value of --option=value
        return [
            Candidate(f"{option}={each.value}", each.help)
            for each in candidates([*before, option], value, open_session)
        ]
    found = _found(before, incomplete, open_session)
    return [each for each in found if _fits(each.value, before, incomplete)]


def _found(before: list[str], incomplete: str, open_session: OpenSession) -> Iterator[Candidate]:
    if incomplete.startswith("@") and "@" not in incomplete[1:]:
        yield from (Candidate(f"@{path}") for path in _paths(incomplete[1:]))
        return
    os.environ.pop(VARIABLE, None)  # an app or a key command that is run must not answer, too
    with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):  # noqa: PTH123 - no path of ours
        line = None if incomplete.startswith("-") else read_line(before)
        if line is not None and line.takes_id:
            yield from map(Candidate, instances(line._replace(obj=open_session), incomplete))
            return
        items = typer_program().complete(before, incomplete, open_session)
    for item in items:
        if item.type in ("file", "dir"):
            yield from (Candidate(path) for path in _paths(incomplete))
        else:
            yield Candidate(item.value, (item.help or "").partition("\n")[0])


def _fits(value: str, before: list[str], incomplete: str) -> bool:
    """Whether a value continues what was typed, can be an argument, and is not read as an option
    that was not asked for.
    """
    if value.startswith("-") and not incomplete.startswith("-") and "--" not in before:
        return False
    is_text = "\0" not in value and not any("\ud800" <= sign <= "\udfff" for sign in value)
    return is_text and value.lower().startswith(incomplete.lower())


def _written(shell: str, found: list[Candidate], typed: Typed, replaced: str) -> Iterator[str]:
    """bash: a quoted word a line.

    PowerShell: a JSON object a line. zsh and fish quote what they put in: values that end with NUL.
    """
    width = max((len(safe_line(value)) for value, help, _ in found if help), default=0)
    for value, help, _ in found:
        shown, told = safe_line(value), safe_line(help)
        match shell:
            case "bash":
                word = complete_bash(value, typed, replaced)
                yield f"{word}\n" if word is not None else ""
            case "powershell":
                answer = {
                    "text": powershell(value),
                    "value": value,
                    "shown": shown,
                    "help": told or shown,
                }
                yield json.dumps(answer) + "\n"
            case "zsh":
                yield f"{value}\0{f'{shown:<{width}}  -- {told}' if told else shown}\0"
            case _:  # fish takes what is behind a tab for the description
                yield f"{value}\t{told}\0" if "\t" not in value else ""


def _paths(incomplete: str) -> list[str]:
    folder, _, start = incomplete.rpartition("/")
    where = Path(f"{folder}/" if folder or incomplete.startswith("/") else ".").expanduser()
    shown = incomplete[: len(incomplete) - len(start)]
    entries = sorted(where.iterdir()) if where.is_dir() else []
    named = [
        entry
        for entry in entries
        if entry.name.startswith(start)
        and (start.startswith(".") or not entry.name.startswith("."))
    ]
    return [f"{shown}{entry.name}{'/' if entry.is_dir() else ''}" for entry in named]
