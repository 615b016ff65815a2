"""What a failure leaves behind: in its caller's history, in the instance, in an entity, and for
whoever watches the worker.
"""

from __future__ import annotations

import json
from typing import Any

import pytest

from durablectl.df import RetryOptions
from durablectl.engine.worker.outcomes import Failed
from durablectl.history.events import EventRaised, SubOrchestrationFailed
from durablectl.model import EntityId, InstanceStatus
from tests.engine.dispatching import App, Dispatching

KEY = EntityId("fragile", "k")


class Broken(Exception):
    """What the functions here raise."""


@pytest.fixture
def failing(app: App) -> App:
    """An app whose parts fail each in its way."""

    @app.activity
    def boom(x: Any) -> None:
        raise Broken("plain")

    @app.entity
    def fragile(context: Any) -> None:
        context.set_state(context.operation_name)
        if context.operation_name != "fine":
            raise Broken(context.operation_name)

    @app.orchestrator
    def calls(context: Any) -> Any:
        return (yield context.call_activity(context.get_input() or "boom"))

    @app.orchestrator
    def raises(context: Any) -> Any:
        raise Broken("own")
        yield

    @app.orchestrator
    def tries(context: Any) -> Any:
        yield context.call_activity_with_retry("boom", RetryOptions(1, 3))

    @app.orchestrator
    def catches(context: Any) -> Any:
        try:
            yield context.call_activity("boom")
        except Exception:
            return "caught"

    @app.orchestrator
    def nested(context: Any) -> Any:
        name, depth = context.get_input()
        yield context.call_sub_orchestrator(
            *(("nested", [name, depth - 1]) if depth else (name, None))
        )

    @app.orchestrator
    def operates(context: Any) -> Any:
        yield context.call_entity(KEY, "bad")

    return app


def cause(status: InstanceStatus) -> tuple[str, tuple[str, ...], str]:
    """The text of an instance's cause, the functions that it came up through, and the function that
    raised.
    """
    assert status.cause is not None
    return status.cause.text, status.cause.through, status.cause.place.rpartition(", in ")[2]


@pytest.mark.parametrize(
    ("name", "input", "text", "through", "raised"),
    [
        ("calls", None, "Broken: plain", ("activity 'boom'", "orchestrator 'calls'"), "boom"),
        ("raises", None, "Broken: own", ("orchestrator 'raises'",), "raises"),
        (
            "nested",
            ["calls", 0],
            "Broken: plain",
            ("activity 'boom'", "orchestrator 'calls'", "orchestrator 'nested'"),
            "boom",
        ),
        (
            "nested",
            ["raises", 0],
            "Broken: own",
            ("orchestrator 'raises'", "orchestrator 'nested'"),
            "raises",
        ),
        (
            "operates",
            None,
            "Broken: bad",
            ("entity '@fragile@k'", "orchestrator 'operates'"),
            "fragile",
        ),
        (
            "nested",
            ["operates", 0],
            "Broken: bad",
            ("entity '@fragile@k'", "orchestrator 'operates'", "orchestrator 'nested'"),
            "fragile",
        ),
    ],
    ids=["activity", "own", "activity below", "own below", "entity", "entity below"],
)
def test_the_cause_is_known_with_its_class_and_place(
    dispatching: Dispatching,
    failing: App,
    name: str,
    input: Any,
    text: str,
    through: tuple[str, ...],
    raised: str,
) -> None:
    assert cause(dispatching.run(dispatching.dispatcher(), name, input)) == (text, through, raised)


def test_an_unknown_activity_fails_without_a_line_of_none(
    dispatching: Dispatching, failing: App
) -> None:
    status = dispatching.run(dispatching.dispatcher(), "calls", "nope")
    assert status.output.endswith(
        "known activity functions: 'boom', 'fail', 'greet', 'greet_async'."
    )
    assert cause(status)[2] == "calls"


def test_a_failure_below_many_levels_stays_small(dispatching: Dispatching, failing: App) -> None:
    depth = 12
    status = dispatching.run(dispatching.dispatcher(), "nested", ["calls", depth])
    assert cause(status)[0] == "Broken: plain"
    assert len(status.output) < 20_000  # on the service each level doubles it: 4 MB


def test_the_parent_gets_the_childs_exception(dispatching: Dispatching, failing: App) -> None:
    dispatching.run(dispatching.dispatcher(), "nested", ["raises", 0], instance_id="p")
    (failed,) = [
        event for event in dispatching.events("p") if isinstance(event, SubOrchestrationFailed)
    ]
    details = json.loads(failed.details or "")
    assert failed.reason == details["Message"] == "Orchestrator function 'raises' failed: own"
    assert (
        details["ClassName"].rpartition(".")[2],
        "in raises\n" in details["StackTraceString"],
    ) == ("Broken", True)


