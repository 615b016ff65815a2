"""`assert_replays`: code of today on histories of yesterday."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl import df
from durablectl.errors import UsageError
from durablectl.history.events import ExecutionCompleted, TaskCompleted
from durablectl.history.exported import raw_from_json
from durablectl.testing import Durable, PortabilityWarning, assert_replays


@pytest.fixture
def durable() -> Iterator[Durable]:
    with Durable() as durable:
        yield durable


def sleeper(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(days=context.get_input()))
    return context.current_utc_datetime.isoformat()


def approval(context: Any) -> Any:
    return (yield context.wait_for_external_event("Approve"))


def caller(context: Any) -> Any:
    return (yield context.call_activity("act", context.get_input()))


@pytest.fixture
def saved(durable: Durable) -> dict[str, Any]:
    durable.mock("act", returns="done")
    return durable.history(durable.run(caller, 1, instance_id="i").instance_id)


def test_a_saved_history_replays_on_the_same_code(saved: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "i.json").write_text(json.dumps(saved))
    assert_replays(tmp_path / "i.json", caller)
    assert_replays(json.dumps(saved), caller)


def test_a_saved_history_is_read_back_as_it_was(saved: dict[str, Any]) -> None:
    history = raw_from_json(saved)
    assert (history.instance_id, history.name, len(history.events)) == ("i", "caller", 8)
    assert [
        event.result
        for event in history.events
        if isinstance(event, TaskCompleted | ExecutionCompleted)
    ] == ['"done"'] * 2


def retried(context: Any) -> Any:
    return (yield context.call_activity_with_retry("act", df.RetryOptions(1000, 2)))


def again(context: Any) -> Any:
    yield context.call_activity("act")
    if context.get_input() is None:
        context.continue_as_new(context.new_uuid())
    return "done"


def guarded(context: Any) -> Any:
    try:
        yield context.task_all(
            [context.call_entity(df.EntityId("counter", "k"), "add"), context.call_activity("act")]
        )
    except Exception as error:
        return str(error)


def test_every_kind_of_history_replays(durable: Durable) -> None:
    answers = iter([RuntimeError("first"), RuntimeError("second"), *(["done"] * 9)])

    def act(_value: Any) -> Any:
        if isinstance(answer := next(answers), Exception):
            raise answer
        return answer

    durable.mock("act", calls=act)
    durable.mock("counter", raises=ValueError("no luck"), kind="entity")
    durable.run(retried, instance_id="rewound")
    assert_replays(durable.history("rewound"), retried)
    durable.hub.rewind("rewound")
    with pytest.warns(PortabilityWarning, match="was rewound after it had caught"):
        durable.start(approval, instance_id="suspended")
    durable.hub.suspend("suspended")
    durable.raise_event("suspended", "Approve")
    durable.start(approval, instance_id="terminated")
    durable.hub.terminate("terminated", "no")
    for function in (again, guarded, sleeper):
        durable.run(function, 1 if function is sleeper else None, instance_id=function.__name__)
    ran = {
        "rewound": retried,
        "suspended": approval,
        "terminated": approval,
        "again": again,
        "guarded": guarded,
        "sleeper": sleeper,
    }
    for instance_id, function in ran.items():
        durable.wait(instance_id)
        assert_replays(json.dumps(durable.history(instance_id)), function)
    states = [durable.status(instance_id).runtime_status.value for instance_id in ran]
    assert states == ["Completed", "Suspended", "Terminated", "Completed", "Completed", "Completed"]


def other_activity(context: Any) -> Any:
    return (yield context.call_activity("other"))


def other_result(context: Any) -> Any:
    yield context.call_activity("act")
    return "otherwise"


def one_step_more(context: Any) -> Any:
    yield context.call_activity("act")
    return (yield context.call_activity("more"))


def still_waiting(context: Any) -> Any:
    yield context.call_activity("act")
    return (yield context.wait_for_external_event("Go"))


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (
            other_activity,
            "event 2: history has activity 'act', the code has activity 'other' at test_replays.py:",
        ),
        (
            other_result,
            (
                'event 6: history has the end: completes with "done", the code has the end: '
                'completes with "otherwise"'
            ),
        ),
        (
            one_step_more,
            "event 7: history has nothing more here, the code has activity 'more' at",
        ),
        (
            still_waiting,
            'event 6: history has the end: completes with "done", the code waits at',
        ),
    ],
    ids=["activity", "result", "more", "waiting"],
)
def test_code_that_does_otherwise_is_told_apart(
    saved: dict[str, Any], function: Any, says: str
) -> None:
    with pytest.raises(
        AssertionError, match="^instance 'i' of 'caller' does not replay: .*" + re.escape(says)
    ):
        assert_replays(saved, function)


@pytest.mark.parametrize(
    ("document", "says"),
    [
        ("{", "the saved history is not JSON"),
        ("[]", "this is not a saved history of durablectl"),
        (
            '{"format": "durablectl-history", "version": 3}',
            "the saved history has format 3, and this durablectl reads formats 1 to 2",
        ),
        ('{"format": "durablectl-history", "version": 1}', "the saved history is damaged"),
        (
            (
                '{"format": "durablectl-history", "version": 1, "instanceId": "", "executionId": "", '
                '"name": "", "events": [{"type": "No"}]}'
            ),
            "its event 0 has the unknown type 'No'",
        ),
        (
            (
                '{"format": "durablectl-history", "version": 1, "instanceId": "i", "executionId": "", '
                '"name": "", "events": []}'
            ),
            "its history is empty",
        ),
    ],
    ids=["text", "array", "newer", "no-events", "event", "empty"],
)
def test_what_is_no_saved_history_is_refused(document: str, says: str) -> None:
    with pytest.raises(UsageError, match=says):
        assert_replays(document, caller)
