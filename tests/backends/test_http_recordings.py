"""Every answer that the real service once gave is read as what it means."""

from __future__ import annotations

import json
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any
from urllib.parse import unquote

import pytest
from recorded_server import KEY, NO_INSTANCES, NOTHING, Asked, Reply, Step, reply_json, steps

from durablectl import errors, wire
from durablectl.backends.http.hub import HttpTaskHub
from durablectl.model import (
    FINAL_STATUSES,
    CheckStatusPayload,
    EntityId,
    InstanceFilter,
    InstanceStatus,
    RuntimeStatus,
)

STEPS = steps()
FINISHED = reply_json(
    {
        "name": "x",
        "instanceId": "x",
        "runtimeStatus": "Completed",
        "createdTime": "2026-01-01T00:00:00Z",
        "lastUpdatedTime": "2026-01-01T00:00:00Z",
    }
)
READS = ("get_status", "list_page", "get_entity", "list_entities")
NOT_SENT = (
    "returnInternalServerErrorOnFailure",
    "showHistory",
    "timeout",
    "pollingInterval",
    "lastOperationTimeFrom",
)
REFUSED: dict[tuple[str, int], type[errors.DurablectlError]] = {
    ("start", 400): errors.UsageError,
    ("start", 404): errors.Unsupported,
    ("start", 409): errors.AlreadyExists,
    ("start", 500): errors.ServiceError,
    ("get_status", 200): errors.NotATaskHub,
    ("get_status", 404): errors.InstanceNotFound,
    ("get_status", 500): errors.ServiceError,
    ("list_page", 500): errors.ServiceError,
    ("raise_event", 400): errors.UsageError,
    ("raise_event", 404): errors.InstanceNotFound,
    ("raise_event", 410): errors.WrongState,
    ("terminate", 404): errors.InstanceNotFound,
    ("terminate", 410): errors.WrongState,
    ("suspend", 404): errors.InstanceNotFound,
    ("suspend", 410): errors.WrongState,
    ("suspend", 500): errors.WrongState,
    ("resume", 404): errors.InstanceNotFound,
    ("resume", 410): errors.WrongState,
    ("resume", 500): errors.WrongState,
    ("rewind", 404): errors.InstanceNotFound,
    ("rewind", 412): errors.WrongState,
    ("restart", 400): errors.InstanceNotFound,
    ("restart", 409): errors.WrongState,
    ("purge", 404): errors.InstanceNotFound,
    ("purge", 412): errors.WrongState,
    ("purge_by", 400): errors.UsageError,
    ("get_entity", 404): errors.EntityNotFound,
    ("signal_entity", 400): errors.UsageError,
}


def verb_of(step: Step) -> str:
    """The method of the hub that reads such an answer; for an address that is none, the one that
    comes nearest."""
    kind, _, rest = step.path.strip("/").lower().partition("/")
    operation = rest.partition("/")[2].partition("/")[0]
    match step.method, kind, rest, operation:
        case "POST", "orchestrators", _, _:
            waits = [
                float(step.query.get(name, "nan").replace("soon", "nan"))
                for name in ("timeout", "pollingInterval")
            ]
            return "create_and_wait" if waits[1] <= waits[0] else "start"
        case "POST", "instances", _, "terminate" | "suspend" | "resume" | "rewind" | "restart":
            return operation
        case "POST", "instances", _, "raiseevent":
            return "raise_event"
        case "DELETE", "instances", _, _:
            return "purge" if rest else "purge_by"
        case "GET", "instances", "", _:
            return "list_page"
        case "GET", "entities", _, _:
            return "get_entity" if operation else "list_entities"
        case "POST", "entities", _, _:
            return "signal_entity"
        case "DELETE", "entities", _, _:
            return "delete_entity"
    return "get_status"


def call(hub: HttpTaskHub, verb: str, step: Step) -> Any:
    """Ask the hub for what the step asked for."""
    _, *names = step.path.strip("/").split("/")
    first, second = [*names, "x", "x"][:2]
    flag = {name: text == "true" for name, text in step.query.items()}
    token = step.headers.get("x-ms-continuation-token")
    match verb:
        case "start":
            return hub.start(first, [1], instance_id=second if len(names) > 1 else None)
        case "create_and_wait":
            waits = {
                "timeout": float(step.query["timeout"]),
                "interval": float(step.query["pollingInterval"]),
            }
            return hub.create_and_wait(
                first, [1], instance_id=second if len(names) > 1 else None, **waits
            )
        case "get_status":
            shown = {
                "show_history": flag.get("showHistory", False),
                "show_history_output": flag.get("showHistoryOutput", False),
            }
            return hub.get_status(first, show_input=flag.get("showInput", True), **shown)
        case "list_page":
            options = {
                "show_input": flag.get("showInput", True),
                "top": int(step.query.get("top", 100)),
                "continuation_token": token,
            }
            return hub.list_page(filter_of(step), **options)
        case "raise_event":
            return hub.raise_event(first, names[2] if len(names) > 2 else "x", 1)
        case "restart":
            return hub.restart(first, new_id=flag.get("restartWithNewInstanceId", True))
        case "purge":
            return hub.purge(first)
        case "purge_by":
            times = [time_of(step.query.get(name)) for name in ("createdTimeFrom", "createdTimeTo")]
            return hub.purge_by(
                created_from=times[0] or datetime(2020, 1, 1, tzinfo=UTC),
                created_to=times[1],
                statuses=statuses_of(step) or FINAL_STATUSES,
            )
        case "get_entity":
            return hub.get_entity(EntityId(first, second))
        case "list_entities":
            options = {
                "fetch_state": flag.get("fetchState", False),
                "top": int(step.query.get("top", 100)),
                "continuation_token": token,
            }
            return hub.list_entities(first if names else None, **options)
        case "signal_entity":
            return hub.signal_entity(EntityId(first, second), step.query["op"], 1)
        case "delete_entity":
            return hub.delete_entity(EntityId(first, second))
    return getattr(hub, verb)(first, step.query.get("reason"))


