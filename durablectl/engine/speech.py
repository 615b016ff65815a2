"""What an app's code says while it runs: whose words they are, and each line handed on with its instance; knows no console.

The speaker is set where user code is called, and read where its words arrive.
"""

from __future__ import annotations

import io
import threading
from collections.abc import Callable
from contextvars import ContextVar

REPEATING = ""
"""The speaker while a history is replayed: whatever is said then has been said before."""

SPEAKER: ContextVar[str | None] = ContextVar("durablectl.speaker", default=None)
"""The id of the instance whose code runs here; None outside of all."""


class Speech(io.TextIOBase):
    """A stream that hands its lines on, each with `[id] ` in front when an instance's code wrote it.

    Lines of several threads and coroutines do not mix. A line that has no end yet waits for it, until `finish`.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._begun: dict[tuple[int, str | None], str] = {}

    def write(self, text: str) -> int:
        speaker = SPEAKER.get()
        if speaker == REPEATING:
            return len(text)
        place = threading.get_ident(), speaker
        *lines, rest = (self._begun.pop(place, "") + text).split("\n")
        for line in lines:
            self._tell(_marked(speaker, line))
        if rest:
            self._begun[place] = rest
        return len(text)

    def finish(self) -> None:
        """Hand on what has no line end."""
        while self._begun:
            (_, speaker), line = self._begun.popitem()
            self._tell(_marked(speaker, line))

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def _marked(speaker: str | None, line: str) -> str:
    return line if speaker is None else f"[{speaker}] {line}"
