"""A remote task hub: the TaskHub verbs over the HTTP API of a Durable Functions app."""

from __future__ import annotations

from collections.abc import Callable
from copy import copy
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any, Self

from durablectl.backends.http.api import Calls
from durablectl.backends.http.requests import (
    base_address,
    filters,
    json_body,
    page_size,
    segment,
)
from durablectl.backends.http.responses import (
    Place,
    read_accepted,
    read_deleted,
    read_payload,
    read_status,
    refusal,
)
from durablectl.backends.http.start import Starts
from durablectl.backends.http.transport import Headers, Pace, Settings, Transport
from durablectl.errors import (
    AlreadyExists,
    EntityNotFound,
    NotATaskHub,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.model import (
    FINAL_STATUSES,
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    IfExists,
    InstanceFilter,
    InstanceStatus,
    Page,
    RuntimeStatus,
)
from durablectl.new_ids import check_connection, check_task_hub
from durablectl.polling.loop import wait_for_completion
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import (
    HubAddress,
    address_from_payload,
    check_status_payload,
    creation_urls,
    entity_from_json,
    exact_time_to_text,
    management_payload,
    status_from_json,
)

KEY_HEADER = "x-functions-key"
PURGED_AT_ONCE = 1000  # by providers that delete 1000 per call (MSSQL)
MOST_PURGES = 10_000


class HttpTaskHub(TaskHub):
    """A task hub behind the Durable Functions HTTP API.

    Any number of threads may use it; see `durablectl.taskhub.TaskHub`.

    `url` is the app's address (`https://app.azurewebsites.net`; the usual path is added) or a base
    address with its path. The key goes out in a header, to this origin alone, and into the payloads
    that `check_status` makes; it is in no message. `key_hint` names what the key is taken from
    (`ORDERS_KEY`). `headers_provider` is asked before each attempt. `timeout` is for one answer,
    which may have `max_response` bytes (None: 200 MB). `note` hears what takes long without a
    fault.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        task_hub: str | None = None,
        connection: str | None = None,
        headers: Headers | None = None,
        headers_provider: Callable[[], Headers] | None = None,
        timeout: float = 30.0,
        ca_file: str | Path | None = None,
        proxy: str | None = None,
        max_response: int | None = None,
        key_hint: str | None = None,
        pace: Pace | None = None,
        note: Callable[[str], None] = lambda _text: None,
    ) -> None:
        check_task_hub(task_hub or "")
        if connection is not None:
            check_connection(connection)
        base, self._timeout, self._pace, self._note = (
            base_address(url),
            timeout,
            pace or Pace(),
            note,
        )
        self._address = HubAddress(base, task_hub, connection, f"code={key}" if key else "")
        own = {**(headers or {}), **({KEY_HEADER: key} if key else {})}
        transport = Transport(
            base, Settings(own, headers_provider, timeout, ca_file, proxy, self._pace, max_response)
        )
        self._place = Place(base, task_hub or "", bool(key), key_hint)
        self._calls = Calls(self._address, self._place, transport)

    @classmethod
    def from_payload(
        cls, payload: CheckStatusPayload, *, key: str | None = None, **options: Any
    ) -> Self:
        """The hub that a payload's addresses lead to; with the key in them unless one is given.

        ValueError without a status address.

        `options` are those of the constructor.
        """
        address = address_from_payload(payload)
        return cls(
            address.base,
            key=key or address.code,
            task_hub=address.task_hub,
            connection=address.connection,
            **options,
        )

    @property
    def name(self) -> str:
        return self._address.task_hub or ""

    @property
    def address(self) -> str:
        return self._address.base

    def start(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        return self._starts().start(
            orchestrator, input, instance_id=instance_id, version=version, if_exists=if_exists
        )

    def create_and_wait(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        timeout: float,
        interval: float,
    ) -> InstanceStatus | CheckStatusPayload:
        return self._starts().create_and_wait(
            orchestrator, input, instance_id=instance_id, timeout=timeout, interval=interval
        )

    def _starts(self) -> Starts:
        return Starts(self, self._calls, self._pace, self._timeout)

    def get_status(
        self,
        instance_id: str,
        *,
        show_input: bool = True,
        show_history: bool = False,
        show_history_output: bool = False,
    ) -> InstanceStatus:
        shown = [
            ("showInput", show_input),
            ("showHistory", show_history),
            ("showHistoryOutput", show_history_output),
        ]
        answer = self._calls.get(
            self._calls.instance(instance_id), [(name, str(value).lower()) for name, value in shown]
        )
        return read_status(self._place, answer, self._place.absent(instance_id))

    def list_page(
        self,
        filter: InstanceFilter,
        *,
        show_input: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[InstanceStatus]:
        """What the service cannot filter is filtered here, so a page may be short, or empty and not
        the last.
        """
        parameters = [
            *filters(filter),
            ("showInput", str(show_input).lower()),
            ("top", page_size(top)),
        ]
        page = self._calls.page(
            "/instances", parameters, status_from_json, continuation_token, self._note
        )
        # the service shows whole seconds
        floor = filter.updated_from.replace(microsecond=0) if filter.updated_from else None
        rest = replace(filter, created_from=None, created_to=None, updated_from=floor)
        kept = (status for status in page.items if rest.matches(status))
        return Page(
            tuple(status if show_input else replace(status, input=None) for status in kept),
            page.continuation_token,
        )

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost: the service does not tell two equal events
        from one sent twice.
        """
        target = (
            f"{self._calls.instance(instance_id)}/raiseEvent/{segment(event_name, 'event name')}"
        )
        look = f"{command('history', instance_id)} shows whether the event arrived"
        answer = self._calls.post(target, body=json_body(data), look=look)
        self._calls.accept(answer, instance_id)

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        if recursive:
            raise Unsupported(
                "a hub over HTTP cannot terminate sub-orchestrations along with their parent",
                hint="terminate them by their own ids",
            )
        self._switch(
            instance_id, "terminate", reason, lambda status: status is RuntimeStatus.TERMINATED
        )

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        self._switch(
            instance_id, "suspend", reason, lambda status: status is RuntimeStatus.SUSPENDED
        )

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        self._switch(
            instance_id,
            "resume",
            reason,
            lambda status: status not in (RuntimeStatus.SUSPENDED, *FINAL_STATUSES),
        )

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        look = f"{command('status', instance_id)} shows whether it continues"
        self._calls.accept(
            self._calls.post(
                f"{self._calls.instance(instance_id)}/rewind", [("reason", reason)], look=look
            ),
            instance_id,
        )

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """`OutcomeUnknown` when the answer was lost."""
        if not new_id:
            self._must_be_finished(instance_id, "restarted under the same id")
        look = (
            "durablectl list shows whether a new instance is there"
            if new_id
            else command("status", instance_id)
        )
        answer = self._calls.post(
            f"{self._calls.instance(instance_id)}/restart",
            [("restartWithNewInstanceId", str(new_id).lower())],
            look=look,
        )
        try:
            return read_payload(self._place, answer, self._place.absent(instance_id))
        except AlreadyExists as error:
            raise WrongState(error.message, hint=command("terminate", instance_id)) from error

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """The state is looked at first: not every service refuses to delete a running instance."""
        if recursive:
            raise Unsupported(
                "a remote hub cannot purge sub-orchestrations along with their parent",
                hint="purge them by their own ids",
            )
        self._must_be_finished(instance_id, "purged")
        answer = self._calls.delete(self._calls.instance(instance_id))
        return read_deleted(
            self._place, answer, 1 if answer.resent else self._place.absent(instance_id)
        )

    def purge_by(
        self,
        *,
        created_from: datetime,
        created_to: datetime | None,
        statuses: frozenset[RuntimeStatus],
    ) -> int:
        """The end of the time is fixed before the first call, so that repeating it deletes nothing
        that was not meant.

        It is repeated only where exactly as many were deleted as some providers delete in one call.
        """
        # the service would drop the filter and delete everything in range
        if not statuses or not statuses <= FINAL_STATUSES:
            raise UsageError(
                "only finished instances can be purged",
                hint="name final statuses: Completed, Failed, Terminated, Canceled",
            )
        names = ",".join(sorted(status.value for status in statuses))
        created_to = created_to or self._pace.now()
        times = [
            ("createdTimeFrom", exact_time_to_text(created_from)),
            ("createdTimeTo", exact_time_to_text(created_to)),
        ]
        total = 0
        for _ in range(MOST_PURGES):
            deleted = read_deleted(
                self._place, self._calls.delete("/instances", [*times, ("runtimeStatus", names)]), 0
            )
            total += deleted
            if deleted != PURGED_AT_ONCE:
                return total
        raise NotATaskHub(
            f"{self._place.label} has deleted {total} instances and reports more each time",
            hint="durablectl doctor",
        )

    def get_entity(self, entity_id: EntityId) -> Any:
        name = segment(entity_id.name, "entity name")
        key = segment(entity_id.key or "$", "entity key")
        answer = self._calls.get(f"/entities/{name}/{key}")
        if answer.status == 200 and answer.is_json:
            return answer.value
        raise refusal(
            self._place,
            answer,
            EntityNotFound(
                f"no entity '{entity_id}' in {self._place.label}", hint="durablectl entity list"
            ),
        )

    def list_entities(
        self,
        name: str | None = None,
        *,
        fetch_state: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[EntityStatus]:
        target = f"/entities/{segment(name, 'entity name')}" if name else "/entities"
        parameters = [("fetchState", str(fetch_state).lower()), ("top", page_size(top))]
        return self._calls.page(
            target, parameters, entity_from_json, continuation_token, self._note
        )

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        target = f"/entities/{segment(entity_id.name, 'entity name')}"
        if entity_id.key:
            target += f"/{segment(entity_id.key, 'entity key')}"
        body = None if input is None else json_body(input)
        look = f"{command('entity get', str(entity_id))} shows whether the operation was run"
        read_accepted(
            self._place, self._calls.post(target, [("op", operation)], body=body, look=look), None
        )

    def delete_entity(self, entity_id: EntityId) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        if not entity_id.key:  # DELETE has no word for the empty key
            return self.signal_entity(entity_id, "delete")
        name, key = segment(entity_id.name, "entity name"), segment(entity_id.key, "entity key")
        target = f"/entities/{name}/{key}"
        look = f"{command('entity get', str(entity_id))} shows whether it is gone"
        return read_accepted(self._place, self._calls.delete(target, look=look), None)

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """What the hub's address does not tell (task hub, connection) is left out; the service
        has its own for it.
        """
        return check_status_payload(self._address, instance_id)

    def management(self, instance_id: str) -> CheckStatusPayload:
        return management_payload(self._address, instance_id)

    def creation(self) -> dict[str, str]:
        return creation_urls(self._address)

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        return wait_for_completion(
            self, instance_id, timeout=timeout, interval=interval, clock=self._pace.clock
        )

    def within(self, seconds: float) -> Self:
        hub = copy(self)
        hub._calls = self._calls.until(self._pace.clock() + seconds)  # noqa: SLF001 - a copy of ours
        return hub

    def pause(self, seconds: float) -> None:
        self._pace.sleep(seconds)

    def close(self) -> None:
        self._calls.close()

    def _must_be_finished(self, instance_id: str, participle: str) -> None:
        status = self.get_status(instance_id, show_input=False).runtime_status
        if not status.is_final:
            message = (
                f"instance '{instance_id}' is {status.value}: only a finished one can be "
                f"{participle}"
            )
            ending = "entity delete" if instance_id.startswith("@") else "terminate"
            raise WrongState(message, hint=command(ending, instance_id))

    def _switch(
        self,
        instance_id: str,
        operation: str,
        reason: str | None,
        is_so: Callable[[RuntimeStatus], bool],
    ) -> None:
        """Ask for another state.

        When an earlier attempt may have got through, a refusal counts as done if the state is the
        wanted one.
        """
        answer = self._calls.post(
            f"{self._calls.instance(instance_id)}/{operation}", [("reason", reason)]
        )
        refused = answer.status not in (200, 202, 404)
        if (
            refused
            and answer.resent
            and is_so(self.get_status(instance_id, show_input=False).runtime_status)
        ):
            return
        self._calls.accept(answer, instance_id)
