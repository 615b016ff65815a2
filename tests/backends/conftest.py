"""A remote hub whose sleeps take no time, and servers to talk to."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime
from typing import Any

import pytest
from recorded_server import KEY, Asked, RecordedServer, Reply

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.backends.retry import Pace

NOW = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
Connect = Callable[..., HttpTaskHub]


class Clock:
    """Time that passes only by sleeping; `slept` has what was slept."""

    def __init__(self) -> None:
        self.slept: list[float] = []

    def __call__(self) -> float:
        return sum(self.slept)

    @property
    def pace(self) -> Pace:
        return Pace(sleep=self.slept.append, clock=self, now=lambda: NOW, chance=lambda: 0.0)


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def serve() -> Iterator[Callable[..., RecordedServer]]:
    """Start a server that answers with a function, or with replies one after the other (the last
    one for ever).
    """
    with ExitStack() as stack:

        def start(*replies: Reply | Callable[[Asked], Reply], **options: Any) -> RecordedServer:
            left = list(replies)

            def answer(asked: Asked) -> Reply:
                reply = left.pop(0) if len(left) > 1 else left[0]
                return reply if isinstance(reply, Reply) else reply(asked)

            return stack.enter_context(RecordedServer(answer, **options))

        yield start


@pytest.fixture
def connect(clock: Clock) -> Iterator[Connect]:
    """A hub at a server or an address, with a key, that sleeps on the test's clock."""
    with ExitStack() as stack:

        def make(server: RecordedServer | str, **options: Any) -> HttpTaskHub:
            url = server if isinstance(server, str) else server.base
            return stack.enter_context(
                HttpTaskHub(url, **{"key": KEY, "pace": clock.pace, "timeout": 5.0, **options})
            )

        yield make
