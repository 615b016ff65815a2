"""Whatever is asked, `serve` never answers with an unhandled error."""

from __future__ import annotations

import http.client
import string

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.server.serving import BASE, RECORDINGS, serving

PIECES = [
    *(
        "instances",
        "orchestrators",
        "entities",
        "raiseEvent",
        "terminate",
        "suspend",
        "resume",
        "rewind",
        "restart",
        "makeprimary",
    ),
    *(
        "echo",
        "sleeper",
        "counter",
        "one",
        "two",
        "%00",
        "%2F",
        "%ff",
        "..",
        "@counter@k",
        "",
        "$",
        "a%20b",
        "x" * 300,
        "+",
        "%C3%A9",
    ),
]
VALUES = [
    "",
    "true",
    "1",
    "-1",
    "0",
    "NaN",
    "Infinity",
    "1e400",
    "99999999999999",
    "Completed",
    "Running,Failed",
    "7",
    "2024-01-01",
    "0001-01-01",
]
VALUES += [
    "9999-12-31T23:59:59Z",
    "9999-12-31T23:59:59-14:00",
    "10:30",
    "garbage",
    "%",
    "%zz",
    "%F0%9F",
    "a,b",
    "2024-02-30",
    "1/1/0001",
    "0.001",
]
NAMES = [
    "timeout",
    "pollingInterval",
    "showInput",
    "showHistory",
    "showHistoryOutput",
    "top",
    "runtimeStatus",
    "createdTimeFrom",
    "createdTimeTo",
]
NAMES += [
    "instanceIdPrefix",
    "reason",
    "op",
    "taskHub",
    "connection",
    "version",
    "restartWithNewInstanceId",
    "fetchState",
    "code",
    "lastOperationTimeFrom",
]
BODIES = [
    b"",
    b"null",
    b"{",
    b"[1",
    b'{"a":1} x',
    b"\xff\xfe",
    b"[" * 5000,
    b'"\\ud800"',
    b"NaN",
    b"{'a':/*c*/1,}",
    b"1" * 5000,
    b"\x00",
    b'"',
    b"\xef\xbb\xbf1",
]

targets = st.builds(
    lambda path, query: (
        "/".join([BASE, *path])
        + ("?" + "&".join(f"{name}={value}" for name, value in query) if query else "")
    ),
    st.lists(
        st.sampled_from(PIECES)
        | st.text(string.ascii_letters + string.digits + "-_.~!*'();:@&=+$,%[]{}|^`", max_size=12),
        max_size=5,
    ),
    st.lists(st.tuples(st.sampled_from(NAMES), st.sampled_from(VALUES)), max_size=4),
)
bodies = st.none() | st.sampled_from(BODIES) | st.binary(max_size=40)
headers = st.dictionaries(
    st.sampled_from(
        [
            "Content-Type",
            "x-ms-continuation-token",
            "x-functions-key",
            "Accept-Encoding",
            "Expect-Nothing",
        ]
    ),
    st.sampled_from(
        [
            "application/json",
            "text/plain",
            "application/json; charset=utf-16",
            "1.2",
            "9" * 40,
            "",
            "a; charset=zlib",
            "\xe9",
        ]
    ),
    max_size=3,
)


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    with serving(tmp_path_factory.mktemp("hub"), app=RECORDINGS / "function_app.py") as server:
        server.ask("POST", "orchestrators/sleeper/one", 60)
        server.ask("POST", "orchestrators/echo/two", 1)
        yield server


@settings(
    max_examples=400,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(
    method=st.sampled_from(["GET", "POST", "DELETE", "PUT", "PATCH", "HEAD", "OPTIONS"]),
    target=targets,
    body=bodies,
    headers=headers,
)
def test_no_request_meets_an_unhandled_error(method, target, body, headers, served):
    connection = http.client.HTTPConnection("127.0.0.1", served.port, timeout=30)
    connection.request(
        method, target.replace("timeout=99999999999999", "timeout=0.1"), body, headers
    )
    answer = connection.getresponse()
    content = answer.read()
    connection.close()
    assert b"Traceback" not in content
    assert b"An unexpected error occurred" not in content, served.errors
    assert answer.status in (200, 202, 400, 404, 405, 409, 410, 412, 500), answer.status
    assert answer.status != 500 or b"ExceptionMessage" in content
