"""Who reaches the gRPC endpoint, and what it refuses."""

from __future__ import annotations

import json
import socket
import stat
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from typing import Any

import grpc
import pytest
from durabletask.client import TaskHubGrpcClient
from durabletask.internal import orchestrator_service_pb2 as pb
from tcp_proxy import Proxy, proxy_of

from durablectl.backends.local_address import CONNECTION
from durablectl.errors import UsageError
from durablectl.server.place import MOST_BYTES, Place
from durablectl.server.rpc.clients import Rpc
from durablectl.server.rpc.endpoint import MOST_STREAMS, Endpoint
from durablectl.server.rpc.operations import Operations
from tests.server.rpc.conftest import Served

SERVICE = "/TaskHubSidecarService/"


@pytest.fixture
def guarded(served: Served) -> Iterator[str]:
    """The address of an endpoint with a key, on a port."""
    endpoint = Endpoint(Operations(served.hub), key="secret")
    yield endpoint.start(0)
    endpoint.close()


def refusal(address: str, method: str = "Hello", data: bytes = b"", **metadata: str) -> Any:
    """The status code that a raw call is refused with; None when it is answered."""
    sent = [(name.replace("_", "-"), value) for name, value in metadata.items()]
    with grpc.insecure_channel(address, [("grpc.max_send_message_length", -1)]) as channel:
        try:
            channel.unary_unary(SERVICE + method)(data, metadata=sent, timeout=20)
        except grpc.RpcError as error:
            return error.code()
    return None


def test_only_this_user_may_enter_the_folder_of_the_socket(served: Served) -> None:
    folder = Path(served.address.removeprefix("unix:")).parent
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    served.endpoint.close()
    assert not folder.exists()


def test_without_private_sockets_only_who_was_given_the_token_is_answered(served: Served) -> None:
    rpc = Rpc(served.hub, Place("orders", CONNECTION), has_sockets=False)
    given = json.loads(rpc.binding("http://localhost"))
    address, token = given["rpcBaseUrl"], given["taskHubName"]
    assert address.startswith("127.0.0.1:")
    assert refusal(address) is grpc.StatusCode.UNAUTHENTICATED
    assert refusal(address, taskhub="orders") is grpc.StatusCode.UNAUTHENTICATED
    assert refusal(address, taskhub=token) is None
    with grpc.insecure_channel(address) as channel:
        wait = channel.unary_unary(SERVICE + "WaitForInstanceStart")
        request = pb.GetInstanceRequest(instanceId="any").SerializeToString()
        with pytest.raises(grpc.RpcError) as caught:
            wait(request, timeout=20)
    assert caught.value.code() is grpc.StatusCode.UNAUTHENTICATED
    rpc.close()


def test_a_client_of_another_task_hub_is_refused(served: Served) -> None:
    assert refusal(served.address, taskhub="ORDERS") is None
    assert refusal(served.address, taskhub="others") is grpc.StatusCode.NOT_FOUND


def test_a_key_is_asked_for(guarded: str) -> None:
    assert refusal(guarded) is grpc.StatusCode.UNAUTHENTICATED
    assert refusal(guarded, x_functions_key="wrong") is grpc.StatusCode.UNAUTHENTICATED
    assert refusal(guarded, x_functions_key="secret") is None


def test_a_port_in_use_is_refused(served: Served, guarded: str) -> None:
    with pytest.raises(UsageError, match="cannot listen for gRPC"):
        Endpoint(Operations(served.hub)).start(int(guarded.rpartition(":")[2]))


@pytest.mark.parametrize("method", ["StartInstance", "WaitForInstanceCompletion", "QueryInstances"])
def test_what_is_no_message_is_refused(served: Served, method: str) -> None:
    assert refusal(served.address, method, b"\xff\xff") is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", ["StartInstance", "GetInstance", "WaitForInstanceStart"])
def test_a_request_without_its_id_or_name_is_refused(served: Served, method: str) -> None:
    assert refusal(served.address, method) is grpc.StatusCode.INVALID_ARGUMENT


