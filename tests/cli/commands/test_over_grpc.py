"""What reads whole histories, on two servers of the Durable Task protocol: they are exact there."""

from __future__ import annotations

import json
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from grpc_server import RECORDINGS, durable_task_server, needs_durabletask, needs_grpc

APP = RECORDINGS / "function_app.py"


@contextmanager
def endpoint(folder: Path) -> Iterator[str]:
    """The gRPC endpoint that `serve` puts in front of a local hub."""
    from durablectl.backends.local import LocalTaskHub
    from durablectl.engine.worker.worker import Worker
    from durablectl.functionapp.loader import load_app
    from durablectl.server.rpc.endpoint import Endpoint
    from durablectl.server.rpc.operations import Operations

    registry = load_app(APP)
    with LocalTaskHub(folder / "hub.db", registry=registry, create=True) as local:
        worker = Worker(local.database, registry)
        worker.start()
        server = Endpoint(Operations(local), task_hub="", wake=worker.wake)
        yield f"grpc://{server.start(0)}"
        server.close()
        worker.stop()


@pytest.fixture(
    scope="module",
    params=[
        pytest.param("durabletask", marks=needs_durabletask),
        pytest.param("endpoint", marks=needs_grpc),
    ],
)
def address(request: Any, tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    is_ours = request.param == "endpoint"
    server = endpoint(tmp_path_factory.mktemp("hub")) if is_ours else durable_task_server()
    with server as address:
        yield address


@pytest.fixture
def at(run: Any, project: Path, address: str) -> Any:
    """Run a command line at that server."""
    return lambda *args: run(*args, "--hub", address)


def ended(at: Any, orchestrator: str, instance_id: str, input: str) -> None:
    start = "start", orchestrator, "--instance-id", instance_id, "--input-json", input
    assert at(*start).code == 0
    at("wait", instance_id, "--timeout", "30s")


def test_why_names_the_failed_call_and_its_words(at: Any) -> None:
    ended(at, "failing", "why-1", "null")
    told = json.loads(at("why", "why-1", "-o", "json").out)
    assert told["runtimeStatus"] == "Failed"
    assert "no luck" in json.dumps(told)


def test_diff_finds_the_first_step_that_differs(at: Any) -> None:
    for instance_id, cities in (
        ("diff-1", '["Oslo"]'),
        ("diff-2", '["Oslo"]'),
        ("diff-3", '["Bern"]'),
    ):
        ended(at, "hello_cities", instance_id, cities)
    assert at("diff", "diff-1", "diff-2").code == 0
    assert at("diff", "diff-1", "diff-3").code == 1


def test_a_replay_judges_exactly_and_so_does_the_one_of_all_in_flight(at: Any) -> None:
    at("start", "approval", "--instance-id", "fly-1")
    at("wait", "fly-1", "--until", "customStatus.percent==`50`", "--timeout", "30s")
    ended(at, "hello_cities", "fly-2", '["Oslo"]')
    for which, count in ((["fly-1", "fly-2"], 2), (["--in-flight", "--prefix", "fly"], 1)):
        judged = json.loads(at("replay", *which, "--app", APP, "-o", "json").out)
        assert [(each["verdict"], each["confidence"]) for each in judged] == [
            ("fits", "exact")
        ] * count
    at("raise-event", "fly-1", "Approve")


def test_restart_starts_it_again_and_from_a_step_is_for_local_hubs(at: Any) -> None:
    ended(at, "hello_cities", "again", '["Oslo"]')
    other = json.loads(at("restart", "again", "-o", "json").out)["id"]
    at("wait", other, "--timeout", "30s")
    assert json.loads(at("status", other, "-o", "json").out)["output"] == ["Hello Oslo!"]
    refused = at("restart", "again", "--from", "1")
    assert refused.code == 7
    assert "cannot restart an instance from a step" in refused.err


def test_rewind_runs_the_failed_step_again(at: Any, address: str) -> None:
    ended(at, "flaky_parent", "rewound", f'"{address}"')
    assert at("rewind", "rewound", "--wait", "--timeout", "30s").code == 0
    at("wait", "rewound", "--timeout", "30s")
    assert json.loads(at("status", "rewound", "-o", "json").out)["output"] == "second try"


def test_an_instance_is_imported_with_its_whole_history(at: Any, run: Any, project: Path) -> None:
    ended(at, "hello_cities", "moved", '["Oslo", "Bern"]')
    saved = project / "moved.json"
    saved.write_text(at("history", "moved", "--raw").out)
    (project / "function_app.py").write_text(APP.read_text())
    assert run("import", saved).code == 0
    copy = json.loads(run("status", "moved", "-o", "json").out)
    assert (copy["runtimeStatus"], len(copy["output"])) == ("Completed", 2)
    assert run("diff", saved, "moved").code == 0
