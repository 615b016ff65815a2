"""The port: what every task hub promises, and what is the same for all of them; no transport, no store, no console."""

from __future__ import annotations

import time
from collections.abc import Callable, Collection, Generator, Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Protocol, Self

from durablectl.errors import DurablectlError, HubBusy, InstanceNotFound, ServiceError, Unreachable, UsageError, WaitTimeout
from durablectl.model import (
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    IfExists,
    InstanceFilter,
    InstanceStatus,
    Page,
    RuntimeStatus,
)
from durablectl.rounds import InFlight, look_at_each


class TaskHub(Protocol):
    """A task hub, wherever it lives. All methods are synchronous and may be called from several threads.

    Every method may raise `Unreachable`, `KeyRefused`, `NotATaskHub` or `ServiceError` (a remote hub), `HubUnusable` (a local one), or
    `Unsupported`. Ids are taken as they are; only `start` judges them (`UsageError`).
    Inputs, outputs and event data are JSON values (None, bool, int, float, str, list, dict).
    """

    @property
    def name(self) -> str:
        """The task hub's name for messages; "" when it has none of its own."""

    @property
    def address(self) -> str:
        """Where the hub lives, for messages: a URL without a key, or a file's path."""

    def start(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        """Start an instance, exactly once, also when the first answer is lost. Once this returns, the start is durable.

        Without `instance_id` an id of 32 hex digits is made on the client. `AlreadyExists` when any instance has the id and `if_exists` is
        FAIL, or ATTACH and its name or input differs. `FunctionNotFound` where the hub knows its functions and this is none of them.
        """

    def create_and_wait(
        self, orchestrator: str, input: Any = None, *, instance_id: str | None = None, timeout: float, interval: float
    ) -> InstanceStatus | CheckStatusPayload:
        """Start an instance and wait for it at most `timeout` seconds: its final status, or its check-status payload if it is not done.

        A status that comes from here may lack what the service's answer leaves out: of a completed instance it tells the output only.
        """

    def get_status(
        self, instance_id: str, *, show_input: bool = True, show_history: bool = False, show_history_output: bool = False
    ) -> InstanceStatus:
        """The status object of an instance; `InstanceNotFound` when there is none."""

    def list_page(
        self, filter: InstanceFilter, *, show_input: bool = False, top: int = 100, continuation_token: str | None = None
    ) -> Page[InstanceStatus]:
        """One page of at most `top` instances that match `filter`, in the hub's own order, which stays the same from page to page."""

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """Send an event. Durable and asynchronous; `WrongState` when the instance is finished."""

    def terminate(self, instance_id: str, reason: str | None = None) -> None:
        """Ask for the end of an instance. Asynchronous; `WrongState` when it is finished."""

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """Ask an instance to pause. Asynchronous; `WrongState` when it is finished or suspended already."""

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        """Ask a suspended instance to go on. Asynchronous; `WrongState` when it is not suspended."""

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """Let a failed instance try its failed steps again. Asynchronous; `WrongState` when it has not failed."""

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """Start an instance anew with its name and input: under a new id, or under the same one (`WrongState` while it is not finished)."""

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """Delete a finished instance and its history; how many were deleted. `WrongState` when it is not finished.

        Its sub-orchestrations stay, unless `recursive`; the service cannot do that (`Unsupported`).
        """

    def purge_by(self, *, created_from: datetime, created_to: datetime | None, statuses: frozenset[RuntimeStatus]) -> int:
        """Delete the finished instances created in that time; how many. `statuses` must be final ones and at least one (`UsageError`)."""

    def get_entity(self, entity_id: EntityId) -> Any:
        """The state of an entity; `EntityNotFound` when there is none."""

    def list_entities(
        self, name: str | None = None, *, fetch_state: bool = False, top: int = 100, continuation_token: str | None = None
    ) -> Page[EntityStatus]:
        """One page of the entities, of one name or of all."""

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """Send an operation to an entity, which need not exist yet. Durable and asynchronous."""

    def delete_entity(self, entity_id: EntityId) -> None:
        """Send an entity the operation `delete`. Durable and asynchronous; whether it goes is the entity's choice."""

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """The check-status payload of an id, as the service would answer a start. Does not look whether the instance exists."""

    def management(self, instance_id: str) -> CheckStatusPayload:
        """The management payload of an id: the check-status payload with `rewindPostUri`. Does not look whether the instance exists."""

    def creation(self) -> dict[str, str]:
        """The addresses that start instances: `createNewInstancePostUri` and `createAndWaitOnNewInstancePostUri`, with placeholders."""

    def orchestrators(self) -> tuple[str, ...] | None:
        """The names of the orchestrators that the hub knows, sorted; None when it cannot know them."""

    def wait_for_completion(self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0) -> InstanceStatus:
        """Wait until an instance is finished: its status. `WaitTimeout` after `timeout` seconds, which leaves it running.

        A local hub that was opened with an app works for the instance meanwhile, unless a live worker does.
        """

    def pause(self, seconds: float) -> None:
        """Sleep at most `seconds`; a hub that notices changes returns as soon as one may have happened."""

    def close(self) -> None:
        """Free what the hub holds. Calling it twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


FIRST_INTERVAL = 0.05
MOVED_ON = 1.5
PATIENCE = 60.0
LONGEST_BACK_OFF = 30.0
SHARE_OF_OTHERS = 4.0
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
    """Pause at most `delay`, and so long that looking, which `took` so long, leaves the time to those who work."""
    paused, least = clock(), min(delay, took * SHARE_OF_OTHERS)
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


def list_instances(
    hub: TaskHub, filter: InstanceFilter | None = None, *, show_input: bool = False, page_size: int = 1000
) -> Iterator[InstanceStatus]:
    """All instances that match, page by page as they are asked for; an instance that a changing hub shows twice may come twice."""
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = hub.list_page(filter or InstanceFilter(), show_input=show_input, top=page_size, continuation_token=token)
        yield from page
        if (token := page.continuation_token) is None:
            return
        if token in seen:
            raise ServiceError("the task hub lists its pages in circles: it gave a continuation token twice")
        seen.add(token)


class FreshId(str):
    """An id that was just made at random: a start need not look whether it is taken."""

    __slots__ = ()


MAX_ID_LENGTH = 256
COMFORTABLE_ID_LENGTH = 100
_REFUSED_IN_IDS = "/\\?#"


def check_new_instance_id(instance_id: str) -> None:
    """Refuse (`UsageError`) an id that a new instance must not have; the same rule on every hub. Existing ids are taken as they are.

    The service answers to such ids wrongly, late or not at all: `@` in front means an entity, the other characters do not survive a URL.
    """
    reason = None
    if not instance_id:
        reason = "is empty"
    elif len(instance_id) > MAX_ID_LENGTH:
        reason = f"has {len(instance_id)} characters, {MAX_ID_LENGTH} are allowed"
    elif instance_id.startswith("@"):
        reason = "starts with '@', which stands for an entity"
    elif instance_id in (".", ".."):
        reason = "is a step in a path"
    elif found := next((character for character in instance_id if _is_refused(character)), None):
        reason = f"contains {found!r}"
    if reason is not None:
        shown = instance_id if len(instance_id) <= COMFORTABLE_ID_LENGTH else instance_id[:COMFORTABLE_ID_LENGTH] + "…"
        raise UsageError(f"the instance id {shown!r} {reason}", hint="take letters, digits, '-', '_', ':' and '.'")


def instance_id_warnings(instance_id: str) -> tuple[str, ...]:
    """What speaks against an id that is allowed; nothing as a rule."""
    warnings = []
    if len(instance_id) > COMFORTABLE_ID_LENGTH:
        warnings.append(f"the instance id has {len(instance_id)} characters; not every task hub takes more than {COMFORTABLE_ID_LENGTH}")
    if found := [character for character in "%+" if character in instance_id]:
        warnings.append(f"the instance id contains {' and '.join(map(repr, found))}; not every client can address it")
    return tuple(warnings)


def _is_refused(character: str) -> bool:
    return character in _REFUSED_IN_IDS or character < " " or "\x7f" <= character <= "\x9f" or "\ud800" <= character <= "\udfff"
