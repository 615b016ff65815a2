"""Reading saved histories: every form, and what is refused."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

import durablectl
from durablectl.errors import UsageError
from durablectl.history.events import ExecutionStarted, OrchestratorStarted
from durablectl.history.exported import RawHistory, raw_to_json
from durablectl.history.saved import (
    ServiceHistory,
    histories_in,
    histories_of,
    history_of,
    read_histories,
)

T0 = datetime(2026, 1, 1, tzinfo=UTC)
RAW = raw_to_json(RawHistory("i", "x", "o", (OrchestratorStarted(T0), ExecutionStarted(T0, "o"))))
EVENT = {
    "EventType": "ExecutionStarted",
    "Input": None,
    "Generation": 0,
    "Timestamp": "2026-01-01T00:00:00Z",
    "FunctionName": "o",
}
STATUS = {
    "name": "o",
    "instanceId": "i",
    "runtimeStatus": "Running",
    "createdTime": "2026-01-01T00:00:00Z",
    "lastUpdatedTime": "2026-01-01T00:00:00Z",
    "historyEvents": [EVENT],
}
DTFX = [
    {"EventType": 12, "EventId": -1, "IsPlayed": False, "Timestamp": "2026-01-01T00:00:00Z"},
    {
        "EventType": 0,
        "EventId": -1,
        "Name": "o",
        "OrchestrationInstance": {"InstanceId": "i", "ExecutionId": "x"},
        "Timestamp": "2026-01-01T00:00:00.1234567Z",
    },
]


@pytest.mark.parametrize("document", [RAW, STATUS, DTFX], ids=["raw", "HTTP", "DTFx"])
def test_every_form_is_read(document: Any) -> None:
    history = history_of(json.dumps(document))
    assert (history.instance_id, history.name) == ("i", "o")
    assert durablectl.judge(document, lambda _context: None).expected == "no end yet"


def test_the_names_of_event_types_are_read_as_their_numbers_are() -> None:
    named = [DTFX[0] | {"EventType": "OrchestratorStarted"}, DTFX[1] | {"EventType": "0"}]
    assert history_of(json.dumps(named)) == history_of(json.dumps(DTFX))


def test_json_lines_and_arrays_hold_several(tmp_path: Path) -> None:
    lines = tmp_path / "many.jsonl"
    lines.write_text("".join(json.dumps(each) + "\n" for each in (RAW, STATUS, DTFX)) + "\n")
    assert [type(each).__name__ for each in read_histories(lines)] == [
        "RawHistory",
        "ServiceHistory",
        "RawHistory",
    ]
    assert len(list(histories_in([STATUS, RAW]))) == 2


def test_bare_history_events_get_the_name_of_their_file(tmp_path: Path) -> None:
    (tmp_path / "order-7.json").write_text(json.dumps([EVENT]))
    (found,) = read_histories(tmp_path / "order-7.json")
    assert isinstance(found, ServiceHistory)
    assert (found.instance_id, found.name) == ("order-7", "o")


def test_a_text_is_json_or_the_path_of_a_file(tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(json.dumps(RAW))
    assert histories_of(str(path)) == histories_of(path) == histories_of(path.read_text())
    with pytest.raises(UsageError, match=r"missing\.json"):
        histories_of("missing.json")


def test_lines_are_read_one_at_a_time(tmp_path: Path) -> None:
    """The limit is for a document, not for the file."""
    lines, line = tmp_path / "many.jsonl", json.dumps(RAW)
    lines.write_text(f"{line}\n" * 20)
    assert len(list(read_histories(lines, limit=len(line) + 1))) == 20


@pytest.mark.parametrize(
    ("name", "text", "says"),
    [
        ("a.json", "{", "a.json is not JSON"),
        ("a.json", json.dumps(RAW)[:-40], "a.json is not JSON"),
        ("a.json", "[" * 100_000, "nested too deeply"),
        ("a.json", "{}", "a.json: this is not a saved history"),
        ("a.json", "[1]", "a.json: this is not a saved history"),
        ("a.json", json.dumps(RAW | {"version": 99}), "a.json: the saved history has format 99"),
        ("a.json", json.dumps(STATUS | {"historyEvents": None}), "'i' has no history"),
        ("a.json", json.dumps([DTFX[0] | {"EventType": 99}]), "event 0 .* unknown type '99'"),
        ("a.json", json.dumps([DTFX[0] | {"Timestamp": 1}]), "event 0 .* cannot be read"),
        ("a.jsonl", f"{json.dumps(RAW)}\nno\n", "a.jsonl:2 is not JSON"),
        ("a.jsonl", f"{json.dumps(RAW)}\n{{}}\n", "a.jsonl:2: this is not a saved history"),
    ],
)
def test_what_is_not_a_history_is_refused(tmp_path: Path, name: str, text: str, says: str) -> None:
    (tmp_path / name).write_text(text)
    with pytest.raises(UsageError, match=says):
        list(read_histories(tmp_path / name))


@pytest.mark.parametrize("name", ["a.json", "a.jsonl"])
def test_a_document_above_the_limit_is_refused_with_its_size(tmp_path: Path, name: str) -> None:
    (tmp_path / name).write_text(" " * 3_000_000)
    with pytest.raises(UsageError, match=r"MB, and a history may have 2\.0 MB"):
        list(read_histories(tmp_path / name, limit=2_000_000))


def test_a_file_that_is_no_text_says_so(tmp_path: Path) -> None:
    (tmp_path / "a.json").write_bytes(b"\xf8\xff")
    with pytest.raises(UsageError, match=r"a\.json is not JSON: it is not UTF-8"):
        list(read_histories(tmp_path / "a.json"))


def test_a_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match=r"cannot read .*gone\.json: no such file"):
        list(read_histories(tmp_path / "gone.json"))


@pytest.mark.parametrize(
    ("events", "says"),
    [
        ([], "has not started yet"),
        ([EVENT, {"EventType": "TaskCompleted", "Timestamp": "2026-01-01T00:00:01Z"}], "damaged"),
        ([EVENT, EVENT | {"EventType": "Surprise"}], "unknown type 'Surprise'"),
        ([EVENT | {"Timestamp": "soon"}], "damaged"),
        (
            [EVENT | {"EventType": "TimerFired", "FireAt": "2026-01-01T00:00:01Z"}],
            "a timer that the",
        ),
    ],
    ids=["empty", "damaged", "unknown", "time", "timer"],
)
def test_a_history_that_proves_too_little_is_not_judged(events: list[Any], says: str) -> None:
    def o(context: Any) -> Any:
        yield context.call_activity("a")

    verdict = durablectl.judge(STATUS | {"historyEvents": events}, o)
    assert verdict.judgement.value == "cannot judge"
    assert says in verdict.reason
    assert verdict.to_json()["verdict"] == "cannot judge"