def time_of(text: str | None) -> datetime | None:
    return wire.time_from_text(text) if text and text[:1].isdigit() else None


def statuses_of(step: Step) -> frozenset[RuntimeStatus]:
    return frozenset(
        map(wire.runtime_status, filter(None, step.query.get("runtimeStatus", "").split(",")))
    )


def filter_of(step: Step) -> InstanceFilter:
    times = {
        "created_from": time_of(step.query.get("createdTimeFrom")),
        "created_to": time_of(step.query.get("createdTimeTo")),
    }
    prefix = step.query.get("instanceIdPrefix", "")
    return InstanceFilter(statuses_of(step), prefix=prefix, include_entities=True, **times)


def shown(verb: str, step: Step, result: Any) -> tuple[Any, Any]:
    """What the hub's method returned, and what it should have, both as JSON in the service's
    words."""
    recorded = None if step.json is NOTHING else step.json
    match verb:
        case "list_page":
            return [wire.status_to_json(status) for status in result], recorded
        case "list_entities":
            return [wire.entity_to_json(entity) for entity in result], [
                entity
                | {"lastOperationTime": entity["lastOperationTime"].replace("1234567Z", "123456Z")}
                for entity in step.json
            ]
        case "purge" | "purge_by":
            return result, 0 if recorded is None else recorded["instancesDeleted"]
        case "create_and_wait" if not wire.is_status(recorded) and step.status == 200:
            return [result.runtime_status.value, result.output], ["Completed", recorded]
    match result:
        case InstanceStatus():
            return wire.status_to_json(result), recorded
        case CheckStatusPayload():
            return wire.payload_to_json(result), recorded
    return result, recorded


def error_of(verb: str, step: Step) -> type[errors.DurablectlError] | None:
    """The error that a recorded answer means; None when it is not one."""
    if (
        verb == "signal_entity"
        and step.json is not NOTHING
        and "doesn't exist" in step.json["Message"]
    ):
        return errors.FunctionNotFound
    if wire.is_status(step.json) or (verb, step.status) == ("purge_by", 404):
        return None
    return REFUSED.get((verb, step.status))


def played(step: Step, verb: str) -> Callable[[Asked], Reply]:
    """Answers the request that `verb` is about as recorded, and looks before and after it with what
    lets that request through."""
    is_open = [verb in READS]

    def answer(asked: Asked) -> Reply:
        if asked.method != "GET" or is_open[0]:
            is_open[0] = False
            return step.reply
        if asked.path == "/instances":
            return NO_INSTANCES
        return FINISHED if verb in ("purge", "restart") else Reply(404)

    return answer


@pytest.mark.parametrize("step", STEPS, ids=[f"{step.scenario}-{step.name}" for step in STEPS])
def test_every_recorded_answer_is_read_as_what_it_means(step: Step, serve, connect):
    verb = verb_of(step)
    hub = connect(serve(played(step, verb)))
    if (error := error_of(verb, step)) is not None:
        with pytest.raises(error) as raised:
            call(hub, verb, step)
        assert type(raised.value) is error
        assert KEY not in str(raised.value.message) + str(raised.value.hint)
    else:
        returned, recorded = shown(verb, step, call(hub, verb, step))
        assert json.dumps(returned) == json.dumps(recorded)


@pytest.mark.parametrize(
    "step",
    [step for step in STEPS if step.status < 300 and step.path != "/makeprimary"],
    ids=lambda step: f"{step.scenario}-{step.name}",
)
def test_requests_are_those_that_were_answered(step: Step, serve, connect):
    verb = verb_of(step)
    path = step.path.lower().rstrip("/")
    server = serve(played(step, verb))
    call(
        connect(
            server, task_hub=step.query.get("taskHub"), connection=step.query.get("connection")
        ),
        verb,
        step,
    )
    asked = (
        server.asked[0]
        if verb in READS
        else next(asked for asked in server.asked if asked.method != "GET")
    )
    assert (asked.method, unquote(asked.path).lower()[: len(path)]) == (step.method, path)
    assert {name: asked.query.get(name) for name in step.query if name not in NOT_SENT} == {
        name: text for name, text in step.query.items() if name not in NOT_SENT
    }


@pytest.mark.parametrize(
    "step",
    [step for step in STEPS if "token" in step.answer_headers.get("x-ms-continuation-token", "")],
    ids=lambda step: step.name,
)
def test_a_recorded_page_that_is_not_the_last_has_a_token(step: Step, serve, connect):
    page = call(connect(serve(played(step, verb_of(step)))), verb_of(step), step)
    assert page.continuation_token == step.answer_headers["x-ms-continuation-token"]
