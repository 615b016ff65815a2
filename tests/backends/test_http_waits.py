"""Waiting on a service that does not answer as it should: asked again where that may help, on time,
and given up where it does not.
"""

from __future__ import annotations

import socket
import ssl
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import httpx
import pytest
from recorded_server import HTML, NO_INSTANCES, RecordedServer, Reply, reply_json

from durablectl.backends.http.transport import trouble_of
from durablectl.errors import (
    BadAddress,
    DurablectlError,
    InstanceNotFound,
    NotATaskHub,
    Unreachable,
    WaitTimeout,
)

CERTIFICATE = Path(__file__).with_name("self_signed.pem")
TIMES = {"createdTime": "2026-01-01T00:00:00Z", "lastUpdatedTime": "2026-01-01T00:00:00Z"}
RUNNING, COMPLETED = (
    reply_json({"name": "hello", "instanceId": "a", "runtimeStatus": status, **TIMES})
    for status in ("Running", "Completed")
)
SILENCE, MISSING = Reply(fault="silence"), Reply(404)
FAULTS = {
    "reset": Reply(fault="reset"),
    "cut": Reply(RUNNING.status, RUNNING.headers, RUNNING.body, fault="cut"),
    "429": Reply(429),
    "429 with a date": Reply(429, {"Retry-After": "20"}),
    "502": Reply(502),
    "503": Reply(503),
    "504": Reply(504, HTML.headers, HTML.body),
}


@pytest.fixture
def closed() -> str:
    """An address at which nothing listens."""
    with RecordedServer(lambda _: RUNNING) as server:
        pass
    return server.base


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_fault_is_asked_again_until_the_time_out_which_tells_it(fault, serve, connect, clock):
    with pytest.raises(WaitTimeout, match=r"timed out after 50 s: .*http://127\.0\.0\.1") as raised:
        connect(serve(fault)).wait_for_completion("a", timeout=50)
    assert isinstance(raised.value.__cause__, Unreachable)
    assert clock() == pytest.approx(50, abs=1)


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_service_that_never_answers_is_given_up_after_a_minute(fault, serve, connect, clock):
    with pytest.raises(Unreachable):
        connect(serve(fault)).wait_for_completion("a")
    assert clock() == pytest.approx(60, abs=1)


def test_nobody_listens_for_a_minute(closed, connect, clock):
    with pytest.raises(Unreachable, match=r"cannot reach [^\[]*$"):
        connect(closed).wait_for_completion("a")
    assert clock() == pytest.approx(60, abs=1)


def test_a_service_that_comes_up_in_time_is_waited_for(serve, connect, clock):
    assert connect(serve(*[Reply(503)] * 20, RUNNING, COMPLETED)).wait_for_completion("a").is_final
    assert 20 < clock() < 60


def test_an_unknown_host_ends_the_wait_at_once(connect, clock, monkeypatch):
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"):
        monkeypatch.delenv(name, raising=False)
    with pytest.raises(BadAddress, match=r"the host 'no-such-host\.invalid' cannot be found"):
        connect("http://no-such-host.invalid").wait_for_completion("a", timeout=50)
    assert clock.slept == []


@pytest.mark.parametrize(
    ("cause", "lasts"),
    [
        (socket.gaierror(socket.EAI_NONAME, "unknown"), True),
        (socket.gaierror(socket.EAI_AGAIN, "try again"), False),
        (ssl.SSLEOFError(8, "EOF occurred"), False),
        (ConnectionRefusedError(111, "refused"), False),
    ],
    ids=["unknown name", "name server away", "cut off in the handshake", "refused"],
)
def test_only_what_may_pass_is_worth_asking_again(cause, lasts):
    error = httpx.ConnectError(str(cause))
    error.__cause__ = cause
    trouble = trouble_of("https://hub.example", error)
    assert (isinstance(trouble.error, BadAddress), trouble.temporary) == (lasts, not lasts)


@pytest.mark.parametrize("reply", [HTML, MISSING, reply_json([1])], ids=["page", "404", "list"])
def test_what_is_not_the_api_ends_the_wait_at_once(reply, serve, connect, clock):
    with pytest.raises(NotATaskHub):
        connect(serve(reply)).wait_for_completion("a", timeout=50)
    assert clock.slept == []


def test_a_server_that_speaks_no_http_ends_the_wait_at_once(connect, clock):
    with socket.create_server(("127.0.0.1", 0)) as listener, ThreadPoolExecutor() as pool:

        def greet() -> None:
            with listener.accept()[0] as peer:
                peer.recv(4096)
                peer.sendall(b"220 mail.example ESMTP\r\n\r\n")

        greeting = pool.submit(greet)
        with pytest.raises(NotATaskHub, match="answers, but not in HTTP"):
            connect(f"http://127.0.0.1:{listener.getsockname()[1]}").wait_for_completion(
                "a", timeout=50
            )
        greeting.result()
    assert clock.slept == []


@pytest.mark.parametrize(
    "options", [{}, {"url": "https"}], ids=["certificate", "plain HTTP behind https"]
)
def test_a_connection_that_is_not_trusted_ends_the_wait_at_once(options, serve, connect, clock):
    server = serve(RUNNING) if options else serve(RUNNING, certificate=CERTIFICATE)
    with pytest.raises(BadAddress):
        connect(server.base.replace("http:", "https:")).wait_for_completion("a", timeout=50)
    assert clock.slept == []


def hides(missing: int):
    """A service that shows the instance, then not for so many requests, then shows it again,
    completed in the end.
    """
    replies = [RUNNING, RUNNING, *[MISSING] * missing, RUNNING, COMPLETED]
    return lambda asked: (
        NO_INSTANCES
        if asked.path == "/instances"
        else replies.pop(0)
        if len(replies) > 1
        else replies[0]
    )


def test_one_404_of_an_instance_that_was_seen_is_asked_again(serve, connect):
    assert connect(serve(hides(1))).wait_for_completion("a").is_final


def test_two_404s_of_an_instance_that_was_seen_say_what_it_was(serve, connect):
    with pytest.raises(InstanceNotFound, match="instance 'a' was Running, is gone: purged\\?"):
        connect(serve(hides(2))).wait_for_completion("a")


def test_an_instance_that_was_just_started_may_be_shown_a_little_later(serve, connect):
    started = reply_json({"id": "a", "statusQueryGetUri": "http://127.0.0.1/instances/a"}, 202)
    replies = [started, MISSING, MISSING, COMPLETED]
    hub = connect(
        serve(lambda asked: NO_INSTANCES if asked.path == "/instances" else replies.pop(0))
    )
    assert hub.create_and_wait("hello", timeout=300, interval=1).is_final


@pytest.mark.parametrize("answers", [[SILENCE], [RUNNING, SILENCE]], ids=["never", "not again"])
def test_a_time_out_ends_a_request_that_is_under_way(answers, serve, connect):
    hub = connect(serve(*answers), pace=None, timeout=30)
    started = time.monotonic()
    with pytest.raises(WaitTimeout, match="no answer from"):
        hub.wait_for_completion("a", timeout=0.5)
    assert time.monotonic() - started < 5


def test_what_a_hub_is_allowed_goes_for_all_requests_of_a_call_together(serve, connect, clock):
    server = serve(Reply(503))
    with pytest.raises(DurablectlError):
        connect(server).within(2).get_status("a")
    assert clock.slept == [0.25, 0.5, 1.0]
