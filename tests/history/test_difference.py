"""Two executions are compared step by step; literal histories in, differences out."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta

import pytest

import durablectl
from durablectl.errors import UsageError
from durablectl.history import events as e
from durablectl.history.difference import compare
from durablectl.history.exported import RawHistory, raw_to_json
from durablectl.history.json_difference import MISSING, PathDifference, json_differences
from durablectl.history.service import history_view
from durablectl.model import InstanceStatus, RuntimeStatus

T0 = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def raw(*events, id="o-1", input="1", name="order"):
    return RawHistory(id, "x", name, (e.ExecutionStarted(T0, name, input), *events))


def served(*events, id="o-1"):
    """The same execution as the HTTP API shows it."""
    history = history_view(raw(*events).events, show_input=True, show_output=True)
    return InstanceStatus("order", id, RuntimeStatus.RUNNING, T0, T0, history=history)


def call(number, name, result="1", input=None, begin=0.0, end=1.0):
    return (
        e.TaskScheduled(at(begin), number, name, input),
        e.TaskCompleted(at(end), number, result),
    )


def differences(found):
    """What differs, by the names of the steps."""
    return {
        (step.name, step.occurrence): [(each.what, each.at.path) for each in step.differences]
        for step in found.steps
        if not step.is_equal
    }


def test_two_runs_that_did_the_same_are_equal_whatever_their_times_are():
    found = compare(raw(*call(0, "pay")), raw(*call(0, "pay", end=9), id="o-2"))
    assert (found.is_equal, found.parts_at, found.basis) == (True, None, "exact")


def test_results_and_inputs_are_compared_as_json_paths():
    a, b = call(0, "pay", '{"total": [1, 2]}', '{"id": 1}'), call(0, "pay", '{"total": [1]}', "{}")
    assert differences(compare(raw(*a), raw(*b))) == {
        ("pay", 1): [("input", "$.id"), ("result", "$.total[1]")]
    }


def test_steps_are_aligned_by_kind_name_and_occurrence():
    a = [*call(0, "reserve", "1"), *call(1, "reserve", "2", begin=1, end=2)]
    b = [*call(0, "check"), *call(1, "reserve", "1"), *call(2, "reserve", "3", begin=1, end=2)]
    found = compare(raw(*a), raw(*b))
    assert [(step.name, step.a is None, step.is_equal) for step in found.steps[:4]] == [
        ("", False, True),
        ("check", True, False),
        ("reserve", False, True),
        ("reserve", False, False),
    ]
    assert found.parts_at is not None
    assert found.parts_at.name == "check"


def test_an_order_of_decisions_that_changed_is_a_difference():
    one, other = call(0, "a", begin=0, end=1), call(1, "b", begin=1, end=2)
    swapped = [*call(0, "b", begin=0, end=1), *call(1, "a", begin=1, end=2)]
    assert differences(compare(raw(*one, *other), raw(*swapped))) == {("b", 1): [("order", "$")]}


def test_attempts_of_a_retry_are_one_step_and_count():
    tried = [
        e.TaskScheduled(T0, 0, "pay"),
        e.TaskFailed(at(1), 0, "Activity function 'pay' failed: no luck"),
        e.TimerCreated(at(1), 1, at(3)),
        e.TimerFired(at(3), 1, at(3)),
        *call(2, "pay", begin=3, end=4),
    ]
    found = compare(raw(*call(0, "pay")), raw(*tried))
    assert differences(found) == {("pay", 1): [("attempts", "$")]}


def test_how_it_ended_is_compared_and_an_input_is_not_where_they_part():
    ends = [
        e.ExecutionCompleted(at(1), RuntimeStatus.COMPLETED, '"done"'),
        e.ExecutionCompleted(at(1), RuntimeStatus.FAILED, "no luck"),
    ]
    found = compare(raw(ends[0]), raw(ends[1], input="2"))
    assert [each.what for each in found.steps[-1].differences] == ["outcome", "result"]
    assert found.parts_at is found.steps[-1]


def test_a_timer_is_compared_by_its_delay():
    a, b = (e.TimerCreated(at(begin), 0, at(begin + 60)) for begin in (0, 1))
    assert compare(raw(a), raw(b)).is_equal
    longer = e.TimerCreated(T0, 0, at(90))
    assert differences(compare(raw(a), raw(longer))) == {("timer", 1): [("delay", "$")]}


def test_calls_of_an_entity_are_compared_with_their_answers():
    def asked(answer):
        request = '{"op": "get", "id": "r-1", "input": "5"}'
        return raw(
            e.EventSent(T0, 0, "@counter@k", "op", request),
            e.EventRaised(at(1), "r-1", json.dumps({"result": answer})),
        )

    assert compare(asked("7"), asked("7")).is_equal
    assert differences(compare(asked("7"), asked("8"))) == {
        ("@counter@k get", 1): [("result", "$")]
    }


def test_what_the_http_api_does_not_show_is_not_compared_but_said():
    a, b = raw(*call(0, "pay", input="1")), served(*call(0, "pay", input="2"))
    found = compare(a, b)
    assert (found.is_equal, found.basis) == (True, "reconstructed")
    assert found.notes == ("the history of 'o-1' has no inputs of calls: they are not compared",)


def test_siblings_of_one_moment_are_compared_as_a_set_over_http():
    scheduled = [e.TaskScheduled(T0, n, "reserve") for n in range(3)]
    orders = ([0, 1, 2], [2, 0, 1])
    a, b = (
        served(*scheduled, *(e.TaskCompleted(at(i + 1), n, str(n)) for i, n in enumerate(order)))
        for order in orders
    )
    assert compare(a, b).is_equal


def test_a_saved_file_and_its_text_are_read_as_well(tmp_path):
    document = raw_to_json(raw(*call(0, "pay")))
    (tmp_path / "a.json").write_text(json.dumps(document))
    assert durablectl.compare(tmp_path / "a.json", json.dumps(document)).is_equal
    assert durablectl.compare(document, raw(*call(0, "pay"))).is_equal


def test_as_json_it_says_all_of_it():
    shown = compare(raw(*call(0, "pay", "1")), raw(*call(0, "pay", "2"), id="o-2")).to_json()
    assert (shown["equal"], shown["basis"], shown["partsAt"]) == (False, "exact", 1)
    assert shown["steps"][1]["differences"] == [{"what": "result", "path": "$", "a": 1, "b": 2}]
    assert json.loads(json.dumps(shown)) == shown


@pytest.mark.parametrize(
    ("source", "message"),
    [
        ("[]", "not a saved history"),
        ("{", "is not JSON"),
        ({"instanceId": "i", "runtimeStatus": "Failed", "createdTime": "x"}, "is damaged"),
        (InstanceStatus("o", "i", RuntimeStatus.FAILED, T0, T0), "has no history"),
        ({"format": "durablectl-history", "version": 99}, "format 99"),
        ({"format": "durablectl-history", "version": 2}, "damaged"),
        (raw_to_json(raw(e.TaskScheduled(T0, "0", "pay"))), "task_id of its event 1"),  # type: ignore[arg-type]
        (raw_to_json(raw(e.TaskCompleted(T0, 0, 5))), "result of its event 1"),  # type: ignore[arg-type]
    ],
    ids=["list", "text", "status", "bare", "newer", "empty", "number", "payload"],
)
def test_what_is_not_a_history_is_refused(source, message):
    with pytest.raises(UsageError, match=message):
        compare(source, raw())


def test_an_instance_that_has_not_started_has_no_steps():
    pending = RawHistory("o-1", "x", "order", ())
    assert compare(pending, pending).is_equal
    assert not compare(pending, raw()).is_equal


# JSON paths


@pytest.mark.parametrize(
    ("a", "b", "paths"),
    [
        ({"a": 1}, {"a": 1.0}, []),
        (1, True, ["$"]),
        (None, [], ["$"]),
        ({"a": {"b": [1, 2]}}, {"a": {"b": [1, 3]}}, ["$.a.b[1]"]),
        ({"a b": 1, "c": 1}, {"c": 2, "d": 1}, ['$["a b"]', "$.c", "$.d"]),
        ([[]], [{}], ["$[0]"]),
    ],
    ids=str,
)
def test_values_differ_at_paths(a, b, paths):
    assert [found.path for found in json_differences(a, b)] == paths


def test_a_member_that_one_side_lacks_is_not_null():
    assert json_differences({}, {"a": None}) == (PathDifference("$.a", MISSING, None),)
    assert PathDifference("$.a", MISSING, None).to_json() == {"path": "$.a", "b": None}


def test_the_paths_of_a_large_difference_are_bounded():
    assert len(json_differences(list(range(10_000)), [])) == 1000
