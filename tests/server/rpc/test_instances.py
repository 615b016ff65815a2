"""Clients of the Durable Task SDK manage the instances of a served hub."""

from __future__ import annotations

import asyncio
from contextlib import suppress
from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from durabletask.client import (
    AsyncTaskHubGrpcClient,
    OrchestrationQuery,
    OrchestrationStatus,
)
from durabletask.internal import orchestrator_service_pb2 as pb

from tests.server.rpc.conftest import Served


def code_of(call: Any) -> grpc.StatusCode:
    with pytest.raises(grpc.RpcError) as caught:
        call()
    code: grpc.StatusCode = caught.value.code()
    return code


def completed(served: Served, instance_id: str) -> Any:
    state = served.client.wait_for_orchestration_completion(instance_id, timeout=20)
    assert state is not None
    return state


def running(served: Served, name: str = "waits", **options: Any) -> str:
    """An instance that has begun to wait for an event."""
    instance_id = served.client.schedule_new_orchestration(name, **options)
    served.client.wait_for_orchestration_start(instance_id, timeout=20)
    return instance_id


def test_an_instance_is_started_awaited_and_shown(served: Served) -> None:
    started = served.client.schedule_new_orchestration("echo", input={"a": 1}, instance_id="me")
    state = completed(served, started)
    assert (started, state.runtime_status) == ("me", OrchestrationStatus.COMPLETED)
    assert state.get_output(dict) == {"a": 1}
    assert (
        served.client.get_orchestration_state("me", fetch_payloads=False).serialized_input is None
    )


def test_tags_are_kept(served: Served) -> None:
    tags = {"team": "orders", "ünï": ""}
    started = served.client.schedule_new_orchestration("echo", input=1, tags=tags)
    completed(served, started)
    stub = served.client._stub
    assert (
        stub.GetInstance(pb.GetInstanceRequest(instanceId=started)).orchestrationState.tags == tags
    )
    assert [
        each.tags for each in stub.QueryInstances(pb.QueryInstancesRequest()).orchestrationState
    ] == [tags]
    (chunk,) = stub.StreamInstanceHistory(pb.StreamInstanceHistoryRequest(instanceId=started))
    assert [
        each.executionStarted.tags for each in chunk.events if each.HasField("executionStarted")
    ] == [tags]


def test_a_start_that_replaces_keeps_its_tags_and_its_time(served: Served) -> None:
    running(served, instance_id="taken")
    unfinished = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_RUNNING])
    at = datetime.now(UTC) + timedelta(hours=1)
    served.client.schedule_new_orchestration(
        "echo", instance_id="taken", reuse_id_policy=unfinished, tags={"a": "b"}, start_at=at
    )
    state = served.client._stub.GetInstance(
        pb.GetInstanceRequest(instanceId="taken")
    ).orchestrationState
    assert (dict(state.tags), state.orchestrationStatus) == (
        {"a": "b"},
        pb.ORCHESTRATION_STATUS_PENDING,
    )


def test_an_asynchronous_client_does_the_same(served: Served) -> None:
    async def use() -> Any:
        async with AsyncTaskHubGrpcClient(host_address=served.address) as client:
            started = await client.schedule_new_orchestration("echo", input=5)
            return await client.wait_for_orchestration_completion(started, timeout=20)

    assert asyncio.run(use()).serialized_output == "5"


def test_an_unknown_instance_is_none(served: Served) -> None:
    assert served.client.get_orchestration_state("none") is None
    assert served.client.wait_for_orchestration_completion("none", timeout=20) is None


def test_an_id_in_use_is_refused_and_a_finished_one_is_replaced(served: Served) -> None:
    running(served, instance_id="taken")
    start = served.client.schedule_new_orchestration
    assert code_of(lambda: start("echo", instance_id="taken")) is grpc.StatusCode.ALREADY_EXISTS
    served.client.raise_orchestration_event("taken", "go")
    completed(served, "taken")
    assert start("echo", instance_id="taken") == "taken"


def test_a_policy_says_which_instances_may_be_replaced(served: Served) -> None:
    running(served, instance_id="taken")
    start = served.client.schedule_new_orchestration
    finished = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_COMPLETED])
    unfinished = pb.OrchestrationIdReusePolicy(replaceableStatus=[pb.ORCHESTRATION_STATUS_RUNNING])
    refused = code_of(lambda: start("echo", instance_id="taken", reuse_id_policy=finished))
    assert refused is grpc.StatusCode.ALREADY_EXISTS
    start("echo", input=7, instance_id="taken", reuse_id_policy=unfinished)
    assert completed(served, "taken").serialized_output == "7"


def test_a_start_at_a_time_waits_for_it(served: Served) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1)
    started = served.client.schedule_new_orchestration("echo", input=1, start_at=at)
    state = served.client.get_orchestration_state(started)
    assert state.runtime_status is OrchestrationStatus.PENDING
    completed(served, started)
    assert datetime.now(UTC) >= at


def test_who_waits_for_the_start_of_an_unknown_instance_gets_it(served: Served) -> None:
    async def use() -> Any:
        async with AsyncTaskHubGrpcClient(host_address=served.address) as client:
            waiting = asyncio.create_task(client.wait_for_orchestration_start("later", timeout=20))
            await client.get_orchestration_state("later")
            await client.schedule_new_orchestration("waits", instance_id="later")
            return await waiting

    assert asyncio.run(use()).instance_id == "later"


