"""The one polling loop: when to look again, when a wait is over, and what a look that fails does to
it; no transport, no console.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Mapping
from typing import NamedTuple

from durablectl.errors import (
    BadAddress,
    DurablectlError,
    HubBusy,
    InstanceNotFound,
    NotATaskHub,
    NotFound,
    ServiceError,
    Unreachable,
    Unsupported,
    WaitTimeout,
)
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.status_poll import InFlight, poll_each
from durablectl.taskhub import TaskHub

FIRST_INTERVAL = 0.05
MOVED_ON = 1.5
PATIENCE = 60.0
LONGEST_BACK_OFF = 30.0
LAST_LOOK = 1.0  # what a look gets at least, when less time is left
TEMPORARY = (Unreachable, ServiceError, HubBusy)
# what a service in front answers while the app behind it is being replaced
DOUBTFUL = (NotFound, NotATaskHub, Unsupported)
SHARE_OF_OTHERS = 4.0
CHEAP_LOOK = 0.001
SHORTEST_PAUSE = 0.0001


def in_time(hub: TaskHub, seconds: float | None) -> TaskHub:
    """The hub for requests that must be answered within a time-out, if there is one; a short one
    leaves time for a look.
    """
    return hub if seconds is None else hub.within(max(seconds, LAST_LOOK))


def intervals(timeout: float | None, interval: float = 1.0) -> Generator[float, float, None]:
    """The delays between polls, in seconds: short at first, then `interval`; ends when `timeout` is
    used up.

    Send the seconds that have passed since the first poll. The last delay ends exactly at the
    time-out, so that one look comes after it.
    """
    delay = min(FIRST_INTERVAL, interval)
    elapsed = yield 0.0
    while timeout is None or elapsed < timeout:
        elapsed = yield delay if timeout is None else min(delay, timeout - elapsed)
        delay = min(delay * MOVED_ON, interval)


class WaitRules(NamedTuple):
    """When a wait for instances is over: once all are finished, or earlier.

    An instance is satisfied once it has Completed, or once `until` holds for its status; it is
    finished once it is satisfied, or has ended. With `completed`, it is over once N are satisfied,
    or cannot be any more. With `fail_fast`, once one has ended otherwise. `timeout` and `interval`
    are seconds. An id that is not there is looked for again until `grace` seconds have passed.
    `at_once` instances are looked at at the same time; with more than one, those of many that are
    in flight are found by listing. Without a time-out, a hub that never answers is given up after
    `patience` seconds; None: never, for one that is known to have answered.
    """

    timeout: float | None = None
    interval: float = 1.0
    completed: int | None = None
    fail_fast: bool = False
    grace: float = 0.0
    show_input: bool = True
    until: Callable[[InstanceStatus], bool] | None = None
    at_once: int = 1
    patience: float | None = PATIENCE

    def is_satisfied(self, status: InstanceStatus | None) -> bool:
        if status is None:
            return False
        if self.until is not None:
            return self.until(status)
        return status.runtime_status is RuntimeStatus.COMPLETED

    def is_finished(self, status: InstanceStatus | None) -> bool:
        return status is not None and (status.is_final or self.is_satisfied(status))

    def left(self, seen: Mapping[str, InstanceStatus | None]) -> list[str]:
        """The ids of those that are not finished."""
        return [each for each, status in seen.items() if not self.is_finished(status)]

    def is_over(self, statuses: Collection[InstanceStatus | None]) -> bool:
        finished = [status for status in statuses if self.is_finished(status)]
        satisfied = sum(map(self.is_satisfied, finished))
        failed = len(finished) - satisfied
        if len(finished) == len(statuses) or (self.fail_fast and failed):
            return True
        return self.completed is not None and (
            satisfied >= self.completed or len(statuses) - failed < self.completed
        )


class Waited(NamedTuple):
    """The last status of each id, None for one that was never seen; and what went wrong with the
    last look at a time-out, if anything.
    """

    seen: dict[str, InstanceStatus | None]
    trouble: DurablectlError | None = None


def wait_for_instances(
    hub: TaskHub,
    instance_ids: Iterable[str],
    rules: WaitRules,
    *,
    clock: Callable[[], float] = time.monotonic,
    on_status: Callable[[InstanceStatus], None] = lambda _status: None,
    on_trouble: Callable[[DurablectlError], None] = lambda _trouble: None,
) -> Waited:
    """Wait until the rules say that it is over, or their time-out.

    What a failed poll does is told at `poll`. `InstanceNotFound` after the grace, and when an
    instance that was there before is missing twice. `on_status` sees every status that was read.
    """
    polls = _Polls(dict.fromkeys(instance_ids), rules, on_status)
    is_over, trouble = poll(
        hub,
        polls.poll,
        lambda: rules.is_over(polls.seen.values()),
        timeout=rules.timeout,
        interval=rules.interval,
        clock=clock,
        on_trouble=on_trouble,
        has_seen=lambda: any(polls.seen.values()),
        patience=rules.patience,
    )
    if not is_over and polls.absent is not None:
        raise polls.absent
    return Waited(polls.seen, None if is_over else trouble)


def poll(
    hub: TaskHub,
    look: Callable[[TaskHub, float], DurablectlError | None],
    is_over: Callable[[], bool],
    *,
    timeout: float | None = None,
    interval: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    on_trouble: Callable[[DurablectlError], None] = lambda _trouble: None,
    has_seen: Callable[[], bool] = lambda: True,
    patience: float | None = PATIENCE,
) -> tuple[bool, DurablectlError | None]:
    """Look again and again until it is over or the time is up: whether it is over, and what went
    wrong with the last look.

    `look` is given the hub, whose requests end with the time that is left, and the seconds that
    have passed. What it returns, or raises and `is_passing`, is told to `on_trouble` and tried
    again, less and less often. While `has_seen` says that nothing was ever answered, that ends:
    with `WaitTimeout` at the time-out, without one by raising it after `patience` seconds, if any.
    """
    started, delays, failures = clock(), intervals(timeout, interval), 0
    trouble: DurablectlError | None = None
    next(delays)
    while True:
        looked = clock()
        end = patience if timeout is None and not has_seen() else timeout
        limited = in_time(hub, None if end is None else end - (looked - started))
        try:
            trouble = look(limited, looked - started)
        except DurablectlError as error:
            if not is_passing(error, trouble, has_seen=has_seen()):
                raise
            trouble = error
        if is_over():
            return True, trouble
        took, elapsed = clock() - looked, clock() - started
        failed = None if isinstance(trouble, InstanceNotFound) else trouble
        failures = failures + 1 if failed else 0
        if failed and end is not None and elapsed >= end and not has_seen():
            if timeout is None:
                raise failed
            raise WaitTimeout(f"timed out after {timeout:g} s: {failed.message}") from failed
        try:
            delay = delays.send(elapsed)
        except StopIteration:
            return False, trouble
        if failed:
            on_trouble(failed)
            delay = _backed_off(delay, failures, interval, end, elapsed)
        pause_between(hub.pause, delay, took, clock)


def is_passing(error: DurablectlError, before: DurablectlError | None, *, has_seen: bool) -> bool:
    """Whether a look that failed is worth another one; `before` is what went wrong with the look
    before it, if anything did.

    After good answers, an address that cannot be right is a network that is away, and an answer
    that cannot be true counts only when it comes twice in a row.
    """
    if isinstance(error, BadAddress):
        return has_seen
    return isinstance(error, TEMPORARY) or (
        has_seen and isinstance(error, DOUBTFUL) and not isinstance(before, DOUBTFUL)
    )


def last_answer(trouble: DurablectlError | None) -> str:
    """The end of a sentence about a time-out: what went wrong with the last look, if anything."""
    return "" if trouble is None else f" (the last answer: {trouble.message})"


def gone(status: InstanceStatus, error: InstanceNotFound) -> InstanceNotFound:
    """The error that an instance is not there any more which was."""
    message = f"instance '{status.instance_id}' was {status.runtime_status.value}, is gone: purged?"
    return InstanceNotFound(message, hint=error.hint)


class _Polls:
    """The polls of one wait, and the last status of each instance.

    `absent`: one was never seen, and is not there by the last poll.
    """

    def __init__(
        self,
        seen: dict[str, InstanceStatus | None],
        rules: WaitRules,
        on_status: Callable[[InstanceStatus], None],
    ) -> None:
        self.seen, self._rules, self._on_status = seen, rules, on_status
        self.absent: InstanceNotFound | None = None
        self._missed: set[str] = set()
        self._listing = InFlight() if rules.at_once > 1 and rules.until is None else None

    def poll(self, hub: TaskHub, elapsed: float) -> DurablectlError | None:
        """One poll of all that are not finished; raises what went wrong with it, and returns that
        one is missing which may come.
        """
        self.absent = None
        left = self._look_at_list(hub, self._rules.left(self.seen))
        missing: InstanceNotFound | None = None
        trouble: DurablectlError | None = None
        for instance_id, answer in poll_each(
            hub, left, show_input=self._rules.show_input, at_once=self._rules.at_once
        ):
            if isinstance(answer, InstanceStatus):
                self._take(instance_id, answer)
            elif isinstance(answer, InstanceNotFound):
                missing = self._miss(instance_id, answer, elapsed)
            elif isinstance(answer, TEMPORARY):
                trouble = answer
            else:
                raise answer
        if trouble is not None:
            raise trouble
        return missing

    def _look_at_list(self, hub: TaskHub, left: list[str]) -> list[str]:
        """Take what a listing tells of them, if that is the cheaper way: those it does not tell
        of."""
        if self._listing is None:
            return left
        found = self._listing.find(hub, left, show_input=self._rules.show_input)
        for instance_id, status in found.items():
            self._take(instance_id, status)
        return [each for each in left if each not in found]

    def _miss(self, instance_id: str, error: InstanceNotFound, elapsed: float) -> InstanceNotFound:
        """Take in that one is not there; raised once that counts."""
        before = self.seen[instance_id]
        if before is not None:
            error = gone(before, error)
        else:
            self.absent = error
        if (elapsed >= self._rules.grace) if before is None else (instance_id in self._missed):
            raise error
        self._missed.add(instance_id)
        return error

    def _take(self, instance_id: str, status: InstanceStatus) -> None:
        self.seen[instance_id] = status
        self._missed.discard(instance_id)
        self._on_status(status)


def pause_between(
    pause: Callable[[float], None], delay: float, took: float, clock: Callable[[], float]
) -> None:
    """`pause` (that of a hub) at most `delay`, and so long that looking, when it `took` its time,
    leaves the most of it to those who work.
    """
    paused, least = clock(), min(delay, took * SHARE_OF_OTHERS) if took > CHEAP_LOOK else 0.0
    pause(delay)
    while (left := least - (clock() - paused)) > SHORTEST_PAUSE:
        pause(left)


def _backed_off(
    delay: float, failures: int, interval: float, end: float | None, elapsed: float
) -> float:
    longer = max(delay, min(interval * 2.0 ** min(failures - 1, 10), LONGEST_BACK_OFF))
    return longer if end is None else min(longer, max(end - elapsed, 0.0))


def wait_for_completion(
    hub: TaskHub,
    instance_id: str,
    *,
    timeout: float | None = None,
    interval: float = 1.0,
    grace: float = 0.0,
    clock: Callable[[], float] = time.monotonic,
) -> InstanceStatus:
    """Wait until an instance is finished and return its status; `WaitTimeout` after `timeout`
    seconds, which leaves it running.

    See `wait_for_instances` for what a failed poll does, and for the `grace`.
    """
    rules = WaitRules(timeout, interval, grace=grace)
    waited = wait_for_instances(hub, [instance_id], rules, clock=clock)
    status = waited.seen[instance_id]
    if status is not None and status.is_final:
        return status
    known = status.runtime_status.value if status is not None else "unknown"
    reason = last_answer(waited.trouble)
    raise WaitTimeout(f"instance '{instance_id}' is still {known} after {timeout:g} s{reason}")
