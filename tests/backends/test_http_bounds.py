"""A request takes as long, and an answer is as large, as is allowed: whatever the other side
sends."""

from __future__ import annotations

import gzip
import math
import time
import tracemalloc

import pytest
from raw_server import after, drip, flood, raw_server
from recorded_server import Reply, reply_json

from durablectl.backends.http.transport import Request, Transport
from durablectl.backends.retry import NO_RETRIES, Pace, Settings
from durablectl.errors import NotATaskHub, OutcomeUnknown, Unreachable

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
SLOW = {
    "head": drip(b"H"),
    "headers": after(b"HTTP/1.1 200 OK\r\n", drip(b"X: y\r\n")),
    "continue": drip(b"HTTP/1.1 100 Continue\r\n\r\n"),
    "much to continue": flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100),
    "body": after(HEAD + b"Content-Length: 1000\r\n\r\n", drip(b" ")),
    "chunks": after(CHUNKED, drip(b"1\r\n \r\n")),
    "chunk heads": after(CHUNKED, drip(b"0")),
    "trailers": after(CHUNKED + b"0\r\n", drip(b"X: y\r\n")),
    "redirects": drip(b"HTTP/1.1 302 Found\r\nLocation: /\r\nContent-Length: 0\r\n\r\n", 0.15),
}
ONCE = Pace(NO_RETRIES)


def sent(url: str, timeout: float = 30.0, deadline: float = math.inf, **settings) -> None:
    transport = Transport(url, Settings(timeout=timeout, **settings))
    try:
        transport.send(Request("GET", "/"), deadline)
    finally:
        transport.close()


@pytest.mark.parametrize("talk", SLOW.values(), ids=SLOW)
def test_the_time_of_a_request_is_for_its_whole_answer(talk):
    with raw_server(talk) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable, match=r"no answer from http://127\.0\.0\.1:[0-9]+ in time"):
            sent(server.url, 0.3, pace=ONCE)
        assert time.monotonic() - started < 2.0


def test_a_body_that_nobody_reads_is_sent_no_longer_than_the_time_allows():
    def ignore(connection, ending):
        ending.wait(10)

    with raw_server(ignore) as server:
        transport = Transport(server.url, Settings(timeout=0.3, pace=ONCE))
        started = time.monotonic()
        with pytest.raises(Unreachable, match="in time"):
            transport.send(Request("POST", "/", b"x" * 50_000_000))
        transport.close()
        assert time.monotonic() - started < 2.0


def test_a_deadline_ends_the_request_that_is_under_way_and_sending_again():
    with raw_server(drip(b"H")) as server:
        started = time.monotonic()
        with pytest.raises(Unreachable, match="in time"):
            sent(server.url, deadline=started + 0.3)
        assert time.monotonic() - started < 2.0
        assert len(server.heads) == 1


def test_no_sleep_goes_beyond_the_deadline(serve, clock):
    server = serve(Reply(503))
    with pytest.raises(Unreachable, match="503"):
        sent(server.origin, deadline=1.0, pace=clock.pace)
    assert clock.slept == [0.25, 0.5]


def test_the_longest_time_of_a_request_is_one_that_sockets_take(serve):
    sent(serve(reply_json({})).origin, 100 * 366 * 86400.0)


def packed(value: bytes, layers: int = 1) -> Reply:
    for _ in range(layers):
        value = gzip.compress(value, mtime=0)
    return Reply(
        200,
        {"Content-Type": "application/json", "Content-Encoding": ", ".join(["gzip"] * layers)},
        value,
    )


LARGE = {
    "endless": flood(b"4\r\n[[],\r\n" * 100),
    "large chunks": flood(b"100000\r\n" + b" " * 0x100000 + b"\r\n"),
}


@pytest.mark.parametrize("talk", LARGE.values(), ids=LARGE)
def test_an_endless_answer_is_read_up_to_the_limit(talk):
    with raw_server(after(CHUNKED, talk)) as server:
        with pytest.raises(NotATaskHub, match=r"has more than 0\.1 MB, the limit") as raised:
            sent(server.url, max_response=100_000)
        assert raised.value.hint == (
            "raise the limit with DURABLECTL_MAX_RESPONSE=2GB, or max-response in the context"
        )
        assert len(server.heads) == 1


def test_an_answer_that_announces_too_much_is_not_read():
    with raw_server(after(HEAD + b"Content-Length: 123456789012\r\n\r\n", flood(b" "))) as server:
        with pytest.raises(NotATaskHub, match=r"has 123,456\.8 MB, and the limit is 200 MB"):
            sent(server.url)
        assert len(server.heads) == 1


def test_a_compressed_answer_is_counted_as_it_is_unpacked(serve):
    server = serve(packed(b"[" * 60_000_000))
    tracemalloc.start()
    with pytest.raises(NotATaskHub, match="has more than 2 MB, the limit"):
        sent(server.origin, max_response=2_000_000)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert peak < 12_000_000


def test_a_compressed_answer_is_read(serve, connect):
    status = b'{"name":"n","instanceId":"a","runtimeStatus":"Running","createdTime":"2026-01-01","lastUpdatedTime":"2026-01-01"}'
    assert connect(serve(packed(status))).get_status("a").name == "n"


@pytest.mark.parametrize(
    ("reply", "message"),
    [
        (packed(b"[]", 2), "it is encoded as 'gzip, gzip'"),
        (Reply(200, {"Content-Encoding": "br"}, b"x"), "it is encoded as 'br'"),
        (Reply(200, {"Content-Encoding": "gzip"}, b"no gzip at all"), "it cannot be decompressed"),
        (
            Reply(200, {"Content-Encoding": "gzip"}, gzip.compress(b"x" * 99)[:-12]),
            "its end is missing",
        ),
    ],
    ids=["layers", "other", "none", "cut"],
)
def test_what_cannot_be_unpacked_within_bounds_is_refused(reply: Reply, message: str, serve):
    with pytest.raises(Unreachable, match=f"was cut short or garbled: {message}"):
        sent(serve(reply).origin, pace=ONCE)


def test_only_gzip_is_asked_for(serve, connect):
    server = serve(reply_json([]))
    sent(server.origin)
    assert server.asked[0].headers["accept-encoding"] == "gzip"


def test_a_change_whose_answer_is_too_large_is_not_sent_again(serve):
    server = serve(Reply(202, {}, b"x" * 2_000_000))
    transport = Transport(server.origin, Settings(max_response=1_000_000))
    with pytest.raises(
        OutcomeUnknown,
        match="has 2 MB, and the limit is 1 MB; the request may have been carried out",
    ):
        transport.send(Request("POST", "/", b"1", look="durablectl list"))
    transport.close()
    assert len(server.asked) == 1