def test_a_wait_ends_with_its_deadline(served: Served) -> None:
    waiting = running(served)
    with pytest.raises(TimeoutError):
        served.client.wait_for_orchestration_completion(waiting, timeout=0.2)


def test_many_waits_hold_nobody_up(served: Served) -> None:
    async def use() -> list[Any]:
        async with AsyncTaskHubGrpcClient(host_address=served.address) as client:
            ids = [await client.schedule_new_orchestration("waits") for _ in range(100)]
            waits = [client.wait_for_orchestration_completion(each, timeout=60) for each in ids]
            tasks = [asyncio.create_task(each) for each in waits]
            for each in ids:
                await client.raise_orchestration_event(each, "go", data=each)
            return [state.serialized_output for state in await asyncio.gather(*tasks)]

    assert len(set(asyncio.run(use()))) == 100


def test_an_instance_is_suspended_and_resumed(served: Served) -> None:
    waiting = running(served)
    served.client.suspend_orchestration(waiting)
    served.client.suspend_orchestration(waiting)
    served.client.raise_orchestration_event(waiting, "go", data="x")
    served.client.resume_orchestration(waiting)
    assert completed(served, waiting).serialized_output == '"x"'


def test_a_termination_reaches_what_was_called(served: Served) -> None:
    running(served, "parent", instance_id="parent")
    served.client.wait_for_orchestration_start("child", timeout=20)
    served.client.terminate_orchestration("parent", output="enough")
    assert completed(served, "parent").serialized_output == '"enough"'
    assert completed(served, "child").runtime_status is OrchestrationStatus.TERMINATED
    assert completed(served, "child").serialized_output == '"enough"'


@pytest.mark.parametrize("verb", ["raise_orchestration_event", "terminate_orchestration"])
def test_what_is_not_there_is_not_found(served: Served, verb: str) -> None:
    more = ("go",) if verb == "raise_orchestration_event" else ()
    code = code_of(lambda: getattr(served.client, verb)("none", *more))
    assert code is grpc.StatusCode.NOT_FOUND


def test_a_finished_instance_takes_no_event_and_is_terminated_in_silence(served: Served) -> None:
    done = served.client.schedule_new_orchestration("echo")
    completed(served, done)
    served.client.terminate_orchestration(done)
    code = code_of(lambda: served.client.raise_orchestration_event(done, "go"))
    assert code is grpc.StatusCode.FAILED_PRECONDITION


def test_a_failure_is_told_with_its_type(served: Served) -> None:
    failed = completed(served, served.client.schedule_new_orchestration("fails"))
    assert failed.runtime_status is OrchestrationStatus.FAILED
    assert "boom" in failed.failure_details.message


def test_a_failed_instance_is_rewound_and_one_is_restarted(served: Served) -> None:
    failed = served.client.schedule_new_orchestration("fails")
    completed(served, failed)
    served.client.rewind_orchestration(failed)
    completed(served, failed)
    done = served.client.schedule_new_orchestration("echo", input=3)
    completed(served, done)
    again = served.client.restart_orchestration(done, restart_with_new_instance_id=True)
    assert (again != done, completed(served, again).serialized_output) == (True, "3")


def test_instances_are_listed_filtered_and_purged(served: Served) -> None:
    ids = {served.client.schedule_new_orchestration("echo", input=1) for _ in range(5)}
    for each in ids:
        completed(served, each)
    running(served)
    query = OrchestrationQuery(runtime_status=[OrchestrationStatus.COMPLETED], max_instance_count=2)
    assert {each.instance_id for each in served.client.get_all_orchestration_states(query)} == ids
    first = served.client.list_instance_ids(page_size=3)
    rest = served.client.list_instance_ids(page_size=3, continuation_token=first.continuation_token)
    assert {*first.items, *rest.items} == ids
    one, *_ = ids
    assert served.client.purge_orchestration(one).deleted_instance_count == 1
    assert served.client.purge_orchestration("none").deleted_instance_count == 0
    assert served.client.purge_orchestrations_by().deleted_instance_count == 4


def test_the_history_of_an_instance_comes_in_pieces(served: Served) -> None:
    done = served.client.schedule_new_orchestration("long")
    completed(served, done)
    events = served.client.get_orchestration_history(done)
    assert len(events) > 900
    none = code_of(lambda: served.client.get_orchestration_history("none"))
    assert none is grpc.StatusCode.NOT_FOUND


def test_a_history_that_is_cut_off_leaves_room_for_the_next(served: Served) -> None:
    done = served.client.schedule_new_orchestration("long")
    completed(served, done)
    request = pb.StreamInstanceHistoryRequest(instanceId=done)
    for _ in range(10):
        stream = served.client._stub.StreamInstanceHistory(request)
        next(iter(stream))
        stream.cancel()
    events: list[Any] = []
    while not events:
        with suppress(grpc.RpcError):  # the server may not have heard of the last one yet
            events = served.client.get_orchestration_history(done)
    assert len(events) > 900
