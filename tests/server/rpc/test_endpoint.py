"""Who reaches the gRPC endpoint, and what it refuses."""

from __future__ import annotations

import json
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest
from durabletask.client import TaskHubGrpcClient
from durabletask.internal import orchestrator_service_pb2 as pb

from durablectl.backends.local_address import CONNECTION
from durablectl.errors import UsageError
from durablectl.server.place import MOST_BYTES, Place
from durablectl.server.rpc.clients import Rpc
from durablectl.server.rpc.endpoint import Endpoint
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
    socket = Path(served.address.removeprefix("unix:"))
    assert stat.S_IMODE(socket.parent.stat().st_mode) == 0o700
    served.endpoint.close()
    assert not socket.parent.exists()


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
