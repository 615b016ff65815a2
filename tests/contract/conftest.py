"""The same promises on every hub: a local one, one behind `durablectl serve`, one behind a server of
the Durable Task protocol, one behind the gRPC endpoint of `serve`, and a real service when
DURABLECTL_CONTRACT_URL names one.

A real service has to run `tests/recordings/function_app.py`; its key is taken from
DURABLECTL_CONTRACT_KEY.
"""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import pytest
from grpc_server import durable_task_server, needs_durabletask, needs_grpc

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.functionapp.loader import load_app
from durablectl.taskhub import TaskHub
from tests.server.serving import RECORDINGS, serving

URL = os.environ.get("DURABLECTL_CONTRACT_URL")


HUBS = [
    "local",
    "served",
    pytest.param("grpc", marks=needs_durabletask),
    pytest.param("endpoint", marks=needs_grpc),
    *(["service"] if URL else []),
]


@pytest.fixture(scope="session", params=HUBS)
def hub(
    request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[TaskHub]:
    folder = tmp_path_factory.mktemp(request.param)
    match request.param:
        case "local":
            yield from local_hub(folder)
        case "served":
            with (
                serving(folder, app=RECORDINGS / "function_app.py") as server,
                HttpTaskHub(server.base) as hub,
            ):
                yield hub
        case "grpc":
            yield from grpc_hub()
        case "endpoint":
            yield from endpoint_hub(folder)
        case _:
            with HttpTaskHub(URL or "", key=os.environ.get("DURABLECTL_CONTRACT_KEY")) as hub:
                yield hub


def grpc_hub() -> Iterator[TaskHub]:
    # deferred: grpc may not be installed
    from durablectl.backends.grpc.hub import GrpcTaskHub

    with durable_task_server() as address, GrpcTaskHub(address) as hub:
        yield hub


def endpoint_hub(folder: Path) -> Iterator[TaskHub]:
    """The gRPC endpoint that `serve` puts in front of a local hub."""
    # deferred: grpc may not be installed
    from durablectl.backends.grpc.hub import GrpcTaskHub
    from durablectl.server.rpc.endpoint import Endpoint
    from durablectl.server.rpc.operations import Operations

    registry = load_app(RECORDINGS / "function_app.py")
    with LocalTaskHub(folder / "hub.db", registry=registry, create=True) as local:
        worker = Worker(local.database, registry)
        worker.start()
        endpoint = Endpoint(Operations(local), task_hub="orders", wake=worker.wake)
        with GrpcTaskHub(f"grpc://{endpoint.start(0)}", task_hub="orders") as hub:
            yield hub
        endpoint.close()
        worker.stop()


def local_hub(folder: Path) -> Iterator[TaskHub]:
    registry = load_app(RECORDINGS / "function_app.py")
    database = Database(folder / "hub.db", create=True)
    worker = Worker(database, registry)
    worker.start()
    with LocalTaskHub(folder / "hub.db", registry=registry) as hub:
        yield hub
    worker.stop()
    database.close()


@pytest.fixture
def new_id() -> str:
    """An id that no other test uses."""
    return f"c{uuid4().hex[:12]}"
