"""What an orchestrator can do wrong, and what its instance says then; and code that no longer
matches its history.
"""

import math

import pytest

from durablectl.engine.registry import Activity, Entity, Orchestrator
from durablectl.engine.replay import state
from durablectl.history.events import (
    EventSent,
    ExecutionCompleted,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCreated,
    TaskCompleted,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from durablectl.model import RuntimeStatus
from tests.engine.histories import STARTED, T0, T1, T2, first, orchestrator, replay, running, then


class Builder:
    def __init__(self, function):
        self.durablectl_function = function

    def __call__(self):
        """Builders can be called."""


class Entity2:
    name, key = "", "k"


class Retry:
    first_retry_interval_in_milliseconds, max_number_of_attempts = 1000, 2


def orchestrators():
    def activity(x) -> dict:
        return x

    return {
        "yields a list": (
            lambda c: [c.call_activity("a")],
            "yielded a value of type list at test_replay_refusals.py:",
        ),
        "yields None": (lambda c: None, "yielded None at test_replay_refusals.py:"),
        "names a plain function": (
            lambda c: c.call_activity(activity),
            "received a `Callable` without an associated",
        ),
        "names an entity": (
            lambda c: c.call_activity(Builder(Entity("e", activity))),
            "Trigger-type `entityTrigger` but expected `Activ",
        ),
        "names an activity as child": (
            lambda c: c.call_sub_orchestrator(Builder(Activity("a", activity, "x"))),
            "expected `Orchestration",
        ),
        "names nothing": (lambda c: c.call_activity(""), "function_name cannot be empty"),
        "names None": (lambda c: c.call_activity(None), "function_name cannot be empty"),
        "names a number": (
            lambda c: c.call_activity(7),
            "call_activity takes a function's name, not int",
        ),
        "names half a character": (
            lambda c: c.call_activity("\ud83d"),
            "function_name holds half of a character pair",
        ),
        "gives an object": (
            lambda c: c.call_activity("a", object()),
            "class <class 'object'> does not expose a `to_json` function",
        ),
        "gives a set to retry": (
            lambda c: c.call_activity_with_retry("a", Retry(), {1}),
            "does not expose a `to_json`",
        ),
        "gives NaN": (
            lambda c: c.call_sub_orchestrator("a", [math.nan]),
            "JSON cannot hold NaN or an infinite number",
        ),
        "waits for no name": (
            lambda c: c.wait_for_external_event(""),
            "the name of an event cannot be empty",
        ),
        "waits for a number": (
            lambda c: c.wait_for_external_event(1),
            "the name of an event must be a string, not int",
        ),
        "calls an entity without a name": (
            lambda c: c.call_entity(Entity2(), "get"),
            "the name of an entity cannot be empty",
        ),
        "waits for a signal": (
            lambda c: c.signal_entity(type("Id", (), {"name": "a", "key": "b"}), "add"),
            "no result to wait for",
        ),
        "fans out over names": (
            lambda c: c.task_all(["a"]),
            "task_all and task_any take a list of tasks, not of str",
        ),
        "sends raw what is not a string": (
            lambda c: c.call_http("POST", "u", {}, is_raw_str=True),
            "is_raw_str requires a string",
        ),
        "has a child with half a character": (
            lambda c: c.call_sub_orchestrator("c", None, "\ud83d"),
            "holds half of a character pair",
        ),
    }


@pytest.mark.parametrize(("asks", "says"), orchestrators().values(), ids=orchestrators())
def test_a_wrong_request_fails_the_instance_and_says_why(asks, says):
    """15, 34"""

    def wrong(context):
        yield asks(context)

    ending = first(wrong).ending
    assert ending.status is RuntimeStatus.FAILED
    assert ending.result.startswith("Orchestrator function 'o' failed: ")
    assert says in ending.result


class Money:
    def to_json(self):
        return 1


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


def raising(error):
    raise error


def recursing():
    return recursing()


@pytest.mark.parametrize(
    ("ends", "says"),
    [
        (lambda: raising(ValueError()), "<class 'ValueError'>"),
        (lambda: raising(KeyError("k")), "'k'"),
        (lambda: raising(SystemExit(3)), "3"),
        (lambda: raising(Unprintable()), "Unprintable"),
        (lambda: raising(ValueError("\ud83d")), "\\ud83d"),
        (recursing, "maximum recursion depth exceeded"),
        (lambda: Money(), "Object of type Money is not JSON serializable"),
        (lambda: [math.inf], "JSON cannot hold NaN or an infinite number"),
    ],
    ids=[
        "no message",
        "KeyError",
        "SystemExit",
        "no text",
        "half a character",
        "recursion",
        "a custom object",
        "infinity",
    ],
)
def test_an_orchestrator_that_ends_badly_fails(ends, says):
    """16, 25"""
    ending = first(lambda _: ends()).ending
    assert ending.status is RuntimeStatus.FAILED
    assert says in ending.result


def test_an_async_orchestrator_is_refused():
    async def modern(context):
        return 1

    assert "it cannot be an 'async def'" in first(modern).ending.result


def test_an_answer_that_is_no_json_is_raised_where_it_is_awaited():
    def trusting(context):
        try:
            yield context.call_activity("a")
        except ValueError:
            return "caught"

    assert (
        then(
            trusting, [STARTED, TaskScheduled(T0, 0, "a")], TaskCompleted(T1, 0, "{")
        ).ending.result
        == '"caught"'
    )


def test_an_execution_has_a_limited_number_of_actions():
    """77"""

    def endless(context):
        yield context.task_all([context.call_activity("a") for _ in range(state.MAX_ACTIONS + 1)])

    assert (
        "100,000 actions"
        in running(endless)
        .run([TaskCompleted(T1, n) for n in range(state.MAX_ACTIONS)], T1)
        .ending.result
    )


def changed(context):
    yield context.call_activity("new")


RECORDED = {
    "another name": (
        TaskScheduled(T0, 0, "old"),
        "call activity 'old', but the orchestrator's code decides to call activity 'new'",
    ),
    "another kind": (
        TimerCreated(T0, 0, T1),
        "create a timer, but the orchestrator's code decides to call activity 'new'",
    ),
    "a child": (SubOrchestrationCreated(T0, 0, "new", "x:0"), "call sub-orchestrator 'new'"),
    "a message": (EventSent(T0, 0, "@counter@a", "op"), "send a message to '@counter@a'"),
}


@pytest.mark.parametrize(("recorded", "says"), RECORDED.values(), ids=RECORDED)
def test_code_that_decides_otherwise_than_history_fails_at_once(recorded, says):
    """21, 82"""
    line = changed.__code__.co_firstlineno + 1
    ending = then(changed, [STARTED, recorded], TaskCompleted(T1, 0)).ending
    assert ending.status is RuntimeStatus.FAILED
    assert ending.result.startswith(
        f"Non-Deterministic workflow detected: history has {type(recorded).__name__} number 0, to "
    )
    assert says in ending.result
    assert f"at test_replay_refusals.py:{line}." in ending.result


def test_the_place_of_each_decision_is_told():
    """82"""

    def two(context):
        yield context.call_activity("a")
        yield context.call_activity("b")
        yield context.call_activity("c")

    history = [
        OrchestratorStarted(T0),
        STARTED,
        TaskScheduled(T0, 0, "a"),
        OrchestratorCompleted(T0),
    ]
    history += [
        OrchestratorStarted(T1),
        TaskCompleted(T1, 0),
        TaskScheduled(T1, 1, "z"),
        OrchestratorCompleted(T1),
    ]
    ending = replay(orchestrator(two), "id", "x", history, [TaskCompleted(T2, 1)], T2).ending
    assert f"test_replay_refusals.py:{two.__code__.co_firstlineno + 2}." in ending.result


def test_code_that_decides_less_than_history_fails():
    """82"""
    waits = then(
        changed,
        [STARTED, TaskScheduled(T0, 0, "new"), TaskScheduled(T0, 1, "more")],
        TaskCompleted(T1, 0),
    ).ending
    assert (
        "has not (yet) decided anything with this number (it waits at test_replay_refusals.py:"
        in waits.result
    )
    ended = then(lambda _: 1, [STARTED, TaskScheduled(T0, 0, "new")], TaskCompleted(T1, 0)).ending
    assert "(it has ended)" in ended.result


def test_names_are_compared_without_regard_to_case_and_inputs_not_at_all():
    """82"""
    assert then(
        changed, [STARTED, TaskScheduled(T0, 0, "NEW", "1")], TaskCompleted(T1, 0)
    ).ending == ExecutionCompleted(T1, RuntimeStatus.COMPLETED)


def test_more_decisions_than_history_has_are_handed_out():
    """84"""

    def longer(context):
        yield context.task_any([context.create_timer(T1), context.call_activity("added")])

    assert then(longer, [STARTED, TimerCreated(T0, 0, T1)], TimerFired(T1, 0, T1)).decisions == [
        TaskScheduled(T1, 1, "added")
    ]


def test_names_may_be_given_by_the_decorated_functions():
    """79: what they return is what their result is read as"""

    def greet(name) -> str:
        return name

    def calling(context):
        yield context.call_activity(Builder(Activity("Greet", greet, "name")), 1)
        yield context.call_sub_orchestrator(Builder(Orchestrator("Child", greet)))

    execution = running(calling)
    assert first(calling).decisions == [TaskScheduled(T0, 0, "Greet", "1")]
    assert execution.run([TaskCompleted(T1, 0, '"x"')], T1).decisions[0].name == "Child"
