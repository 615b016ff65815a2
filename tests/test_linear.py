"""What comes from a hub, a client or an app is read in a time that grows with its length: a hostile
text holds nobody up.
"""

from __future__ import annotations

import contextlib
import io
from datetime import UTC, datetime, timedelta

import pytest
from growth import is_linear

from durablectl.backends.http.responses import refusal
from durablectl.backends.http.transport import Answer
from durablectl.backends.remote import Place
from durablectl.explanation.steps import execution_of, waits_of
from durablectl.history.timeline import steps
from durablectl.model import HistoryEvent, InstanceStatus, RuntimeStatus
from durablectl.redaction import redact
from durablectl.render.output import Output
from durablectl.render.sanitize import defuse, safe
from durablectl.render.terminal.displays import waiting_display
from durablectl.server.auth import Access
from durablectl.server.newtonsoft_json import NotJson, parse, parse_first
from durablectl.server.query import Query, moment_from_text
from durablectl.server.templates import parse_template
from durablectl.wire import exact_time_to_text

T0 = datetime(2026, 1, 1, tzinfo=UTC)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def event(kind, seconds, **members):
    return HistoryEvent(kind, at(seconds), members)


def read(body):
    for reader in (parse, parse_first):
        with contextlib.suppress(NotJson):
            reader(body)


def explained(kinds):
    history = tuple(kinds)
    status = InstanceStatus("order", "a", RuntimeStatus.RUNNING, T0, T0, history=history)
    return waits_of(status, execution_of(status))


class Screen(io.StringIO):
    def isatty(self):
        return True


@pytest.mark.parametrize("stderr", [io.StringIO, Screen], ids=["lines", "a live display"])
def test_the_statuses_of_a_wait_are_shown_in_linear_time(stderr):
    def show(statuses):
        out = Output(io.StringIO(), stderr(), environ={"TERM": "xterm"})
        with waiting_display(out, [each.instance_id for each in statuses]) as watcher:
            for each in statuses * 2:
                watcher(each)

    def started(count):
        return [InstanceStatus("o", f"i{n}", RuntimeStatus.RUNNING, T0, T0) for n in range(count)]

    assert is_linear(show, started)


BODIES = {
    "escaped quotes and brackets after a value": lambda n: '1 "' + '\\"' * n + "[" * 65,
    "an open string and brackets": lambda n: '["' + '\\"' * n + "[" * 65,
    "a string in single quotes": lambda n: "'" + "\\'" * n + "a" * n + "'",
    "an open comment": lambda n: "/*" * n,
    "comments": lambda n: "/**/" * n + "//\n" * n + " " * n + "1",
    "runs of digits": lambda n: "[" + ("9" * 299 + ",") * (n // 100) + "1]",
    "a number of many digits": lambda n: "9" * n,
    "a hexadecimal number": lambda n: "0x" + "f" * n,
    "brackets": lambda n: "[" * n,
    "many small values": lambda n: "[" + "[{a:1}]," * (n // 5) + "]",
}


@pytest.mark.parametrize("body", BODIES.values(), ids=BODIES)
def test_a_body_is_read_in_linear_time(body):
    assert is_linear(read, body)


def told(text):
    place = Place("https://x.example", "Orders", has_key=False)
    return refusal(place, Answer(500, {}, is_json=True, value={"Message": text}), place.absent("a"))


def number(text):
    return Query(f"timeout={text}").seconds("timeout")


two_parts = parse_template("{first}-{second}-{third}.json").match
VALUES = {
    "a number in a query": (number, lambda n: "1" * n + "x"),
    "a number with a point in a query": (
        lambda text: Query(f"timeout={text}").seconds("timeout"),
        lambda n: "1," * n + "." + "1" * n + "x",
    ),
    "a moment": (moment_from_text, lambda n: "2026-01-01" + " " * n + "x"),
    "a time": (moment_from_text, lambda n: "1:00:00." + "9" * n + " " * n + "x"),
    "a path of a route with several parameters": (
        lambda text: two_parts([text]),
        lambda n: "-" * n,
    ),
    "a host": (lambda text: Access().refusal({"host": text}, ""), lambda n: ".localhost" * n + "x"),
    "an error about a storage provider": (told, lambda n: "not supported by the " * n),
    "an error about an instance": (told, lambda n: "instanceId " * n),
    "an error about functions": (
        told,
        lambda n: "function 'a' doesn't exist known entity functions:" + "'" * n,
    ),
    "empty lines in a CI log": (
        lambda text: defuse(safe(text), ci=True),
        lambda n: "\n" * n + " :: ",
    ),
    "blanks in a CI log": (lambda text: defuse(safe(text), ci=True), lambda n: " \n  " * n),
    "places of keys": (
        redact,
        lambda n: (
            "://" * n + "bearer " * n + "?code=" * n + "accountkey = " * n + "authorization: " * n
        ),
    ),
}


@pytest.mark.parametrize(("call", "text"), VALUES.values(), ids=VALUES)
def test_a_text_is_read_in_linear_time(call, text):
    assert is_linear(call, text)


def failed(begin, end):
    return event(
        "TaskFailed",
        end,
        FunctionName="pay",
        Reason="no",
        ScheduledTime=exact_time_to_text(at(begin)),
    )


def timer(kind, seconds, fire):
    return event(kind, seconds, FireAt=exact_time_to_text(at(fire)))


HISTORIES = {
    "failures": lambda n: [failed(i, i + 1) for i in range(n)],
    "failures and timers that do not fire": lambda n: (
        [failed(0, i) for i in range(n)] + [timer("TimerCreated", n, 10 * n) for _ in range(n)]
    ),
    "failures that are tried again together": lambda n: [
        *(failed(0, 1) for _ in range(n)),
        *(timer("TimerCreated", 2, 3) for _ in range(n)),
        *(timer("TimerFired", 3, 3) for _ in range(n)),
        *(failed(4, 5) for _ in range(n)),
    ],
    "timers that fire in the other order": lambda n: [
        *(timer("TimerCreated", 0, i) for i in range(n)),
        *(timer("TimerFired", n, i) for i in reversed(range(n))),
    ],
    "calls, then events": lambda n: [
        *(event("TaskCompleted", i, FunctionName="pay", Result="1") for i in range(n)),
        *(event("EventRaised", n + i, Name="paid", Input="1") for i in range(n)),
    ],
}


@pytest.mark.parametrize("history", HISTORIES.values(), ids=HISTORIES)
def test_a_history_becomes_steps_in_linear_time(history):
    def status(n):
        return InstanceStatus(
            "order", "o-1", RuntimeStatus.RUNNING, T0, T0, history=tuple(history(n))
        )

    assert is_linear(steps, status, 300)


def test_what_is_open_after_many_failures_is_found_in_linear_time():
    def events(n):
        for number in range(n):
            yield event("TaskFailed", number, FunctionName="f", Reason="no", ScheduledTime="x")
            fire_at = exact_time_to_text(at(10**6 + number))
            yield event("TimerCreated", number + 0.5, FireAt=fire_at)

    assert is_linear(explained, lambda n: list(events(n // 20)))
