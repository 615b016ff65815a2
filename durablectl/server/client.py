"""The durable client of a starter function, over the hub itself: the SDK's methods and answers,
without the SDK.

Knows no HTTP server.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from functools import partial
from typing import Any, TypeVar
from urllib.parse import urlsplit

from durablectl.errors import EntityNotFound, InstanceNotFound, WrongState
from durablectl.functionapp.http import HttpResponse
from durablectl.functionapp.values import EntityId, OrchestrationRuntimeStatus
from durablectl.model import FINAL_STATUSES, InstanceFilter, InstanceStatus, RuntimeStatus
from durablectl.payload import dumps
from durablectl.server.async_hub import Gate
from durablectl.server.inputs import begin_instance
from durablectl.server.place import Place
from durablectl.taskhub import list_instances
from durablectl.wire import json_text, management_payload, payload_to_json, status_to_json

# ruff: noqa: ARG002, N803 - the SDK's parameters

Result = TypeVar("Result")


class Status:
    """The status of an instance, with the SDK's attributes; false when there is no such
    instance."""

    def __init__(self, found: InstanceStatus | None) -> None:
        self._found = found
        self.name = found.name if found else None
        self.instance_id = found.instance_id if found else None
        self.created_time = found.created_time if found else None
        self.last_updated_time = found.last_updated_time if found else None
        self.input_ = found.input if found else None
        self.output = found.output if found else None
        self.custom_status = found.custom_status if found else None
        self.runtime_status = _runtime_status(found.runtime_status) if found else None
        events = found.history if found else None
        self.history = None if events is None else [dict(event.members) for event in events]

    def __bool__(self) -> bool:
        return self._found is not None

    def to_json(self) -> dict[str, Any]:
        """The service's status object."""
        return {} if self._found is None else status_to_json(self._found)


@dataclass(frozen=True, slots=True)
class PurgeHistoryResult:
    """How many instances a purge deleted."""

    instances_deleted: int


@dataclass(frozen=True, slots=True)
class EntityStateResponse:
    """An entity's state, and whether the entity is there."""

    entity_exists: bool
    entity_state: Any = None


