"""What is sent for each verb, what is filtered on this side, and what is refused before anything is
sent.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from recorded_server import KEY, NO_INSTANCES, Reply, reply_json

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.backends.http.requests import base_address
from durablectl.errors import (
    InstanceNotFound,
    NotATaskHub,
    OutcomeUnknown,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.model import FINAL_STATUSES, EntityId, InstanceFilter, RuntimeStatus
from durablectl.taskhub import list_instances

T0 = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
ACCEPTED = Reply(202)
GONE = Reply(404)


def row(id: str = "a", state: str = "Completed", **members: Any) -> dict[str, Any]:
    times = {"createdTime": "2026-01-02T03:04:05Z", "lastUpdatedTime": "2026-01-02T03:04:05Z"}
    return {
        "name": "hello",
        "instanceId": id,
        "runtimeStatus": state,
        "input": 1,
        "customStatus": None,
        "output": None,
        **times,
        **members,
    }


def listed(*rows: dict[str, Any], token: str = "") -> Reply:
    return reply_json(list(rows), x_ms_continuation_token=token)


@pytest.mark.parametrize(
    ("id", "path"),
    [
        ("a b", "a%20b"),
        ("a+b", "a%2Bb"),
        ("50%", "50%25"),
        ("%41", "%2541"),
        ("é:1", "%C3%A9%3A1"),
        ("@c@k", "%40c%40k"),
        ("a~b", "a~b"),
    ],
)
def test_ids_are_encoded_byte_for_byte(id: str, path: str, serve, connect):
    server = serve(reply_json(row(id)))
    connect(server).get_status(id)
    assert server.asked[0].path == f"/instances/{path}"


@pytest.mark.parametrize("id", ["", ".", "..", "\ud800"])
def test_an_id_that_would_be_another_address_is_refused(id: str, serve, connect):
    server = serve(NO_INSTANCES)
    with pytest.raises(UsageError):
        connect(server).purge(id)
    assert server.asked == []


def test_an_id_with_a_slash_is_nowhere(serve, connect):
    server = serve(NO_INSTANCES)
    with pytest.raises(InstanceNotFound, match="no instance 'a/raiseEvent/b'"):
        connect(server).terminate("a/raiseEvent/b")
    assert server.asked == []


@pytest.mark.parametrize(
    ("act", "line", "query", "body"),
    [
        (
            lambda hub: hub.terminate("a", "5 & more + 1"),
            "POST /instances/a/terminate",
            {"reason": "5 & more + 1"},
            b"",
        ),
        (lambda hub: hub.suspend("a"), "POST /instances/a/suspend", {}, b""),
        (lambda hub: hub.resume("a", "go"), "POST /instances/a/resume", {"reason": "go"}, b""),
        (lambda hub: hub.rewind("a", "x"), "POST /instances/a/rewind", {"reason": "x"}, b""),
        (
            lambda hub: hub.raise_event("a", "Paid in full"),
            "POST /instances/a/raiseEvent/Paid in full",
            {},
            b"null",
        ),
        (
            lambda hub: hub.raise_event("a", "x", "\ud83d"),
            "POST /instances/a/raiseEvent/x",
            {},
            rb'"\ud83d"',
        ),
        (
            lambda hub: hub.signal_entity(EntityId("C", "k"), "add", 5),
            "POST /entities/C/k",
            {"op": "add"},
            b"5",
        ),
        (
            lambda hub: hub.signal_entity(EntityId("C", ""), "add"),
            "POST /entities/C",
            {"op": "add"},
            b"",
        ),
        (lambda hub: hub.delete_entity(EntityId("C", "k")), "DELETE /entities/C/k", {}, b""),
        (
            lambda hub: hub.delete_entity(EntityId("C", "")),
            "POST /entities/C",
            {"op": "delete"},
            b"",
        ),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_request_for_a_change(
    act: Callable[[HttpTaskHub], None],
    line: str,
    query: dict[str, str],
    body: bytes,
    serve,
    connect,
):
    server = serve(ACCEPTED)
    act(connect(server, task_hub="My Hub", connection="Storage"))
    asked = server.asked[0]
    assert (asked.line, asked.body) == (line, body)
    assert asked.query == query | {"taskHub": "My Hub", "connection": "Storage"}
    assert asked.headers["x-functions-key"] == KEY
    assert asked.headers.get("content-type") == ("application/json" if body else None)


def test_the_key_is_in_no_address_that_is_asked(serve, connect):
    server = serve(NO_INSTANCES)
    connect(server).list_page(InstanceFilter())
    assert "code" not in server.asked[0].query


def test_the_empty_key_of_an_entity_is_a_dollar_when_reading(serve, connect):
    server = serve(reply_json(None))
    assert connect(server).get_entity(EntityId("c", "")) is None
    assert server.lines == ["GET /entities/c/$"]


def test_a_listing_asks_for_what_the_service_can_filter(serve, connect):
    server = serve(listed())
    cet = timezone(timedelta(hours=1))
    wanted = InstanceFilter(
        frozenset({RuntimeStatus.RUNNING, RuntimeStatus.FAILED}),
        prefix="o-",
        created_from=T0.astimezone(cet),
        created_to=T0 + timedelta(microseconds=500),
    )
    connect(server).list_page(wanted, top=5000, continuation_token="t 1")
    assert server.asked[0].query == {
        "createdTimeFrom": "2026-01-02T03:04:05Z",
        "createdTimeTo": "2026-01-02T03:04:05.0005Z",
        "runtimeStatus": "Failed,Running",
        "instanceIdPrefix": "o-",
        "showInput": "false",
        "top": "1000",
    }
    assert server.asked[0].headers["x-ms-continuation-token"] == "t 1"


@pytest.mark.parametrize(
    "wanted",
    [
        InstanceFilter(name="HELLO"),
        InstanceFilter(updated_from=T0.replace(microsecond=900_000)),
        InstanceFilter(updated_to=T0),
        InstanceFilter(statuses=frozenset({RuntimeStatus.COMPLETED})),
        InstanceFilter(prefix="a"),
    ],
    ids=["name", "updated from", "updated to", "status", "prefix"],
)
def test_a_listing_filters_here_what_the_service_lacks(wanted: InstanceFilter, serve, connect):
    other = row(
        "b",
        "Failed",
        name="other",
        lastUpdatedTime="2026-01-02T03:04:04Z" if wanted.updated_from else "2026-01-02T03:04:06Z",
    )
    page = connect(serve(listed(row(), other, row("@c@k"), token="more"))).list_page(wanted)
    assert [status.instance_id for status in page] == ["a"]
    assert page.continuation_token == "more"


def test_an_unknown_state_is_read_and_not_asked_for(serve, connect):
    server = serve(listed(row(state="Paused"), row("b")))
    page = connect(server).list_page(InstanceFilter(statuses=frozenset({RuntimeStatus.UNKNOWN})))
    assert [status.runtime_status for status in page] == [RuntimeStatus.UNKNOWN]
    assert "runtimeStatus" not in server.asked[0].query


def test_inputs_are_shown_only_when_they_were_asked_for(serve, connect):
    hub = connect(serve(listed(row())))
    assert [
        hub.list_page(InstanceFilter(), show_input=shown).items[0].input for shown in (False, True)
    ] == [None, 1]


def test_a_token_that_leads_back_to_itself_is_noticed(serve, connect):
    with pytest.raises(NotATaskHub, match="repeats the same page"):
        connect(serve(listed(row(), token="t"))).list_page(InstanceFilter(), continuation_token="t")


def test_pages_that_lead_in_circles_are_noticed(serve, connect):
    server = serve(*[listed(row(), token=token) for token in "ABCA"])
    with pytest.raises(NotATaskHub, match="in circles"):
        list(list_instances(connect(server)))
    assert len(server.asked) == 4


@pytest.mark.parametrize("token", ["\u00e9", "a\x7fb"])
def test_a_token_that_no_header_can_hold_is_not_sent_back(token: str, serve, connect):
    server = serve(listed(row(), token=token))
    with pytest.raises(NotATaskHub, match="sent a continuation token that cannot be sent back"):
        connect(server).list_page(InstanceFilter())


@pytest.mark.parametrize(
    "count",
    ["1e999", "-1", "1.5", '"1"', "null", "true", "1" + "0" * 13, "9" * 4000, "[]"],
    ids=lambda count: count[:9],
)
def test_a_count_of_deleted_instances_that_is_not_a_count_is_refused(count: str, serve, connect):
    deleted = Reply(
        200, {"Content-Type": "application/json"}, f'{{"instancesDeleted":{count}}}'.encode()
    )
    with pytest.raises(NotATaskHub, match="'instancesDeleted' is missing or no count"):
        connect(serve(reply_json(row()), deleted)).purge("a")


def test_a_purge_that_reports_more_each_time_ends(serve, connect):
    hub = connect(serve(reply_json({"instancesDeleted": 1000})))
    # ten thousand requests would take a while
    hub._calls.delete = lambda *_args, answer=hub._calls.delete("/instances"): answer
    with pytest.raises(
        NotATaskHub, match="has deleted 10000000 instances and reports more each time"
    ):
        hub.purge_by(created_from=T0, created_to=None, statuses=FINAL_STATUSES)


def test_a_listing_goes_on_over_an_empty_page(serve, connect):
    server = serve(listed(row("a"), token="t"), listed(token="u"), listed(row("b")))
    assert [status.instance_id for status in list_instances(connect(server))] == ["a", "b"]


def test_an_entity_is_not_purged_but_may_be_deleted(serve, connect):
    with pytest.raises(WrongState) as raised:
        connect(serve(reply_json(row("@c@k", "Running")))).purge("@c@k")
    assert raised.value.hint == "durablectl entity delete @c@k"


@pytest.mark.parametrize("status", [413, 414, 431])
def test_a_request_that_is_too_large_is_the_users(status: int, serve, connect):
    with pytest.raises(UsageError, match="too large"):
        connect(serve(Reply(status))).terminate("a", "x" * 1000)


def test_a_page_of_nothing_is_refused(connect):
    with pytest.raises(UsageError, match="too small"):
        connect("http://127.0.0.1").list_page(InstanceFilter(), top=0)


def test_a_running_instance_is_not_purged(serve, connect):
    server = serve(reply_json(row(state="Running")))
    with pytest.raises(
        WrongState, match="instance 'a' is Running: only a finished one can be purged"
    ):
        connect(server).purge("a")
    assert server.lines == ["GET /instances/a"]


def test_a_running_instance_is_not_restarted_under_its_id(serve, connect):
    server = serve(reply_json(row(state="Suspended")))
    with pytest.raises(WrongState, match="is Suspended"):
        connect(server).restart("a", new_id=False)
    assert server.lines == ["GET /instances/a"]


@pytest.mark.parametrize(
    "statuses",
    [set(), {RuntimeStatus.RUNNING}, {RuntimeStatus.COMPLETED, RuntimeStatus.PENDING}],
    ids=["none", "running", "pending"],
)
def test_a_purge_that_would_delete_running_instances_is_refused(
    statuses: set[RuntimeStatus], serve, connect
):
    server = serve(reply_json({"instancesDeleted": 9}))
    with pytest.raises(UsageError, match="only finished instances"):
        connect(server).purge_by(created_from=T0, created_to=None, statuses=frozenset(statuses))
    assert server.asked == []


def test_a_purge_names_its_statuses_and_its_end(serve, connect):
    server = serve(reply_json({"instancesDeleted": 3}))
    assert connect(server).purge_by(created_from=T0, created_to=None, statuses=FINAL_STATUSES) == 3
    assert server.asked[0].query == {
        "createdTimeFrom": "2026-01-02T03:04:05Z",
        "createdTimeTo": "2026-11-02T03:04:05Z",
        "runtimeStatus": "Canceled,Completed,Failed,Terminated",
    }


def test_a_purge_goes_on_where_a_provider_stops_after_a_thousand(serve, connect):
    server = serve(
        reply_json({"instancesDeleted": 1000}),
        reply_json({"instancesDeleted": 1000}),
        GONE,
        NO_INSTANCES,
    )
    assert connect(server).purge_by(created_from=T0, created_to=T0, statuses=FINAL_STATUSES) == 2000
    assert server.lines.count("DELETE /instances") == 3


@pytest.mark.parametrize(
    ("act", "refused", "state"),
    [
        (lambda hub: hub.terminate("a"), Reply(410), "Terminated"),
        (
            lambda hub: hub.suspend("a"),
            reply_json(
                {"Message": "x", "ExceptionMessage": "because instance is in the Suspended state."},
                500,
            ),
            "Suspended",
        ),
        (
            lambda hub: hub.resume("a"),
            reply_json(
                {"Message": "x", "ExceptionMessage": "because instance is in the Running state."},
                500,
            ),
            "Running",
        ),
    ],
    ids=["terminate", "suspend", "resume"],
)
def test_what_a_lost_request_had_done_already_is_no_error(
    act: Callable[[HttpTaskHub], None], refused: Reply, state: str, serve, connect
):
    server = serve(Reply(fault="reset"), refused, reply_json(row(state=state)))
    act(connect(server))
    assert len(server.asked) == 3


def test_a_purge_that_a_lost_request_had_done_counts(serve, connect):
    assert (
        connect(serve(reply_json(row()), Reply(fault="reset"), GONE, NO_INSTANCES)).purge("a") == 1
    )


@pytest.mark.parametrize(
    "act",
    [
        lambda hub: hub.rewind("a"),
        lambda hub: hub.restart("a"),
        lambda hub: hub.signal_entity(EntityId("c", "k"), "add"),
        lambda hub: hub.delete_entity(EntityId("c", "k")),
    ],
    ids=["rewind", "restart", "signal", "delete"],
)
def test_what_must_not_happen_twice_is_not_sent_twice(
    act: Callable[[HttpTaskHub], None], serve, connect
):
    server = serve(Reply(fault="reset"))
    with pytest.raises(OutcomeUnknown) as raised:
        act(connect(server))
    assert (raised.value.hint or "").startswith("durablectl ")
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "reply",
    [
        reply_json(
            {
                "Message": "x",
                "ExceptionMessage": "Rewind is not supported by the underlying storage provider.",
            },
            501,
        ),
        reply_json(
            {
                "Message": "x",
                "ExceptionMessage": "The method RewindAsync is not supported "
                "by the Netherite storage provider.",
            },
            500,
        ),
        Reply(501),
    ],
    ids=["501", "500", "empty"],
)
def test_what_the_provider_lacks_is_unsupported(reply: Reply, serve, connect):
    with pytest.raises(Unsupported):
        connect(serve(reply)).rewind("a")


@pytest.mark.parametrize("status", [409, 410, 412, 501])
def test_a_page_is_not_an_answer_of_the_api_whatever_its_status(status: int, serve, connect):
    page = Reply(status, body=b"<!DOCTYPE HTML><title>Error</title>")
    with pytest.raises(NotATaskHub, match="an HTML page"):
        connect(serve(page)).rewind("a")


@pytest.mark.parametrize(
    ("url", "base"),
    [
        (
            "https://app.azurewebsites.net",
            "https://app.azurewebsites.net/runtime/webhooks/durabletask",
        ),
        (
            "https://app.azurewebsites.net/",
            "https://app.azurewebsites.net/runtime/webhooks/durabletask",
        ),
        (
            "http://localhost:7071/runtime/webhooks/durabletask/",
            "http://localhost:7071/runtime/webhooks/durabletask",
        ),
        ("https://gateway/apps/orders", "https://gateway/apps/orders"),
    ],
)
def test_the_usual_path_is_added_to_an_apps_address(url: str, base: str):
    assert base_address(url) == base


@pytest.mark.parametrize(
    "url",
    [
        "",
        "app.azurewebsites.net",
        "ftp://x",
        "https://",
        "https://a b",
        "https://x:99999",
        "https://[x",
        "https://x/\n",
    ],
)
def test_what_is_no_address_is_refused(url: str):
    with pytest.raises(UsageError, match="is not a URL"):
        base_address(url)


@pytest.mark.parametrize(
    "url", ["https://user:s3cret@app", "https://app?code=s3cret", "https://app/x#s3cret"]
)
def test_secrets_in_an_address_are_refused_unseen(url: str):
    with pytest.raises(UsageError) as raised:
        base_address(url)
    assert "s3cret" not in raised.value.message


def test_a_remote_hub_does_not_know_its_functions(connect, clock):
    hub = connect("http://127.0.0.1")
    hub.pause(3.0)
    assert hub.orchestrators() is None
    assert clock.slept == [3.0]


def test_a_recursive_purge_is_beyond_the_service(serve, connect):
    server = serve(reply_json(row()))
    with pytest.raises(Unsupported, match="cannot purge sub-orchestrations"):
        connect(server).purge("a", recursive=True)
    assert server.lines == []
