"""What goes wrong on the way: met with another attempt where that is safe, told clearly where it is
not.
"""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from recorded_server import HTML, KEY, NO_INSTANCES, RecordedServer, Reply, reply_json

from durablectl.errors import (
    InstanceNotFound,
    KeyRefused,
    NotATaskHub,
    OutcomeUnknown,
    ServiceError,
    Unreachable,
    UsageError,
)
from durablectl.model import InstanceFilter

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
TIMES = {"createdTime": "2026-01-01T00:00:00Z", "lastUpdatedTime": "2026-01-01T00:00:00Z"}
STATUS = reply_json({"name": "hello", "instanceId": "a", "runtimeStatus": "Running", **TIMES})
SILENCE, RESET = Reply(fault="silence"), Reply(fault="reset")
CUT = Reply(STATUS.status, STATUS.headers, STATUS.body, fault="cut")
GARBLED = Reply(200, STATUS.headers, STATUS.body[:20])
BAD_GATEWAY = Reply(502, HTML.headers, HTML.body)
FAULTS = {
    "time-out": SILENCE,
    "reset": RESET,
    "cut": CUT,
    "garbled": GARBLED,
    "500 in HTML": Reply(500, HTML.headers, HTML.body),
    "502": BAD_GATEWAY,
    "503": Reply(503),
    "504": Reply(504),
    "429": Reply(429),
}


DATES = {
    "7": 7.0,
    "Mon, 02 Nov 2026 03:04:14 GMT": 9.0,
    "Mon, 02 Nov 2020 03:04:14 GMT": 0.0,
    "86400": 30.0,
    **dict.fromkeys(
        ["soon", "-1", "²", "Mon, 01 Jan 2026 25:61:61 GMT", "Mon, 02 Nov 2026 03:04:14 +9999"],
        0.25,
    ),
    "Mon, 01 Jan 99999999999999999999 00:00:00 GMT": 0.25,
}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_met_with_another_attempt(fault: Reply, serve, connect, clock):
    hub = connect(serve(fault, STATUS), timeout=0.3 if fault is SILENCE else 30.0)
    assert hub.get_status("a").name == "hello"
    assert clock.slept == [0.25]


@pytest.mark.parametrize(
    ("fault", "error"),
    [("reset", Unreachable), ("cut", Unreachable), ("502", Unreachable), ("429", Unreachable)],
)
def test_a_fault_that_stays_is_told_after_five_attempts(
    fault: str, error: type[Exception], serve, connect, clock
):
    server = serve(FAULTS[fault])
    with pytest.raises(error) as raised:
        connect(server).get_status("a")
    assert type(raised.value) is error
    assert len(server.asked) == 5
    assert clock.slept == [0.25, 0.5, 1.0, 2.0]


@pytest.mark.parametrize(("asked", "slept"), DATES.items())
@pytest.mark.parametrize("status", [429, 503])
def test_retry_after_is_obeyed_within_reason(
    status: int, asked: str, slept: float, serve, connect, clock
):
    connect(serve(Reply(status, {"Retry-After": asked}), STATUS)).get_status("a")
    assert clock.slept == [slept]


def test_a_500_with_the_services_word_is_an_answer(serve, connect):
    server = serve(
        reply_json({"Message": "Something went wrong", "ExceptionMessage": "No luck."}, 500)
    )
    with pytest.raises(ServiceError, match=r"the service failed \(500\): no luck"):
        connect(server).get_status("a")
    assert len(server.asked) == 1


def test_nobody_listens(connect, clock):
    with RecordedServer(lambda _: STATUS) as server:
        pass
    with pytest.raises(Unreachable, match=r"cannot reach http://127\.0\.0\.1"):
        connect(server).get_status("a")
    assert len(clock.slept) == 4


