"""How requests are sent, whatever carries them: when one is worth sending again; no socket."""

from __future__ import annotations

import math
import os
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from types import MappingProxyType
from typing import NamedTuple, TypeVar

from durablectl.errors import DurablectlError, OutcomeUnknown
from durablectl.model import utc_now

LARGER_HINT = "raise the limit with DURABLECTL_MAX_RESPONSE=2GB, or max-response in the context"
Answer = TypeVar("Answer")


class RetryPolicy(NamedTuple):
    """At most `attempts` in about `seconds`; the delays double from `first` up to `longest`, each
    shortened at random by up to a half.

    `seconds` leaves room for a second attempt after one that took the usual 30 s to time out.
    """

    attempts: int = 5
    seconds: float = 40.0
    first: float = 0.25
    longest: float = 8.0
    longest_asked: float = 30.0

    def delay(
        self, attempt: int, elapsed: float, asked: float | None, chance: float
    ) -> float | None:
        """Seconds until the next attempt after number `attempt` (from 1); None to give up.

        `asked` is what the service asked for (Retry-After): it is obeyed up to `longest_asked`,
        `seconds` notwithstanding. `chance` is a random number from 0 to 1.
        """
        if attempt >= self.attempts:
            return None
        if asked is not None:
            return (
                min(max(asked, 0.0), self.longest_asked)
                if elapsed < self.seconds + self.longest_asked
                else None
            )
        delay = min(self.first * 2.0 ** (attempt - 1), self.longest) * (1.0 - chance / 2.0)
        return delay if elapsed + delay < self.seconds else None


NO_RETRIES = RetryPolicy(attempts=1)


def _chance() -> float:
    """A number from 0 to 1; `random` is slow to import."""
    return int.from_bytes(os.urandom(4), "big") / 2**32


class Pace(NamedTuple):
    """How patient to be, and the clock, calendar, sleep and chance to go by."""

    retry: RetryPolicy = RetryPolicy()
    sleep: Callable[[float], None] = time.sleep
    clock: Callable[[], float] = time.monotonic
    now: Callable[[], datetime] = utc_now
    chance: Callable[[], float] = _chance


class Settings(NamedTuple):
    """How to reach a service. `headers` go out with each request; they may be secret.

    `timeout` is for one whole answer, from the look-up of the name to the last byte, `max_response`
    for its bytes (None: 200 MB).
    """

    headers: Mapping[str, str] = MappingProxyType({})
    timeout: float = 30.0
    ca_file: str | Path | None = None
    proxy: str | None = None
    max_response: int | None = None
    pace: Pace = Pace()

    def __repr__(self) -> str:
        return f"Settings(timeout={self.timeout})"  # the rest may be secret


class Terms(NamedTuple):
    """How one request may be sent. `deadline` is a time of the pace's clock.

    A request that must not be sent twice has a `look`: where the caller can see whether it was
    carried out when its answer was lost.
    """

    deadline: float = math.inf
    look: str | None = None


class Trouble(NamedTuple):
    """An attempt without a usable answer.

    `temporary`: the same request may succeed a moment later. `maybe_done`: it may have been carried
    out. `is_late`: there was no answer in time. `asked`: seconds to wait.
    """

    error: DurablectlError
    temporary: bool = False
    maybe_done: bool = False
    is_late: bool = False
    asked: float | None = None


def answer_of(
    attempt: Callable[[float], Answer | Trouble], terms: Terms, pace: Pace
) -> tuple[Answer, bool]:
    """The answer of an attempt, which is given the seconds that are left, and whether an earlier
    one may have been carried out already.

    Temporary trouble is met by another attempt where that is safe. `OutcomeUnknown` when a request
    that must not be sent twice may have been carried out; else the error of the last attempt.
    """
    started, number, resent = pace.clock(), 0, False
    while True:
        number += 1
        outcome = attempt(terms.deadline - pace.clock())
        if not isinstance(outcome, Trouble):
            return outcome, resent
        if outcome.maybe_done and terms.look is not None:
            raise OutcomeUnknown(
                f"{outcome.error.message}; the request may have been carried out, so it was not "
                "sent again",
                hint=terms.look,
            ) from outcome.error
        delay = pace.retry.delay(number, pace.clock() - started, outcome.asked, pace.chance())
        if not outcome.temporary or delay is None or delay >= terms.deadline - pace.clock():
            raise outcome.error
        resent = resent or outcome.maybe_done
        pace.sleep(delay)
