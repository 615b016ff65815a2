"""Runs a command of the user's own file, for what it prints: a key, headers, a token."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections import defaultdict
from contextlib import suppress

from durablectl.errors import KeyRefused

COMMAND_SECONDS = 60.0


def run_command(
    command: str, what: str, *, hint: str | None = None, seconds: float = COMMAND_SECONDS
) -> str:
    """What a shell command prints; `KeyRefused` when it fails, with a `hint` how to fix that.

    It has that many `seconds`, and at most COMMAND_SECONDS; then all that it has started is ended,
    too.

    `what` names the command in messages. Its standard error is the user's, and so is the terminal,
    if there is one: it may ask for a passphrase there.
    """
    limit = max(min(seconds, COMMAND_SECONDS), 0.0)
    advice = hint or f"try it: {command}"
    is_alone = not _has_terminal()
    try:
        with subprocess.Popen(  # noqa: S602 - a line of the user's own file, written for a shell
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            start_new_session=is_alone,
        ) as process:
            try:
                printed, _ = process.communicate(timeout=limit)
            except BaseException:
                _end(process, is_alone=is_alone)
                raise
    except subprocess.TimeoutExpired as error:
        raise KeyRefused(f"{what} gave no answer in {round(limit, 1):g} s", hint=advice) from error
    except OSError as error:
        raise KeyRefused(f"{what} cannot be run", hint=advice) from error
    if process.returncode != 0:
        raise KeyRefused(f"{what} failed with exit code {process.returncode}", hint=advice)
    return printed.decode("utf-8", "replace")


def _has_terminal() -> bool:
    try:
        os.close(os.open("/dev/tty", os.O_RDWR))
    except OSError:
        return False
    return True


def _end(process: subprocess.Popen[bytes], *, is_alone: bool) -> None:
    """End a shell with all that it has started: the shell's end would leave the parts of `a | b`
    behind, which hold the pipe open.
    """
    if sys.platform == "win32":
        tree = ["taskkill", "/T", "/F", "/PID", str(process.pid)]
        subprocess.run(tree, capture_output=True, check=False)
    else:
        ends = [-process.pid] if is_alone else _started_by(process.pid)  # -N is a group
        for number in ends:
            with suppress(OSError):  # it has ended meanwhile
                os.kill(number, signal.SIGKILL)
    process.kill()


def _started_by(ancestor: int) -> list[int]:
    """The processes that one has started, and that these have; none where there is no `ps`."""
    try:
        listed = subprocess.check_output(["ps", "-A", "-o", "pid=,ppid="])
    except (OSError, subprocess.CalledProcessError):
        return []
    children: dict[int, list[int]] = defaultdict(list)
    for line in listed.splitlines():
        number, parent = map(int, line.split())
        children[parent].append(number)
    found = [ancestor]
    for number in found:
        found += children[number]
    return found[1:]
