"""The commands as data: the tree that help, completion, the reference and the man pages come from,
for programs.
"""

from __future__ import annotations

import inspect
from collections.abc import Iterator, Sequence
from enum import Enum
from typing import Any

from durablectl.cli.framework.command_table import GROUPS, PROGRAM
from durablectl.cli.framework.exit_codes import MEANINGS
from durablectl.cli.framework.global_options import global_facts, is_global
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.shapes import OUTPUTS, SHAPES, exit_codes_of
from durablectl.errors import UsageError
from durablectl.version import __version__

_TYPES = {"integer": "integer", "integer range": "integer", "float": "number", "path": "path"}
"""How the parser's types are called; the others are texts, with a form that the help says."""


def found(path: Sequence[str]) -> Any:
    """The click context of the program or of the command at `path`; `UsageError` when there is
    none.
    """
    context = root().make_context(PROGRAM, [], resilient_parsing=True)
    for name in path:
        group: Any = context.command
        if not hasattr(group, "list_commands"):
            raise UsageError(
                f"'{context.command_path}' has no commands", hint=f"{context.command_path} --help"
            )
        command = group.get_command(context, name)
        if command is None:
            raise group.unknown(context, name)
        context = command.make_context(name, [], parent=context, resilient_parsing=True)
    return context


def described(path: Sequence[str] = ()) -> dict[str, Any]:
    """The program, with the commands at and below `path`."""
    start = found(path)
    program = start.find_root()
    return {
        "program": PROGRAM,
        "version": __version__,
        "globalOptions": [
            _param(param, program) for param in program.command.params if is_global(param)
        ],
        "exitCodes": [
            {"code": int(code), "name": code.name, "meaning": text}
            for code, text in MEANINGS.items()
        ],
        "shapes": {
            name: {"meaning": shape.meaning, "fields": [each._asdict() for each in shape.fields]}
            for name, shape in SHAPES.items()
        },
        "commands": [_command(context, names) for context, names in leaves(start, tuple(path))],
    }


def leaves(context: Any, path: tuple[str, ...]) -> Iterator[tuple[Any, tuple[str, ...]]]:
    """The contexts of the commands that do something, at and below this one, with their paths."""
    command = context.command
    if not hasattr(command, "list_commands"):
        yield context, path
        return
    for name in command.list_commands(context):
        inner = command.get_command(context, name)
        made = inner.make_context(name, [], parent=context, resilient_parsing=True)
        yield from leaves(made, (*path, name))


def _command(context: Any, path: tuple[str, ...]) -> dict[str, Any]:
    name, command = " ".join(path), context.command
    prose, examples = _parts(command.help or "")
    own = [param for param in command.params if not is_global(param) and param.name != "help"]
    options = [
        _param(each, context)
        for each in own
        if each.param_type_name == "option" and not each.hidden
    ]
    return {
        "name": name,
        "group": next(title for title, commands in GROUPS.items() if path[0] in commands),
        "summary": prose[0],
        "help": "\n\n".join(prose[1:]),
        "usage": " ".join([PROGRAM, name, *command.collect_usage_pieces(context)]),
        "arguments": [_param(each, context) for each in own if each.param_type_name == "argument"],
        "options": options,
        "asksToConfirm": any("--yes" in each["names"] for each in options),
        "examples": examples,
        "exitCodes": exit_codes_of(name),
        "output": list(OUTPUTS.get(name, ())),
    }


def _parts(text: str) -> tuple[list[str], list[str]]:
    """The paragraphs of a help, each as one line, and its examples."""
    prose, _, examples = (
        inspect.cleandoc(text).replace("Example:\n", "Examples:\n").partition("Examples:\n")
    )
    paragraphs = [" ".join(each.split()) for each in prose.strip().split("\n\n")]
    return paragraphs, [line.strip() for line in examples.splitlines() if line.strip()]


def _param(param: Any, context: Any) -> dict[str, Any]:
    record = param.get_help_record(context)
    is_flag = bool(getattr(param, "is_flag", False))
    variable, default, choices = (
        global_facts(param.name)
        if is_global(param)
        else (None, _plain(param.default), tuple(map(_plain, getattr(param.type, "choices", ()))))
    )
    names = [*param.opts, *param.secondary_opts]
    return {
        "names": names if param.param_type_name == "option" else [param.name],
        "metavar": None if is_flag else param.make_metavar(context),
        "type": "flag" if is_flag else "choice" if choices else _TYPES.get(param.type.name, "text"),
        "choices": list(choices),
        "default": default,
        "required": bool(param.required),
        "multiple": bool(getattr(param, "multiple", False)) or param.nargs == -1,
        "variable": variable,
        "help": " ".join((record[1] if record else getattr(param, "help", None) or "").split()),
    }


def _plain(value: Any) -> Any:
    """A default as JSON has it; None for one that is made when the command runs."""
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, str | int | float | bool) or value is None:
        return value
    return None if callable(value) or isinstance(value, list | tuple) else str(value)
