"""From argv to an exit code: the only place that prints errors, and the only one that ends the
process.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import redirect_stderr
from functools import partial
from io import StringIO

from durablectl.cli.framework import exit_codes
from durablectl.cli.framework.line_reader import Line, read_line
from durablectl.cli.framework.typer_door import typer_program
from durablectl.cli.session import invocation, open_session
from durablectl.errors import DurablectlError, reason_of
from durablectl.render.ending import Ending, asks_json
from durablectl.render.output import Output

COMPLETE = "_DURABLECTL_COMPLETE"


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and return its exit code."""
    arguments = list(sys.argv[1:] if argv is None else argv)
    ending = Ending(is_json=asks_json(arguments, os.environ))
    out = Output(sys.stdout, sys.stderr, ending=ending)
    try:
        code = _run(arguments, out, ending)
        if code and not os.environ.get(COMPLETE):
            meaning = exit_codes.MEANINGS[exit_codes.ExitCode(code)]
            out.ended(exit_codes.seen_by_caller(int(code), ending.signal), meaning)
        return code
    finally:
        out.finish()
        if ending.signal is not None:
            os.kill(os.getpid(), ending.signal)


def _run(arguments: list[str], out: Output, ending: Ending) -> int:
    try:
        if os.environ.get(COMPLETE):
            # deferred: only a shell that completes asks for it
            from durablectl.cli.framework.completion import answer

            return answer(out, dict(os.environ), arguments, open_session)
        if (line := read_line(arguments)) is not None and line.command == "status":
            return _shown(line, out, ending)
        on_sigterm = partial(setattr, ending, "signal")
        return typer_program().invoke(arguments, out, partial(invocation, ending), on_sigterm)
    except KeyboardInterrupt:
        return exit_codes.for_error(KeyboardInterrupt())
    except BrokenPipeError:
        return exit_codes.ExitCode.DONE  # the reader of the rows has seen enough
    except DurablectlError as error:
        return _failed(error, arguments, out)
    except OSError as error:
        where = f"{error.filename}: " if isinstance(error.filename, str) else ""
        told = DurablectlError(f"{where}{reason_of(error)}")
        return _failed(told.with_traceback(error.__traceback__), arguments, out)
    except Exception as error:  # the last stop: whatever it is, people get a sentence
        return _failed(error, arguments, out)


def _shown(line: Line, out: Output, ending: Ending) -> int:
    """`status`, whose line was read without the parser."""
    from durablectl.cli.status import show_status  # deferred: no other line needs it

    with invocation(ending, line.given, line.command) as session:
        code = show_status(session, line.words, **line.values)
    out.flush()
    return code


def _failed(error: Exception, arguments: list[str], out: Output) -> int:
    if "--debug" in arguments or os.environ.get("DURABLECTL_DEBUG", "0") not in ("", "0"):
        with redirect_stderr(StringIO()) as text:  # `traceback` is slow to load
            sys.__excepthook__(type(error), error, error.__traceback__)
        out.talk(text.getvalue().rstrip())
    if isinstance(error, DurablectlError):
        out.error(error.message, error.hint)
    else:
        out.error(
            f"unexpected error: {str(error) or type(error).__name__}",
            "run it again with --debug to see where",
        )
    return exit_codes.for_error(error)
