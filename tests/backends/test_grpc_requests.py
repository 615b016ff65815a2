"""What a hub over gRPC sends, and what it makes of each status that a server answers with."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import nullcontext
from datetime import UTC, datetime
from typing import Any

import pytest

pytest.importorskip("grpc", reason="grpcio is not installed")
from scripted_grpc import Refuse, ScriptedGrpc, found, instance, scripted_grpc

from durablectl.backends.grpc.failures import NoSuchTaskHub, Place, TokenRefused, trouble_of
from durablectl.backends.grpc.hub import GrpcTaskHub
from durablectl.backends.retry import Pace
from durablectl.errors import (
    AlreadyExists,
    InstanceNotFound,
    KeyRefused,
    NotATaskHub,
    OutcomeUnknown,
    ServiceError,
    Unreachable,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.model import EntityId, IfExists, InstanceFilter, RuntimeStatus
from durablectl.protocol.messages import dapr

T0 = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
PLACE = Place("grpc://h:1", "orders", "K")
COMPLETED, FAILED, SUSPENDED = 1, 3, 7


class Tokens:
    """Hands out a new token after each that was refused."""

    def __init__(self) -> None:
        self.number = 1

    def current(self, seconds: float) -> str:
        return f"token-{self.number}"

    def forget(self) -> None:
        self.number += 1


@pytest.fixture
def server() -> Iterator[ScriptedGrpc]:
    with scripted_grpc() as server:
        yield server


@pytest.fixture
def hub(server: ScriptedGrpc) -> Iterator[GrpcTaskHub]:
    with GrpcTaskHub(server.url) as hub:
        yield hub


def test_each_call_names_hub_client_and_token(server: ScriptedGrpc) -> None:
    server.answers["GetInstance"] = found("a")
    options: dict[str, Any] = {"task_hub": "orders", "token": Tokens(), "headers": {"X-Own": "1"}}
    with GrpcTaskHub(server.url, **options) as hub:
        hub.get_status("a")
    metadata = server.asked[0].metadata
    assert (metadata["taskhub"], metadata["authorization"]) == ("orders", "Bearer token-1")
    assert (metadata["x-own"], metadata["x-user-agent"][:11]) == ("1", "durablectl/")


def test_a_token_that_is_refused_is_replaced_once(server: ScriptedGrpc) -> None:
    server.answers["GetInstance"] = Refuse("UNAUTHENTICATED", "expired")
    with (
        GrpcTaskHub(server.url, token=Tokens(), key_hint="K") as hub,
        pytest.raises(KeyRefused, match="refused the token from K"),
    ):
        hub.get_status("a")
    sent = [each.metadata["authorization"] for each in server.asked]
    assert sent == ["Bearer token-1", "Bearer token-2"]


def test_a_server_that_is_busy_is_asked_again(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    answers = [found("a"), Refuse("RESOURCE_EXHAUSTED", "slow down")]
    server.answers["GetInstance"] = lambda _request: answers.pop()
    assert hub.get_status("a").name == "order"


ONCE: dict[str, tuple[int, Callable[[GrpcTaskHub], object]]] = {
    "RaiseEvent": (0, lambda hub: hub.raise_event("a", "Go")),
    "SuspendInstance": (0, lambda hub: hub.suspend("a")),
    "ResumeInstance": (7, lambda hub: hub.resume("a")),
    "RewindInstance": (3, lambda hub: hub.rewind("a")),
    "RestartInstance": (1, lambda hub: hub.restart("a")),
    "SignalEntity": (0, lambda hub: hub.signal_entity(EntityId("c", "k"), "add")),
}
AGAIN: dict[str, tuple[int, Callable[[GrpcTaskHub], object]]] = {
    "GetInstance": (0, lambda hub: hub.get_status("a")),
    "QueryInstances": (0, lambda hub: hub.list_page(InstanceFilter())),
    "TerminateInstance": (0, lambda hub: hub.terminate("a")),
    "PurgeInstances": (1, lambda hub: hub.purge("a")),
}


@pytest.mark.parametrize("method", [*ONCE, *AGAIN])
def test_only_what_does_no_harm_twice_is_sent_again(server: ScriptedGrpc, method: str) -> None:
    status, act = (ONCE | AGAIN)[method]
    lost = [Refuse("UNAVAILABLE", "Socket closed")]
    usual = {"QueryInstances": {}, method: {}} | {"GetInstance": found("a", status)}
    server.answers |= usual
    server.answers[method] = lambda _request: lost.pop() if lost else usual[method]
    ends = nullcontext() if method in AGAIN else pytest.raises(OutcomeUnknown, match="not sent")
    with GrpcTaskHub(server.url, pace=Pace(sleep=lambda _seconds: None)) as hub, ends:
        act(hub)
    assert server.methods.count(method) == (2 if method in AGAIN else 1)


def test_a_start_sends_everything(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    server.answers |= {"GetInstance": {"exists": False}, "StartInstance": {"instanceId": "a"}}
    hub.start("order", {"n": 1}, instance_id="a", version="2.0")
    sent = server.asked[-1].message
    assert (sent.name, sent.instanceId, sent.input.value, sent.version.value) == (
        "order",
        "a",
        '{"n":1}',
        "2.0",
    )


def replaces_nothing(server: ScriptedGrpc) -> None:
    """Have it refuse every id that is taken, as durabletask-go does."""
    taken = [found("a", COMPLETED)]

    def start(_request: Any) -> Any:
        if taken:
            return Refuse("UNKNOWN", "orchestration instance already exists")
        taken.append(found("a"))
        return {"instanceId": "a"}

    def purge(_request: Any) -> dict[str, Any]:
        taken.clear()
        return {"deletedInstanceCount": 1}

    server.answers["GetInstance"] = lambda _request: taken[0] if taken else {"exists": False}
    server.answers |= {"StartInstance": start, "PurgeInstances": purge}


def test_an_instance_is_purged_where_the_server_does_not_replace_it(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    replaces_nothing(server)
    hub.start("order", instance_id="a", if_exists=IfExists.REPLACE)
    changes = [name for name in server.methods if name != "GetInstance"]
    assert changes == ["StartInstance", "PurgeInstances", "StartInstance"]
    assert hub.get_status("a").runtime_status is RuntimeStatus.RUNNING


def test_the_instance_from_before_is_not_taken_for_the_new_one(server: ScriptedGrpc) -> None:
    replaces_nothing(server)
    refused, answers = server.answers["StartInstance"], [Refuse("CANCELLED")]
    server.answers["StartInstance"] = lambda request: answers.pop() if answers else refused(request)
    with GrpcTaskHub(server.url, pace=Pace(sleep=lambda _seconds: None)) as hub:
        hub.start("order", instance_id="a", if_exists=IfExists.REPLACE)
        assert hub.get_status("a").runtime_status is RuntimeStatus.RUNNING


@pytest.mark.parametrize(
    ("verb", "status"),
    [
        ("suspend", SUSPENDED),
        ("suspend", COMPLETED),
        ("resume", 0),
        ("terminate", FAILED),
        ("rewind", COMPLETED),
        ("purge", 0),
    ],
)
def test_what_the_status_does_not_allow_is_not_sent(
    server: ScriptedGrpc, hub: GrpcTaskHub, verb: str, status: int
) -> None:
    server.answers["GetInstance"] = found("a", status)
    with pytest.raises(WrongState):
        getattr(hub, verb)("a")
    assert server.methods == ["GetInstance"]


@pytest.mark.parametrize("verb", ["suspend", "resume", "terminate", "rewind", "restart", "purge"])
def test_what_is_not_there_is_not_controlled(
    server: ScriptedGrpc, hub: GrpcTaskHub, verb: str
) -> None:
    server.answers["GetInstance"] = {"exists": False}
    with pytest.raises(InstanceNotFound):
        getattr(hub, verb)("a")
    assert server.methods == ["GetInstance"]


def test_a_purge_by_time_is_continued_until_it_is_complete(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    left = [3, 500, 500]

    def purge(_request: Any) -> dict[str, Any]:
        count = left.pop()
        return {"deletedInstanceCount": count, "isComplete": {"value": not left}}

    server.answers["PurgeInstances"] = purge
    statuses = frozenset({RuntimeStatus.COMPLETED})
    assert hub.purge_by(created_from=T0, created_to=None, statuses=statuses) == 1003
    ends = {each.message.purgeInstanceFilter.createdTimeTo.nanos for each in server.asked}
    assert len(ends) == 1  # the end is fixed before the first call


def test_a_purge_that_deletes_nothing_and_does_not_finish_ends(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    server.answers["PurgeInstances"] = {"isComplete": {"value": False}}
    with pytest.raises(ServiceError, match="does not finish"):
        hub.purge_by(created_from=T0, created_to=T0, statuses=frozenset({RuntimeStatus.COMPLETED}))


def test_pages_in_circles_are_not_a_task_hub(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    server.answers["QueryInstances"] = {"continuationToken": {"value": "again"}}
    with pytest.raises(NotATaskHub, match="in circles"):
        hub.list_page(InstanceFilter())


def test_what_the_server_does_not_filter_is_filtered_here(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    rows = [instance("a-1"), instance("b-1"), instance("a-2", COMPLETED), instance("@c@a")]
    server.answers["QueryInstances"] = {"orchestrationState": rows}
    wanted = InstanceFilter(frozenset({RuntimeStatus.RUNNING}), prefix="a-")
    assert [each.instance_id for each in hub.list_page(wanted)] == ["a-1"]
    query = server.asked[-1].message.query
    assert (list(query.runtimeStatus), query.instanceIdPrefix.value) == ([0], "a-")
    assert not query.fetchInputsAndOutputs  # none of these can have an output


def test_a_count_fetches_no_payloads(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    server.answers["QueryInstances"] = {"orchestrationState": [instance("a"), instance("b", 1)]}
    assert hub.counts() == {"Running": 1, "Completed": 1}
    assert not server.asked[-1].message.query.fetchInputsAndOutputs


def test_what_a_server_lacks_is_named(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    with pytest.raises(Unsupported, match="has no QueryInstances"):
        hub.list_page(InstanceFilter())


@pytest.mark.parametrize(
    ("code", "details", "kind"),
    [
        ("UNKNOWN", "an active workflow with ID 'a' already exists", AlreadyExists),
        ("UNKNOWN", "no such instance exists", InstanceNotFound),
        ("UNKNOWN", "Exception calling application: x", ServiceError),
        ("UNKNOWN", "unimplemented", Unsupported),
        ("UNKNOWN", "multi-instance purge is not unimplemented", Unsupported),
        ("NOT_FOUND", "", InstanceNotFound),
        ("FAILED_PRECONDITION", "not failed", WrongState),
        ("INVALID_ARGUMENT", "bad hub", UsageError),
        ("PERMISSION_DENIED", "", KeyRefused),
        ("UNAUTHENTICATED", "", TokenRefused),
        ("UNKNOWN", "Received http2 header with status: 401", TokenRefused),
        ("NOT_FOUND", "Task hub 'orders' was not found", NoSuchTaskHub),
        ("NOT_FOUND", "no instance 'a' in task hub 'orders'", InstanceNotFound),
        ("UNKNOWN", "required metadata dapr-callee-app-id or dapr-app-id not found", Unsupported),
        ("UNAVAILABLE", "Received http2 header with status: 503", Unreachable),
        ("UNKNOWN", "Received http2 header with status: 403", KeyRefused),
        ("UNIMPLEMENTED", "Received http2 header with status: 404", NotATaskHub),
        ("INTERNAL", "Received RST_STREAM with error code 2", Unreachable),
        ("DATA_LOSS", "", ServiceError),
    ],
)
def test_each_status_has_its_error(code: str, details: str, kind: type[Exception]) -> None:
    assert type(trouble_of(PLACE, "GetInstance", code, details).error) is kind


def test_a_text_of_a_server_is_bounded_and_on_one_line() -> None:
    error = trouble_of(PLACE, "GetInstance", "UNKNOWN", "x\n" * 10_000).error
    assert "\n" not in error.message
    assert len(error.message) < 700


def test_a_message_that_cannot_be_read_is_not_a_task_hub(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    server.answers["GetInstance"] = {"exists": True}
    with pytest.raises(NotATaskHub, match="orchestrationState"):
        hub.get_status("a")


def test_a_start_may_be_scheduled_and_tagged(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    server.answers["StartInstance"] = {"instanceId": "a"}
    hub.schedule("order", at=T0, tags={"team": "orders"})
    sent = server.asked[-1].message
    assert sent.scheduledStartTimestamp.seconds == int(T0.timestamp())
    assert dict(sent.tags) == {"team": "orders"}


EVENTS = [
    {"timestamp": {"seconds": 1}, "orchestratorStarted": {}},
    {"executionStarted": {"name": "order"}},
    {"eventId": -1, "orchestratorCompleted": {}},
    {"executionCompleted": {"orchestrationStatus": COMPLETED}},
]


def test_an_end_behind_the_last_episode_is_put_into_it(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    server.answers["GetInstance"] = found("a", COMPLETED)
    server.answers["StreamInstanceHistory"] = [{"events": EVENTS}]
    kinds = [event["type"] for event in hub.raw_history("a")["events"]]
    assert kinds[-2:] == ["ExecutionCompleted", "OrchestratorCompleted"]


def test_a_history_with_unknown_events_is_not_called_complete(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    generic = {"timestamp": {"seconds": 1}, "genericEvent": {"data": {"value": "x"}}}
    server.answers["GetInstance"] = found("a", COMPLETED)
    server.answers["StreamInstanceHistory"] = [{"events": [*EVENTS, generic]}]
    with pytest.raises(Unsupported, match="genericEvent"):
        hub.raw_history("a")


def test_what_dapr_has_in_place_of_a_listing_and_a_history_is_used() -> None:
    with scripted_grpc(dapr()) as server, GrpcTaskHub(server.url) as hub:
        server.answers["ListInstanceIDs"] = {"instanceIds": ["a", "b", "gone"]}
        server.answers["GetInstance"] = lambda request: (
            {"exists": False}
            if request.instanceId == "gone"
            else found(request.instanceId, COMPLETED * (request.instanceId == "a"))
        )
        server.answers["GetInstanceHistory"] = {"events": EVENTS}
        assert [each.instance_id for each in hub.list_page(InstanceFilter())] == ["a", "b"]
        assert hub.counts() == {"Completed": 1, "Running": 1}
        history = hub.get_status("a", show_history=True).history or ()
        assert [event.event_type for event in history] == ["ExecutionStarted", "ExecutionCompleted"]
        with pytest.raises(Unsupported, match="has no QueryEntities"):
            hub.list_entities()


DAPRS_STUBS = {"StreamInstanceHistory": [], "RewindInstance": {}, "GetEntity": {}}
DAPRS_STUBS |= {"QueryEntities": {}, "SignalEntity": {}}


def test_daprs_history_is_not_the_empty_stream_that_it_has_beside_it() -> None:
    with scripted_grpc(dapr()) as server, GrpcTaskHub(server.url) as hub:
        server.answers |= DAPRS_STUBS
        server.answers |= {
            "GetInstance": found("a", FAILED),
            "GetInstanceHistory": {"events": EVENTS},
        }
        assert len(hub.get_status("a", show_history=True).history or ()) == 2


@pytest.mark.parametrize(
    "act",
    [
        lambda hub: hub.rewind("a"),
        lambda hub: hub.get_entity(EntityId("c", "k")),
        lambda hub: hub.list_entities(),
        lambda hub: hub.signal_entity(EntityId("c", "k"), "add"),
        lambda hub: hub.delete_entity(EntityId("c", "k")),
    ],
    ids=["rewind", "get", "list", "signal", "delete"],
)
def test_an_ok_of_dapr_to_what_it_does_not_have_is_not_believed(act: Any) -> None:
    with scripted_grpc(dapr()) as server, GrpcTaskHub(server.url) as hub:
        server.answers |= DAPRS_STUBS
        server.answers |= {
            "GetInstance": found("a", FAILED),
            "QueryInstances": Refuse("UNKNOWN", "unimplemented"),
        }
        with pytest.raises(Unsupported, match="has no"):
            act(hub)


def test_a_pause_ends_with_the_one_instance_that_was_polled(server: ScriptedGrpc) -> None:
    slept: list[float] = []
    server.answers |= {
        "GetInstance": found("a"),
        "WaitForInstanceCompletion": found("a", COMPLETED),
    }
    with GrpcTaskHub(server.url, pace=Pace(sleep=slept.append)) as hub:
        hub.get_status("a")
        hub.pause(3600)
        assert (server.methods[-1], slept) == ("WaitForInstanceCompletion", [])
        hub.get_status("a")  # still Running, it says: the two answers disagree
        hub.pause(3600)
        assert (server.methods[-1], len(slept)) == ("GetInstance", 1)


def test_a_pause_after_several_instances_is_a_sleep(server: ScriptedGrpc) -> None:
    slept: list[float] = []
    server.answers["GetInstance"] = lambda request: found(request.instanceId)
    with GrpcTaskHub(server.url, pace=Pace(sleep=slept.append)) as hub:
        hub.get_status("a")
        hub.get_status("b")
        hub.pause(3600)
    assert (server.methods, len(slept)) == (["GetInstance", "GetInstance"], 1)


def test_a_pause_is_a_sleep_where_the_server_cannot_wait(server: ScriptedGrpc) -> None:
    slept: list[float] = []
    server.answers["GetInstance"] = found("a")
    with GrpcTaskHub(server.url, pace=Pace(sleep=slept.append)) as hub:
        hub.get_status("a")
        hub.pause(3600)
    assert len(slept) == 1


@pytest.mark.parametrize("recursive", [False, True])
def test_terminate_says_whether_the_children_end_too(
    server: ScriptedGrpc, hub: GrpcTaskHub, recursive: bool
) -> None:
    server.answers |= {"GetInstance": found("a"), "TerminateInstance": {}}
    hub.terminate("a", "enough", recursive=recursive)
    asked = server.asked[-1]
    assert (asked.method, asked.message.instanceId) == ("TerminateInstance", "a")
    assert (asked.message.output.value, asked.message.recursive) == ('"enough"', recursive)


class Purging:
    """A server that has deleted nothing yet of what it holds; `kept` it refuses to delete."""

    def __init__(self, server: ScriptedGrpc, statuses: dict[str, int], kept: str = "") -> None:
        self.statuses, self.kept = statuses, kept
        server.answers |= {"GetInstance": self.find, "PurgeInstances": self.purge}

    def find(self, request: Any) -> dict[str, Any]:
        id = request.instanceId
        return found(id, self.statuses[id]) if id in self.statuses else {"exists": False}

    def purge(self, request: Any) -> Any:
        ids = list(request.instanceBatch.instanceIds) or [request.instanceId]
        gone = [each for each in ids if each != self.kept and self.statuses.pop(each, None)]
        if not gone and ids == [self.kept]:
            return Refuse("FAILED_PRECONDITION", "it is locked")
        return {"deletedInstanceCount": len(gone)}


def batches(server: ScriptedGrpc) -> list[int]:
    asked = [each.message for each in server.asked if each.method == "PurgeInstances"]
    return [len(each.instanceBatch.instanceIds) for each in asked]


def test_many_are_purged_500_with_a_call(server: ScriptedGrpc, hub: GrpcTaskHub) -> None:
    ids = [f"i{n}" for n in range(600)]
    Purging(server, dict.fromkeys(ids, COMPLETED) | {"busy": 0})
    done = hub.purge_many([*ids, "busy", "absent", "i0"])
    assert batches(server) == [500, 100]
    assert (set(done[:600]), [type(each) for each in done[600:]]) == (
        {1},
        [WrongState, InstanceNotFound, InstanceNotFound],
    )


def test_a_batch_that_was_not_all_deleted_is_told_id_by_id(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    Purging(server, dict.fromkeys("abc", COMPLETED), kept="b")
    a, b, c = hub.purge_many(["a", "b", "c"])
    assert (a, type(b), c) == (1, WrongState, 1)
    assert batches(server) == [3, 0]


@pytest.mark.parametrize("code", ["UNIMPLEMENTED", "INVALID_ARGUMENT", "NOT_FOUND", "UNKNOWN"])
def test_a_server_without_batches_is_asked_one_by_one(
    server: ScriptedGrpc, hub: GrpcTaskHub, code: str
) -> None:
    held = Purging(server, dict.fromkeys("abc", COMPLETED))
    server.answers["PurgeInstances"] = lambda request: (
        held.purge(request) if request.instanceId else Refuse(code)
    )
    assert list(hub.purge_many(["a", "b", "c"])) == [1, 1, 1]


def test_the_children_of_each_are_counted_one_by_one(
    server: ScriptedGrpc, hub: GrpcTaskHub
) -> None:
    server.answers |= {
        "GetInstance": lambda request: found(request.instanceId, COMPLETED),
        "PurgeInstances": {"deletedInstanceCount": 3},
    }
    assert list(hub.purge_many(["a", "b"], recursive=True)) == [3, 3]