def test_a_host_that_does_not_resolve(connect, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(Unreachable, match=r"the host 'no-such-host\.invalid' cannot be found"):
        connect("http://no-such-host.invalid").get_status("a")


def test_a_self_signed_certificate_is_refused_without_another_attempt(serve, connect, clock):
    with pytest.raises(
        Unreachable,
        match=r"the certificate of 127\.0\.0\.1 is not trusted: "
        r"self-signed",
    ) as raised:
        connect(serve(STATUS, certificate=CERTIFICATE)).get_status("a")
    assert "ca-file" in (raised.value.hint or "")
    assert clock.slept == []


def test_a_self_signed_certificate_that_is_named_is_trusted(serve, connect):
    hub = connect(serve(STATUS, certificate=CERTIFICATE), ca_file=CERTIFICATE)
    assert hub.get_status("a").name == "hello"


@pytest.mark.parametrize("content", [None, "no certificate"], ids=["absent", "empty"])
def test_a_ca_file_that_is_none_is_refused(content: str | None, tmp_path: Path, connect):
    path = tmp_path / "ca.pem"
    if content is not None:
        path.write_text(content)
    with pytest.raises(UsageError, match="cannot use the CA file"):
        connect("https://127.0.0.1", ca_file=path)


def test_plain_http_behind_https_is_told(serve, connect):
    server = serve(STATUS)
    with pytest.raises(Unreachable, match=r"no secure connection to 127\.0\.0\.1"):
        connect(server.origin.replace("http:", "https:")).get_status("a")


def test_a_redirect_within_the_origin_is_followed_when_reading(serve, connect):
    server = serve(Reply(307, {"Location": "/elsewhere"}), STATUS)
    assert connect(server).get_status("a").name == "hello"
    assert [asked.headers["x-functions-key"] for asked in server.asked] == [KEY, KEY]


def test_a_redirect_within_the_origin_is_not_followed_when_changing(serve, connect):
    server = serve(Reply(307, {"Location": "/elsewhere"}), Reply(202))
    with pytest.raises(NotATaskHub, match="redirects to /elsewhere"):
        connect(server).terminate("a")
    assert len(server.asked) == 1


def test_the_key_does_not_follow_a_redirect_to_another_origin(serve, connect):
    other = serve(STATUS)
    server = serve(Reply(302, {"Location": other.base + "/login?secret=1"}))
    with pytest.raises(NotATaskHub, match="the key was not sent there") as raised:
        connect(server).get_status("a")
    assert other.asked == []
    assert "secret" not in raised.value.message


def test_a_redirect_to_https_names_the_address_to_use(serve, connect):
    server = serve(Reply(301, {"Location": "https://127.0.0.1/x"}))
    with pytest.raises(NotATaskHub, match="requires https") as raised:
        connect(server).get_status("a")
    assert raised.value.hint == "use https://127.0.0.1 as the address"


@pytest.mark.parametrize(
    "place",
    ["http://[", "http://a:b:c/", "http://[::1", "//x" * 9000, "/\x7f", "http://\u2100.com"],
)
def test_a_redirect_to_what_is_not_an_address_is_reported(place: str, serve, connect):
    with pytest.raises(NotATaskHub, match="redirects to"):
        connect(serve(Reply(302, {"Location": place.encode().decode("latin-1")}))).get_status("a")


def test_redirects_in_circles_end(serve, connect):
    with pytest.raises(NotATaskHub, match="in circles"):
        connect(serve(Reply(302, {"Location": "/again"}))).get_status("a")


@pytest.mark.parametrize(
    "reply",
    [
        HTML,
        Reply(404, HTML.headers, HTML.body),
        Reply(200),
        reply_json({"hello": 1}),
        reply_json([1]),
        reply_json("x"),
        Reply(204),
        Reply(405),
    ],
    ids=["page", "404 page", "empty", "other object", "list", "text", "no content", "method"],
)
def test_what_does_not_answer_like_the_api_is_no_task_hub(reply: Reply, serve, connect):
    with pytest.raises(NotATaskHub):
        connect(serve(reply)).get_status("a")


def test_empty_404s_everywhere_are_no_task_hub(serve, connect):
    with pytest.raises(NotATaskHub, match="there is no Durable Functions API at"):
        connect(serve(Reply(404))).get_status("a")


def test_only_the_first_404_is_looked_into(serve, connect):
    server = serve(lambda asked: NO_INSTANCES if asked.path == "/instances" else Reply(404))
    hub = connect(server, task_hub="Orders")
    for name in ("a", "b"):
        with pytest.raises(InstanceNotFound, match=f"no instance '{name}' in task hub 'Orders'"):
            hub.get_status(name)
    assert server.lines == ["GET /instances/a", "GET /instances", "GET /instances/b"]


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (Reply(401), r"refuses the key \(401\)"),
        (
            Reply(401, {"WWW-Authenticate": "Bearer realm=x"}),
            "requires a token in addition to the key",
        ),
        (Reply(403), "does not allow this with the given key"),
        (Reply(403, HTML.headers, HTML.body), r"refuses access \(403\)"),
    ],
    ids=["key", "login", "level", "site"],
)
def test_a_refused_key_is_told_and_not_shown(reply: Reply, message: str, serve, connect):
    server = serve(reply)
    with pytest.raises(KeyRefused, match=message) as raised:
        connect(server).list_page(InstanceFilter())
    assert KEY not in raised.value.message + str(raised.value.hint)
    assert len(server.asked) == 1


