"""The app's orchestrators on the SDK's own in-memory backend, as an oracle of what they return."""

from __future__ import annotations

import inspect
import socket
from collections.abc import Iterator
from typing import Any

import pytest
from azure.durable_functions.internal.compat.entity_context import wrap_entity
from azure.durable_functions.internal.compat.orchestration_context import wrap_orchestrator
from azure.durable_functions.internal.serialization import DEFAULT_FUNCTIONS_DATA_CONVERTER
from durabletask.client import TaskHubGrpcClient
from durabletask.testing import create_test_backend
from durabletask.worker import TaskHubGrpcWorker

from durablectl.functionapp.loader import load_app
from durablectl.testing import Durable
from tests.sdk2.conftest import APP


@pytest.fixture(scope="module")
def oracle() -> Iterator[TaskHubGrpcClient]:
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    backend = create_test_backend(port=port)
    address = f"localhost:{port}"
    worker = TaskHubGrpcWorker(
        host_address=address, data_converter=DEFAULT_FUNCTIONS_DATA_CONVERTER
    )
    registry = load_app(APP)
    for name in registry.orchestrators.names:
        orchestrator = registry.orchestrators.get(name)
        assert orchestrator is not None
        worker._registry.add_named_orchestrator(name, wrap_orchestrator(orchestrator.function))
    for name in registry.activities.names:
        activity = registry.activities.get(name)
        if activity is not None and not inspect.iscoroutinefunction(activity.function):
            worker._registry.add_named_activity(name, _called(activity))
    for name in registry.entities.names:
        entity = registry.entities.get(name)
        assert entity is not None
        worker.add_entity(wrap_entity(entity.function), name=name)
    with worker, TaskHubGrpcClient(host_address=address) as client:
        worker.start()
        yield client
    backend.stop()


def _called(activity: Any) -> Any:
    def call(_context: Any, value: Any) -> Any:
        return activity.function(**{activity.parameter: value})

    return call


@pytest.mark.parametrize(
    ("name", "given"),
    [
        ("compat", ["Ada", "Bob"]),
        ("typed", 3),
        ("catches", None),
        ("fails", None),
        ("counts_up", 1),
        ("uses_entity", None),
        ("from_blueprint", None),
        ("Renamed", None),
    ],
)
def test_an_orchestrator_returns_what_it_returns_on_the_sdks_own_backend(
    oracle: TaskHubGrpcClient, durable: Durable, name: str, given: Any
) -> None:
    instance_id = f"oracle-{name}"
    oracle.schedule_new_orchestration(name, input=given, instance_id=instance_id)
    there = oracle.wait_for_orchestration_completion(instance_id, timeout=30)
    assert there is not None
    here = durable.run(name, given, instance_id=instance_id)
    assert here.runtime_status.name == there.runtime_status.name
    if there.failure_details is not None:
        details = there.failure_details
        assert here.output == f"{details.error_type}: {details.message}"
    else:
        assert here.output == there.get_output()
