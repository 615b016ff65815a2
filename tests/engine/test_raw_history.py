"""A saved history: every event comes back as it was, and what the first version saved is read and
replayed for good.
"""

from __future__ import annotations

import json
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl import df
from durablectl.history import events as e
from durablectl.history.columns import micros
from durablectl.history.exported import RawHistory, raw_from_json, raw_to_json
from durablectl.history.saved import history_of
from durablectl.history.stored import decode_event, encode_event
from durablectl.model import RuntimeStatus
from durablectl.testing import assert_replays
from tests.engine.histories import ONE_OF_EACH, T1

FIXTURES = Path(__file__).parents[1] / "fixtures"
SAVED, SAVED_2 = FIXTURES / "history-v1.json", FIXTURES / "history-v2.json"


def written_and_read(history: RawHistory) -> RawHistory:
    return raw_from_json(json.loads(json.dumps(raw_to_json(history))))


def test_what_a_failed_execution_raised_comes_back() -> None:
    history = RawHistory(
        "i",
        "x",
        "o",
        (e.ExecutionCompleted(T1, RuntimeStatus.FAILED, "why", '{"ClassName": "E"}'),),
    )
    (ending,) = written_and_read(history).events
    assert isinstance(ending, e.ExecutionCompleted)
    assert ending.details == '{"ClassName": "E"}'


def test_a_termination_says_whether_it_reaches_what_was_called() -> None:
    event = e.ExecutionTerminated(T1, "enough", recurse=True)
    history = RawHistory("i", "x", "o", (event,))
    assert written_and_read(history) == history
    assert decode_event(encode_event(event), micros(T1)) == event


@pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)
def test_an_event_comes_back_as_it_was(event: e.Event) -> None:
    history = RawHistory("i", "x", "o", (event,))
    assert written_and_read(history) == history


def everything(context: Any) -> Any:
    """Never to be changed: the saved history is that of this code."""
    counter = df.EntityId("counter", "all")
    context.signal_entity(counter, "add", 1)
    first = yield context.call_activity("double", 1)
    try:
        yield context.call_activity_with_retry("fail", df.RetryOptions(1000, 2), first)
    except Exception:
        context.set_custom_status("failed twice")
    fan = yield context.task_all([context.call_activity("double", n) for n in range(2)])
    timer = context.create_timer(context.current_utc_datetime + timedelta(days=2))
    event = context.wait_for_external_event("Go")
    winner = yield context.task_any([timer, event])
    if winner is event:
        timer.cancel()
    child = yield context.call_sub_orchestrator("child", 5, "kid")
    return [fan, event.result, child, (yield context.call_entity(counter, "get"))]


def test_a_history_that_the_first_version_saved_replays() -> None:
    assert_replays(SAVED, everything)


def broken(context: Any) -> Any:
    """Never to be changed, as above."""
    yield context.create_timer(context.current_utc_datetime)
    raise LookupError("no order 7")


def test_a_history_that_the_second_version_saved_replays() -> None:
    assert_replays(SAVED_2, broken)
    history = history_of(SAVED_2)
    assert isinstance(history, RawHistory)
    (ending,) = [event for event in history.events if isinstance(event, e.ExecutionCompleted)]
    assert json.loads(ending.details or "")["ClassName"] == "LookupError"


def test_each_part_of_it_replays_too() -> None:
    document = json.loads(SAVED.read_text(encoding="utf-8"))
    ends = [
        number
        for number, event in enumerate(document["events"], 1)
        if event["type"] == "OrchestratorCompleted"
    ]
    assert len(ends) > 10
    for end in ends:
        assert_replays(document | {"events": document["events"][:end]}, everything)
