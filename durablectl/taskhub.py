"""The port: what every task hub promises, a listing page by page, and which ids are fit; no
transport, no store, no console.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from typing import Any, Protocol, Self, TypeVar

from durablectl.errors import NotATaskHub, UsageError
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

Item = TypeVar("Item")


class TaskHub(Protocol):
    """A task hub, wherever it lives.

    All methods are synchronous and may be called from several threads.

    Every method may raise `Unreachable`, `KeyRefused`, `NotATaskHub` or `ServiceError` (a remote
    hub), `HubUnusable` (a local one), or `Unsupported`. Ids are taken as they are; only `start`
    judges them (`UsageError`). Inputs, outputs and event data are JSON values (None, bool, int,
    float, str, list, dict).
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
        """Start an instance, exactly once, also when the first answer is lost.

        Once this returns, the start is durable.

        Without `instance_id` an id of 32 hex digits is made on the client. `AlreadyExists` when any
        instance has the id and `if_exists` is FAIL, or ATTACH and its name or input differs.
        `FunctionNotFound` where the hub knows its functions and this is none of them.
        """

    def create_and_wait(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        timeout: float,
        interval: float,
    ) -> InstanceStatus | CheckStatusPayload:
        """Start an instance and wait for it at most `timeout` seconds: its final status, or its
        check-status payload if it is not done.

        A status that comes from here may lack what the service's answer leaves out: of a completed
        instance it tells the output only.
        """

    def get_status(
        self,
        instance_id: str,
        *,
        show_input: bool = True,
        show_history: bool = False,
        show_history_output: bool = False,
    ) -> InstanceStatus:
        """The status object of an instance; `InstanceNotFound` when there is none."""

    def list_page(
        self,
        filter: InstanceFilter,
        *,
        show_input: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[InstanceStatus]:
        """One page of at most `top` instances that match `filter`, in the hub's own order, which
        stays the same from page to page.
        """

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """Send an event. Durable and asynchronous; `WrongState` when the instance is finished."""

    def terminate(self, instance_id: str, reason: str | None = None) -> None:
        """Ask for the end of an instance. Asynchronous; `WrongState` when it is finished."""

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """Ask an instance to pause.

        Asynchronous; `WrongState` when it is finished or suspended already.
        """

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        """Ask a suspended instance to continue.

        Asynchronous; `WrongState` when it is not suspended.
        """

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """Let a failed instance try its failed steps again.

        Asynchronous; `WrongState` when it has not failed.
        """

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """Start an instance again with its name and input: under a new id, or under the same one
        (`WrongState` while it is not finished).
        """

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """Delete a finished instance and its history; how many were deleted.

        `WrongState` when it is not finished.

        Its sub-orchestrations stay, unless `recursive`; the service cannot do that (`Unsupported`).
        """

    def purge_by(
        self,
        *,
        created_from: datetime,
        created_to: datetime | None,
        statuses: frozenset[RuntimeStatus],
    ) -> int:
        """Delete the finished instances created in that time; how many.

        `statuses` must be final ones and at least one (`UsageError`).
        """

    def get_entity(self, entity_id: EntityId) -> Any:
        """The state of an entity; `EntityNotFound` when there is none."""

    def list_entities(
        self,
        name: str | None = None,
        *,
        fetch_state: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[EntityStatus]:
        """One page of the entities, of one name or of all."""

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """Send an operation to an entity, which need not exist yet. Durable and asynchronous."""

    def delete_entity(self, entity_id: EntityId) -> None:
        """Send an entity the operation `delete`.

        Durable and asynchronous; whether it goes is the entity's choice.
        """

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """The check-status payload of an id, as the service would answer a start.

        Does not look whether the instance exists.
        """

    def management(self, instance_id: str) -> CheckStatusPayload:
        """The management payload of an id: the check-status payload with `rewindPostUri`.

        Does not look whether the instance exists.
        """

    def creation(self) -> dict[str, str]:
        """The addresses that start instances: `createNewInstancePostUri` and
        `createAndWaitOnNewInstancePostUri`, with placeholders.
        """

    def orchestrators(self) -> tuple[str, ...] | None:
        """The names of the orchestrators that the hub knows, sorted; None when it cannot know
        them."""

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        """Wait until an instance is finished: its status.

        `WaitTimeout` after `timeout` seconds, which leaves it running.

        A local hub that was opened with an app works for the instance meanwhile, unless a live
        worker does.
        """

    def within(self, seconds: float) -> TaskHub:
        """The same hub, for requests that must be answered within that time from now, retries
        included; else `Unreachable`.

        A local hub waits for no answer, and is returned as it is. Close only the hub itself.
        """

    def pause(self, seconds: float) -> None:
        """Sleep at most `seconds`; a hub that notices changes returns as soon as one may have
        happened.
        """

    def close(self) -> None:
        """Free what the hub holds. Calling it twice is fine."""

    def __enter__(self) -> Self: ...

    def __exit__(self, *_: object) -> None: ...


def list_instances(
    hub: TaskHub,
    filter: InstanceFilter | None = None,
    *,
    show_input: bool = False,
    page_size: int = 1000,
) -> Iterator[InstanceStatus]:
    """All instances that match, page by page as they are asked for; an instance that a changing hub
    shows twice may come twice.
    """
    wanted = filter or InstanceFilter()
    return each_of_pages(
        lambda token: hub.list_page(
            wanted, show_input=show_input, top=page_size, continuation_token=token
        )
    )


def each_of_pages(page_after: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """What is on the pages of a listing, each asked for when it is needed; `NotATaskHub` when they
    go in circles.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = page_after(token)
        yield from page
        if (token := page.continuation_token) is None:
            return
        if token in seen:
            raise NotATaskHub(
                "the task hub lists its pages in circles: it sent the same continuation token twice"
            )
        seen.add(token)


class FreshId(str):
    """An id that was just made at random: a start need not look whether it is taken."""

    __slots__ = ()


MAX_ID_LENGTH = 256
COMFORTABLE_ID_LENGTH = 100
_REFUSED_IN_IDS = "/\\?#"


def check_new_instance_id(instance_id: str) -> None:
    """Refuse (`UsageError`) an id that a new instance must not have; the same rule on every hub.

    Existing ids are taken as they are.

    The service answers to such ids wrongly, late or not at all: `@` in front means an entity, the
    other characters do not survive a URL.
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
        shown = (
            instance_id
            if len(instance_id) <= COMFORTABLE_ID_LENGTH
            else instance_id[:COMFORTABLE_ID_LENGTH] + "…"
        )
        raise UsageError(
            f"the instance id {shown!r} {reason}",
            hint="take letters, digits, '-', '_', ':' and '.'",
        )


def check_connection(name: str, what: str = "the connection") -> None:
    """Refuse (`UsageError`, which does not repeat it) what cannot be the name of a connection:
    addresses carry it, and end in logs.
    """
    if not re.fullmatch(r"[\w.:-]{1,256}", name):
        raise UsageError(
            f"{what} must be the name of an app setting, not a connection string (the value is "
            "not shown)",
            hint="name the setting that holds the connection string, for example "
            "AzureWebJobsStorage",
        )


def check_task_hub(name: str, what: str = "the task hub") -> None:
    """Refuse (`UsageError`, which does not repeat it) a connection string where the name of a task
    hub belongs.
    """
    if ";" in name or "=" in name:
        raise UsageError(
            f"{what} must be the name of a task hub, not a connection string (the "
            "value is not shown)"
        )


def instance_id_warnings(instance_id: str) -> tuple[str, ...]:
    """What speaks against an id that is allowed; nothing as a rule."""
    warnings = []
    if len(instance_id) > COMFORTABLE_ID_LENGTH:
        warnings.append(
            f"the instance id has {len(instance_id)} characters; not every task hub "
            f"takes more than {COMFORTABLE_ID_LENGTH}"
        )
    if found := [character for character in "%+" if character in instance_id]:
        warnings.append(
            f"the instance id contains {' and '.join(map(repr, found))}; not every "
            "client can address it"
        )
    return tuple(warnings)


def _is_refused(character: str) -> bool:
    return (
        character in _REFUSED_IN_IDS
        or character < " "
        or "\x7f" <= character <= "\x9f"
        or "\ud800" <= character <= "\udfff"
    )
