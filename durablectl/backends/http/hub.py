"""A remote task hub: the TaskHub verbs over the HTTP API of a Durable Functions app."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, TypeVar

from durablectl.backends.http.api import Calls
from durablectl.backends.http.requests import Parameters, base_address, filters, segment
from durablectl.backends.http.responses import (
    read_accepted,
    read_deleted,
    read_page,
    read_payload,
    read_status,
    refusal,
)
from durablectl.backends.http.start import HttpStarts
from durablectl.backends.http.transport import Headers, Transport
from durablectl.backends.remote import Place, RemoteTaskHub, filled_page, json_input, page_size
from durablectl.backends.retry import Pace, Settings
from durablectl.errors import (
    AlreadyExists,
    EntityNotFound,
    NotATaskHub,
    Unsupported,
    WrongState,
)
from durablectl.model import (
    FINAL_STATUSES,
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    InstanceFilter,
    InstanceStart,
    InstanceStatus,
    Page,
    PageRequest,
    RuntimeStatus,
    StatusParts,
)
from durablectl.new_ids import check_connection, check_task_hub
from durablectl.polling.loop import wait_for_completion
from durablectl.quoting import command
from durablectl.wire import (
    HubAddress,
    entity_from_json,
    status_from_json,
)

Item = TypeVar("Item")
KEY_HEADER = "x-functions-key"
PURGED_AT_ONCE = 1000  # by providers that delete 1000 per call (MSSQL)
MOST_PURGES = 10_000


class HttpTaskHub(RemoteTaskHub):
    """A task hub behind the Durable Functions HTTP API.

    Any number of threads may use it; see `durablectl.taskhub.TaskHub`.

    `url` is the app's address (`https://app.azurewebsites.net`; the usual path is added) or a base
    address with its path. The key goes out in a header, to this origin alone, and into the payloads
    that `check_status` makes; it is in no message. `key_hint` names what the key is taken from
    (`ORDERS_KEY`). `timeout` is for one answer, which may have `max_response` bytes (None: 200
    MB). `note` hears what takes long without a fault.
    """

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        task_hub: str | None = None,
        connection: str | None = None,
        headers: Headers | None = None,
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
        base, self._timeout, self._note = base_address(url), timeout, note
        self._pace = pace or Pace()
        self._address = HubAddress(base, task_hub, connection, f"code={key}" if key else "")
        own = {**(headers or {}), **({KEY_HEADER: key} if key else {})}
        transport = Transport(
            base, Settings(own, timeout, ca_file, proxy, max_response, self._pace)
        )
        self._place: Place = Place(base, task_hub or "", key_hint, bool(key))
        self._calls: Calls = Calls(self._address, self._place, transport)

    @property
    def _wait(self) -> Callable[..., InstanceStatus]:
        return wait_for_completion

    def _start(self, new: InstanceStart) -> CheckStatusPayload:
        if new.at is not None or new.tags:
            raise Unsupported(
                f"the hub at {self.address} can neither start instances at a given time nor tag "
                "them",
                hint="--at and --tag are for local hubs and those over gRPC",
            )
        return self._starts().start(new)

    def _start_and_wait(
        self, new: InstanceStart, timeout: float, interval: float
    ) -> InstanceStatus | CheckStatusPayload:
        return self._starts().start_and_wait(new, timeout, interval)

    def _starts(self) -> HttpStarts:
        return HttpStarts(self, self._calls, self._pace, self._timeout)

    def _status(self, instance_id: str, parts: StatusParts) -> InstanceStatus:
        shown = [
            ("showInput", parts.show_input),
            ("showHistory", parts.show_history),
            ("showHistoryOutput", parts.show_history_output),
        ]
        answer = self._calls.get(self._calls.instance(instance_id), shown)
        return read_status(self._place, answer, self._place.absent(instance_id))

    def _page(self, filter: InstanceFilter, page: PageRequest) -> Page[InstanceStatus]:
        """What the service cannot filter is filtered here, so a page may be short, or empty and not
        the last.
        """
        parameters = [
            *filters(filter),
            ("showInput", page.has_payloads),
            ("top", page_size(page.top)),
        ]
        found = self._listed("/instances", parameters, status_from_json, page.token)
        # the service shows whole seconds
        floor = filter.updated_from.replace(microsecond=0) if filter.updated_from else None
        rest = replace(filter, created_from=None, created_to=None, updated_from=floor)
        kept = (status for status in found if rest.matches(status))
        return Page(
            tuple(status if page.has_payloads else replace(status, input=None) for status in kept),
            found.continuation_token,
        )

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost: the service does not tell two equal events
        from one sent twice.
        """
        target = (
            f"{self._calls.instance(instance_id)}/raiseEvent/{segment(event_name, 'event name')}"
        )
        look = f"{command('history', instance_id)} shows whether the event arrived"
        answer = self._calls.post(target, body=json_input(data), look=look)
        self._calls.accept(answer, instance_id)

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        if recursive:
            raise Unsupported(
                "a hub over HTTP cannot terminate sub-orchestrations along with their parent",
                hint="terminate them by their own ids",
            )
        self._switch(instance_id, "terminate", reason, {RuntimeStatus.TERMINATED})

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        self._switch(instance_id, "suspend", reason, {RuntimeStatus.SUSPENDED})

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        resumed = {*RuntimeStatus} - FINAL_STATUSES - {RuntimeStatus.SUSPENDED}
        self._switch(instance_id, "resume", reason, resumed)

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
            [("restartWithNewInstanceId", new_id)],
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

    def _purge_by(self, wanted: InstanceFilter) -> int:
        """The end of the time is fixed before the first call, so that repeating it deletes nothing
        that was not meant.

        It is repeated only where exactly as many were deleted as some providers delete in one call.
        """
        fixed = replace(wanted, created_to=wanted.created_to or self._pace.now())
        total = 0
        for _ in range(MOST_PURGES):
            answer = self._calls.delete("/instances", filters(fixed))
            deleted = read_deleted(self._place, answer, 0)
            total += deleted
            if deleted != PURGED_AT_ONCE:
                return total
        raise NotATaskHub(
            f"{self._place.label} has deleted {total} instances and reports more each time",
            hint="durablectl doctor",
        )

    def get_entity(self, entity_id: EntityId) -> Any:
        answer = self._calls.get(_target_of(entity_id, entity_id.key or "$"))
        if answer.status == 200 and answer.is_json:
            return answer.value
        raise refusal(
            self._place,
            answer,
            EntityNotFound(
                f"no entity '{entity_id}' in {self._place.label}", hint="durablectl entity list"
            ),
        )

    def _entities(self, name: str | None, page: PageRequest) -> Page[EntityStatus]:
        target = f"/entities/{segment(name, 'entity name')}" if name else "/entities"
        parameters = [("fetchState", page.has_payloads), ("top", page_size(page.top))]
        return self._listed(target, parameters, entity_from_json, page.token)

    def _listed(
        self,
        target: str,
        parameters: Parameters,
        item: Callable[[Any], Item],
        token: str | None,
    ) -> Page[Item]:
        def page_after(token: str | None) -> Page[Item]:
            answer = self._calls.get(target, parameters, token)
            return read_page(self._place, answer, item, token)

        return filled_page(self._place, token, page_after, self._note)

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        target = _target_of(entity_id, entity_id.key)
        look = f"{command('entity get', str(entity_id))} shows whether the operation was run"
        answer = self._calls.post(target, [("op", operation)], body=self._text(input), look=look)
        read_accepted(self._place, answer, None)

    def delete_entity(self, entity_id: EntityId) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        if not entity_id.key:  # DELETE has no word for the empty key
            return self.signal_entity(entity_id, "delete")
        target = _target_of(entity_id, entity_id.key)
        look = f"{command('entity get', str(entity_id))} shows whether it is gone"
        return read_accepted(self._place, self._calls.delete(target, look=look), None)

    def _at(self) -> HubAddress:
        """What the hub's address does not tell (task hub, connection) is left out of payloads; the
        service has its own for it.
        """
        return self._address

    def _switch(
        self, instance_id: str, operation: str, reason: str | None, wanted: set[RuntimeStatus]
    ) -> None:
        """Ask for another status.

        When an earlier attempt may have got through, a refusal counts as done if the status is one
        of the wanted ones.
        """
        target = f"{self._calls.instance(instance_id)}/{operation}"
        answer = self._calls.post(target, [("reason", reason)])
        if answer.resent and answer.status not in (200, 202, 404):
            status = self.get_status(instance_id, show_input=False).runtime_status
            if status in wanted:
                return
        self._calls.accept(answer, instance_id)


def _target_of(entity_id: EntityId, key: str) -> str:
    """The target of an entity, which may have the empty key."""
    target = f"/entities/{segment(entity_id.name, 'entity name')}"
    return f"{target}/{segment(key, 'entity key')}" if key else target
