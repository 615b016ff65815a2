"""A start that was asked for once starts once, whatever happens on the way."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from recorded_server import KEY, NO_INSTANCES, Asked, Reply, reply_json

from durablectl.errors import (
    AlreadyExists,
    FunctionNotFound,
    OutcomeUnknown,
    UsageError,
    WaitTimeout,
)
from durablectl.model import CheckStatusPayload, IfExists, InstanceStatus, RuntimeStatus

RESET = Reply(fault="reset")
ACCEPTED = Reply(202)


def started(id: str) -> Reply:
    return reply_json({"id": id, "statusQueryGetUri": f"https://app/instances/{id}"}, 202)


def status(
    id: str,
    state: str = "Completed",
    *,
    name: str = "hello",
    input: Any = None,
    created: str = "01",
) -> Reply:
    time = f"2026-01-01T00:00:{created}Z"
    members = {
        "name": name,
        "instanceId": id,
        "runtimeStatus": state,
        "input": input,
        "output": None,
    }
    return reply_json({**members, "createdTime": time, "lastUpdatedTime": time})


class Service:
    """A hub of one instance: `looks` are the answers to looking it up, one after the other,
    `starts` those to starting it.
    """

    def __init__(self, looks: list[Reply | None], starts: list[Reply]) -> None:
        self.looks, self.starts = looks, starts

    def __call__(self, asked: Asked) -> Reply:
        if asked.path == "/instances":
            return NO_INSTANCES
        if asked.path.endswith("/terminate"):
            return ACCEPTED
        replies: list[Any] = self.looks if asked.method == "GET" else self.starts
        return (replies.pop(0) if len(replies) > 1 else replies[0]) or Reply(404)


Hub = Callable[..., tuple[Any, list[Asked]]]


@pytest.fixture
def hub(serve, connect) -> Hub:
    def make(
        looks: list[Reply | None], starts: list[Reply], **options: Any
    ) -> tuple[Any, list[Asked]]:
        server = serve(Service(looks, starts))
        return connect(server, **options), server.asked

    return make


def posts(asked: list[Asked]) -> list[str]:
    return [each.path for each in asked if each.method == "POST"]


def test_an_id_of_32_hex_digits_is_made_on_the_client(hub):
    remote, asked = hub([None], [started("x")])
    remote.start("hello", {"a": 1})
    assert [each.method for each in asked] == ["POST"]
    assert asked[0].path.startswith("/orchestrators/hello/")
    assert len(asked[0].path.rpartition("/")[2]) == 32
    assert asked[0].body == b'{"a":1}'


def test_no_input_is_no_body(hub):
    remote, asked = hub([None], [started("a")])
    remote.start("hello", instance_id="a", version="2.0")
    assert (asked[-1].body, asked[-1].headers["content-length"], asked[-1].query) == (
        b"",
        "0",
        {"version": "2.0"},
    )


@pytest.mark.parametrize(
    "lost",
    [RESET, Reply(502), Reply(202, {"Content-Type": "application/json"}, b'{"id":')],
    ids=["reset", "502", "cut"],
)
def test_a_start_whose_answer_was_lost_is_found_and_not_sent_again(lost: Reply, hub):
    remote, asked = hub([None, status("a", "Pending")], [lost], task_hub="Orders")
    payload = remote.start("hello", instance_id="a")
    assert posts(asked) == ["/orchestrators/hello/a"]
    assert payload == remote.check_status("a")


def test_a_slow_start_is_waited_for_before_it_is_sent_again(hub, clock):
    remote, asked = hub([None, None, None, status("a")], [RESET])
    remote.start("hello", instance_id="a")
    assert len(posts(asked)) == 1
    assert clock.slept == [0.5, 1.0]


def test_a_start_that_was_lost_on_the_way_is_sent_again(hub):
    remote, asked = hub([None], [RESET, started("a")])
    assert remote.start("hello", instance_id="a").id == "a"
    assert len(posts(asked)) == 2


def test_a_conflict_after_a_lost_answer_is_the_start_itself(hub):
    remote, _ = hub(
        [None],
        [
            RESET,
            reply_json(
                {"Message": "An Orchestration instance with the status Running already exists."},
                409,
            ),
        ],
    )
    assert remote.start("hello", instance_id="a").id == "a"


def test_a_start_that_is_always_lost_is_told(hub):
    remote, asked = hub([None], [RESET])
    with pytest.raises(OutcomeUnknown) as raised:
        remote.start("hello", instance_id="a")
    assert raised.value.hint == "durablectl status a shows whether it was started"
    assert len(posts(asked)) == 3


@pytest.mark.parametrize("state", ["Running", "Completed"])
def test_an_id_that_is_taken_is_not_started(state: str, hub):
    remote, asked = hub([status("a", state)], [started("a")])
    with pytest.raises(AlreadyExists, match=f"instance 'a' is already there \\({state}\\)"):
        remote.start("hello", instance_id="a")
    assert posts(asked) == []


def test_attach_goes_on_with_the_same_start(hub):
    remote, asked = hub([status("a", name="HELLO", input={"n": 1.0})], [started("a")])
    assert remote.start(
        "hello", {"n": 1}, instance_id="a", if_exists=IfExists.ATTACH
    ) == remote.check_status("a")
    assert posts(asked) == []


@pytest.mark.parametrize(("name", "input"), [("other", 1), ("hello", True), ("hello", {"n": 1})])
def test_attach_refuses_another_start(name: str, input: Any, hub):
    remote, _ = hub([status("a", name="hello", input=1)], [started("a")])
    with pytest.raises(AlreadyExists, match="but"):
        remote.start(name, input, instance_id="a", if_exists=IfExists.ATTACH)


def test_attach_starts_what_is_not_there(hub):
    remote, asked = hub([None], [started("a")])
    assert remote.start("hello", instance_id="a", if_exists=IfExists.ATTACH).id == "a"
    assert len(posts(asked)) == 1


def test_attach_meets_another_client(hub):
    remote, _ = hub(
        [None, status("a", "Running")], [reply_json({"Message": "already exists"}, 409)]
    )
    assert remote.start("hello", instance_id="a", if_exists=IfExists.ATTACH).id == "a"


def test_replace_ends_a_running_instance_first(hub):
    remote, asked = hub(
        [status("a", "Running"), status("a", "Running"), status("a", "Terminated")], [started("a")]
    )
    remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE)
    assert posts(asked) == ["/instances/a/terminate", "/orchestrators/hello/a"]


CONFLICT = reply_json({"Message": "already exists"}, 409)


def test_replace_deletes_a_finished_instance_that_the_service_does_not_replace(hub):
    deleted = reply_json({"instancesDeleted": 1})
    remote, asked = hub([status("a")], [CONFLICT, deleted, started("a")])
    assert remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE).id == "a"
    assert [each.method for each in asked if each.method != "GET"] == ["POST", "DELETE", "POST"]


def test_replace_deletes_no_instance_that_another_client_has_started(hub):
    remote, asked = hub([status("a"), status("a", "Running", created="09")], [CONFLICT])
    with pytest.raises(AlreadyExists, match="already exists") as raised:
        remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE)
    assert "--if-exists attach" in raised.value.hint
    assert "DELETE" not in [each.method for each in asked]


def test_replace_does_not_take_the_old_instance_for_the_new_one(hub):
    remote, asked = hub([status("a")], [RESET, started("a")])
    remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE)
    assert posts(asked) == ["/orchestrators/hello/a"] * 2


def test_replace_finds_the_new_instance_after_a_lost_answer(hub):
    remote, asked = hub([status("a"), status("a", created="09")], [RESET])
    remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE)
    assert posts(asked) == ["/orchestrators/hello/a"]


def test_replace_starts_nothing_when_the_old_instance_does_not_end(hub):
    remote, asked = hub([status("a", "Running")], [started("a")])
    with pytest.raises(WaitTimeout):
        remote.start("hello", instance_id="a", if_exists=IfExists.REPLACE)
    assert posts(asked) == ["/instances/a/terminate"]


@pytest.mark.parametrize(
    "id",
    [
        "",
        "x" * 257,
        "@a@b",
        "a/b",
        "a\\b",
        "a?b",
        "a#b",
        "a\tb",
        "a\nb",
        "a\x85b",
        "a\ud800",
        ".",
        "..",
    ],
)
def test_an_id_that_a_new_instance_must_not_have_is_refused(id: str, hub):
    remote, asked = hub([None], [started("a")])
    with pytest.raises(UsageError, match="the instance id"):
        remote.start("hello", instance_id=id)
    assert asked == []


@pytest.mark.parametrize("input", [float("nan"), {1, 2}, object()], ids=["NaN", "set", "object"])
def test_an_input_that_json_cannot_hold_is_refused(input: Any, hub):
    remote, asked = hub([None], [started("a")])
    with pytest.raises(UsageError, match="not a JSON value"):
        remote.start("hello", input)
    assert asked == []


def test_an_unknown_function_is_told_with_the_known_ones(hub):
    text = (
        "The function 'helo' doesn't exist, is disabled, or is not an orchestrator function. "
        "Additional info: The following are the known"
    )
    fault = {
        "Message": "One or more of the arguments submitted is incorrect",
        "ExceptionMessage": f"{text} orchestrator functions: 'hello', 'bye'.",
    }
    remote, _ = hub([None], [reply_json(fault, 400)])
    with pytest.raises(FunctionNotFound, match="no function 'helo'") as raised:
        remote.start("helo")
    assert raised.value.hint == "available: 'hello', 'bye'"


def test_create_and_wait_returns_the_output_of_a_completed_instance(hub):
    remote, asked = hub([None], [reply_json(["Hello"])])
    result = remote.create_and_wait("hello", instance_id="a", timeout=10, interval=0.5)
    assert (result.instance_id, result.runtime_status, result.output) == (
        "a",
        RuntimeStatus.COMPLETED,
        ["Hello"],
    )
    assert asked[-1].query == {"timeout": "10", "pollingInterval": "0.5"}


@pytest.mark.parametrize(
    ("timeout", "interval"), [(1, 2), (float("nan"), 1), (float("inf"), 1), (5, -1)]
)
def test_create_and_wait_refuses_what_the_service_refuses_only_after_starting(
    timeout: float, interval: float, hub
):
    remote, asked = hub([None], [started("a")])
    with pytest.raises(UsageError, match="must not be longer than"):
        remote.create_and_wait("hello", timeout=timeout, interval=interval)
    assert asked == []


def test_create_and_wait_polls_where_a_request_would_last_too_long(hub):
    remote, asked = hub([None, status("a", "Running"), status("a", "Failed")], [started("a")])
    result = remote.create_and_wait("hello", instance_id="a", timeout=600, interval=2)
    assert isinstance(result, InstanceStatus)
    assert result.runtime_status is RuntimeStatus.FAILED
    assert [each.query["timeout"] for each in asked if each.method == "POST"] == ["200"]


def test_create_and_wait_goes_on_waiting_after_a_lost_answer(hub):
    remote, asked = hub([None, status("a", "Running"), status("a")], [RESET])
    assert remote.create_and_wait("hello", instance_id="a", timeout=5, interval=1).is_final
    assert len(posts(asked)) == 1


def test_create_and_wait_ends_with_the_payload(hub):
    remote, _ = hub([None, status("a", "Running")], [RESET])
    assert remote.create_and_wait(
        "hello", instance_id="a", timeout=5, interval=1
    ) == remote.check_status("a")


def test_a_payload_of_our_own_holds_the_key_and_its_repr_does_not_leak_elsewhere(hub):
    remote, _ = hub([None], [started("a")], task_hub="Orders")
    payload = remote.check_status("a")
    assert isinstance(payload, CheckStatusPayload)
    assert payload.status_query_get_uri == f"{remote.address}/instances/a?taskHub=Orders&code={KEY}"
    assert KEY not in repr(remote) + remote.address
