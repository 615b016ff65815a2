"""Where an app's words go while it runs here: what it prints and logs becomes talk on stderr, never
our data.
"""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Collection, Iterator
from contextlib import contextmanager, redirect_stderr

from durablectl.engine.worker.app_output import AppOutput
from durablectl.engine.worker.outcomes import Failed
from durablectl.render.failures import failure_entry
from durablectl.render.output import Output

_CHATTERERS = ("httpx", "httpcore", "uvicorn", "asyncio", "urllib3", "azure.core", "azure.identity")


@contextmanager
def capture_output(app_output: AppOutput) -> Iterator[None]:
    """While inside, what is printed or logged in this process is said in `app_output`.

    What is printed after that, too: an activity that is left behind must not write between our
    data. Logging that the app has not set up itself is shown from INFO on, as the Functions host
    does it.
    """
    handler = logging.StreamHandler(app_output)
    handler.setFormatter(_Plain())
    handler.addFilter(
        lambda record: record.levelno >= logging.WARNING or not record.name.startswith(_CHATTERERS)
    )
    root = logging.getLogger()
    is_ours, level = not root.handlers, root.level
    sys.stdout = app_output
    with redirect_stderr(app_output):
        if is_ours:
            root.addHandler(handler)
            root.setLevel(min(level, logging.INFO) if level != logging.NOTSET else logging.INFO)
        try:
            yield
        finally:
            if is_ours:
                root.removeHandler(handler)
                root.setLevel(level)
            app_output.finish()


@contextmanager
def listening_alone() -> Iterator[None]:
    """`capture_output` for a process that has nothing of the command line but its stderr."""
    with capture_output(AppOutput(Output(sys.stdout, sys.stderr).talk)):
        yield


def failure_log(out: Output) -> Callable[[Failed], None]:
    """What a worker tells of the failures of its functions: one entry each; attempts that are tried
    again with -v only.
    """

    def report(failed: Failed) -> None:
        if out.verbose or not failed.is_tried_again:
            out.talk(failure_entry(failed, verbose=out.verbose))

    return report


def failure_log_of_a_wait(out: Output, awaited: Collection[str]) -> Callable[[Failed], None]:
    """`failure_log` for a command that works while it waits, without what its own answer says: how
    the awaited instances failed.
    """
    log = failure_log(out)

    def report(failed: Failed) -> None:
        is_answer = failed.instance_id in awaited and (
            failed.kind == "orchestrator" or failed.ends_instance
        )
        if not (out.quiet or is_answer or failed.is_passed_on):
            log(failed)

    return report


class _Plain(logging.Formatter):
    """The message alone, with its level in front when it is a warning or worse."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"{record.levelname.lower()}: {text}" if record.levelno >= logging.WARNING else text
