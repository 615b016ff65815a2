"""`durablectl import`: from a file and from the hub of another context, which is only read."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from scripted_server import status

from tests.server.serving import serving


@pytest.fixture
def finished(run, app):
    assert run("run", "hello", "--instance-id", "h-1").code == 0
    (app / "h-1.json").write_text(run("history", "h-1", "--raw").out)
    return app


OTHER = ("--hub", "other.db")


def test_a_file_is_imported_into_the_hub_of_the_settings(run, finished):
    code, out, _err = run("import", "h-1.json", *OTHER)
    assert (code, out) == (0, "ID\tNAME\tSTATUS\nh-1\thello\tCompleted\n")
    assert run("status", "h-1", *OTHER).code == 0


def test_json_and_ids(run, finished):
    assert json.loads(run("import", "h-1.json", *OTHER, "-o", "json").out) == {
        "id": "h-1",
        "instances": [
            {"instanceId": "h-1", "name": "hello", "runtimeStatus": "Completed", "parent": None}
        ],
        "keptEntities": [],
        "notes": [],
    }
    again = run("import", "h-1.json", "--instance-id", "copy", *OTHER, "-o", "id")
    assert again.out == "copy\n"


def test_a_running_one_arrives_suspended_and_the_hint_continues_it(run, app):
    run("start", "approval", "--instance-id", "a-1")
    run("worker", "--until-idle")
    (app / "a-1.json").write_text(run("history", "a-1", "--raw").out)
    imported = run("import", "a-1.json", *OTHER)
    assert "hint: continue it here: durablectl resume --hub other.db a-1" in imported.err
    run("resume", "a-1", *OTHER)
    run("raise-event", "a-1", "Approve", "--input-json", "7", *OTHER)
    assert run("wait", "a-1", "--timeout", "30s", *OTHER).out == "7\n"


def test_an_instance_of_a_served_hub_is_imported_and_continued(run, app, tmp_path):
    remote = tmp_path / "remote"
    remote.mkdir()
    with serving(remote, app=app / "function_app.py") as server:
        run("context", "add", "prod", "--url", server.base)
        server.ask("POST", "orchestrators/failing/f-1")
        server.finished("f-1")
        server.ask("POST", "orchestrators/approval/a-1")
        server.until("instances/a-1", lambda _code, body: body["customStatus"] is not None)
        hub = ("--hub", "mine.db")
        assert run("import", "a-1", "--from-context", "prod", *hub).code == 0
        failed = run("import", "f-1", "--from-context", "prod", *hub)
        assert "durablectl restart --hub mine.db f-1 --from" in failed.err
        assert server.ask("GET", "instances/a-1")[1]["runtimeStatus"] == "Running"
    shown = json.loads(run("status", "a-1", "-o", "json", *hub).out)
    assert (shown["runtimeStatus"], shown["customStatus"]["percent"]) == ("Suspended", 50)
    source = app / "function_app.py"
    source.write_text(source.read_text().replace("raise RuntimeError(why)", "return 'luck'"))
    new = run("restart", "f-1", "--from", "-o", "id", *hub).out.strip()
    assert run("wait", new, "--timeout", "30s", *hub).out == "luck\n"


def test_a_served_instance_that_changes_while_it_is_read_is_read_again(run, app, server):
    run("context", "add", "prod", "--url", server.url)
    started = {"EventType": "ExecutionStarted", "FunctionName": "approval", "Input": None}
    events = [started | {"Timestamp": "2026-11-02T03:04:05Z"}]
    shown = {**status("e-1", "Running"), "name": "approval", "historyEvents": events}
    ended = shown | {"runtimeStatus": "Completed"}
    server.on("GET", "/instances/e-1", (200, ended), (200, shown))
    code, _, err = run("import", "e-1", "--from-context", "prod", "--app", app)
    assert "instance 'e-1' changed while it was read; it was read again" in err, err
    assert code == 0
    server.on("GET", "/instances/e-2", (200, ended | {"instanceId": "e-2"}))
    code, out, err = run("import", "e-2", "--from-context", "prod", "--app", app)
    assert (code, out, "changes while it is read" in err) == (6, "", True)


def test_the_other_hub_is_only_read(run, app, server):
    run("context", "add", "prod", "--url", server.url)
    events = [
        {
            "EventType": "ExecutionStarted",
            "Timestamp": "2026-11-02T03:04:05Z",
            "FunctionName": "echo",
            "Input": "7",
        },
        {
            "EventType": "ExecutionCompleted",
            "Timestamp": "2026-11-02T03:04:06Z",
            "OrchestrationStatus": "Completed",
            "Result": 7,
        },
    ]
    shown = {**status("e-1"), "name": "echo", "output": 7, "historyEvents": events}
    server.otherwise = lambda _request: (200, shown)
    code, out, _err = run("import", "e-1", "--from-context", "prod")
    assert (code, out.splitlines()[-1]) == (0, "e-1\techo\tCompleted")
    assert {request.method for request in server.asked} == {"GET"}


def test_an_id_that_is_taken_is_6(run, finished):
    code, out, err = run("import", "h-1.json")
    assert (code, out, "--instance-id" in err) == (6, "", True)


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        (["h-1"], 2, "--from-context"),
        (["h-1.json", "--from-context", "prod"], 2, "is a file"),
        (["h-1", "--from-context", "nowhere"], 2, "nowhere"),
        (["missing.json"], 2, "missing.json"),
        (["h-1.json", "--instance-id", "@a@b"], 2, "instance id"),
        ([".", *OTHER], 2, "."),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_what_cannot_be_imported_is_said(run, finished, arguments, code, said):
    result = run("import", *arguments)
    assert (result.code, result.out, said in result.err) == (code, "", True), result.err


BAD_FILES = {
    "list.json": "[]",
    "truncated.json": '{"format": "durablectl-hist',
    "newer.json": '{"format": "durablectl-history", "version": 99}',
    "damaged.json": '{"format": "durablectl-history", "version": 1, "events": [7]}',
    "other.json": json.dumps(
        {
            **status("o-1"),
            "name": "nothing_here",
            "historyEvents": [
                {
                    "EventType": "ExecutionStarted",
                    "Timestamp": "2026-11-02T03:04:05Z",
                    "FunctionName": "nothing_here",
                    "Input": None,
                }
            ],
        }
    ),
    "bare.json": json.dumps(status("o-1")),
}


@pytest.mark.parametrize("name", BAD_FILES)
def test_a_file_that_is_not_a_history_of_the_app_is_2(run, app, name):
    Path(name).write_text(BAD_FILES[name])
    code, out, err = run("import", name)
    assert (code, out, err.startswith("durablectl: ")) == (2, "", True), err
    assert not (app / ".durablectl" / "hub.db").exists()


def test_a_file_above_the_limit_is_refused(run, finished):
    code, _out, err = run("import", "h-1.json", *OTHER, env={"DURABLECTL_MAX_RESPONSE": "100B"})
    assert (code, "h-1.json has" in err) == (2, True)


def test_an_app_that_does_not_import_is_said_where_it_is_needed(run, finished):
    (finished / "h.json").write_text(run("status", "h-1", "--history-output", "-o", "json").out)
    (finished / "function_app.py").write_text("raise SystemExit('broken')")
    assert run("import", "h-1.json", *OTHER).code == 0
    code, out, err = run("import", "h.json", "--instance-id", "again", *OTHER)
    assert (code, out, "function_app.py" in err) == (1, "", True)


def test_a_remote_hub_is_not_imported_into(remote, server, finished):
    code, out, err = remote("import", "h-1.json")
    assert (code, out, "local hub" in err, "--from-context NAME --hub PATH" in err) == (
        7,
        "",
        True,
        True,
    )
    assert server.asked == []


def test_no_such_instance_is_3(run, app, server):
    run("context", "add", "prod", "--url", server.url)
    server.on("GET", "/instances/nobody", (404, None))
    code, _, err = run("import", "nobody", "--from-context", "prod")
    assert (code, "hint: durablectl list --context prod --prefix nobody" in err) == (3, True)
