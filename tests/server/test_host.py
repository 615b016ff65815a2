"""What host.json says of starts: which instances a start with their id replaces."""

from __future__ import annotations

import json
from concurrent.futures import ThreadPoolExecutor

import pytest

from tests.server.serving import AZURE, OWN, serving

APP = """
app = df.DFApp(http_auth_level=func.AuthLevel.ANONYMOUS)

@app.route(route="go/{id}")
@app.durable_client_input(client_name="client")
async def go(req: func.HttpRequest, client):
    return await client.start_new("Waits", req.route_params["id"], req.get_json())

@app.orchestration_trigger(context_name="context")
def Waits(context):
    return [context.get_input(), (yield context.wait_for_external_event("Go"))]

@app.orchestration_trigger(context_name="context")
def Works(context):
    return (yield context.call_activity("slow", 1))

@app.activity_trigger(input_name="n")
async def slow(n):
    import asyncio
    await asyncio.sleep(60)
"""
GO = {"Content-Type": "application/json"}


def served(tmp_path, states, names=OWN):
    (tmp_path / "function_app.py").write_text(names + APP)
    durable = {} if states is None else {"overridableExistingInstanceStates": states}
    (tmp_path / "host.json").write_text(json.dumps({"extensions": {"durableTask": durable}}))
    return serving(tmp_path)


def running(server, instance_id, given):
    return server.until(
        f"instances/{instance_id}",
        lambda _status, body: (
            (body["runtimeStatus"], str(body["input"])) == ("Running", str(given))
        ),
    )


@pytest.mark.parametrize("states", [None, "NonRunningStates"])
def test_a_running_instance_keeps_its_id(tmp_path, states):
    with served(tmp_path, states) as server:
        assert [server.ask("POST", "orchestrators/Waits/w", given)[0] for given in (1, 2)] == [
            202,
            409,
        ]
        assert running(server, "w", 1)


@pytest.mark.parametrize("names", [AZURE, OWN], ids=["azure", "durablectl"])
def test_any_state_lets_a_start_replace_a_running_instance(tmp_path, names):
    with served(tmp_path, "AnyState", names) as server:
        server.ask("POST", "orchestrators/Waits/w", 1)
        running(server, "w", 1)
        assert server.ask("POST", "orchestrators/Waits/w", 2)[0] == 202
        running(server, "w", 2)
        assert server.ask("POST", "/api/go/w", 3) == (200, "w")
        running(server, "w", 3)
        assert server.ask("POST", "instances/w/suspend")[0] == 202
        assert server.ask("POST", "orchestrators/Waits/w", 4)[0] == 202
        server.ask("POST", "instances/w/raiseEvent/Go", "on", GO)
        assert server.finished("w")["output"] == [4, "on"]


def test_any_state_lets_a_restart_replace_a_running_instance(tmp_path):
    with served(tmp_path, "anystate") as server:
        server.ask("POST", "orchestrators/Waits/w", {"n": 1})
        running(server, "w", {"n": 1})
        status, links = server.ask("POST", "instances/w/restart?restartWithNewInstanceId=false")
        assert (status, links["id"]) == (202, "w")
        assert running(server, "w", {"n": 1})


def test_a_replaced_instance_leaves_its_work_behind(tmp_path):
    with served(tmp_path, "AnyState") as server:
        server.ask("POST", "orchestrators/Works/w")
        running(server, "w", None)
        server.ask("POST", "orchestrators/Waits/w", 1)
        server.ask("POST", "instances/w/raiseEvent/Go", "on", GO)
        assert server.finished("w")["output"] == [1, "on"]


def test_starts_of_one_id_at_the_same_time_all_succeed(tmp_path):
    with served(tmp_path, "AnyState") as server, ThreadPoolExecutor(8) as several:
        answers = list(
            several.map(lambda n: server.ask("POST", "orchestrators/Waits/w", n)[0], range(16))
        )
        assert answers == [202] * 16
        server.ask("POST", "instances/w/raiseEvent/Go", "on", GO)
        assert server.finished("w")["output"][1] == "on"
