"""From argv to an exit code: the only place that prints errors, and the only one that ends the
process.
"""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence

import typer

from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.groups import PROGRAM, root
from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.render.ending import Ending, asks_json
from durablectl.render.output import Output

# click is an own package in some versions of Typer and a part of it in others; this is its error
# tree in all of them.
ClickError: type[Exception] = typer.BadParameter.__mro__[2]
COMPLETE = "_DURABLECTL_COMPLETE"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    ending = Ending(is_json=asks_json(arguments, os.environ))
    out = Output(sys.stdout, sys.stderr, ending=ending)
    try:
        code = _run(arguments, out, ending)
        if code and not os.environ.get(COMPLETE):
            out.ended(int(code), exit_codes.MEANINGS[exit_codes.ExitCode(code)])
        return code
    finally:
        out.finish()


def _run(arguments: list[str], out: Output, ending: Ending) -> int:
    try:
        if os.environ.get(COMPLETE):
            # deferred: only a shell that completes asks for it
            from durablectl.cli.framework.completion import answer

            return answer(out, dict(os.environ), arguments)
        return _invoke(arguments, out, ending)
    except KeyboardInterrupt:
        return exit_codes.for_error(KeyboardInterrupt())
    except BrokenPipeError:
        return exit_codes.ExitCode.DONE  # the reader of the rows has seen enough
    except DurablectlError as error:
        return _failed(error, arguments, out)
    except OSError as error:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        return _failed(DurablectlError(f"{where}{reason_of(error)}"), arguments, out)
    except Exception as error:  # the last stop: whatever it is, people get a sentence
        return _failed(error, arguments, out)


def _invoke(arguments: list[str], out: Output, ending: Ending) -> int:
    program = root()
    try:
        with program.make_context(PROGRAM, list(arguments), obj=ending) as context:
            program.invoke(context)
        out.flush()
    except typer.Exit as end:
        out.flush()
        return end.exit_code
    except (typer.Abort, EOFError):
        return exit_codes.ExitCode.INTERRUPTED
    except ClickError as error:
        if type(error).__name__ == "NoArgsIsHelpError":
            out.data(str(error).rstrip())
            return exit_codes.ExitCode.DONE
        raise _told(error) from error
    return exit_codes.ExitCode.DONE


def _failed(error: Exception, arguments: list[str], out: Output) -> int:
    if "--debug" in arguments or os.environ.get("DURABLECTL_DEBUG", "0") not in ("", "0"):
        out.talk("".join(traceback.format_exception(error)).rstrip())
    if isinstance(error, DurablectlError):
        out.error(error.message, error.hint)
    else:
        out.error(
            f"unexpected error: {str(error) or type(error).__name__}",
            "run it again with --debug to see where",
        )
    return exit_codes.for_error(error)


def _told(error: Exception) -> UsageError:
    """A usage error of click's in our words: lower case, no final dot, a hint."""
    context = getattr(error, "ctx", None)
    path = context.command_path if context is not None else PROGRAM
    hint = f"{path} --help"
    option = getattr(error, "option_name", None)
    if type(error).__name__ == "NoSuchOption" and option:
        near = getattr(error, "possibilities", None)
        return UsageError(
            f"no option '{option}' in '{path}'",
            hint=f"did you mean '{min(near)}'?" if near else hint,
        )
    text: str = error.format_message() if hasattr(error, "format_message") else str(error)
    return UsageError((text[:1].lower() + text[1:]).rstrip("."), hint=hint)
