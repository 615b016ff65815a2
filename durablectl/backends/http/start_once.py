"""Starting exactly once over a wire that loses answers; knows no HTTP, only how to send and how to
look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from durablectl.errors import AlreadyExists, OutcomeUnknown, ServiceError, Unreachable
from durablectl.model import InstanceStatus

SETTLING = (0.0, 0.5, 1.0, 2.0)
ATTEMPTS = 3
Sent = TypeVar("Sent")


class StartOnce(Generic[Sent]):
    """One start under an id that is the client's own.

    `send` raises `OutcomeUnknown` when its answer was lost; `find` is the instance that has the id
    now. The service silently replaces a finished instance of the same id, so a lost answer is
    looked for, for as long as a slow request may take, before it is sent again.
    """

    def __init__(
        self,
        send: Callable[[], Sent],
        find: Callable[[], InstanceStatus | None],
        sleep: Callable[[float], None],
    ) -> None:
        self._send, self._find, self._sleep = send, find, sleep

    def run(self, before: InstanceStatus | None) -> Sent | None:
        """The answer; None when it was lost but the instance is there.

        `before` is what had the id before, None if nothing had.
        """
        lost: OutcomeUnknown | None = None
        attempt = 0
        while True:
            attempt += 1
            try:
                return self._send()
            except OutcomeUnknown as error:
                lost = error
            # after a lost answer this is the instance that was asked for, a little late, or the
            # one from before, on a server that replaces none
            except AlreadyExists:
                if lost is None or (before is not None and self._find() == before):
                    raise
                return None
            if self._appeared(before, lost):
                return None
            if attempt == ATTEMPTS:
                raise lost

    def _appeared(self, before: InstanceStatus | None, lost: OutcomeUnknown) -> bool:
        for delay in SETTLING:
            if delay:
                self._sleep(delay)
            try:
                found = self._find()
            except (Unreachable, ServiceError):
                raise lost from None
            if found is not None and found != before:
                return True
        return False
