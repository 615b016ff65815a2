"""Guided replay: unchanged code fits every history, changed code breaks where it was changed."""

from __future__ import annotations

import json
import random
import re
from collections import Counter
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, Phase, given, seed, settings

from durablectl import wire
from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.guided import judge_history
from durablectl.engine.replay.reconstructed import SECONDS_UNREAD
from durablectl.functionapp.loader import load_app
from durablectl.history.events import Event, ExecutionCompleted
from durablectl.history.saved import ServiceHistory, history_of
from durablectl.history.sdk import document
from durablectl.history.verdict import Confidence, Judgement, Verdict
from durablectl.testing import Durable
from durablectl.wire import time_from_text
from tests.engine.programs import Node, Step, function_of, programs
from tests.engine.ran import FAILS_ALWAYS, Runs, first_difference, mutants

RECORDINGS = Path(__file__).parent.parent / "recordings"
T0 = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
GUID = "3f2504e0-4f89-41d3-9a0c-0305e82c3301"


def recorded() -> dict[str, dict[str, Any]]:
    found = {}
    for name in ("history", "engine"):
        for step in json.loads((RECORDINGS / f"{name}.json").read_text())["steps"]:
            answer = step["response"].get("json")
            if isinstance(answer, dict) and "historyEvents" in answer:
                found[step["name"]] = answer
    return found


RECORDED = recorded()
INCOMPLETE = {
    "sequence, without outputs",
    "sequence, with neither input nor outputs",
    "event, without input",
}