def test_the_caller_of_an_entity_keeps_the_exception_of_the_operation(
    dispatching: Dispatching, failing: App
) -> None:
    dispatching.run(dispatching.dispatcher(), "operates", instance_id="o")
    (reply,) = [
        json.loads(event.input or "")
        for event in dispatching.events("o")
        if isinstance(event, EventRaised)
    ]
    assert (reply["result"], reply["exceptionType"]) == ('"bad"', "Broken")
    failure = reply["failureDetails"]
    assert (failure["ErrorType"].rpartition(".")[2], failure["ErrorMessage"]) == ("Broken", "bad")
    assert "in fragile\n" in failure["StackTrace"]


@pytest.mark.parametrize("what", ["state", "result"])
def test_what_an_entity_cannot_keep_is_named_with_its_line(
    dispatching: Dispatching, app: App, what: str
) -> None:
    @app.entity
    def keeper(context: Any) -> None:
        {"state": context.set_state, "result": context.set_result}[what]({1})

    @app.orchestrator
    def calls(context: Any) -> Any:
        return (yield context.call_entity(EntityId("keeper", "k"), "keep"))

    text, *_ = cause(dispatching.run(dispatching.dispatcher(), "calls"))
    line = keeper.__code__.co_firstlineno  # type: ignore[attr-defined]
    assert f"the {what} of entity 'keeper' at test_failures.py:{line} is not JSON: " in text


def test_an_entity_keeps_its_failed_operations(dispatching: Dispatching, failing: App) -> None:
    for operation in ("bad", "fine", "worse"):
        dispatching.hub.signal_entity(KEY, operation, 5)
    dispatching.process_until_quiet(dispatching.dispatcher())
    status = dispatching.hub.get_status(str(KEY), show_history=True, show_history_output=True)
    events = [(event.event_type, event.members["FunctionName"]) for event in status.history or ()]
    assert events == [("TaskFailed", "bad"), ("TaskFailed", "worse")]
    last = (status.history or ())[-1].members
    assert last["Reason"] == "Entity function 'fragile' failed:  Broken: worse"
    assert "in fragile\n" in json.loads(last["Details"])["StackTraceString"]
    assert dispatching.hub.get_entity(KEY) == "worse"


def test_an_entity_keeps_only_the_last_of_its_failures(
    dispatching: Dispatching, failing: App
) -> None:
    dispatcher = dispatching.dispatcher()
    for number in range(25):
        dispatching.hub.signal_entity(KEY, f"bad{number}")
        dispatching.process_until_quiet(dispatcher)
    for number in range(30):
        dispatching.hub.signal_entity(KEY, f"worse{number}")
    dispatching.process_until_quiet(dispatcher)
    names = [
        event.members["FunctionName"]
        for event in dispatching.hub.get_status(str(KEY), show_history=True).history or ()
    ]
    assert names == [f"bad{number}" for number in range(16, 25)] + [
        f"worse{number}" for number in range(20, 30)
    ]


def heard(
    dispatching: Dispatching, name: str, input: Any = None, **options: Any
) -> list[tuple[str, str, bool, bool]]:
    """What a dispatcher tells of the failures in an instance: kind, function, whether it ends the
    instance, whether it is passed on.
    """
    told: list[Failed] = []
    dispatching.run(
        dispatching.dispatcher(on_failure=told.append), name, input, instance_id="i", **options
    )
    assert {each.instance_id for each in told} <= {"i", str(KEY)}
    return [
        (
            each.kind,
            each.reason.partition("function '")[2].partition("'")[0],
            each.ends_instance,
            each.is_passed_on,
        )
        for each in told
    ]


@pytest.mark.parametrize(
    ("name", "expected"),
    [
        ("calls", [("activity", "boom", True, False), ("orchestrator", "calls", False, True)]),
        ("catches", [("activity", "boom", False, False)]),
        ("raises", [("orchestrator", "raises", False, False)]),
        (
            "operates",
            [("entity", "fragile", False, False), ("orchestrator", "operates", False, True)],
        ),
    ],
)
def test_each_failure_is_told_once(
    dispatching: Dispatching, failing: App, name: str, expected: Any
) -> None:
    assert heard(dispatching, name) == expected


def test_an_attempt_that_is_tried_again_is_told_as_one(
    dispatching: Dispatching, failing: App
) -> None:
    told: list[Failed] = []
    dispatcher = dispatching.dispatcher(on_failure=told.append)
    dispatching.run(dispatcher, "tries")
    for _ in range(3):
        dispatching.advance(1)
        dispatching.process_until_quiet(dispatcher)
    assert [(each.kind, each.is_tried_again) for each in told] == [
        ("activity", True),
        ("activity", True),
        ("activity", False),
        ("orchestrator", False),
    ]


def test_a_replay_tells_of_no_failure_again(dispatching: Dispatching, failing: App) -> None:
    @failing.orchestrator
    def waits(context: Any) -> Any:
        try:
            yield context.call_activity("boom")
        except Exception:
            return (yield context.wait_for_external_event("Go"))

    dispatching.run(dispatching.dispatcher(), "waits", instance_id="w")
    told: list[Failed] = []
    other = dispatching.dispatcher(on_failure=told.append)
    dispatching.hub.raise_event("w", "Go", 1)
    dispatching.advance(60)
    dispatching.patrol(other)
    dispatching.process_until_quiet(other)
    assert (dispatching.hub.get_status("w").output, told) == (1, [])
