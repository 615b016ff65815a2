"""The tree of commands: modules that are imported when their command is wanted.

Opens no hub.
"""

from __future__ import annotations

import inspect
import sys
from collections.abc import Callable
from importlib import import_module
from keyword import iskeyword
from typing import Any

import typer
from typer.core import TyperCommand, TyperGroup, TyperOption

from durablectl.cli.framework.command_table import (
    ELSEWHERE,
    GLOBALS,
    MODULES,
    PROGRAM,
    SUMMARIES,
    SUMMARY,
    VERSION_HELP,
    flags_of,
    global_help,
)
from durablectl.cli.framework.completers import GIVEN, Candidate, choices, contexts
from durablectl.cli.framework.global_options import (
    MARK,
    global_facts,
    is_global,
    with_default_values,
)
from durablectl.cli.framework.help_text import program_help, terminal_columns
from durablectl.cli.framework.option_groups import spread
from durablectl.errors import UsageError
from durablectl.quoting import nearest
from durablectl.render.output import Output
from durablectl.version import __version__

SETTINGS: dict[str, Any] = {"help_option_names": ["-h", "--help"], "max_content_width": 100}


class _Globals:
    """What commands and groups have in common: global options, and help that keeps examples as they
    are written.
    """

    params: list[Any]
    help: str | None

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.params.extend(map(_global_param, GLOBALS))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Move the global options from the command's parameters to where the whole invocation has
        them; the nearest flag wins.
        """
        rest: list[str] = super().parse_args(ctx, args)  # type: ignore[misc]
        given = ctx.meta.setdefault(GIVEN, {})
        for name in GLOBALS:
            value = ctx.params.pop(name, None)
            if value is not None and value is not False:
                given[name] = value
        return rest

    def get_short_help_str(self, limit: int = 45) -> str:  # noqa: ARG002 - click's signature; its ellipsis hides what matters
        return (self.help or "").strip().partition("\n")[0]

    def get_help_option(self, ctx: Any) -> Any:
        """`--help`, printed by our own writer: click's leaves what a reader did not take to the
        interpreter's last flush.
        """
        option = super().get_help_option(ctx)  # type: ignore[misc]
        option.callback = _show_help
        return option

    def format_options(self, ctx: Any, formatter: Any) -> None:
        """The command's own parameters, and where to find the global options."""
        own = [*(param for param in self.params if not is_global(param)), self.get_help_option(ctx)]
        for title, kind in (("Arguments", "argument"), ("Options", "option")):
            records = [param.get_help_record(ctx) for param in own if param.param_type_name == kind]
            if shown := [each for each in records if each is not None]:
                with formatter.section(title):
                    formatter.write_dl(shown)
        formatter.write(f"\nGlobal options: see `{PROGRAM} --help`.\n")

    def format_help_text(self, ctx: Any, formatter: Any) -> None:  # noqa: ARG002 - click's signature
        """Wrap paragraphs; leave those that are indented (examples) alone."""
        for paragraph in inspect.cleandoc(self.help or "").split("\n\n"):
            lines = paragraph.splitlines()
            formatter.write_paragraph()
            with formatter.indentation():
                if any(line.startswith(" ") for line in lines):
                    formatter.write(
                        "".join(f"{'':>{formatter.current_indent}}{line}\n" for line in lines)
                    )
                else:
                    formatter.write_text(" ".join(lines))


class Command(_Globals, TyperCommand):
    """A command that takes the global options and gets a session as `ctx.obj`: the program has
    there what opens one.
    """

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        return super().parse_args(ctx, with_default_values(args, self.name or ""))

    def invoke(self, ctx: Any) -> Any:
        name = ctx.command_path.partition(" ")[2]
        with ctx.obj(ctx.meta.get(GIVEN, {}), name) as ctx.obj:
            return super().invoke(ctx)


