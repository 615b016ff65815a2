"""Runs a command of the user's own file, for what it prints: a key, headers, a token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from contextlib import suppress

from durablectl.errors import KeyRefused

COMMAND_SECONDS = 60.0


def run_command(
    command: str, what: str, *, hint: str | None = None, seconds: float = COMMAND_SECONDS
) -> str:
    """What a shell command prints; `KeyRefused` when it fails, with a `hint` how to fix that.

    It has that many `seconds`, and at most COMMAND_SECONDS; then all that it has started is ended,
    too.

    `what` names the command in messages. Its standard error is the user's.
    """
    limit = max(min(seconds, COMMAND_SECONDS), 0.0)
    advice = hint or f"try it: {command}"
    try:
        with subprocess.Popen(  # noqa: S602 - a line of the user's own file, written for a shell
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=True,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=limit)
            except BaseException:
                _end(process)
                raise
    except subprocess.TimeoutExpired as error:
        raise KeyRefused(f"{what} gave no answer in {limit:.3g} s", hint=advice) from error
    except OSError as error:
        raise KeyRefused(f"{what} cannot be run", hint=advice) from error
    if process.returncode != 0:
        raise KeyRefused(f"{what} failed with exit code {process.returncode}", hint=advice)
    return printed.decode("utf-8", "replace")


def _end(process: subprocess.Popen[bytes]) -> None:
    """End a shell with all that it has started: the shell alone would leave the parts of `a | b`
    behind, which hold the pipe open.
    """
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(tree, capture_output=True, check=False)
        process.kill()  # where there is no taskkill
    else:
        with suppress(ProcessLookupError, PermissionError):  # they have ended
            os.killpg(process.pid, signal.SIGKILL)
