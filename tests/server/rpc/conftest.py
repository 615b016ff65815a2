"""A hub behind the gRPC endpoint, its worker, and a client of the package `durabletask`."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
from durabletask.client import TaskHubGrpcClient

from durablectl import df
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Registry
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.server.rpc.endpoint import Endpoint
from durablectl.server.rpc.operations import Operations
from durablectl.testing.apps import registry_from


def made_app() -> df.DFApp:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def echo(context: Any) -> Any:
        return context.get_input()

    @app.orchestration_trigger(context_name="context")
    def waits(context: Any) -> Any:
        return (yield context.wait_for_external_event("go"))

    @app.orchestration_trigger(context_name="context")
    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator("waits", None, "child"))

    @app.orchestration_trigger(context_name="context")
    def long(context: Any) -> Any:
        for _ in range(300):
            yield context.call_activity("double", 1)

    @app.orchestration_trigger(context_name="context")
    def fails(context: Any) -> Any:
        return (yield context.call_activity("boom", None))

    @app.activity_trigger(input_name="value")
    def double(value: int) -> int:
        return value * 2

    @app.activity_trigger(input_name="value")
    def boom(value: Any) -> None:
        raise ValueError("boom")

    @app.entity_trigger(context_name="context")
    def counter(context: Any) -> None:
        if context.operation_name == "delete":
            context.destruct_on_exit()
        else:
            context.set_state(context.get_state(lambda: 0) + (context.get_input() or 1))

    return app


@dataclass(frozen=True)
class Served:
    hub: LocalTaskHub
    endpoint: Endpoint
    address: str
    worker: Worker
    client: TaskHubGrpcClient


@pytest.fixture(scope="module")
def registry() -> Registry:
    return registry_from(made_app())


@pytest.fixture
def served(tmp_path: Path, registry: Registry) -> Iterator[Served]:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub, hub.group():
        pass
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        database = Database(tmp_path / "hub.db")
        worker = Worker(database, registry)
        endpoint = Endpoint(Operations(hub), task_hub="orders", wake=worker.wake)
        address = endpoint.start()
        worker.start()
        client = TaskHubGrpcClient(host_address=address)
        try:
            yield Served(hub, endpoint, address, worker, client)
        finally:
            client.close()
            endpoint.close()
            worker.stop()
            database.close()
