"""The global options as parameters of Typer's commands."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from typer.core import TyperOption

from durablectl.cli.framework.completers import contexts
from durablectl.cli.framework.global_options import GLOBALS, MARK, GlobalOption


def global_params() -> list[TyperOption]:
    """Fresh parameters for the global options, to be put on every command and group."""
    return [_param(each) for each in GLOBALS]


def _param(option: GlobalOption) -> TyperOption:
    help = f"{option.help} [{option.variable}]" if option.variable else option.help
    declared = [option.name, *option.flags]
    param = (
        TyperOption(
            param_decls=declared,
            type=str,
            default=None,
            metavar=option.metavar,
            help=help,
            autocompletion=_completer(option),
        )
        if option.metavar
        else TyperOption(param_decls=declared, is_flag=True, default=False, help=help)
    )
    setattr(param, MARK, True)
    return param


def _completer(option: GlobalOption) -> Callable[[Any, list[str], str], list[str]] | None:
    if option.name == "context":
        return _contexts
    return _starting(option.choices) if option.choices else None


def _starting(choices: tuple[str, ...]) -> Callable[[Any, list[str], str], list[str]]:
    def complete(_ctx: Any, _args: list[str], incomplete: str) -> list[str]:
        return [choice for choice in choices if choice.startswith(incomplete)]

    return complete


def _contexts(_ctx: Any, _args: list[str], incomplete: str) -> list[str]:
    return contexts(incomplete)