class DurableClient:
    """A durable client for one request, whose `origin` its addresses carry."""

    def __init__(self, gate: Gate, place: Place, origin: str) -> None:
        self._gate, self._hub, self._place, self._origin = gate, gate.hub, place, origin

    @property
    def task_hub_name(self) -> str:
        return self._place.task_hub

    async def start_new(
        self,
        orchestration_function_name: str,
        instance_id: str | None = None,
        client_input: Any | None = None,
        version: str | None = None,
    ) -> str:
        """Start an instance; a finished one with the same id is replaced, any other too where
        host.json says so.
        """
        text = None if client_input is None else dumps(client_input)
        name = orchestration_function_name
        return await begin_instance(
            self._gate, self._place, name, text, instance_id=instance_id, version=version
        )

    def create_check_status_response(self, request: Any, instance_id: str) -> HttpResponse:
        links = self.get_client_response_links(request, instance_id)
        headers = {
            "Content-Type": "application/json",
            "Location": links["statusQueryGetUri"],
            "Retry-After": "10",
        }
        return HttpResponse(json.dumps(links), status_code=202, headers=headers)

    def create_http_management_payload(self, instance_id: str) -> dict[str, str]:
        return self.get_client_response_links(None, instance_id)

    def get_client_response_links(self, request: Any | None, instance_id: str) -> dict[str, str]:
        return payload_to_json(
            management_payload(self._place.address(self._origin_of(request)), instance_id)
        )

    async def wait_for_completion_or_create_check_status_response(
        self,
        request: Any,
        instance_id: str,
        timeout_in_milliseconds: int = 10000,
        retry_interval_in_milliseconds: int = 1000,
    ) -> HttpResponse:
        """The output if the instance completes in time, its status if it ends otherwise, else the
        check-status response.
        """
        if retry_interval_in_milliseconds > timeout_in_milliseconds:
            raise ValueError(
                f"Total timeout {timeout_in_milliseconds} (ms) should be bigger than retry "
                f"timeout {retry_interval_in_milliseconds} (ms)"
            )
        try:
            interval = max(retry_interval_in_milliseconds / 1000, 0.001)
            found = await self._gate.wait(instance_id, timeout_in_milliseconds / 1000, interval)
        except InstanceNotFound:
            found = None
        if found is None:
            return self.create_check_status_response(request, instance_id)
        if found.runtime_status is RuntimeStatus.COMPLETED:
            output = found.output
            return _json_response(200, output if isinstance(output, str) else json_text(output))
        code = 500 if found.runtime_status is RuntimeStatus.FAILED else 200
        return _json_response(code, json_text(status_to_json(found)))

    async def get_status(
        self,
        instance_id: str,
        show_history: bool = False,
        show_history_output: bool = False,
        show_input: bool = False,
    ) -> Status:
        look = partial(
            self._hub.get_status,
            instance_id,
            show_input=show_input,
            show_history=show_history,
            show_history_output=show_history_output,
        )
        try:
            return Status(await self._gate.read(look))
        except InstanceNotFound:
            return Status(None)

    async def get_status_all(self) -> list[Status]:
        return await self.get_status_by()

    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
        instance_id_prefix: str | None = None,
    ) -> list[Status]:
        """The status of every instance that matches, however many there are."""
        statuses, prefix = _statuses(runtime_status), instance_id_prefix or ""
        condition = InstanceFilter(statuses, None, prefix, created_time_from, created_time_to)
        listed = list_instances(self._hub, condition, show_input=True)
        return await self._gate.read(lambda: [Status(found) for found in listed])

    async def raise_event(
        self,
        instance_id: str,
        event_name: str,
        event_data: Any = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        if event_name == "":
            raise ValueError("event_name must be a non-empty string.")
        gone = f"Instance with ID {instance_id} is gone: either completed or failed"
        await self._change(
            partial(self._hub.raise_event, instance_id, event_name, event_data), instance_id, gone
        )

    async def terminate(self, instance_id: str, reason: str) -> None:
        await self._steer(self._hub.terminate, instance_id, reason)

    async def suspend(self, instance_id: str, reason: str) -> None:
        await self._steer(self._hub.suspend, instance_id, reason)

    async def resume(self, instance_id: str, reason: str) -> None:
        await self._steer(self._hub.resume, instance_id, reason)

    async def rewind(
        self,
        instance_id: str,
        reason: str,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        refused = "The rewind operation is only supported on failed orchestration instances."
        await self._change(partial(self._hub.rewind, instance_id, reason), instance_id, refused)

    async def restart(self, instance_id: str, restart_with_new_instance_id: bool = True) -> str:
        refused = (
            f"Instance {instance_id} has not finished; it can be restarted under a new id only."
        )
        restart = partial(self._hub.restart, instance_id, new_id=restart_with_new_instance_id)
        return (await self._change(restart, instance_id, refused)).id

    async def purge_instance_history(self, instance_id: str) -> PurgeHistoryResult:
        try:
            return PurgeHistoryResult(await self._gate.write(partial(self._hub.purge, instance_id)))
        except InstanceNotFound:
            return PurgeHistoryResult(0)

    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
    ) -> PurgeHistoryResult:
        """Delete finished instances; statuses that name no final one delete nothing."""
        if created_time_from is None:
            raise ValueError("created_time_from is required when purging instance history")
        statuses = _statuses(runtime_status) & FINAL_STATUSES if runtime_status else FINAL_STATUSES
        if not statuses:
            return PurgeHistoryResult(0)
        purge = partial(
            self._hub.purge_by,
            created_from=created_time_from,
            created_to=created_time_to,
            statuses=statuses,
        )
        return PurgeHistoryResult(await self._gate.read(purge))

    async def signal_entity(
        self,
        entityId: EntityId,
        operation_name: str,
        operation_input: Any | None = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        await self._gate.write(
            partial(self._hub.signal_entity, entityId, operation_name, operation_input)
        )

    async def read_entity_state(
        self,
        entityId: EntityId,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> EntityStateResponse:
        try:
            state = await self._gate.read(partial(self._hub.get_entity, entityId))
            return EntityStateResponse(True, state)
        except EntityNotFound:
            return EntityStateResponse(False)

    async def _steer(
        self, operation: Callable[[str, str | None], None], instance_id: str, reason: str
    ) -> None:
        """A finished instance is left as it is, in silence."""
        try:
            await self._gate.write(partial(operation, instance_id, reason))
        except InstanceNotFound:
            raise LookupError(f"No instance with ID '{instance_id}' found.") from None
        except WrongState:
            status = await self.get_status(instance_id)
            if status.runtime_status is None or RuntimeStatus(status.runtime_status.value).is_final:
                return
            raise

    async def _change(self, change: Callable[[], Result], instance_id: str, refused: str) -> Result:
        try:
            return await self._gate.write(change)
        except InstanceNotFound:
            raise LookupError(f"No instance with ID {instance_id} found.") from None
        except WrongState:
            raise RuntimeError(refused) from None

    def _origin_of(self, request: Any | None) -> str:
        url = urlsplit(getattr(request, "url", "") or "")
        return f"{url.scheme}://{url.netloc}" if url.scheme and url.netloc else self._origin


def _runtime_status(status: RuntimeStatus) -> OrchestrationRuntimeStatus | None:
    return None if status is RuntimeStatus.UNKNOWN else OrchestrationRuntimeStatus(status.value)


def _statuses(statuses: list[OrchestrationRuntimeStatus] | None) -> frozenset[RuntimeStatus]:
    return frozenset(RuntimeStatus(status.value) for status in statuses or ())


def _json_response(status: int, body: str) -> HttpResponse:
    return HttpResponse(
        body,
        status_code=status,
        mimetype="application/json",
        headers={"Content-Type": "application/json"},
    )
