"""What an app's code says while it runs: whose words they are, and each line handed on with its
instance; knows no console.

The speaker is set where user code is called, and read where its words arrive.
"""

from __future__ import annotations

import io
import sys
import threading
from collections.abc import Callable, Iterator
from contextvars import ContextVar

REPEATING = ""
"""The speaker while a history is replayed: whatever is said then has been said before."""

CURRENT_INSTANCE: ContextVar[str | None] = ContextVar("durablectl.speaker", default=None)
"""The id of the instance whose code runs here; None outside of all."""


MOST_KEPT = 16 * 1024
"""Characters of a line whose end has not come: beyond that it is shown as it is."""


class AppOutput(io.TextIOBase):
    """A stream that hands its lines on, each with `[id] ` in front when an instance's code wrote
    it.

    Lines of several threads and coroutines do not mix. What a carriage return would overwrite on a
    terminal is a line of its own, shown at once. A line that has no end yet waits for it, until the
    code that wrote it has ended (`end_line`), or it gets too long to be kept.
    """

    def __init__(self, tell: Callable[[str], None]) -> None:
        self._tell = tell
        self._begun: dict[tuple[int, str | None], _Begun] = {}

    def write(self, text: str) -> int:
        speaker = CURRENT_INSTANCE.get()
        if speaker == REPEATING or not text:
            return len(text)
        place = threading.get_ident(), speaker
        # not in the dictionary meanwhile: another thread may clear that
        begun = self._begun.pop(place, None) or _Begun()
        for line in begun.lines(text):
            self._tell(_marked(speaker, line))
        if begun.is_awaited:
            self._begun[place] = begun
        return len(text)

    def end_line(self) -> None:
        """Hand on what the current speaker has started in this thread, and what was started in
        threads that have ended.
        """
        if self._begun:
            here = threading.get_ident(), CURRENT_INSTANCE.get()
            alive = {thread.ident for thread in threading.enumerate()}
            self._finish(
                [place for place in list(self._begun) if place == here or place[0] not in alive]
            )

    def finish(self) -> None:
        """Hand on what has no line end."""
        self._finish(list(self._begun))

    def _finish(self, places: list[tuple[int, str | None]]) -> None:
        for place in places:
            begun = self._begun.pop(place, None)
            if begun is not None and begun.size:
                self._tell(_marked(place[1], begun.take()))

    def writable(self) -> bool:
        return True

    @property
    def encoding(self) -> str:  # type: ignore[override]
        return "utf-8"


def _marked(speaker: str | None, line: str) -> str:
    return line if speaker is None else f"[{speaker}] {line}"


def end_line() -> None:
    """Show what the code that has just ended began to say, where what it says is heard at all."""
    if isinstance(sys.stdout, AppOutput):
        sys.stdout.end_line()


class _Begun:
    """A line without its end: in parts, so that many small writes cost no more than one."""

    __slots__ = ("_parts", "_was_shown", "size")

    def __init__(self) -> None:
        self._parts: list[str] = []
        self._was_shown = False  # and a line feed that comes next belongs to what was shown
        self.size = 0

    @property
    def is_awaited(self) -> bool:
        return self.size > 0 or self._was_shown

    def lines(self, text: str) -> Iterator[str]:
        """The lines that end within a text."""
        if self._was_shown:
            text, self._was_shown = text.removeprefix("\n"), False
        *complete, rest = text.replace("\r\n", "\n").split("\n")
        for line in complete:
            *overwritten, last = line.split("\r")
            yield from self._ended(overwritten)
            if last or not overwritten or self.size:
                yield self.take() + last
        *overwritten, rest = rest.split("\r")
        yield from self._ended(overwritten)
        self._was_shown = not rest and bool(overwritten)
        if rest:
            self._parts.append(rest)
            self.size += len(rest)
        if self.size > MOST_KEPT:
            self._was_shown = True
            yield self.take()

    def take(self) -> str:
        """What there is of it; nothing is left."""
        text = "".join(self._parts)
        self._parts, self.size = [], 0
        return text

    def _ended(self, overwritten: list[str]) -> Iterator[str]:
        for each in overwritten:
            if line := self.take() + each:
                yield line
