"""The port: what every task hub promises, and what is the same for all of them; no transport, no store, no console."""

from __future__ import annotations

import time
from collections.abc import Callable, Generator, Iterator
from datetime import datetime
from typing import Any, Protocol, Self

from durablectl.errors import WaitTimeout
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

    def purge(self, instance_id: str) -> int:
        """Delete a finished instance and its history; how many were deleted. `WrongState` when it is not finished."""

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

    def pause(self, seconds: float) -> None:
        """Sleep at most `seconds`; a hub that notices changes returns as soon as one may have happened."""

    def close(self) -> None:
        """Free what the hub holds. Calling it twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


FIRST_INTERVAL = 0.05
MOVED_ON = 1.5


def intervals(timeout: float | None, interval: float = 1.0) -> Generator[float, float, None]:
    """The delays between polls, in seconds: short at first, then `interval`; ends when `timeout` is used up.

    Send the seconds that have passed since the first poll. The last delay ends exactly at the time-out, so that one look comes after it.
    """
    delay = min(FIRST_INTERVAL, interval)
    elapsed = yield 0.0
    while timeout is None or elapsed < timeout:
        elapsed = yield delay if timeout is None else min(delay, timeout - elapsed)
        delay = min(delay * MOVED_ON, interval)


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

    `on_status` sees every status that was read.
    """
    started, delays = clock(), intervals(timeout, interval)
    next(delays)
    while True:
        status = hub.get_status(instance_id)
        on_status(status)
        if status.is_final:
            return status
        try:
            hub.pause(delays.send(clock() - started))
        except StopIteration:
            raise WaitTimeout(f"instance '{instance_id}' is still {status.runtime_status.value} after {timeout:g} s") from None


def list_instances(
    hub: TaskHub, filter: InstanceFilter | None = None, *, show_input: bool = False, page_size: int = 1000
) -> Iterator[InstanceStatus]:
    """All instances that match, page by page as they are asked for; an instance that a changing hub shows twice may come twice."""
    token: str | None = None
    while True:
        page = hub.list_page(filter or InstanceFilter(), show_input=show_input, top=page_size, continuation_token=token)
        yield from page
        if (token := page.continuation_token) is None:
            return
