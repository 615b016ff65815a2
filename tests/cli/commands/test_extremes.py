"""What a person may ask for at the extremes: it is taken, or refused as a usage error before
anything is sent.
"""

from __future__ import annotations

import json
import time

import pytest
from recorded_server import RecordedServer, Reply
from scripted_server import status

MOMENTS = ["0001-01-01", "9999-12-31T23:59:59", "9999-12-31T23:59:59.999999Z"]
TAKEN = [
    *(
        f"list --{option} {moment}"
        for option in ("created-after", "updated-before")
        for moment in MOMENTS
    ),
    "list --limit 99999999999999999999",
    "list --sort name --limit 99999999999999999999",
    "entity list --limit 99999999999999999999",
    "terminate --status Running --limit 99999999999999999999 --yes",
    "list --stuck 36500d",
    "list --created-after 36500d",
    "list --request-timeout 36500d",
    "list --request-timeout 0.5s",
    "drain --timeout 36500d",
    "drain --interval 36500d",
]
LONG, DEEP = "1" * 5000, "[" * 3000
REFUSED = [
    "list --created-after 0001-01-01T00:00:00+01:00",
    "list --updated-before 9999-12-31T23:59:59-01:00",
    "list --created-after 0000-01-01",
    "list --created-before 10000-01-01",
    "list --created-after 740000d",
    f"list --created-after {LONG}d",
    "list --stuck 1e309",
    "list --request-timeout 1e309",
    "list --request-timeout 0",
    "list --request-timeout -1s",
    "wait a --timeout 1e309",
    f"wait a --timeout {LONG}",
    "wait a --timeout -1",
    "wait a --interval 1e309",
    "wait a --interval 0",
    "drain --interval NaN",
    "watch --interval inf",
    *(f"list --limit {number}" for number in ("0", "-1", "1e309", "NaN", "1.5", LONG)),
    *(
        f"terminate a --yes --rate {number}"
        for number in ("0", "-1", "NaN", "inf", "1e309", "1e-400", "1/s", LONG)
    ),
    *(f"terminate a --yes --concurrency {number}" for number in ("0", "-1", "1e309", "65")),
    *(f"list --where {text}" for text in (LONG, DEEP, "a[" * 2000)),
    *(f"list --query {text}" for text in (LONG, DEEP)),
    *(f"wait a --until {text}" for text in (LONG, DEEP)),
    *(f"start hello --input-json {text}" for text in ("1e400", "NaN", LONG, DEEP, '"\\ud800')),
    *(f"raise-event a Go --input-json {text}" for text in ("-1e999", "Infinity")),
]


@pytest.fixture(params=["UTC", "Asia/Tokyo", "America/Los_Angeles"])
def zone(request, monkeypatch):
    """The machine's own zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


def shown(line: str) -> str:
    return line[:60]


@pytest.mark.usefixtures("zone")
@pytest.mark.parametrize("line", TAKEN, ids=shown)
def test_the_first_and_the_last_there_is_are_taken(remote, server, line):
    server.on("GET", "/entities", (200, []))
    code, _, err = remote(*line.split())
    assert (code, "unexpected" in err) == (0, False), err


@pytest.mark.parametrize("line", REFUSED, ids=shown)
def test_what_is_beyond_is_a_usage_error_and_nothing_is_sent(remote, server, line):
    code, out, err = remote(*line.split())
    assert (code, out, server.asked) == (2, "", []), err
    assert "unexpected" not in err


def test_a_query_that_divides_too_large_numbers_does_not_fit(remote, server):
    server.on("GET", "/instances/a", (200, status("a", output=[1e308] * 20)))
    code, _, err = remote("status", "a", "--query", "floor(avg(output))")
    assert (code, "does not fit" in err) == (2, True)


@pytest.mark.parametrize("form", ["json", "jsonl"])
def test_a_number_that_json_cannot_hold_is_shown_as_the_largest_it_can(run, form):
    body = json.dumps(status("a", output=["+", "-"]))
    body = body.replace('"+"', "1e400").replace('"-"', "-1e999")
    reply = Reply(200, {"Content-Type": "application/json"}, body.encode())
    with RecordedServer(lambda _asked: reply) as server:
        code, out, err = run("status", "a", "-o", form, "--hub", server.origin)
    assert code == 0, err
    shown = json.loads(out, parse_constant=pytest.fail)
    assert shown["output"] == [1.7976931348623157e308, -1.7976931348623157e308]
