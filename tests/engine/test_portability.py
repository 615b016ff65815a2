"""Portability warnings: each point of docs/fidelity.md where this engine is kinder than the service
is told once, with the line, where an orchestrator or entity relies on it.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator
from datetime import datetime, timedelta, timezone
from pathlib import Path
from typing import Any, cast

import pytest

from durablectl.backends.http.activity import http_activity
from durablectl.engine.replay.check import CheckResult, FinishedExecution, ReplayCheck, warning_of
from durablectl.engine.replay.portability import POINTS, Reliance
from durablectl.functionapp.loader import load_app
from durablectl.history.events import ContinueAsNew, EventRaised
from tests.engine.dispatching import App, Dispatching
from tests.engine.oracle import official
from tests.engine.ran import Runs
from tests.engine.test_guided import generated, recorded

HERE = Path(__file__)
DOCS = HERE.parents[2] / "docs" / "fidelity.md"


@pytest.fixture
def found() -> list[CheckResult]:
    return []


Start = Callable[..., str]


@pytest.fixture
def start(dispatching: Dispatching, app: App, found: list[CheckResult]) -> Iterator[Any]:
    """Run a function, raise events one by one, let a month pass; its id."""
    for function in (*ORCHESTRATORS, calling, in_use):
        app.orchestrator(function)
    for entity in (counter, total):
        app.entity(entity)
    app.activity(flaky)
    dispatcher = dispatching.dispatcher(check=ReplayCheck(app, found.append))

    def run(function: Any, *events: str, input: Any = None, early: tuple[str, ...] = ()) -> str:
        instance_id = dispatching.hub.start(function.__name__, input).id
        for name in early:
            dispatching.hub.raise_event(instance_id, name, name)
        dispatching.process_until_quiet(dispatcher)
        for name in events:
            dispatching.hub.raise_event(instance_id, name, name)
            dispatching.process_until_quiet(dispatcher)
        for _ in range(3):
            dispatching.advance(10 * 86400)
            dispatching.process_until_quiet(dispatcher)
        return instance_id

    run.dispatcher = dispatcher  # type: ignore[attr-defined]
    return run


def line_of(function: Any, text: str) -> str:
    lines = HERE.read_text().splitlines()
    first = function.__code__.co_firstlineno
    at = next(n for n in range(first - 1, first + 12) if text in lines[n])
    return f"{HERE.name}:{at + 1}"


def only(found: list[CheckResult]) -> Reliance:
    (each,) = found
    assert isinstance(each, Reliance), warning_of(each)
    return each


def in_two(context: Any) -> Any:
    one, other = context.call_activity("greet", 1), context.call_activity("greet", 2)
    both = context.task_all([one, other])
    yield context.task_any([one, other])
    return (yield both)


def in_two_that_are_not_awaited(context: Any) -> Any:
    one, other = context.call_activity("greet", 1), context.call_activity("greet", 2)
    context.task_all([one, other])
    yield context.task_any([one, other])
    yield context.task_all([one, other])


def long(context: Any) -> Any:
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=7))
    approved = context.wait_for_external_event("Approved")
    yield context.task_any([timer, approved])
    if not timer.is_completed:
        timer.cancel()


def short(context: Any) -> Any:
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=6))
    yield context.task_any([timer, context.wait_for_external_event("Approved")])
    if not timer.is_completed:
        timer.cancel()


def unknown(context: Any) -> Any:
    try:
        yield context.call_activity("no such activity")
    except Exception:
        return "without it"


def unknown_and_not_caught(context: Any) -> Any:
    yield context.call_activity("no such activity")


def no_zone(context: Any) -> Any:
    yield context.create_timer(datetime(2026, 1, 2))


def other_zone(context: Any) -> Any:
    there = timezone(timedelta(hours=2))
    yield context.create_timer(datetime(2026, 1, 2, tzinfo=there))


def twice(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))
    first = yield context.wait_for_external_event("Item")
    second = yield context.wait_for_external_event("Item")
    return [first, second]


def once(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(days=1))
    return (yield context.wait_for_external_event("Item"))


def in_turns(context: Any) -> Any:
    first = yield context.wait_for_external_event("Item")
    second = yield context.wait_for_external_event("Item")
    return [first, second]


def approval(context: Any) -> Any:
    return (yield context.wait_for_external_event("Approved"))


def in_use(context: Any) -> Any:
    try:
        yield context.call_sub_orchestrator("sequence", 1, "kid")
    except Exception:
        return "it works already"


def eternal(context: Any) -> Any:
    if context.get_input() is None:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=1))
        context.continue_as_new(1)
    else:
        yield context.wait_for_external_event("Item")


def caught(context: Any) -> Any:
    try:
        yield context.call_activity("fail", "first")
    except Exception:
        yield context.call_activity("greet", "second")
    yield context.call_activity("flaky")


def failing_twice(context: Any) -> Any:
    yield context.call_activity("flaky")


tries: list[ValueError | None] = []


def flaky(_value: Any) -> None:
    if tries and (error := tries.pop(0)) is not None:
        raise error


def counter(context: Any) -> None:
    if context.operation_name == "set":
        context.set_state(context.get_input())
        context.set_result("set")


def total(context: Any) -> None:
    if context.operation_name == "get":
        context.set_result(context.get_state(lambda: 0))
    else:
        context.set_state(context.get_input())


def calling(context: Any) -> Any:
    name = context.get_input()
    entity = type("Id", (), {"name": name, "key": "k"})
    calls = [context.call_entity(entity, "set", 1), context.call_entity(entity, "get")]
    return (yield context.task_all(calls))


ORCHESTRATORS = [
    *(in_two, in_two_that_are_not_awaited, long, short, unknown, unknown_and_not_caught, no_zone),
    *(other_zone, twice, once, in_turns, approval, eternal, caught, failing_twice),
]


@pytest.mark.parametrize(
    ("point", "function", "text", "how"),
    [
        (12, in_two, "yield both", {}),
        (19, long, "timer.cancel", {"events": ["Approved"]}),
        (33, unknown, "yield context", {}),
        (42, no_zone, "create_timer", {}),
        (42, other_zone, "create_timer", {}),
        (44, twice, "first = yield", {"early": ("Item", "Item")}),
        (46, approval, "wait_for", {"events": ["approved"]}),
        (57, eternal, "continue_as_new", {"early": ("Item",)}),
    ],
    ids=lambda value: getattr(value, "__name__", str(value)),
)
def test_what_relies_on_a_point_is_told_with_its_line(
    start: Any, found: list[CheckResult], point: int, function: Any, text: str, how: dict[str, Any]
) -> None:
    start(function, *how.get("events", ()), early=how.get("early", ()))
    each = only(found)
    assert (each.point, each.place) == (point, line_of(function, text))
    said = warning_of(each)
    assert said.startswith(f"orchestrator '{function.__name__}' {POINTS[point].does} at ")
    assert said.endswith(POINTS[point].instead)
    assert POINTS[point].there in said


def test_44_the_second_wait_is_told_when_only_one_event_came_early(
    start: Any, found: list[CheckResult], dispatching: Dispatching
) -> None:
    instance_id = start(twice, early=("Item",))
    dispatching.hub.raise_event(instance_id, "Item", 2)
    dispatching.process_until_quiet(start.dispatcher)
    assert (only(found).point, only(found).place) == (44, line_of(twice, "second ="))


def test_52_an_id_in_use_is_told_where_its_failure_is_caught(
    start: Any, found: list[CheckResult], dispatching: Dispatching
) -> None:
    dispatching.hub.start("approval", instance_id="kid")
    start(in_use)
    assert (only(found).point, only(found).place) == (52, line_of(in_use, "yield"))


def test_64_a_rewind_after_a_caught_failure_is_told(
    start: Any, found: list[CheckResult], dispatching: Dispatching
) -> None:
    tries.extend([ValueError("not yet"), None])
    instance_id = start(caught)
    assert found == []
    dispatching.hub.rewind(instance_id)
    dispatching.process_until_quiet(start.dispatcher)
    assert dispatching.state(instance_id).value == "Completed"
    assert (only(found).point, only(found).place) == (64, line_of(caught, '"first"'))


def test_64_a_rewind_after_the_failure_that_ended_it_is_not_told(
    start: Any, found: list[CheckResult], dispatching: Dispatching
) -> None:
    tries.extend([ValueError("not yet"), ValueError("nor now")])
    instance_id = start(failing_twice)
    dispatching.hub.rewind(instance_id)
    dispatching.process_until_quiet(start.dispatcher)
    assert (dispatching.state(instance_id).value, found) == ("Failed", [])


def test_72_an_operation_without_a_result_of_its_own_is_told(
    start: Any, found: list[CheckResult]
) -> None:
    start(calling, input="counter")
    assert (only(found).point, only(found).kind) == (72, "entity")
    assert only(found).place == line_of(counter, "def counter")


@pytest.mark.parametrize(
    ("function", "how"),
    [
        (in_two_that_are_not_awaited, {}),
        (short, {"events": ["Approved"]}),
        (long, {}),
        (unknown_and_not_caught, {}),
        (once, {"early": ("Item",)}),
        (in_turns, {"events": ["Item", "Item"]}),
        (approval, {"events": ["Approved"]}),
        (eternal, {}),
        (caught, {}),
        (calling, {"input": "total"}),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)
def test_what_works_on_azure_is_not_told(
    start: Any, found: list[CheckResult], function: Any, how: dict[str, Any]
) -> None:
    start(function, *how.get("events", ()), early=how.get("early", ()), input=how.get("input"))
    assert found == []


def test_a_point_is_told_once_for_each_orchestrator(start: Any, found: list[CheckResult]) -> None:
    for _ in range(3):
        start(no_zone)
    start(other_zone)
    assert [each.name for each in found] == ["no_zone", "other_zone"]


RECORDED = [
    (app, name, value, events)
    for app in ["recordings/function_app.py"]
    for name, value, events in {
        each["name"]: (
            each["name"],
            each.get("input"),
            [event for event in each["historyEvents"] if event["EventType"] == "EventRaised"],
        )
        for each in recorded().values()
    }.values()
]


@pytest.mark.parametrize(
    ("path", "name", "value", "events"), RECORDED, ids=[each[1] for each in RECORDED]
)
def test_the_app_of_the_recordings_is_not_told(
    tmp_path: Path, found: list[CheckResult], path: str, name: str, value: Any, events: list[Any]
) -> None:
    registry = load_app(HERE.parents[1] / path)
    registry.activities.add(http_activity())
    dispatching = Dispatching(tmp_path / "hub.db", cast(App, registry))
    dispatcher = dispatching.dispatcher(check=ReplayCheck(registry, found.append))
    instance_id = dispatching.hub.start(name, value).id
    dispatching.process_until_quiet(dispatcher)
    for event in events:
        if not dispatching.state(instance_id).is_final:
            dispatching.hub.raise_event(instance_id, event["Name"], event.get("Input"))
        dispatching.process_until_quiet(dispatcher)
    for _ in range(10):
        dispatching.advance(60)
        dispatching.process_until_quiet(dispatcher)
    dispatching.close()
    assert [each.sentence for each in found if isinstance(each, Reliance)] == []


def test_no_generated_program_that_reads_its_events_is_told(tmp_path: Path) -> None:
    runs, found = Runs(tmp_path, 21), list[CheckResult]()
    check = ReplayCheck(runs.app, found.append)
    for program in generated(60):
        ran = runs.run(program)
        history = ran.raw
        check.check(
            FinishedExecution(
                1, history.instance_id, history.execution_id, history.name, history.events
            )
        )
        # a program that waits for one event twice, or continues as new, meets real differences
        relies = any(step.kind == "wait twice" for step in program) or any(
            isinstance(event, ContinueAsNew) for event in history.events
        )
        assert relies or not found, (program, found)
        found.clear()
    runs.close()


@pytest.mark.parametrize(("function", "events"), [(in_two, 0), (twice, 2)])
def test_the_official_sdk_does_not_do_what_is_told(
    start: Any, dispatching: Dispatching, function: Any, events: int
) -> None:
    """Points 12 and 44: the SDK's own replay of the same history comes to another end."""
    instance_id = start(function, early=("Item",) * events)
    history = dispatching.events(instance_id)
    for number, event in enumerate(history):
        if isinstance(event, EventRaised):
            history[number] = EventRaised(event.timestamp, event.name, f'"{number}"')
    verdict = official(function, history[:-2], "x")  # without the ending of ours
    ours = dispatching.hub.get_status(instance_id)
    assert ours.runtime_status.value == "Completed"
    assert not verdict.ended or len(set(verdict.output)) == 1


def test_every_point_that_differs_is_told_or_has_a_reason_not_to_be() -> None:
    text = DOCS.read_text(encoding="utf-8")
    differs = {int(n) for n in re.findall(r"^\| (\d+) \|[^|]*\| differs:", text, re.M)}
    section = text.split("## Portability warnings")[1].split("\n## ")[0]
    told = {int(n) for n in re.findall(r"^\| point (\d+) \|", section, re.M)}
    (silent,) = re.findall(r"^No warning: (.*?)(?:\n\n|\Z)", section, re.M | re.S)
    reasons = {int(n) for n in re.findall(r"\b(\d+)\s\(", silent)}
    assert told == set(POINTS)
    assert told | reasons >= differs
    assert not told & reasons
