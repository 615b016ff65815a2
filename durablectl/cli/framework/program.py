"""The whole program as Typer reads it: arguments to exit code, its errors in our words."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from contextlib import AbstractContextManager
from typing import Any

import typer
from typer._completion_classes import BashComplete

from durablectl.cli.framework.command_table import PROGRAM
from durablectl.cli.framework.exit_codes import ExitCode
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.interrupts import sigterm_as_interrupt
from durablectl.errors import UsageError
from durablectl.quoting import nearest
from durablectl.render.output import Output

# click is an own package in some versions of Typer and a part of it in others; this is its error
# tree in all of them.
ClickError: type[Exception] = typer.BadParameter.__mro__[2]


def invoke(
    arguments: list[str],
    out: Output,
    session_of: Callable[[Mapping[str, object], str], AbstractContextManager[object]],
    on_sigterm: Callable[[int], None],
) -> int:
    """Run one command line; its exit code. What goes wrong is raised as one of our errors.

    `session_of` opens the session of a command, from the global flags and the command's name.
    `on_sigterm` hears of that signal, which then ends the command.
    """
    program = root()
    with sigterm_as_interrupt(on_sigterm):
        try:
            with program.make_context(PROGRAM, list(arguments), obj=session_of) as context:
                program.invoke(context)
            out.flush()
        except typer.Exit as end:
            out.flush()
            return end.exit_code
        except (typer.Abort, EOFError):
            return ExitCode.INTERRUPTED
        except ClickError as error:
            if type(error).__name__ != "NoArgsIsHelpError":
                raise _told(error) from error
            out.data(str(error).rstrip())
    return ExitCode.DONE


def complete(
    before: list[str], incomplete: str, open_session: Callable[[Mapping[str, object]], object]
) -> list[Any]:
    """What may stand after the words `before`, as the commands themselves answer."""
    shell = BashComplete(root(), {"obj": open_session}, PROGRAM, "")
    found: list[Any] = shell.get_completions(before, incomplete)
    return found


def _told(error: Exception) -> UsageError:
    """A usage error of click's in our words: lower case, no final dot, a hint."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    hint = f"{path} --help"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and option:
        near = _nearest_option(context, option)
        return UsageError(
            f"no option '{option}' in '{path}'",
            hint=f"did you mean '{near}'?" if near else hint,
        )
    text: str = error.format_message() if hasattr(error, "format_message") else str(error)
    text = re.sub(r"^Got unexpected extra argument\S* \((.*)\)$", r"unexpected argument: \1", text)
    return UsageError((text[:1].lower() + text[1:]).rstrip("."), hint=hint)


def _nearest_option(context: Any, option: str) -> str | None:
    """The option of the command that was probably meant: one that begins with `option` or has it as
    its last word, else the most similar one.
    """
    word = option.lstrip("-")
    known = [] if context is None else context.command.get_params(context)
    names = sorted(name[2:] for each in known for name in each.opts if name.startswith("--"))
    longer = (each for each in names if each.startswith(word) or each.endswith(f"-{word}"))
    near = next(longer, None) or nearest(word, names)
    return f"--{near}" if near else None


class Program:
    """The same for `typer_door`."""

    invoke = staticmethod(invoke)
    complete = staticmethod(complete)
