"""`durablectl diff`: a verdict in the exit code, and what differs on stdout."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted_server import status
from terminal import durablectl, terminal

STARTED = {
    "EventType": "ExecutionStarted",
    "Timestamp": "2026-11-02T03:04:05Z",
    "FunctionName": "order",
    "Input": "1",
}


@pytest.fixture
def finished(run, app):
    for instance_id in ("h-1", "h-2"):
        assert run("run", "hello", "--instance-id", instance_id).code == 0
    city = ("--input-json", '["Oslo"]')
    assert run("run", "hello", "--instance-id", "h-3", *city).code == 0


def test_equal_instances_are_0_and_different_ones_1(run, finished):
    assert [run("diff", "h-1", other).code for other in ("h-2", "h-3")] == [0, 1]


def test_a_person_sees_where_they_part(run, finished):
    rows = run("diff", "h-1", "h-3").out.splitlines()
    assert rows[0] == "\tA\tB"
    marks = [line.split("\t")[:2] for line in rows if "activity" in line and "\t" in line]
    assert marks == [["|", "activity 'say_hello'"], ["<", "activity 'say_hello' (no. 2)"]]
    assert rows[-1] == "different: 4 of 4 steps; the first after the start is activity 'say_hello'"


def test_json_has_the_values(run, finished):
    shown = json.loads(run("diff", "h-1", "h-3", "-o", "json").out)
    assert shown["steps"][1]["differences"] == [
        {"what": "input", "path": "$", "a": "Tokyo", "b": "Oslo"},
        {"what": "result", "path": "$", "a": "Hello Tokyo!", "b": "Hello Oslo!"},
    ]


def test_files_of_both_forms_are_compared(run, finished, project):
    (project / "raw.json").write_text(run("history", "h-1", "--raw").out)
    (project / "status.json").write_text(run("status", "h-1", "--history-output", "-o", "json").out)
    code, out, err = run("diff", "raw.json", "./status.json")
    assert (code, out.splitlines()[-1]) == (0, "equal: all 4 steps are the same")
    assert "no inputs of calls" in err
    assert run("diff", "raw.json", "h-2").code == 0


def test_remote_instances_are_compared(remote, server):
    for name, result in (("o-1", 1), ("o-2", 2)):
        done = {"EventType": "TaskCompleted", "Timestamp": "2026-11-02T03:04:06Z"}
        done |= {"FunctionName": "pay", "Result": result}
        server.on(
            "GET", f"/instances/{name}", (200, {**status(name), "historyEvents": [STARTED, done]})
        )
    code, out, _err = remote("diff", "o-1", "o-2")
    assert (code, "result: 1 -> 2" in out) == (1, True)


BAD_FILES = {
    "missing.json": None,
    "list.json": "[]",
    "truncated.json": '{"format": "durablectl-hist',
    "newer.json": '{"format": "durablectl-history", "version": 99}',
    "damaged.json": '{"format": "durablectl-history", "version": 1, "events": [7]}',
    "two.jsonl": "{}\n{}\n",
    "latin.json": b"\xff\xfe{}",
    "bare.json": json.dumps(status("o-1")),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_cannot_be_compared_is_2(run, finished, name):
    content = BAD_FILES[name]
    if content is not None:
        Path(name).write_bytes(content if isinstance(content, bytes) else content.encode())
    code, out, err = run("diff", name, "h-1")
    assert (code, out) == (2, "")
    assert name in err.splitlines()[0]


def test_a_file_above_the_limit_is_refused_with_its_size(run, finished, project):
    (project / "large.json").write_text(" " * 2000)
    code, _out, err = run("diff", "large.json", "h-1", env={"DURABLECTL_MAX_RESPONSE": "1KB"})
    assert (code, "large.json has 0.0 MB" in err) == (2, True)


def test_a_fault_is_never_taken_for_a_difference(run, finished, project):
    (project / "hub.db").write_bytes(b"not a database" * 100)
    code, _out, err = run("diff", "h-1", "h-2", "--hub", "hub.db")
    assert (code, err.startswith("durablectl: ")) == (2, True)


@pytest.mark.parametrize(
    ("arguments", "code"),
    [
        (["h-1", "nobody"], 3),
        (["h-1"], 2),
        (["h-1", "@counter@a"], 2),
        (["-", "-"], 2),
        (["h-1", "h-2", "-o", "id"], 2),
        (["h-1", "."], 2),
    ],
    ids=str,
)
def test_what_cannot_be_compared_is_said(run, finished, arguments, code):
    result = run("diff", *arguments)
    assert (result.code, result.out) == (code, "")


def test_several_instances_on_one_side_are_refused(run, finished):
    assert run("diff", "-", "h-1", stdin="h-1\nh-2\n").code == 2


def test_the_column_of_marks_takes_no_more_than_it_needs_on_a_terminal(finished):
    command = durablectl("diff", "h-1", "h-3", "--color", "never")
    with terminal(command, columns=80) as shown:
        assert shown.end() == 1
        text = shown.text
    assert "\n<  activity 'say_hello' (no. 2)" in text
