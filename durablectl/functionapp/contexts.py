"""What an entity function and a starter function are given, as protocols: the SDK's names for
annotations; no behaviour.

The orchestrator's context is the engine's own class.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import Any, Protocol

from durablectl.functionapp.values import EntityId, OrchestrationRuntimeStatus

# ruff: noqa: N803 - the SDK's parameter names


class DurableEntityContext(Protocol):
    """One operation on an entity, as its function sees it."""

    @property
    def entity_name(self) -> str: ...

    @property
    def entity_key(self) -> str: ...

    @property
    def operation_name(self) -> str | None: ...

    @property
    def is_newly_constructed(self) -> bool: ...

    def get_state(
        self, initializer: Callable[[], Any] | None = None, expected_type: type | None = None
    ) -> Any:
        """The entity's state; what `initializer` returns when it has none."""

    def set_state(self, state: Any) -> None:
        """Give the entity a new state."""

    def get_input(self, expected_type: type | None = None) -> Any:
        """The operation's input."""

    def set_result(self, result: Any) -> None:
        """What a caller of this operation gets."""

    def destruct_on_exit(self) -> None:
        """Delete the entity after this operation."""


class DurableOrchestrationClient(Protocol):
    """The durable client of a starter function.

    Requests and responses are those of the HTTP library that hosts it.
    """

    async def start_new(
        self,
        orchestration_function_name: str,
        instance_id: str | None = None,
        client_input: Any | None = None,
        version: str | None = None,
    ) -> str:
        """Start an instance; its id."""

    def create_check_status_response(self, request: Any, instance_id: str) -> Any:
        """A 202 response with the addresses to watch and steer the instance."""

    def create_http_management_payload(self, instance_id: str) -> dict[str, str]:
        """These addresses, by name."""

    def get_client_response_links(self, request: Any | None, instance_id: str) -> dict[str, str]:
        """These addresses, with the origin of `request`."""

    async def wait_for_completion_or_create_check_status_response(
        self,
        request: Any,
        instance_id: str,
        timeout_in_milliseconds: int = 10000,
        retry_interval_in_milliseconds: int = 1000,
    ) -> Any:
        """The output if the instance completes in time, else the check-status response."""

    async def get_status(
        self,
        instance_id: str,
        show_history: bool = False,
        show_history_output: bool = False,
        show_input: bool = False,
    ) -> Any:
        """The status of an instance; falsy when there is none."""

    async def get_status_all(self) -> list[Any]:
        """The status of every instance."""

    async def get_status_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
        instance_id_prefix: str | None = None,
    ) -> list[Any]:
        """The status of every instance that matches."""

    async def raise_event(
        self,
        instance_id: str,
        event_name: str,
        event_data: Any = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        """Send an instance an event."""

    async def terminate(self, instance_id: str, reason: str) -> None:
        """Ask for the end of an instance."""

    async def suspend(self, instance_id: str, reason: str) -> None:
        """Ask an instance to pause."""

    async def resume(self, instance_id: str, reason: str) -> None:
        """Ask a suspended instance to continue."""

    async def rewind(
        self,
        instance_id: str,
        reason: str,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        """Let a failed instance try its failed steps again."""

    async def restart(self, instance_id: str, restart_with_new_instance_id: bool = True) -> str:
        """Start an instance again with its name and input; the id."""

    async def purge_instance_history(self, instance_id: str) -> Any:
        """Delete an instance and its history."""

    async def purge_instance_history_by(
        self,
        created_time_from: datetime | None = None,
        created_time_to: datetime | None = None,
        runtime_status: list[OrchestrationRuntimeStatus] | None = None,
    ) -> Any:
        """Delete the instances that match."""

    async def signal_entity(
        self,
        entityId: EntityId,
        operation_name: str,
        operation_input: Any | None = None,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> None:
        """Send an entity an operation."""

    async def read_entity_state(
        self,
        entityId: EntityId,
        task_hub_name: str | None = None,
        connection_name: str | None = None,
    ) -> Any:
        """An entity's state, and whether it is there."""
