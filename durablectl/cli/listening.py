"""Where an app's words go while it runs here: what it prints and logs becomes talk on stderr, never our data."""

from __future__ import annotations

import logging
import sys
from collections.abc import Iterator
from contextlib import contextmanager, redirect_stderr

from durablectl.engine.speech import Speech
from durablectl.render.output import Output

_CHATTERERS = ("httpx", "httpcore", "uvicorn", "asyncio", "urllib3", "azure.core", "azure.identity")


@contextmanager
def listening(speech: Speech) -> Iterator[None]:
    """While inside, what is printed or logged in this process is said in `speech`.

    What is printed after that, too: an activity that is left behind must not write between our data. Logging that the app has not set
    up itself is shown from INFO on, as the Functions host does it.
    """
    handler = logging.StreamHandler(speech)
    handler.setFormatter(_Plain())
    handler.addFilter(lambda record: record.levelno >= logging.WARNING or not record.name.startswith(_CHATTERERS))
    root = logging.getLogger()
    is_ours, level = not root.handlers, root.level
    sys.stdout = speech
    with redirect_stderr(speech):
        if is_ours:
            root.addHandler(handler)
            root.setLevel(min(level, logging.INFO) if level != logging.NOTSET else logging.INFO)
        try:
            yield
        finally:
            if is_ours:
                root.removeHandler(handler)
                root.setLevel(level)
            speech.finish()


@contextmanager
def listening_alone() -> Iterator[None]:
    """`listening` for a process that has nothing of the command line but its stderr."""
    with listening(Speech(Output(sys.stdout, sys.stderr).talk)):
        yield


class _Plain(logging.Formatter):
    """The message alone, with its level in front when it is a warning or worse."""

    def format(self, record: logging.LogRecord) -> str:
        text = super().format(record)
        return f"{record.levelname.lower()}: {text}" if record.levelno >= logging.WARNING else text
