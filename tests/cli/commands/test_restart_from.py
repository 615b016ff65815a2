"""`durablectl restart ID --from STEP`: what a person and a script see of it."""

from __future__ import annotations

import json

import pytest
from scripted_server import status


@pytest.fixture
def finished(run, app):
    assert run("run", "hello", "--instance-id", "h-1").code == 0


@pytest.fixture
def failed(run, app):
    assert run("run", "failing", "--instance-id", "f-1").code == 10


def new_id(result):
    return json.loads(result.out)["id"]


def test_a_new_instance_continues_from_the_step(run, finished):
    made = run("restart", "h-1", "--from", "3", "-o", "id")
    assert (made.code, "from step 3 of h-1: 2 kept, 2 repeated" in made.err) == (0, True)
    assert run("wait", made.out.strip()).out == '["Hello Tokyo!", "Hello London!"]\n'


def test_the_first_failed_step_is_the_default(run, failed, app):
    source = app / "function_app.py"
    source.write_text(source.read_text().replace("raise RuntimeError(why)", "return 'luck'"))
    made = run("restart", "f-1", "--from", "-o", "json")
    assert (made.code, run("wait", new_id(made)).out) == (0, "luck\n")


def test_a_name_that_occurs_once_is_a_step(run, failed):
    assert run("restart", "f-1", "--from", "FAIL", "-q", "-o", "id").code == 0


def test_a_person_sees_the_payload_of_the_new_instance(run, finished):
    code, out, _err = run("restart", "h-1", "--from", "2")
    assert (code, out.startswith("id ")) == (0, True)


def test_a_dry_run_shows_what_is_kept_and_repeated(run, finished):
    code, out, err = run("restart", "h-1", "--from", "3", "--dry-run")
    rows = [line.split("\t")[:3] for line in out.splitlines()]
    assert (code, rows) == (
        0,
        [
            ["#", "", "STEP"],
            ["1", "kept", "hello started"],
            ["2", "kept", "say_hello"],
            ["3", "repeated", "say_hello"],
            ["4", "repeated", "completed"],
        ],
    )
    assert err.endswith("\nwould restart from step 3 of h-1: 2 kept, 2 repeated\n")
    assert run("list", "-o", "id").out == "h-1\n"


def test_a_dry_run_numbers_steps_as_the_history_does(run, app):
    run("start", "hello", "--instance-id", "h-1")
    run("suspend", "h-1")
    run("resume", "h-1")
    assert run("wait", "h-1").code == 0
    lines = run("history", "h-1").out.splitlines()
    steps = [line.split("\t") for line in lines[lines.index("") + 2 :]]
    shown = run("restart", "h-1", "--from", steps[-1][0], "--dry-run").out
    rows = [line.split("\t") for line in shown.splitlines()[1:]]
    assert [(row[0], row[2]) for row in rows] == [(row[0], row[3]) for row in steps]
    assert [row[2] for row in rows if not row[1]] == ["suspended"]


def test_a_dry_run_as_json(run, finished):
    shown = json.loads(run("restart", "h-1", "--from", "3", "--dry-run", "-o", "json").out)
    assert (shown["from"], [step["step"] for step in shown["repeated"]]) == (3, [3, 4])
    assert run("restart", "h-1", "--from", "3", "--dry-run", "-o", "id").out == "h-1\n"


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["h-1", "--from", "9"], 2, "no step 9"),
        (["h-1", "--from", "nothing"], 2, "no step 'nothing'"),
        (["h-1", "--from", "say_hello"], 2, "called 2 times, in steps 2, 3"),
        (["h-1", "--from"], 2, "no step of instance 'h-1' has failed"),
        (["h-1", "--from", "2", "--from", "3"], 2, "given twice"),
        (["h-1", "h-2", "--from", "2"], 2, "2 were named"),
        (["h-1", "--from", "2", "--same-id"], 2, "--same-id"),
        (["h-1", "--from", "2", "--status", "Failed"], 2, "filter"),
        (["h-1", "--from", "2", "--limit", "3"], 2, "no batch options"),
        (["h-1", "--from", "2", "--journal", "j"], 2, "no batch options"),
        (["h-1", "--from", "2", "--input", "x.json"], 2, "the input that it had"),
        (["h-1", "--from", "2", "--query", "id"], 2, "--query"),
        (["nobody", "--from", "2"], 3, "no instance 'nobody'"),
        (["@counter@a", "--from", "2"], 2, "is an entity"),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_restarted_is_said(run, finished, arguments, code, said):
    result = run("restart", *arguments)
    assert (result.code, result.out, said in result.err) == (code, "", True), result.err
    assert run("list", "-o", "id").out == "h-1\n"


def test_a_remote_hub_cannot_do_it(remote, server):
    server.otherwise = lambda _request: (200, status("o-1"))
    code, out, err = remote("restart", "o-1", "--from", "2")
    assert (code, out, "cannot restart an instance from a step" in err) == (7, "", True)
    assert [request.method for request in server.asked if request.method == "POST"] == []


def test_without_an_instance_it_is_still_a_file_of_instances(run, finished, project):
    (project / "ids.txt").write_text("h-1\n")
    assert run("restart", "--from", "ids.txt", "-q", "-o", "id").code == 0
    assert run("restart", "--from", "-", "-q", "-o", "id", stdin="h-1\n").code == 0


def test_the_next_commands_are_for_the_hub_that_a_flag_named(run, app):
    assert run("run", "failing", "--instance-id", "f-1", "--hub", "mine.db").code == 10
    shown = run("restart", "f-1", "--from", "--hub", "mine.db").out
    assert "durablectl wait --hub mine.db " in shown
    assert "http" not in shown
