"""The official Python client (azure-functions-durable 1.x) does all that it can against `serve`."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta

import azure.functions as func
import pytest
from azure.durable_functions import DurableOrchestrationClient, EntityId, OrchestrationRuntimeStatus
from azure.durable_functions.models.utils import http_utils

from tests.clients.conftest import binding

REQUEST = func.HttpRequest("POST", "http://example.org/api/start", body=b"")


@asynccontextmanager
async def connected(served) -> AsyncIterator[DurableOrchestrationClient]:
    try:
        yield DurableOrchestrationClient(json.dumps(binding(served, rpc=True)))
    finally:
        await http_utils._close_session()


async def until(client, instance_id, *states):
    end = time.monotonic() + 20
    while True:
        status = await client.get_status(instance_id)
        if status and status.runtime_status is not None and status.runtime_status.value in states:
            return status
        assert time.monotonic() < end, f"{instance_id} never becomes {states}"
        await asyncio.sleep(0.01)


def run(served, scenario):
    """Run a coroutine function that takes the client."""

    async def connect():
        async with connected(served) as client:
            return await scenario(client)

    return asyncio.run(connect())


@pytest.mark.parametrize(
    "given",
    [["Oslo"], {"a": [1, None]}, 7, "text", '{"a": 1}'],
    ids=["list", "object", "number", "text", "json"],
)
def test_an_input_reaches_the_orchestrator_as_it_was_given(given, served):
    async def scenario(client):
        return (
            await until(
                client, await client.start_new("echo", client_input=given), "Completed", "Failed"
            )
        ).output

    assert run(served, scenario) == given


def test_an_event_is_waited_for_with_all_steering(served):
    async def scenario(client):
        await client.start_new("approval", "py-b")
        await until(client, "py-b", "Running")
        await client.suspend("py-b", "a while")
        await until(client, "py-b", "Suspended")
        await client.resume("py-b", "go on")
        await until(client, "py-b", "Running")
        await client.raise_event("py-b", "Approve", {"ok": [True]})
        return (await until(client, "py-b", "Completed")).output

    assert run(served, scenario) == {"ok": [True]}


def test_who_has_ended_cannot_be_told_anything(served):
    async def scenario(client):
        await client.start_new("sleeper", "py-s", 60)
        await until(client, "py-s", "Running")
        await client.terminate("py-s", "5 minutes late")
        status = await until(client, "py-s", "Terminated")
        await client.terminate("py-s", "again")
        with pytest.raises(Exception, match="is gone"):
            await client.raise_event("py-s", "Approve", 1)
        with pytest.raises(Exception, match="No instance"):
            await client.raise_event("py-absent", "Approve", 1)
        with pytest.raises(Exception, match="No instance"):
            await client.suspend("py-absent", "x")
        return status.output

    assert run(served, scenario) == 5  # of a reason the service shows the first JSON token


def test_a_failed_instance_is_rewound_and_restarted(served):
    async def scenario(client):
        await client.start_new("flaky", "py-f", "py-f")
        await until(client, "py-f", "Failed")
        await client.rewind("py-f", "mended")
        output = (await until(client, "py-f", "Completed")).output
        again = await client.restart("py-f")
        return output, (
            await until(client, again if isinstance(again, str) else again["id"], "Completed")
        ).output

    assert run(served, scenario) == ("second try", "second try")


def test_waiting_answers_with_the_output_or_with_addresses(served):
    async def scenario(client):
        await client.start_new("hello_cities", "py-w", ["Oslo"])
        await client.start_new("sleeper", "py-l", 60)
        wait = client.wait_for_completion_or_create_check_status_response
        return await wait(REQUEST, "py-w", 5000, 50), await wait(REQUEST, "py-l", 100, 50)

    done, late = run(served, scenario)
    assert (done.status_code, json.loads(done.get_body())) == (200, ["Hello Oslo!"])
    assert (late.status_code, json.loads(late.get_body())["statusQueryGetUri"]) == (
        202,
        late.headers["Location"],
    )
    assert late.headers["Location"].startswith(
        "http://example.org/runtime/webhooks/durabletask/instances/py-l?taskHub=local"
    )


def test_listing_and_purging_find_the_same_instances(served):
    async def scenario(client):
        since = datetime.now(UTC) - timedelta(seconds=5)
        for name in ("py-p1", "py-p2", "py-p3"):
            await client.start_new("throwing", name)
            await until(client, name, "Failed")
        failed = [OrchestrationRuntimeStatus.Failed]
        listed = [
            found.instance_id for found in await client.get_status_by(since, None, failed, "py-p")
        ]
        one = await client.purge_instance_history("py-p1")
        none = await client.purge_instance_history("py-p1")
        rest = await client.purge_instance_history_by(since, None, failed)
        return (
            listed,
            one.instances_deleted,
            none.instances_deleted,
            rest.instances_deleted >= 2,
            bool(await client.get_status("py-p2")),
        )

    assert run(served, scenario) == (["py-p1", "py-p2", "py-p3"], 1, 0, True, False)


def test_an_entity_is_signalled_and_read(served):
    async def scenario(client):
        counter = EntityId("counter", "py-k")
        before = await client.read_entity_state(counter)
        await client.signal_entity(counter, "add", 5)
        end = time.monotonic() + 20
        while not (state := await client.read_entity_state(counter)).entity_exists:
            assert time.monotonic() < end
            await asyncio.sleep(0.01)
        return before.entity_exists, state.entity_state

    assert run(served, scenario) == (False, 5)


def test_the_history_comes_with_outputs_when_they_are_asked_for(served):
    async def scenario(client):
        await until(client, await client.start_new("hello_cities", "py-h", ["Oslo"]), "Completed")
        return (await client.get_status("py-h", True, True, True)).historyEvents

    kinds = [event["EventType"] for event in run(served, scenario)]
    assert kinds == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