class Group(_Globals, TyperGroup):
    """A command with commands of its own."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **{**kwargs, "no_args_is_help": True})

    def resolve_command(self, ctx: Any, args: list[str]) -> tuple[str | None, Any, list[str]]:
        name = args[0]
        if (command := self.get_command(ctx, name)) is not None:
            return name, command, args[1:]
        if ctx.resilient_parsing:
            return None, None, args[1:]
        raise self.unknown(ctx, name)

    def unknown(self, ctx: Any, name: str) -> UsageError:
        """What to say about a command that is not there."""
        near = nearest(name, self.list_commands(ctx))
        path = ctx.command_path
        hint = f"did you mean '{path} {near}'?" if near else f"{path} --help"
        return UsageError(f"no command '{name}' in '{path}'", hint=hint)

    def format_options(self, ctx: Any, formatter: Any) -> None:
        self.format_commands(ctx, formatter)
        super().format_options(ctx, formatter)


class Root(Group):
    """The program itself.

    It knows its commands by a table and imports one when that one is wanted.
    """

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        flags = ["version", "--version", "-V"]
        self.params.insert(0, TyperOption(param_decls=flags, is_flag=True, help=VERSION_HELP))

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        rest = super().parse_args(ctx, args)
        if ctx.params.pop("version", False) and not ctx.resilient_parsing:
            Output(sys.stdout, sys.stderr).data(f"{PROGRAM} {__version__}")
            raise typer.Exit
        return rest

    def list_commands(self, ctx: Any) -> list[str]:  # noqa: ARG002 - click's signature
        return list(SUMMARIES)

    def get_command(self, ctx: Any, cmd_name: str) -> Any:  # noqa: ARG002 - click's signature
        if cmd_name not in SUMMARIES:
            return None
        if cmd_name not in self.commands:
            self.commands[cmd_name] = _load(cmd_name)
        return self.commands[cmd_name]

    def unknown(self, ctx: Any, name: str) -> UsageError:  # noqa: ARG002 - the group's signature
        if name in ELSEWHERE:
            return UsageError(
                f"no command '{name}'", hint=f"here it is: {PROGRAM} {ELSEWHERE[name]}"
            )
        near = nearest(name, [*SUMMARIES, *ELSEWHERE])
        known = ELSEWHERE.get(near or "", near)
        hint = f"did you mean '{PROGRAM} {known}'?" if near else f"{PROGRAM} --help"
        return UsageError(f"no command '{name}'", hint=hint)

    def get_help(self, ctx: Any) -> str:  # noqa: ARG002 - click's signature
        return program_help(terminal_columns())

    def shell_complete(self, ctx: Any, incomplete: str) -> list[Any]:
        """Names and options, without importing the commands."""
        names = [
            Candidate(name, help) for name, help in SUMMARIES.items() if name.startswith(incomplete)
        ]
        return names + [
            item
            for item in super(TyperGroup, self).shell_complete(ctx, incomplete)
            if item.value.startswith("-")
        ]


class Commands(typer.Typer):
    """A Typer app of commands that all take the global options; what a command's module calls `app`
    when it has commands of its own.
    """

    def __init__(self, help: str) -> None:
        super().__init__(
            cls=Group,
            help=help,
            rich_markup_mode=None,
            add_completion=False,
            context_settings=SETTINGS,
        )

    def command(self, name: str | None = None, **settings: Any) -> Callable[[Any], Any]:
        declare = super().command(name, **{"cls": Command, **settings})
        return lambda command: declare(spread(command))


def root() -> Root:
    """The whole program as one click command."""
    return Root(
        name=PROGRAM,
        help=SUMMARY,
        params=[],
        context_settings=SETTINGS,
        rich_markup_mode=None,
        subcommand_metavar="COMMAND [ARGS]...",
    )


def _load(name: str) -> Any:
    function = name.replace("-", "_") + ("_" if iskeyword(name) else "")
    module = import_module(f"durablectl.cli.commands.{MODULES.get(name, function)}")
    app = getattr(module, "app", None)
    if app is None:
        app = typer.Typer(rich_markup_mode=None, add_completion=False, context_settings=SETTINGS)
        app.command(name, cls=Command)(spread(getattr(module, function)))
    command = typer.main.get_command(app)
    command.name = name
    return command


def _show_help(ctx: Any, _param: Any, is_asked: bool) -> None:
    if is_asked and not ctx.resilient_parsing:
        Output(sys.stdout, sys.stderr).data(ctx.get_help())
        raise typer.Exit


def _global_param(name: str) -> TyperOption:
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
    _, _, words = global_facts(name)
    if not words and name != "context":
        return None
    hook = choices(words) if words else contexts
    return lambda _ctx, _args, incomplete: hook(incomplete)
