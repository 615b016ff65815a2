"""Runs a command of the user's own file, for what it prints: a key, headers, a token."""

from __future__ import annotations

import subprocess

from durablectl.errors import KeyRefused

COMMAND_SECONDS = 60


def run_command(
    command: str, what: str, *, hint: str | None = None, seconds: float = COMMAND_SECONDS
) -> str:
    """What a shell command prints; `KeyRefused` when it fails, with a `hint` how to fix that.

    It has that many `seconds`, and at most COMMAND_SECONDS.

    `what` names the command in messages. Its standard error is the user's.
    """
    limit = max(min(seconds, COMMAND_SECONDS), 0.0)
    try:
        done = subprocess.run(  # noqa: S602 - a line of the user's own file, written for a shell
            command,
            shell=True,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            timeout=limit,
            check=False,
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = (
            f"gave no answer in {limit:.3g} s"
            if isinstance(error, subprocess.TimeoutExpired)
            else "cannot be run"
        )
        raise KeyRefused(f"{what} {reason}", hint=hint or f"try it: {command}") from error
    if done.returncode != 0:
        raise KeyRefused(
            f"{what} failed with exit code {done.returncode}", hint=hint or f"try it: {command}"
        )
    return done.stdout.decode("utf-8", "replace")