def test_a_message_over_the_limit_is_refused_and_the_next_is_taken(served: Served) -> None:
    code = refusal(served.address, "StartInstance", bytes(MOST_BYTES + 1))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert refusal(served.address) is None


def test_a_token_of_another_listing_is_refused(served: Served) -> None:
    query = pb.QueryInstancesRequest()
    query.query.continuationToken.value = "not one"
    code = refusal(served.address, "QueryInstances", query.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT


@pytest.mark.parametrize("method", ["CreateTaskHub", "DeleteTaskHub", "GetWorkItems"])
def test_what_is_not_here_is_said_to_be_unavailable(served: Served, method: str) -> None:
    assert refusal(served.address, method) is grpc.StatusCode.UNIMPLEMENTED


def test_data_of_an_event_that_is_not_json_is_refused(served: Served) -> None:
    request = pb.RaiseEventRequest(instanceId="any", name="go")
    request.input.value = "{"
    code = refusal(served.address, "RaiseEvent", request.SerializeToString())
    assert code is grpc.StatusCode.INVALID_ARGUMENT


def test_waits_end_when_the_server_does(served: Served) -> None:
    waiting = served.client.schedule_new_orchestration("waits")
    with grpc.insecure_channel(served.address) as channel:
        request = pb.GetInstanceRequest(instanceId=waiting).SerializeToString()
        future = channel.unary_unary(SERVICE + "WaitForInstanceCompletion").future(request)
        with TaskHubGrpcClient(host_address=served.address) as other:
            other.get_orchestration_state(waiting)
        served.endpoint.close()
        assert future.code() in (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.CANCELLED)


@pytest.fixture
def port(served: Served) -> Iterator[str]:
    """The address of an endpoint on a port."""
    endpoint = Endpoint(Operations(served.hub))
    yield endpoint.start(0)
    endpoint.close()


@pytest.fixture
def proxy(port: str) -> Iterator[Proxy]:
    with proxy_of(int(port.rpartition(":")[2])) as proxy:
        yield proxy


def test_connections_that_break_in_a_stream_leave_room_for_the_next(
    served: Served, port: str, proxy: Proxy
) -> None:
    done = served.client.schedule_new_orchestration("long")
    served.client.wait_for_orchestration_completion(done, timeout=30)
    for _ in range(2 * MOST_STREAMS):
        with TaskHubGrpcClient(host_address=f"127.0.0.1:{proxy.port}") as client:
            proxy.cut_answers_after(10_000)
            with pytest.raises(grpc.RpcError):
                client.get_orchestration_history(done)
    events: list[Any] = []
    with TaskHubGrpcClient(host_address=port) as client:
        while not events:
            with suppress(grpc.RpcError):  # the server may not have heard of the last one yet
                events = client.get_orchestration_history(done)
    assert len(events) > 900


def test_a_connection_that_breaks_in_a_wait_ends_only_that_one(
    served: Served, proxy: Proxy
) -> None:
    waiting = served.client.schedule_new_orchestration("waits")
    with grpc.insecure_channel(f"127.0.0.1:{proxy.port}") as channel:
        request = pb.GetInstanceRequest(instanceId=waiting).SerializeToString()
        future = channel.unary_unary(SERVICE + "WaitForInstanceCompletion").future(request)
        channel.unary_unary(SERVICE + "Hello")(b"")
        proxy.go()
        assert future.code() is grpc.StatusCode.UNAVAILABLE
    served.client.raise_orchestration_event(waiting, "go", data=1)
    state = served.client.wait_for_orchestration_completion(waiting, timeout=20)
    assert state is not None
    assert state.serialized_output == "1"


@pytest.mark.parametrize("size", [10, 24, 40, 60])
def test_who_leaves_in_the_middle_of_a_message_disturbs_no_one(served: Served, size: int) -> None:
    hello = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + bytes(3) + b"\4" + bytes(5)  # and its settings
    half = b"\0\x40\0\0\0\0\0\0\1" + bytes(100)  # a part of a frame of 16 KB
    with socket.socket(socket.AF_UNIX) as client:
        client.connect(served.address.removeprefix("unix:"))
        client.sendall((hello + half)[:size])
    assert refusal(served.address) is None
