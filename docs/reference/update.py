"""Write the reference of the commands from the program itself: python docs/reference/update.py
[FOLDER]
"""

from __future__ import annotations

import inspect
import re
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durablectl.cli.framework.command_table import GROUPS, PROGRAM
from durablectl.cli.framework.global_options import is_global
from durablectl.cli.framework.groups import root

BAR = "\\|"
# how Typer brackets choices differs between its versions
CHOICES = re.compile(r"[<\[]([\w-]+(?:\|[\w-]+)+)[>\]]$")
CODE = re.compile(r"(?<![\w-])--[a-z][a-z-]*|\$?DURABLECTL_[A-Z_]+|(?<=\W)-o [a-z]+")
MARKUP = re.compile(r"[*<\[]")
ROOT = Path(__file__).parents[2]
FOLDER = Path(__file__).parent / "commands"
NOTE = (
    "<!-- Written by docs/reference/update.py from the program itself: change the program, not "
    "this file. -->\n"
)


def pages() -> dict[str, str]:
    """The file of each page and its text."""
    program = root()
    made = {f"{name}.md": _page(program, name) for commands in GROUPS.values() for name in commands}
    return {"index.md": _index(), "global-options.md": _global_options(program), **made}


def _index() -> str:
    lines = [
        NOTE,
        "# Commands\n",
        "Every command takes the [global options](global-options.md), before or after its name.\n",
    ]
    for title, commands in GROUPS.items():
        lines += [f"## {title}\n", "| command | what it does |", "|---|---|"]
        lines += [
            f"| [`{name}`]({name}.md) | {_prose(summary)} |" for name, summary in commands.items()
        ] + [""]
    names = [name for commands in GROUPS.values() for name in commands]
    return "\n".join([*lines, "```{toctree}", ":hidden:", "", "global-options", *names, "```", ""])


def _global_options(program: Any) -> str:
    context = program.make_context(PROGRAM, [], resilient_parsing=True)
    told = (
        "Every command takes them, before or after its name. A flag wins over its variable, "
        "which is shown in brackets.\n"
    )
    return "\n".join(
        [
            NOTE,
            "# Global options\n",
            told,
            *_table(context, [param for param in program.params if is_global(param)]),
        ]
    )


def _page(program: Any, name: str) -> str:
    command = program.get_command(None, name)
    return "\n".join([NOTE, *_command(command, [name], 1)])


def _command(command: Any, path: list[str], level: int) -> Iterator[str]:
    context = command.make_context(" ".join([PROGRAM, *path]), [], resilient_parsing=True)
    yield f"{'#' * level} {' '.join(path)}\n"
    yield from (
        "```text",
        " ".join([context.info_name, *command.collect_usage_pieces(context)]),
        "```\n",
    )
    yield from _help(command.help or "")
    own = [param for param in command.params if not is_global(param)]
    for title, kind in (("Arguments", "argument"), ("Options", "option")):
        if chosen := [
            param
            for param in own
            if param.param_type_name == kind and param.name != "help" and not param.hidden
        ]:
            yield f"**{title}**\n"
            yield from _table(context, chosen)
    if hasattr(command, "list_commands"):
        for each in command.list_commands(context):
            yield from _command(command.get_command(context, each), [*path, each], level + 1)


def _help(text: str) -> Iterator[str]:
    """The paragraphs of a help; the examples as one block."""
    prose, _, examples = (
        inspect.cleandoc(text).replace("Example:\n", "Examples:\n").partition("Examples:\n")
    )
    for paragraph in prose.strip().split("\n\n"):
        yield _prose(" ".join(paragraph.split())) + "\n"
    if lines := [line.strip() for line in examples.splitlines() if line.strip()]:
        yield from ("```sh", *lines, "```\n")


def _table(context: Any, params: list[Any]) -> Iterator[str]:
    yield from ("| | |", "|---|---|")
    for names, meaning in (param.get_help_record(context) for param in params):
        bare = CHOICES.sub(r"\1", names.strip())
        yield f"| `{bare.replace('|', BAR)}` | {_prose(meaning)} |"
    yield ""


def _prose(text: str) -> str:
    """Help text as Markdown: options, variables and what stands between backticks are code, and
    nothing else is markup.
    """
    parts = " ".join(text.split()).replace("|", BAR).split("`")
    return "`".join(
        part if number % 2 else CODE.sub(r"`\g<0>`", MARKUP.sub(r"\\\g<0>", part))
        for number, part in enumerate(parts)
    )


if __name__ == "__main__":
    if sys.argv[1:2] and sys.argv[1].startswith("-"):
        sys.exit("usage: python docs/reference/update.py [FOLDER]")
    folder = Path(sys.argv[1]) if len(sys.argv) > 1 else FOLDER
    folder.mkdir(parents=True, exist_ok=True)
    wanted = pages()
    for old in folder.glob("*.md"):
        if old.name not in wanted:
            old.unlink()
    if folder.resolve() == FOLDER.resolve():  # what comes from the same tree
        for other in ("man", "completions"):
            subprocess.run([sys.executable, str(ROOT / other / "update.py")], check=True)
    for name, text in wanted.items():
        (folder / name).write_text(text.rstrip("\n") + "\n", encoding="utf-8")