def with_times(answer: dict[str, Any]) -> dict[str, Any]:
    """The recorded status with times in the place of its masks: a second from event to event, and
    each decision just after what came before it.
    """

    def text(seconds: float) -> str:
        return (T0 + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f7Z")

    answer = json.loads(json.dumps(answer).replace("{guid}", GUID).replace("{run}", "r"))
    answer |= {"createdTime": text(0), "lastUpdatedTime": text(9)}
    decided = 0.0
    for number, event in enumerate(answer["historyEvents"]):
        event["Timestamp"] = text(decided if event["EventType"] == "TimerCreated" else number)
        if "FireAt" in event:
            event["FireAt"] = text(60)
        if "ScheduledTime" in event:
            # the losing call of the race was made together with the timer
            event["ScheduledTime"] = text(0.01 if event["FunctionName"] == "slow" else decided)
        decided = number + 0.01
    return answer


@pytest.mark.parametrize("name", sorted(set(RECORDED) - INCOMPLETE))
def test_every_recorded_history_of_the_real_service_fits(name: str) -> None:
    answer = with_times(RECORDED[name])
    app = load_app(RECORDINGS / "function_app.py")
    orchestrator = app.orchestrators.get(answer["name"])
    assert orchestrator is not None
    verdict = judge_history(history_of(answer), orchestrator)
    assert verdict == Verdict(
        answer["instanceId"], answer["name"], Judgement.FITS, Confidence.RECONSTRUCTED
    )


@pytest.mark.parametrize("name", sorted(INCOMPLETE))
def test_a_history_without_inputs_or_results_cannot_be_judged(name: str) -> None:
    verdict = judge_history(
        history_of(with_times(RECORDED[name])), Orchestrator("o", lambda _context: None)
    )
    assert verdict.judgement is Judgement.CANNOT_JUDGE
    assert re.search("comes without its input|--history-output", verdict.reason)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Any:
    runs = Runs(tmp_path_factory.mktemp("runs"), 20)
    yield runs
    runs.close()


def generated(count: int) -> list[Any]:
    made: list[Any] = []

    @seed(11)
    @settings(
        max_examples=count,
        deadline=None,
        database=None,
        suppress_health_check=list(HealthCheck),
        phases=[Phase.generate],
    )
    @given(programs)
    def generate(program: Any) -> None:
        made.append(program)

    generate()
    return made


def test_no_generated_program_breaks_on_its_own_history(runs: Runs) -> None:
    for program in generated(40):
        ran = runs.run(program)
        code = Orchestrator(ran.raw.name, function_of(program))
        for history in (ran.raw, ran.shown):
            verdict = judge_history(history, code)
            assert verdict.fits, (program, verdict)
            assert not verdict.warnings


DECIDED = {"TaskScheduled", "SubOrchestrationInstanceCreated", "TimerCreated", "EventSent"}


def may_share_an_episode(history: ServiceHistory, decision: Event) -> bool:
    """Whether two things arrived between the recorded decision and the one before it, and the first
    of them was less than a minute old: they may have been read in one episode, and then nothing in
    what the HTTP API shows tells which of them the code answered.
    """
    arrived, decided = list[datetime](), list[datetime]()
    for event in history.events:
        members = event.members
        (decided if event.event_type in DECIDED else arrived).append(
            time_from_text(members["Timestamp"])
        )
        if "ScheduledTime" in members:
            decided.append(time_from_text(members["ScheduledTime"]))
    a_bit = timedelta(milliseconds=0.1)
    at = min(each for each in decided if each >= decision.timestamp - a_bit)
    before = max((each for each in decided if each < at - a_bit), default=datetime.min)
    since = max(before.replace(tzinfo=UTC), at - timedelta(seconds=SECONDS_UNREAD)) - a_bit
    return sum(since <= each <= at for each in arrived) > 1


def test_a_changed_program_breaks_exactly_when_its_decisions_change(runs: Runs) -> None:
    chance, seen = random.Random(3), Counter[tuple[str, bool]]()
    # whether a generated one uses up its attempts is chance: threads share the dice
    used_up = [Step("wait", Node("retry", FAILS_ALWAYS))]
    for program in [*generated(40), used_up]:
        ran = runs.run(program)
        for kind, changed in mutants(program, chance).items():
            code = Orchestrator(ran.raw.name, function_of(changed))
            difference = first_difference(ran.raw, code.function)
            is_changed = difference is not None
            seen[kind, is_changed] += 1
            assert judge_history(ran.raw, code).fits is not is_changed, (program, changed)
            shown = judge_history(ran.shown, code)
            # the HTTP API does not show what an output depends on, ids and times of the engine
            if not isinstance(difference, ExecutionCompleted):
                is_broken = shown.judgement is Judgement.BREAKS
                assert is_changed or not is_broken, (program, changed, shown)
                if difference is not None and shown.fits:
                    assert may_share_an_episode(ran.shown, difference), (program, changed)
    assert {kind for kind, is_changed in seen if is_changed} >= {
        *("rename", "insert", "remove", "swap", "sequential", "time-out", "child id"),
        *("timer to activity", "retry count"),
    }
    assert {kind for kind, is_changed in seen if not is_changed} >= {"look", "logging"}


ORDER = """
from datetime import timedelta
from durablectl import df

def order(context):
    paid = yield context.call_activity("pay", 1)
    if paid is None:
        yield context.call_activity("refund")
    yield context.task_all([context.call_activity("pack"), context.call_activity("label")])
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.call_activity_with_retry("send", df.RetryOptions(1000, 3))
    yield context.call_sub_orchestrator("child", 1, context.instance_id + "-child")
    context.signal_entity(df.EntityId("stock", "a"), "take")
    yield context.wait_for_external_event("Received")
    return "done"
"""
CHANGES = {
    "rename": (6, '"pay", 1', '"charge", 1'),
    "insert": (7, "    if paid", '    yield context.call_activity("check")\n    if paid'),
    "remove": (9, '    paid = yield context.call_activity("pay", 1)\n', "    paid = 1\n"),
    "another branch": (8, "paid is None", "paid is not None"),
    "to sequential": (9, 'task_all([context.call_activity("pack"), context.call_activity("label")])', 'call_activity("pack"); yield context.call_activity("label")'),
    "timer to activity": (10, "create_timer(context.current_utc_datetime + timedelta(hours=1))", 'call_activity("sleep")'),
    "retry count": (11, "1000, 3", "1000, 1"),
    "child id": (12, '"-child"', '"-kid"'),
    "another entity": (13, '"stock", "a"', '"stock", "b"'),
    "an event with a time-out": (14, "yield context.wait_for_external_event(", 'yield context.task_any([context.create_timer(context.current_utc_datetime + timedelta(1)), context.wait_for_external_event("E")]); ('),
}  # fmt: skip
SAME = {
    "a renamed variable": ("paid", "is_paid"),
    "logging": ("    if paid", "    print(paid)\n    if paid"),
    "another input": ('"pay", 1', '"pay", 2'),
    "a branch not taken": ('"refund"', '"give_back"'),
    "a longer timer": ("hours=1", "hours=2"),
}


def function(source: str) -> Any:
    module: dict[str, Any] = {}
    exec(compile(source, "order.py", "exec"), module)
    return module["order"]


@pytest.fixture(scope="module")
def order_histories() -> dict[str, Any]:
    """One instance in each of the forms."""
    tries = iter([ValueError("first"), ValueError("second"), None])

    def send(_value: Any) -> None:
        if (error := next(tries)) is not None:
            raise error

    with Durable() as durable:
        for name in ("pay", "pack", "label"):
            durable.mock(name, returns=1)
        durable.mock("send", calls=send)
        durable.mock("child", returns=1, kind="orchestrator")
        durable.mock("stock", returns=None, kind="entity")
        instance_id = durable.run(function(ORDER), instance_id="i").instance_id
        durable.raise_event(instance_id, "Received")
        raw = durable.history(instance_id)
        status = durable.hub.get_status(instance_id, show_history=True, show_history_output=True)
    assert status.runtime_status.value == "Completed"
    saved = history_of(raw)
    return {
        "raw": saved,
        "DTFx": history_of(
            json.loads(json.dumps([document(each, "i", "x") for each in saved.events]))
        ),
        "HTTP": history_of(json.loads(json.dumps(wire.status_to_json(status)))),
    }


@pytest.mark.parametrize("form", ["raw", "DTFx", "HTTP"])
@pytest.mark.parametrize("change", CHANGES)
def test_a_change_is_caught_at_its_line(
    order_histories: dict[str, Any], form: str, change: str
) -> None:
    line, old, new = CHANGES[change]
    assert ORDER.count(old) == 1
    changed = Orchestrator("order", function(ORDER.replace(old, new)))
    verdict = judge_history(order_histories[form], changed)
    if (form, change) == ("HTTP", "to sequential"):
        # the clock of this history stands still: nothing proves what was parallel
        assert verdict.fits
        return
    assert (verdict.judgement, verdict.place) == (Judgement.BREAKS, f"order.py:{line}"), verdict


@pytest.mark.parametrize("form", ["raw", "DTFx", "HTTP"])
@pytest.mark.parametrize("change", SAME)
def test_a_change_that_decides_nothing_else_fits(
    order_histories: dict[str, Any], form: str, change: str
) -> None:
    old, new = SAME[change]
    same = Orchestrator("order", function(ORDER.replace(old, new)))
    verdict = judge_history(order_histories[form], same)
    assert verdict.fits, verdict
    confidence = Confidence.RECONSTRUCTED if form == "HTTP" else Confidence.EXACT
    assert verdict.confidence is confidence


LONG = """
from datetime import timedelta

def order(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(days=7))
    return "late"
"""


def long_timer() -> list[dict[str, Any]]:
    """What the service has of a timer of a week: three parts, as a DTFx array."""

    def event(days: float, kind: int, number: int = -1, **members: Any) -> dict[str, Any]:
        time = (T0 + timedelta(days=days)).isoformat()
        return {"EventType": kind, "EventId": number, "Timestamp": time, **members}

    def fire_at(days: float) -> str:
        return (T0 + timedelta(days=days)).isoformat()

    instance = {"InstanceId": "i", "ExecutionId": "x"}
    events = [event(0, 12), event(0, 0, Name="order", OrchestrationInstance=instance)]
    events += [event(0, 10, 0, FireAt=fire_at(3)), event(0, 13)]
    for number, days in ((0, 3), (1, 6)):
        following = {"FireAt": fire_at(min(days + 3, 7))}
        events += [event(days, 12), event(days, 11, TimerId=number, FireAt=fire_at(days))]
        events += [event(days, 10, number + 1, **following), event(days, 13)]
    events += [event(7, 12), event(7, 11, TimerId=2, FireAt=fire_at(7))]
    return [*events, event(7, 1, OrchestrationStatus=1, Result='"late"'), event(7, 13)]


def test_the_parts_of_a_long_timer_are_one_timer_of_the_code() -> None:
    code, dtfx = Orchestrator("order", function(LONG)), long_timer()
    assert judge_history(history_of(dtfx), code).fits
    names = {0: "ExecutionStarted", 10: "TimerCreated", 11: "TimerFired", 1: "ExecutionCompleted"}
    shown = [
        {"EventType": names[each["EventType"]], "Input": None, "FunctionName": "order"}
        | {
            name: each[name]
            for name in ("Timestamp", "FireAt", "OrchestrationStatus")
            if name in each
        }
        for each in dtfx
        if each["EventType"] in names
    ]
    assert judge_history(history_of(shown), code).fits
    changed = LONG.replace(
        "create_timer(context.current_utc_datetime + timedelta(days=7))", "call_activity(1)"
    )
    assert not judge_history(history_of(dtfx), Orchestrator("order", function(changed))).fits


def test_code_of_the_sdk_2_is_not_judged_over_http() -> None:
    code = Orchestrator("order", function(LONG), begin=lambda _id, _execution: pytest.fail("begun"))
    history = history_of(of_the_service(0.09))
    verdict = judge_history(history, code)
    assert (verdict.judgement, verdict.confidence) == (Judgement.CANNOT_JUDGE, None)
    assert "2.x, which needs a complete history: the HTTP API has none" in verdict.reason


SEQUENCE = """
def order(context):
    yield context.call_activity("a")
    yield context.call_activity("b")
"""
PARALLEL = """
def order(context):
    calls = [context.call_activity("a"), context.call_activity("b")]
    yield context.task_all(calls)
"""


def of_the_service(second_call: float) -> list[dict[str, Any]]:
    """Two calls that take 50 ms each, the second one made that many seconds after the start."""

    def time(seconds: float) -> str:
        return (T0 + timedelta(seconds=seconds)).strftime("%Y-%m-%dT%H:%M:%S.%f7Z")

    def done(name: str, at: float) -> dict[str, Any]:
        times = {"ScheduledTime": time(at), "Timestamp": time(at + 0.05)}
        return {"EventType": "TaskCompleted", "FunctionName": name, "Result": 1, **times}

    started = {"EventType": "ExecutionStarted", "FunctionName": "order", "Input": None}
    ended = {"EventType": "ExecutionCompleted", "OrchestrationStatus": "Completed"}
    calls = [done("a", 0.01), done("b", second_call)]
    return [started | {"Timestamp": time(0)}, *calls, ended | {"Timestamp": time(1)}]


@pytest.mark.parametrize(
    ("second_call", "code", "place"),
    [
        (0.0101, PARALLEL, None),
        (0.0101, SEQUENCE, "order.py:3"),
        (0.09, SEQUENCE, None),
        (0.09, PARALLEL, "order.py:4"),
    ],
    ids=["still parallel", "now in sequence", "still in sequence", "now parallel"],
)
def test_times_of_the_service_tell_what_was_parallel(
    second_call: float, code: str, place: str | None
) -> None:
    history = history_of(of_the_service(second_call))
    verdict = judge_history(history, Orchestrator("order", function(code)))
    assert (verdict.fits, verdict.place) == (place is None, place or ""), verdict


APPROVED = """
def order(context):
    yield context.wait_for_external_event("Approved")
    yield context.call_activity("a")
"""


def approved(after: float) -> list[dict[str, Any]]:
    """A call that was made when an event came, that many seconds after the start."""
    started, *_, ended = of_the_service(0)

    def time(seconds: float) -> str:
        return (T0 + timedelta(seconds=seconds)).isoformat()

    raised = {"EventType": "EventRaised", "Name": "Approved", "Timestamp": time(after)}
    call = {"EventType": "TaskCompleted", "FunctionName": "a", "Result": 1}
    times = {"ScheduledTime": time(after + 0.01), "Timestamp": time(after + 1)}
    ended |= {"Timestamp": time(after + 2)}
    return [started, raised | {"Input": None}, call | times, ended]


@pytest.mark.parametrize(
    ("after", "judgement"), [(3600, Judgement.CANNOT_JUDGE), (1, Judgement.FITS)]
)
def test_what_two_arrivals_in_one_episode_hide_is_not_called_a_fit_when_they_were_far_apart(
    after: float, judgement: Judgement
) -> None:
    history = history_of(approved(after))
    assert judge_history(history, Orchestrator("order", function(APPROVED))).fits
    unapproved = APPROVED.replace('yield context.wait_for_external_event("Approved")', "pass")
    verdict = judge_history(history, Orchestrator("order", function(unapproved)))
    assert verdict.judgement is judgement
    assert ("3,600 s later, after event 1" in verdict.reason) is (after == 3600)


def test_an_instance_that_was_restarted_from_a_step_still_fits() -> None:
    """The ids that its code makes from its own were those of the instance before."""

    def parent(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", 1, context.instance_id + "-child")
        yield context.call_activity("act", 2)
        return (yield context.call_activity("act", 3))

    with Durable() as durable:
        durable.mock("child", returns=1, kind="orchestrator")
        durable.mock("act", returns=1)
        first = durable.run(parent, instance_id="first").instance_id
        new = durable._hub.restart_from(first, 2).id
        assert durable.wait(new).runtime_status.value == "Completed"
        saved = history_of(durable.history(new))
    assert judge_history(saved, Orchestrator("parent", parent)).fits


@pytest.mark.parametrize("rewinds", [1, 2])
def test_code_that_fails_by_itself_fits_after_a_rewind_and_not_when_it_is_fixed(
    rewinds: int,
) -> None:
    def order(context: Any) -> Any:
        yield context.call_activity("act", 1)
        raise ValueError("by itself")

    def fixed(context: Any) -> Any:
        return (yield context.call_activity("act", 1))

    with Durable() as durable:
        durable.mock("act", returns=1)
        durable.run(order, instance_id="one")
        for _ in range(rewinds):
            durable.hub.rewind("one")
            durable.wait("one")
        saved = history_of(durable.history("one"))
    assert judge_history(saved, Orchestrator("order", order)).fits
    verdict = judge_history(saved, Orchestrator("order", fixed))
    assert verdict.got == "has the end: completes with 1"


APPROVAL = """
def order(context):
    yield context.wait_for_external_event("Approval")
    yield context.call_activity("charge")
"""


@pytest.mark.parametrize("name", ["approval", "Approval"])
def test_an_event_in_another_case_that_the_service_s_code_did_not_take_is_no_break(
    name: str,
) -> None:
    shown = [
        {"EventType": "ExecutionStarted", "FunctionName": "order", "Input": None},
        {"EventType": "EventRaised", "Name": name, "Input": 1},
    ]
    events = [each | {"Timestamp": T0.isoformat()} for each in shown]
    verdict = judge_history(history_of(events), Orchestrator("order", function(APPROVAL)))
    assert verdict.fits is (name == "approval")
    assert verdict.warnings == (
        ("the event 'approval' was not taken: the code waits for 'Approval'",)
        if verdict.fits
        else ()
    )


@pytest.mark.parametrize("after", [1, 3600])
def test_an_end_before_what_arrived_much_later_is_a_warning(after: float) -> None:
    started, raised, _, ended = approved(after)
    code = Orchestrator("order", function("def order(context):\n    return None\n"))
    verdict = judge_history(history_of([started, raised, ended]), code)
    assert verdict.fits
    assert verdict.warnings == (
        ("the code ends at event 0, and history has event 1 much later",) if after > 1 else ()
    )


def test_another_end_is_told_with_its_event() -> None:
    code = Orchestrator("order", function("def order(context):\n    return 7\n"))
    started, *_, ended = approved(1)
    ended |= {"Result": 8}
    verdict = judge_history(history_of([started, ended]), code)
    assert (verdict.event, verdict.expected) == (1, "the end: completes with 8")
    verdict = judge_history(history_of([started]), code)
    assert (verdict.event, verdict.expected) == (1, "no end yet")
