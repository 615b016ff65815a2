"""Write the manual pages that this folder holds, from the program itself: python man/update.py
[FOLDER]

A wheel installs them below share/man/man1.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durablectl.cli.framework.command_table import GROUPS, PROGRAM
from durablectl.cli.framework.tree import described

FOLDER = Path(__file__).parent


def pages() -> dict[str, str]:
    """The file of each page and its text: the program, and each command with those below it."""
    tree = described()
    names = [name for commands in GROUPS.values() for name in commands]
    made = {f"{PROGRAM}.1": "\n".join(_program(tree))}
    for name in names:
        commands = [each for each in tree["commands"] if each["name"].split()[0] == name]
        made[f"{PROGRAM}-{name}.1"] = "\n".join(_command(tree, name, commands))
    return {file: text + "\n" for file, text in made.items()}


def _program(tree: dict[str, Any]) -> Iterator[str]:
    yield from _head(tree, PROGRAM, "control durable orchestrations")
    yield from (".SH SYNOPSIS", f".B {PROGRAM}", ".I COMMAND", "[\\fIARGS\\fR]...")
    for title, commands in GROUPS.items():
        yield f'.SH "{title.upper()}"'
        for name, summary in commands.items():
            yield from (".TP", f".BR {PROGRAM}\\-{_roff(name)} (1)", _roff(summary))
    yield ".SH OPTIONS"
    yield "Every command takes these, before or after its name."
    yield from _params(tree["globalOptions"])
    yield '.SH "EXIT STATUS"'
    for each in tree["exitCodes"]:
        yield from (".TP", f".B {each['code']}", _roff(each["meaning"]))


def _command(tree: dict[str, Any], name: str, commands: list[dict[str, Any]]) -> Iterator[str]:
    summary = next(each[name] for each in GROUPS.values() if name in each)
    yield from _head(tree, f"{PROGRAM}-{name}", summary.rstrip(".").replace("\n", " "))
    yield ".SH SYNOPSIS"
    for each in commands:
        yield from (f".B {_roff(each['usage'])}", ".br")
    for each in commands:
        yield f'.SH "{(each["name"] if len(commands) > 1 else "description").upper()}"'
        yield _roff(each["summary"])
        for paragraph in filter(None, each["help"].split("\n\n")):
            yield from (".PP", _roff(paragraph))
        yield from _params([*each["arguments"], *each["options"]])
        yield from (".PP", "Examples:", ".PP", ".RS", ".nf", *map(_roff, each["examples"]))
        yield from (".fi", ".RE", ".PP")
        yield f"Exit status: {', '.join(map(str, each['exitCodes']))}."
    yield from ('.SH "SEE ALSO"', f".BR {PROGRAM} (1)")
    yield "has the global options and the meaning of the exit status."


def _head(tree: dict[str, Any], title: str, summary: str) -> Iterator[str]:
    yield '.\\" Written by man/update.py from the program itself: change that, not this file.'
    yield f'.TH "{_roff(title.upper())}" 1 "" "{PROGRAM} {tree["version"]}" "User Commands"'
    yield from (".nh", ".ad l", ".SH NAME", f"{_roff(title)} \\- {_roff(summary)}")


def _params(params: list[dict[str, Any]]) -> Iterator[str]:
    for each in params:
        names = ", ".join(each["names"]) if each["names"][0].startswith("-") else each["metavar"]
        value = f" {each['metavar']}" if names.startswith("-") and each["metavar"] else ""
        yield from (".TP", f"\\fB{_roff(names)}\\fR{_roff(value)}", _roff(each["help"]) or "\\&")


def _roff(text: str) -> str:
    """Text as troff takes it: hyphens that can be copied, and no control line by accident."""
    escaped = text.replace("\\", "\\e").replace("-", "\\-")
    return re.sub(r"^([.'])", r"\\&\1", escaped)


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("-"):
        sys.exit("usage: python man/update.py [FOLDER]")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in folder.glob("*.1"):
        if old.name not in wanted:
            old.unlink()
    for file, text in wanted.items():
        (folder / file).write_text(text, encoding="utf-8")
