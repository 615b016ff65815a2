"""When a request is worth sending again, and when; pure: no clock, no sleep, no socket."""

from __future__ import annotations

from typing import NamedTuple


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
