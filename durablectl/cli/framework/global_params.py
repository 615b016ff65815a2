"""The global options as parameters of Typer's commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperOption

from durablectl.cli.framework.command_table import GLOBALS, flags_of, global_help
from durablectl.cli.framework.completers import contexts
from durablectl.cli.framework.global_options import MARK, global_facts


def global_params() -> list[TyperOption]:
    """Fresh parameters for the global options, to be put on every command and group."""
    return [_param(name) for name in GLOBALS]


def _param(name: str) -> TyperOption:
    declared, help, metavar = [name, *flags_of(name)], global_help(name), GLOBALS[name][0]
    param = (
        TyperOption(
            param_decls=declared,
            type=str,
            default=None,
            metavar=metavar,
            help=help,
            autocompletion=_completer(name),
        )
        if metavar
        else TyperOption(param_decls=declared, is_flag=True, default=False, help=help)
    )
    setattr(param, MARK, True)
    return param


def _completer(name: str) -> Callable[[Any, list[str], str], list[str]] | None:
    if name == "context":
        return _contexts
    _, _, choices = global_facts(name)
    if not choices:
        return None
    return lambda _ctx, _args, incomplete: [
        choice for choice in choices if choice.startswith(incomplete)
    ]


def _contexts(_ctx: Any, _args: list[str], incomplete: str) -> list[str]:
    return contexts(incomplete)
