"""Write the completion scripts that this folder holds, and the table of what is read without Typer,
from the program itself: python completions/update.py
"""

from __future__ import annotations

import inspect
import textwrap
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, NamedTuple

from durablectl.cli.framework import completers
from durablectl.cli.framework.command_table import SUMMARIES
from durablectl.cli.framework.global_options import is_global
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.shell_scripts import SHELLS, script

FILES = {
    "bash": "durablectl.bash",
    "zsh": "_durablectl",
    "fish": "durablectl.fish",
    "powershell": "durablectl.ps1",
}
FRAMEWORK = Path(__file__).parents[1] / "durablectl" / "cli" / "framework"
OPTIONAL = {("restart", "--from"), ("list", "--stuck")}  # they take a value or none
NOTE = "Written by completions/update.py from the tree of commands: change that, not this file."
TABLE_HEAD = f'''"""The options of the commands that take instance ids.

{NOTE}
"""

# fmt: off
from __future__ import annotations
'''


def modules() -> dict[str, str]:
    """What is known without Typer: the name of each module and its text."""
    return {
        "line_table.py": "\n".join([TABLE_HEAD, *_commands()]) + "\n",
    }


def _commands() -> Iterator[str]:
    found = [
        (name, ids.nargs == -1, tuple(_options(name, command)))
        for name in SUMMARIES
        if (ids := _takes_ids(command := root().get_command(None, name))) is not None
    ]
    options = dict.fromkeys(option for _, _, own in found for option in own)
    if len({option.flag for option in options}) != len(options):
        raise ValueError("an option takes a value in one command and none in the next")
    yield "VALUED = ("
    yield from _lines((each.flag for each in options if each.has_value), "    ")
    yield ")"
    yield '"""The options with a value."""'
    yield f'SEVERAL = "{" ".join(name for name, several, _ in found if several)}"'
    yield '"""The commands that take several ids."""'
    yield "_OPTIONS = {"
    for own in dict.fromkeys(own for _, _, own in found):
        yield f'    "{" ".join(name for name, _, its in found if its == own)}": ('
        yield from _lines((each.flag for each in own), "        ")
        yield "    ),"
    yield "}"
    yield "COMMANDS = {"
    yield "    name: options for names, options in _OPTIONS.items() for name in names.split()"
    yield "}"
    yield '"""The commands that are read, each with its options."""'


def _lines(words: Iterable[str], indent: str) -> Iterator[str]:
    for line in textwrap.wrap(" ".join(words), 88, break_on_hyphens=False):
        yield f'{indent}"{line} "'


def _takes_ids(command: Any) -> Any:
    """The argument that is instances and nothing else, if that is the command's only one."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if len(arguments) != 1:
        return None
    declared = inspect.signature(command.callback, eval_str=True).parameters
    told = getattr(declared[arguments[0].name].annotation, "__metadata__", ())
    is_of_ids = any(getattr(each, "autocompletion", None) is completers.instances for each in told)
    return arguments[0] if is_of_ids else None


class Option(NamedTuple):
    """An option of a command."""

    flag: str
    has_value: bool


def _options(name: str, command: Any) -> Iterator[Option]:
    for each in command.params:
        if each.param_type_name != "option" or is_global(each) or each.name == "help":
            continue
        for flag in (*each.opts, *each.secondary_opts):
            if (name, flag) not in OPTIONAL:
                yield Option(flag, not each.is_flag)


if __name__ == "__main__":
    for shell in SHELLS:
        (Path(__file__).parent / FILES[shell]).write_text(script(shell), encoding="utf-8")
    for name, text in modules().items():
        (FRAMEWORK / name).write_text(text, encoding="utf-8")
