"""The replay check: code that does not repeat its decisions is told of, once and with its line."""

from __future__ import annotations

import itertools
import os
import random
import time
import uuid
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.engine.replay.check import ReplayCheck, warning_of
from durablectl.history.verdict import Verdict
from tests.engine.dispatching import App, Dispatching

counted = 0
sizes = itertools.cycle((2, 3))


def drawn(context: Any) -> Any:
    return (yield context.call_activity("greet", random.random()))


def unique(context: Any) -> Any:
    return (yield context.call_activity("greet", str(uuid.uuid4())))


def now(context: Any) -> Any:
    micros = datetime.now(UTC).microsecond
    yield context.create_timer(context.current_utc_datetime + timedelta(microseconds=micros))


def clock(context: Any) -> Any:
    yield context.call_activity("greet", "x")
    return time.time()


def counter(context: Any) -> Any:
    global counted
    counted += 1
    yield context.call_activity("greet" if counted % 2 else "greet_async", 1)


def named(context: Any) -> Any:
    yield context.call_sub_orchestrator("echo", 1, str(uuid.uuid4()))


def fan(context: Any) -> Any:
    yield context.call_activity("greet", "x")
    calls = [context.call_activity("greet", n) for n in range(next(sizes))]
    yield context.task_all(calls)


def branch(context: Any) -> Any:
    global counted
    counted += 1
    if counted % 2:
        yield context.call_activity("greet", "odd")
    return "done"


UNREPEATABLE = [drawn, unique, now, clock, counter, named, fan, branch]


def echo(context: Any) -> Any:
    return context.get_input()


def steady(context: Any) -> Any:
    """What is the same in every replay: ids and times of the context, failures, retries."""
    first, when = context.new_uuid(), context.current_utc_datetime.isoformat()
    try:
        yield context.call_activity("fail", "no")
    except Exception:
        yield context.call_activity("greet", [first, when])
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
    yield context.call_sub_orchestrator("echo", first, first)
    if context.get_input() is None:
        context.continue_as_new(1)
    return [first, when, context.new_uuid()]


def asking(context: Any) -> Any:
    yield context.call_activity("greet", 1)
    return context.is_replaying


@pytest.fixture
def differences() -> list[Verdict]:
    return []


@pytest.fixture
def checked(dispatching: Dispatching, app: App, differences: list[Verdict]) -> Any:
    for function in (*UNREPEATABLE, echo, steady, asking):
        app.orchestrator(function)
    dispatcher = dispatching.dispatcher(check=ReplayCheck(app, differences.append))

    def run(name: str, count: int = 1) -> None:
        for _ in range(count):
            dispatching.run(dispatcher, name)
        for _ in range(8):
            dispatching.advance(2)
            dispatching.process_until_quiet(dispatcher)

    return run


def line_of(function: Any, text: str) -> str:
    lines = Path(__file__).read_text().splitlines()
    first = function.__code__.co_firstlineno
    at = next(n for n in range(first, first + 9) if text in lines[n])
    return f"test_replay_check.py:{at + 1}"


@pytest.mark.parametrize("function", UNREPEATABLE, ids=lambda function: function.__name__)
def test_what_is_not_repeated_is_told_with_its_line(
    checked: Any, differences: list[Verdict], function: Any
) -> None:
    checked(function.__name__)
    (found,) = differences
    text = {"fan": "task_all", "clock": "call_activity"}.get(function.__name__, "yield")
    assert found.place == line_of(function, text)
    said = warning_of(found)
    assert said.startswith(f"orchestrator '{function.__name__}' does not repeat its decisions")


@pytest.mark.parametrize("name", ["steady", "echo", "sequence", "fan_out", "failing", "sleeper"])
def test_what_is_repeated_is_not_told(
    checked: Any, differences: list[Verdict], dispatching: Dispatching, name: str
) -> None:
    dispatching.hub.start(name, 3)
    if name not in ("sequence", "fan_out", "sleeper"):
        checked(name)
    assert differences == []


def test_code_that_asks_whether_it_is_replayed_may_differ(
    checked: Any, differences: list[Verdict]
) -> None:
    checked("asking")
    assert differences == []


def test_an_orchestrator_and_line_are_told_once(checked: Any, differences: list[Verdict]) -> None:
    checked("drawn", 3)
    assert len(differences) == 1


def test_the_outcome_does_not_change(
    dispatching: Dispatching, app: App, differences: list[Verdict]
) -> None:
    app.orchestrator(drawn)
    dispatcher = dispatching.dispatcher(check=ReplayCheck(app, differences.append))
    status = dispatching.run(dispatcher, "drawn", instance_id="i")
    assert status.runtime_status.value == "Completed"
    assert len(dispatching.events("i")) == 8


def test_what_is_evicted_is_checked_too(
    dispatching: Dispatching, app: App, differences: list[Verdict]
) -> None:
    @app.orchestrator
    def waiting(context: Any) -> Any:
        yield context.call_activity("greet", os.urandom(4).hex())
        yield context.wait_for_external_event("Never")

    check = ReplayCheck(app, differences.append)
    dispatcher = dispatching.dispatcher(check=check, cache_size=1)
    for number in range(3):
        dispatching.run(dispatcher, "waiting", instance_id=f"w-{number}")
    assert [each.name for each in differences] == ["waiting"]


def test_nothing_is_kept_without_a_check(dispatching: Dispatching, app: App) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "sleeper", 60)
    assert [held.events for held in dispatcher._cache.values()] == [None]
