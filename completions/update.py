"""Write the completion scripts that this folder holds, and the table of what is read without Typer,
from the program itself: python completions/update.py
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from durablectl.cli.framework import completers
from durablectl.cli.framework.command_table import PROGRAM, SUMMARIES
from durablectl.cli.framework.global_options import GLOBALS, is_global
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.shell_scripts import SHELLS, script

FILES = {
    "bash": "durablectl.bash",
    "zsh": "_durablectl",
    "fish": "durablectl.fish",
    "powershell": "durablectl.ps1",
}
FRAMEWORK = Path(__file__).parents[1] / "durablectl" / "cli" / "framework"
WIDTHS = (80, 100)  # of a pipe, and of every terminal that is wider than the help
OPTIONAL = {("restart", "--from"), ("list", "--stuck")}  # they take a value or none
NOTE = "Written by completions/update.py from the tree of commands: change that, not this file."
TABLE_HEAD = f'''"""The options of the commands that take instance ids.

{NOTE}
"""

# fmt: off
from __future__ import annotations

Options = dict[str, tuple[str, bool]]
'''
HELP_HEAD = f'''"""The help of the program by the width of the terminal.

{NOTE}
"""

from __future__ import annotations
'''


def modules() -> dict[str, str]:
    """What is known without Typer: the name of each module and its text."""
    return {
        "line_table.py": "\n".join([TABLE_HEAD, *_globals(), *_commands()]) + "\n",
        "help_text.py": "\n".join([HELP_HEAD, *_help()]) + "\n",
    }


def help_at(columns: int) -> str:
    """The help of the program on a terminal of this width."""
    before = os.environ.get("COLUMNS")
    os.environ["COLUMNS"] = str(columns)
    try:
        return root().make_context(PROGRAM, [], resilient_parsing=True).get_help()
    finally:
        del os.environ["COLUMNS"]
        os.environ.update({} if before is None else {"COLUMNS": before})


def _help() -> Iterator[str]:
    yield "HELP = {"
    for width in WIDTHS:
        yield f'    {width}: """\\\n{help_at(width)}\n""",'
    yield "}"


def _globals() -> Iterator[str]:
    for title, has_value in (("VALUES", True), ("FLAGS", False)):
        yield f'"""The global options {"with" if has_value else "without"} a value."""'
        yield f"{title} = {{"
        for each in GLOBALS:
            if bool(each.metavar) is has_value:
                yield from (f'    "{flag}": "{each.name}",' for flag in each.flags)
        yield "}"


def _commands() -> Iterator[str]:
    yield "COMMANDS: dict[str, tuple[bool, Options, Options]] = {"
    for name in SUMMARIES:
        command = root().get_command(None, name)
        ids = _takes_ids(command)
        if ids is None:
            continue
        yield f'    "{name}": ({ids.nargs == -1}, {{'
        yield from _options(name, command, has_value=True)
        yield "    }, {"
        yield from _options(name, command, has_value=False)
        yield "    }),"
    yield "}"
    yield '"""By command: whether it takes several ids; of its options with a value the parameter,'
    yield 'and whether that is a list; of its flags the parameter, and what they make of it."""'


def _takes_ids(command: Any) -> Any:
    """The argument that is instances and nothing else, if that is the command's only one."""
    arguments = [each for each in command.params if each.param_type_name == "argument"]
    if len(arguments) != 1:
        return None
    declared = inspect.signature(command.callback, eval_str=True).parameters
    told = getattr(declared[arguments[0].name].annotation, "__metadata__", ())
    is_of_ids = any(getattr(each, "autocompletion", None) is completers.instances for each in told)
    return arguments[0] if is_of_ids else None


def _options(name: str, command: Any, *, has_value: bool) -> Iterator[str]:
    for each in command.params:
        if each.param_type_name != "option" or is_global(each) or each.name == "help":
            continue
        if bool(each.is_flag) is has_value:
            continue
        for flag in each.opts:
            if (name, flag) not in OPTIONAL:
                yield f'        "{flag}": ("{each.name}", {bool(each.multiple) or not has_value}),'
        for flag in each.secondary_opts:
            yield f'        "{flag}": ("{each.name}", False),'


if __name__ == "__main__":
    for shell in SHELLS:
        (Path(__file__).parent / FILES[shell]).write_text(script(shell), encoding="utf-8")
    for name, text in modules().items():
        (FRAMEWORK / name).write_text(text, encoding="utf-8")
