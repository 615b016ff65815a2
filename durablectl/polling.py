"""The one polling loop: when to look again, when a wait is over, and what a look that fails does to it; no transport, no console."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable
from dataclasses import dataclass

from durablectl.errors import DurablectlError, HubBusy, InstanceNotFound, ServiceError, Unreachable, WaitTimeout
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.rounds import InFlight, look_at_each
from durablectl.taskhub import TaskHub

FIRST_INTERVAL = 0.05
MOVED_ON = 1.5
PATIENCE = 60.0
LONGEST_BACK_OFF = 30.0
SHARE_OF_OTHERS = 4.0
CHEAP_LOOK = 0.001
SHORTEST_PAUSE = 0.0001


def intervals(timeout: float | None, interval: float = 1.0) -> Generator[float, float, None]:
    """The delays between polls, in seconds: short at first, then `interval`; ends when `timeout` is used up.

    Send the seconds that have passed since the first poll. The last delay ends exactly at the time-out, so that one look comes after it.
    """
    delay = min(FIRST_INTERVAL, interval)
    elapsed = yield 0.0
    while timeout is None or elapsed < timeout:
        elapsed = yield delay if timeout is None else min(delay, timeout - elapsed)
        delay = min(delay * MOVED_ON, interval)


@dataclass(frozen=True, slots=True)
class WaitRules:
    """When a wait for instances is over: once all have settled, or earlier.

    An instance is content once it has Completed, or once `until` holds for its status; it has settled once it is content, or has ended.
    With `completed`, it is over once so many are content, or cannot be any more. With `fail_fast`, once one has ended otherwise.
    `timeout` and `interval` are seconds. An id that is not there is looked for again until `grace` seconds have passed.
    `at_once` instances are looked at at the same time; with more than one, those of many that are in flight are found by listing.
    """

    timeout: float | None = None
    interval: float = 1.0
    completed: int | None = None
    fail_fast: bool = False
    grace: float = 0.0
    show_input: bool = True
    until: Callable[[InstanceStatus], bool] | None = None
    at_once: int = 1

    def is_content(self, status: InstanceStatus | None) -> bool:
        if status is None:
            return False
        return status.runtime_status is RuntimeStatus.COMPLETED if self.until is None else self.until(status)

    def has_settled(self, status: InstanceStatus | None) -> bool:
        return status is not None and (status.is_final or self.is_content(status))

    def is_over(self, statuses: Collection[InstanceStatus | None]) -> bool:
        settled = [status for status in statuses if self.has_settled(status)]
        content = sum(map(self.is_content, settled))
        unlucky = len(settled) - content
        if len(settled) == len(statuses) or (self.fail_fast and unlucky):
            return True
        return self.completed is not None and (content >= self.completed or len(statuses) - unlucky < self.completed)


def wait_for_instances(
    hub: TaskHub,
    instance_ids: Iterable[str],
    rules: WaitRules,
    *,
    clock: Callable[[], float] = time.monotonic,
    on_status: Callable[[InstanceStatus], None] = lambda _status: None,
    on_trouble: Callable[[DurablectlError], None] = lambda _trouble: None,
) -> dict[str, InstanceStatus | None]:
    """Wait until the rules say that it is over, or their time-out: the last status of each id, None for one that was never seen.

    A poll that fails (`Unreachable`, `ServiceError`, `HubBusy`) is told to `on_trouble` and tried again, less and less often; the error is
    raised only when nothing was ever answered, at the time-out or after PATIENCE seconds without one. `InstanceNotFound` after the grace,
    and at once for an instance that was there before. `on_status` sees every status that was read.
    """
    looks = _Looks(hub, dict.fromkeys(instance_ids), rules, on_status)
    is_over, trouble = poll(
        hub,
        looks.look,
        lambda: rules.is_over(looks.seen.values()),
        timeout=rules.timeout,
        interval=rules.interval,
        clock=clock,
        on_trouble=on_trouble,
        has_seen=lambda: any(looks.seen.values()),
    )
    if not is_over and trouble is not None and not all(looks.seen.values()):
        raise trouble
    return looks.seen


def poll(
    hub: TaskHub,
    look: Callable[[float], DurablectlError | None],
    is_over: Callable[[], bool],
    *,
    timeout: float | None = None,
    interval: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    on_trouble: Callable[[DurablectlError], None] = lambda _trouble: None,
    has_seen: Callable[[], bool] = lambda: True,
) -> tuple[bool, DurablectlError | None]:
    """Look again and again until it is over or the time is up: whether it is over, and what went wrong with the last look.

    `look` is given the seconds that have passed; it returns what went wrong, which is told to `on_trouble` and tried again, less and less
    often. Without a time-out it is raised after PATIENCE seconds in which nothing was ever seen.
    """
    started, delays, failures = clock(), intervals(timeout, interval), 0
    next(delays)
    while True:
        looked = clock()
        trouble = look(looked - started)
        if is_over():
            return True, trouble
        took, elapsed = clock() - looked, clock() - started
        failures = 0 if trouble is None or isinstance(trouble, InstanceNotFound) else failures + 1
        if failures and trouble is not None:
            on_trouble(trouble)
            if timeout is None and elapsed >= PATIENCE and not has_seen():
                raise trouble
        try:
            delay = delays.send(elapsed)
        except StopIteration:
            return False, trouble
        _pause(hub, delay if not failures else _backed_off(delay, failures, timeout, interval, elapsed), took, clock)


class _Looks:
    """The polls of one wait, and the last status of each instance."""

    def __init__(
        self, hub: TaskHub, seen: dict[str, InstanceStatus | None], rules: WaitRules, on_status: Callable[[InstanceStatus], None]
    ) -> None:
        self.seen, self._hub, self._rules, self._on_status = seen, hub, rules, on_status
        self._listing = InFlight() if rules.at_once > 1 and rules.until is None else None

    def look(self, elapsed: float) -> DurablectlError | None:
        """One poll of all that have not settled; what went wrong with it, if anything did."""
        left = [each for each, status in self.seen.items() if not self._rules.has_settled(status)]
        try:
            left = self._look_at_list(left)
        except (Unreachable, HubBusy) as error:
            return error
        trouble: DurablectlError | None = None
        for instance_id, answer in look_at_each(self._hub, left, show_input=self._rules.show_input, at_once=self._rules.at_once):
            if isinstance(answer, InstanceStatus):
                self._take(instance_id, answer)
            elif isinstance(answer, InstanceNotFound):
                if self.seen[instance_id] is not None or elapsed >= self._rules.grace:
                    raise answer
                trouble = answer
            elif isinstance(answer, Unreachable | HubBusy | ServiceError):
                trouble = answer
            else:
                raise answer
        return trouble

    def _look_at_list(self, left: list[str]) -> list[str]:
        """Take what a listing tells of them, if that is the cheaper way: those it does not tell of."""
        found = self._listing.find(self._hub, left, show_input=self._rules.show_input) if self._listing is not None else None
        for instance_id, status in (found or {}).items():
            self._take(instance_id, status)
        return [each for each in left if found is None or each not in found]

    def _take(self, instance_id: str, status: InstanceStatus) -> None:
        self.seen[instance_id] = status
        self._on_status(status)


def _pause(hub: TaskHub, delay: float, took: float, clock: Callable[[], float]) -> None:
    """Pause at most `delay`, and so long that looking, when it `took` its time, leaves the most of it to those who work."""
    paused, least = clock(), min(delay, took * SHARE_OF_OTHERS) if took > CHEAP_LOOK else 0.0
    hub.pause(delay)
    while (left := least - (clock() - paused)) > SHORTEST_PAUSE:
        hub.pause(left)


def _backed_off(delay: float, failures: int, timeout: float | None, interval: float, elapsed: float) -> float:
    longer = max(delay, min(interval * 2.0 ** min(failures - 1, 10), LONGEST_BACK_OFF))
    return longer if timeout is None else min(longer, max(timeout - elapsed, 0.0))


def wait_for_completion(
    hub: TaskHub,
    instance_id: str,
    *,
    timeout: float | None = None,
    interval: float = 1.0,
    clock: Callable[[], float] = time.monotonic,
    on_status: Callable[[InstanceStatus], None] = lambda _status: None,
) -> InstanceStatus:
    """Wait until an instance is finished and return its status; `WaitTimeout` after `timeout` seconds, which leaves it running.

    `on_status` sees every status that was read. See `wait_for_instances` for what a failed poll does.
    """
    seen = wait_for_instances(hub, [instance_id], WaitRules(timeout, interval), clock=clock, on_status=on_status)
    status = seen[instance_id]
    if status is not None and status.is_final:
        return status
    state = status.runtime_status.value if status is not None else "unknown"
    raise WaitTimeout(f"instance '{instance_id}' is still {state} after {timeout:g} s")