def test_a_missing_key_is_told_with_where_it_comes_from(serve, connect):
    with pytest.raises(KeyRefused, match="requires a key") as raised:
        connect(serve(Reply(401)), key=None, key_hint="ORDERS_KEY").get_status("a")
    assert raised.value.hint == (
        "the key comes from ORDERS_KEY; the app requires its system key "
        "'durabletask_extension' (or its master key)"
    )


@pytest.mark.parametrize("proxy", ["", "proxy:8080", "gopher://u:s3cret@proxy"])
def test_a_proxy_that_is_none_is_refused_unseen(proxy: str, connect):
    with pytest.raises(UsageError, match="the proxy's address cannot be used") as raised:
        connect("http://127.0.0.1", proxy=proxy).get_status("a")
    assert "s3cret" not in raised.value.message


def test_requests_go_through_the_proxy(serve, connect):
    server = serve(STATUS)
    assert connect("http://app.example", proxy=server.origin).get_status("a").name == "hello"
    assert server.asked[0].headers["host"] == "app.example"


@pytest.mark.parametrize("key", ["two\nlines", " k", "clé"])
def test_a_key_that_no_header_can_hold_is_refused_unseen(key: str, connect):
    with pytest.raises(UsageError) as raised:
        connect("http://127.0.0.1", key=key)
    assert key not in raised.value.message + str(raised.value.hint)


@pytest.mark.parametrize("fault", ["time-out", "reset", "502", "503"])
def test_an_event_is_not_sent_twice(fault: str, serve, connect):
    server = serve(FAULTS[fault])
    with pytest.raises(OutcomeUnknown, match="may have been carried out") as raised:
        connect(server, timeout=0.3).raise_event("a", "Paid", 1)
    assert raised.value.hint == "durablectl history a shows whether the event arrived"
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "refused", [Reply(429), Reply(503, {"Retry-After": "1"})], ids=["429", "503 with Retry-After"]
)
def test_an_event_is_sent_again_when_it_was_surely_not_taken(refused: Reply, serve, connect):
    server = serve(refused, Reply(202))
    connect(server).raise_event("a", "Paid", 1)
    assert len(server.asked) == 2


def test_many_threads_share_a_hub(serve, connect):
    hub = connect(serve(STATUS))
    with ThreadPoolExecutor(8) as threads:
        names = list(threads.map(lambda _: hub.get_status("a").name, range(40)))
    assert names == ["hello"] * 40


def test_closing_twice_is_fine(serve, connect):
    hub = connect(serve(STATUS))
    hub.get_status("a")
    hub.close()
    hub.close()
