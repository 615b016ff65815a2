"""A real server of the Durable Task protocol in this process: `durabletask.testing` with its own
worker, which runs `tests/recordings/function_app.py` as the other hubs do.
"""

from __future__ import annotations

import importlib.util
import socket
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.functionapp.loader import load_app


def _is_there(name: str) -> bool:
    try:
        return importlib.util.find_spec(name) is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False


RECORDINGS = Path(__file__).parent / "recordings"
HAS_DURABLETASK = all(
    _is_there(name) for name in ("grpc", "durabletask", "azure.durable_functions")
)
needs_durabletask = pytest.mark.skipif(
    not HAS_DURABLETASK, reason="durabletask or the SDK is not installed (the extra dev has them)"
)

needs_grpc = pytest.mark.skipif(not _is_there("grpc"), reason="grpcio is not installed")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


@contextmanager
def durable_task_server(*, working: bool = True) -> Iterator[str]:
    """While inside, a server is up; its address. With `working` it runs what is started."""
    from durabletask.testing import create_test_backend
    from durabletask.worker import TaskHubGrpcWorker

    port = free_port()
    backend = create_test_backend(port=port)
    worker = TaskHubGrpcWorker(host_address=f"127.0.0.1:{port}")
    app = load_app(RECORDINGS / "function_app.py")
    for name in app.orchestrators.names:
        orchestrator = app.orchestrators.get(name)
        worker._registry.add_named_orchestrator(name, _orchestrator(orchestrator.function))
    for name in app.activities.names:
        activity = app.activities.get(name)
        worker._registry.add_named_activity(name, _activity(activity.function, activity.parameter))
    for name in app.entities.names:
        worker._registry.add_named_entity(name, _entity(app.entities.get(name).function))
    try:
        if working:
            worker.start()
        yield f"grpc://127.0.0.1:{port}"
    finally:
        if working:
            worker.stop()
        backend.stop()


class Orchestration:
    """A context of `durabletask` in the words of a Durable Functions app."""

    def __init__(self, context: Any, value: Any) -> None:
        self._context, self._input = context, value
        self.instance_id = context.instance_id
        self.set_custom_status = context.set_custom_status
        self.wait_for_external_event = context.wait_for_external_event
        self.create_timer = context.create_timer
        self.continue_as_new = context.continue_as_new
        self.new_uuid = context.new_uuid

    @property
    def current_utc_datetime(self) -> Any:
        return self._context.current_utc_datetime

    def get_input(self) -> Any:
        return self._input

    def call_activity(self, name: str, value: Any = None) -> Any:
        return self._context.call_activity(name, input=value)

    def call_activity_with_retry(self, name: str, options: Any, value: Any = None) -> Any:
        from durabletask.task import RetryPolicy

        policy = RetryPolicy(
            first_retry_interval=timedelta(
                milliseconds=options.first_retry_interval_in_milliseconds
            ),
            max_number_of_attempts=options.max_number_of_attempts,
        )
        return self._context.call_activity(name, input=value, retry_policy=policy)

    def call_sub_orchestrator(
        self, name: str, value: Any = None, instance_id: str | None = None
    ) -> Any:
        return self._context.call_sub_orchestrator(name, input=value, instance_id=instance_id)

    def signal_entity(self, entity: Any, operation: str, value: Any = None) -> None:
        self._context.signal_entity(_entity_id(entity), operation, value)

    def call_entity(self, entity: Any, operation: str, value: Any = None) -> Any:
        return self._context.call_entity(_entity_id(entity), operation, value)

    def task_all(self, tasks: list[Any]) -> Any:
        from durabletask.task import when_all

        return when_all(tasks)

    def task_any(self, tasks: list[Any]) -> Any:
        from durabletask.task import when_any

        return when_any(tasks)


class EntityOperation:
    """The same for an entity."""

    def __init__(self, context: Any, value: Any) -> None:
        self._context, self._input = context, value
        self.operation_name, self.result = context.operation, None
        self.set_state = context.set_state

    def get_input(self) -> Any:
        return self._input

    def get_state(self, initial: Callable[[], Any]) -> Any:
        state = self._context.get_state()
        return initial() if state is None else state

    def set_result(self, value: Any) -> None:
        self.result = value

    def destruct_on_exit(self) -> None:
        self._context.set_state(None)


def _entity_id(entity: Any) -> Any:
    from durabletask.entities import EntityInstanceId

    return EntityInstanceId(entity.name, entity.key)


def _orchestrator(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def run(context: Any, value: Any) -> Any:
        return (yield from function(Orchestration(context, value)))

    return run


def _activity(function: Callable[..., Any], parameter: str) -> Callable[[Any, Any], Any]:
    return lambda _context, value: function(**{parameter: value})


def _entity(function: Callable[[Any], Any]) -> Callable[[Any, Any], Any]:
    def run(context: Any, value: Any) -> Any:
        operation = EntityOperation(context, value)
        function(operation)
        return operation.result

    return run
