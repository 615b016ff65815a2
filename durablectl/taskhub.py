"""The port: what every task hub promises; no transport, no store, no console."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import AbstractContextManager, nullcontext, suppress
from datetime import datetime
from typing import Any, Protocol, Self

from durablectl import wire
from durablectl.errors import (
    AlreadyExists,
    DurablectlError,
    InstanceNotFound,
    Unsupported,
    UsageError,
    WaitTimeout,
)
from durablectl.json_values import json_value
from durablectl.listing import Newest, each_of_pages, newest_by_time
from durablectl.model import (
    FINAL_STATUSES,
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    IfExists,
    InstanceDetails,
    InstanceFilter,
    InstanceStart,
    InstanceStatus,
    Page,
    PageRequest,
    RuntimeStatus,
    StatusParts,
    utc_now,
)
from durablectl.quoting import command


class TaskHub(Protocol):
    """A task hub, wherever it lives.

    All methods are synchronous and may be called from several threads. Every method may raise
    `Unreachable`, `KeyRefused`, `NotATaskHub` or `ServiceError` (a remote hub), `HubUnusable` (a
    local one), or `Unsupported`. Ids are taken as they are; only `start` judges them
    (`UsageError`). Inputs, outputs and event data are JSON values (None, bool, int, float, str,
    list, dict).
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

        Once this returns, the start is durable. Without `instance_id` an id of 32 hex digits is
        made on the client. `AlreadyExists` when any instance has the id and `if_exists` is FAIL, or
        ATTACH and its name or input differs. `FunctionNotFound` where the hub knows its functions
        and this is none of them.
        """
        text = self._text(input)
        return self._start(InstanceStart(orchestrator, text, instance_id, version, if_exists))

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
        check-status payload if it is not done. A status from here may lack what the service's
        answer leaves out: of a completed instance it tells the output only.
        """
        new = InstanceStart(orchestrator, self._text(input), instance_id)
        return self._start_and_wait(new, timeout, interval)

    def get_status(
        self,
        instance_id: str,
        *,
        show_input: bool = True,
        show_history: bool = False,
        show_history_output: bool = False,
    ) -> InstanceStatus:
        """The status object of an instance; `InstanceNotFound` when there is none."""
        return self._status(instance_id, StatusParts(show_input, show_history, show_history_output))

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
        return self._page(filter, PageRequest(top, continuation_token, show_input))

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """Send an event. Durable and asynchronous; `WrongState` when the instance is finished."""

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        """Ask for the end of an instance. Asynchronous; `WrongState` when it is finished.

        Its sub-orchestrations continue, unless `recursive`: then all below it end, too. A local hub
        does that in one transaction, and also for a finished instance that left some running. The
        service's HTTP API cannot do it (`Unsupported`).
        """

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """Ask an instance to pause. Asynchronous; `WrongState` when it is finished or suspended
        already.
        """

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        """Ask a suspended instance to continue. Asynchronous; `WrongState` when it is not
        suspended.
        """

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """Let a failed instance try its failed steps again. Asynchronous; `WrongState` when it has
        not failed.
        """

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """Start an instance again with its name and input: under a new id, or under the same one
        (`WrongState` while it is not finished).
        """

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """Delete a finished instance and its history; how many were deleted.

        `WrongState` when it is not finished. Its sub-orchestrations stay, unless `recursive`; the
        service cannot do that (`Unsupported`).
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
        # a service would drop a filter that it does not know, and delete everything in range
        if not statuses or not statuses <= FINAL_STATUSES:
            raise UsageError(
                "only finished instances can be purged",
                hint="name final statuses: Completed, Failed, Terminated, Canceled",
            )
        return self._purge_by(
            InstanceFilter(statuses, created_from=created_from, created_to=created_to)
        )

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
        return self._entities(name, PageRequest(top, continuation_token, fetch_state))

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """Send an operation to an entity, which need not exist yet. Durable and asynchronous."""

    def delete_entity(self, entity_id: EntityId) -> None:
        """Send an entity the operation `delete`.

        Durable and asynchronous; whether it goes is the entity's choice.
        """

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """The check-status payload of an id, as the service would answer a start. Does not look
        whether the instance exists.
        """
        return wire.check_status_payload(self._at(), instance_id)

    def management(self, instance_id: str) -> CheckStatusPayload:
        """The management payload of an id: the check-status payload with `rewindPostUri`. Does not
        look whether the instance exists.
        """
        return wire.management_payload(self._at(), instance_id)

    def creation(self) -> dict[str, str]:
        """The addresses that start instances: `createNewInstancePostUri` and
        `createAndWaitOnNewInstancePostUri`, with placeholders.
        """
        return wire.creation_urls(self._at())

    def orchestrators(self) -> tuple[str, ...] | None:
        """The names of the orchestrators that the hub knows of, sorted; None when it does not."""
        return None

    def require_orchestrator(self, name: str) -> None:
        """`FunctionNotFound` when the hub knows its orchestrators, and this is none of them."""

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        """Wait until an instance is finished: its status.

        `WaitTimeout` after `timeout` seconds, which leaves it running. A local hub that was opened
        with an app works for the instance meanwhile, unless a live worker does.
        """

    def within(self, seconds: float) -> TaskHub:
        """The same hub, for requests that must be answered within that time from now, retries
        included; else `Unreachable`. A local hub waits for no answer, and is returned as it is.
        Close only the hub itself.
        """

    def pause(self, seconds: float) -> None:
        """Sleep at most `seconds`; a hub that notices changes returns as soon as one may have
        happened.
        """

    # What some hubs can do better. The answers here hold for any hub.

    commits_together: bool = False
    """Whether the changes inside of `group` are one commit; if not, several requests at a time are
    faster than one after the other."""

    def group(self) -> AbstractContextManager[None]:
        """While inside, the changes that this thread makes are one transaction, where the hub has
        transactions; one that raises is undone alone.
        """
        return nullcontext()

    def start_text(
        self,
        orchestrator: str,
        text: str | None,
        *,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        """`start` with the input's JSON text, which a local hub keeps as it is."""
        kept = self._kept(text)
        return self._start(InstanceStart(orchestrator, kept, instance_id, version, if_exists))

    def details(self, status: InstanceStatus) -> InstanceDetails:
        """What the hub knows of that instance beyond the service's status object."""
        return status.details or InstanceDetails()

    def schedule(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        """`start` at a time, and with tags; `Unsupported` over HTTP, which has neither."""
        text, more = self._text(input), (at, tags or {})
        return self._start(
            InstanceStart(orchestrator, text, instance_id, version, if_exists, *more)
        )

    def begin_text(
        self,
        orchestrator: str,
        text: str | None,
        *,
        instance_id: str | None = None,
        version: str | None = None,
    ) -> str:
        """Start an instance as the service does, and return its id: a finished one of the same id
        is replaced. `AlreadyExists`, in the service's words, when an unfinished one has it.
        """
        return self._begin(InstanceStart(orchestrator, self._kept(text), instance_id, version))

    def raise_event_text(self, instance_id: str, event_name: str, text: str) -> None:
        """`raise_event` with the data's JSON text, which a local hub keeps as it is."""
        self.raise_event(instance_id, event_name, json_value(text))

    def counts(
        self, filter: InstanceFilter | None = None, *, by_name: bool = False
    ) -> dict[str, int]:
        """How many instances match, of each status or of each orchestrator; counted by listing them
        where the hub does not count.
        """
        return Counter(
            status.name if by_name else status.runtime_status.value
            for status in list_instances(self, filter)
        )

    def newest(self, filter: InstanceFilter, *, top: int) -> Newest:
        """The `top` newest instances that match. Where the hub cannot sort, the last hour is
        listed, then the last day and week, until there are enough; never more than MOST_PAGES
        pages.
        """
        return newest_by_time(self.list_page, filter, top, utc_now())

    purges_together: bool = False
    """Whether `purge_many` takes fewer requests, or commits, than `purge` for each."""

    def purge_many(
        self, instance_ids: Sequence[str], *, recursive: bool = False
    ) -> Sequence[int | DurablectlError]:
        """`purge` each: of each how many were deleted, or the error; one transaction where the hub
        has them.
        """

        def purged(instance_id: str) -> int | DurablectlError:
            try:
                return self.purge(instance_id, recursive=recursive)
            except DurablectlError as error:
                return error

        return [purged(each) for each in instance_ids]

    def ended(self, instance_ids: Collection[str]) -> set[str]:
        """Those of the instances that are finished or gone."""
        return {each for each in instance_ids if self._has_ended(each)}

    def _has_ended(self, instance_id: str) -> bool:
        with suppress(InstanceNotFound):
            return self.get_status(instance_id, show_input=False).is_final
        return True

    def changes(self) -> int:
        """A number that changes, for each thread, whenever somebody else may have committed."""
        return time.monotonic_ns()

    def raw_history(self, instance_id: str) -> dict[str, Any]:
        """The complete events of an instance's current execution, as a JSON document that later
        versions can read and replay; `Unsupported` where a hub does not show them.
        """
        hint = command("status", instance_id, options=("--history", "-o", "json"))
        raise Unsupported(f"the hub at {self.address} shows no complete events", hint=hint)

    tells_more_than_history: bool = False
    """Whether an explanation of its instances reads the rows of a local hub."""

    def has_worker(self) -> bool:
        """Whether somebody works for every instance of the hub, as far as it is known: a service
        is taken to do so.
        """
        return True

    def is_served(self) -> bool:
        """Whether somebody answers at the addresses of `check_status`."""
        return True

    def wrote(self, address: wire.HubAddress) -> bool:  # noqa: ARG002 - for hubs that are files
        """Whether an address is that of this hub's own file, or of a live server of it."""
        return False

    def close(self) -> None:
        """Free what the hub holds. Calling it twice is fine."""

    # What each kind of hub does in its own way, with the parameters of a verb as one value.

    def _text(self, value: Any) -> str | None:
        """A value as the JSON text that is sent or stored, None as no text."""

    def _kept(self, text: str | None) -> str | None:
        """JSON text of a caller, as it is sent or stored."""
        return None if text is None else self._text(json_value(text))

    def _at(self) -> wire.HubAddress: ...

    def _start(self, new: InstanceStart) -> CheckStatusPayload: ...

    def _begin(self, new: InstanceStart) -> str:
        try:
            return self._start(new).id
        except AlreadyExists:
            status = self.get_status(new.instance_id or "", show_input=False).runtime_status
            if not status.is_final:
                raise AlreadyExists(
                    f"An Orchestration instance with the status {status.value} already exists."
                ) from None
            return self._start(new._replace(if_exists=IfExists.REPLACE)).id

    def _start_and_wait(
        self, new: InstanceStart, timeout: float, interval: float
    ) -> InstanceStatus | CheckStatusPayload:
        payload = self._start(new)
        try:
            return self.wait_for_completion(payload.id, timeout=timeout, interval=interval)
        except WaitTimeout:
            return payload

    def _status(self, instance_id: str, parts: StatusParts) -> InstanceStatus: ...

    def _page(self, filter: InstanceFilter, page: PageRequest) -> Page[InstanceStatus]: ...

    def _purge_by(self, wanted: InstanceFilter) -> int: ...

    def _entities(self, name: str | None, page: PageRequest) -> Page[EntityStatus]: ...

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


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
