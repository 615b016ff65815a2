"""`durablectl replay`: verdicts on stdout, and the gate in the exit code."""

from __future__ import annotations

import json
import os
import stat
import threading
from xml.etree import ElementTree as ET

import pytest
from scripted_server import status

from durablectl import wire
from durablectl.cli.replay.judging import judged
from durablectl.cli.replay.saving import file_name
from durablectl.cli.replay.sources import _sampled
from durablectl.engine.registry import Orchestrator
from durablectl.history.saved import history_of
from durablectl.history.verdict import Judgement

STARTED = {
    "EventType": "ExecutionStarted",
    "Timestamp": "2026-11-02T03:04:05.1234567Z",
    "FunctionName": "hello",
    "Input": '["Oslo"]',
    "Generation": 0,
}
PENDING = {
    "EventType": "TaskScheduled",
    "Timestamp": "2026-11-02T03:04:05.2234567Z",
    "Name": "say_hello",
    "Input": None,
}
RUNNING = status("r-1", "Running", name="hello") | {"historyEvents": [STARTED, PENDING]}
CHANGED = ('"say_hello", city', '"greet", city')


@pytest.fixture
def saved(run, app):
    """A finished instance's history in each form, in the folder `saved`."""
    assert run("run", "hello", "--instance-id", "h-1").code == 0
    (app / "saved").mkdir()
    (app / "saved" / "raw.json").write_text(run("history", "h-1", "--raw").out)
    shown = run("status", "h-1", "--history-output", "-o", "json").out
    (app / "saved" / "shown.json").write_text(shown)
    (app / "saved" / "lines.jsonl").write_text(json.dumps(json.loads(shown)) + "\n")
    return app / "saved"


def change(project, old, new):
    app = project / "function_app.py"
    assert old in app.read_text()
    app.write_text(app.read_text().replace(old, new))
    later = app.stat().st_mtime + 10  # or Python takes the compiled file of the same second
    os.utime(app, (later, later))


def test_what_fits_is_0(run, saved):
    code, out, err = run("replay", "saved")
    rows = [line.split("\t") for line in out.splitlines()]
    assert (code, rows[0]) == (0, ["INSTANCE", "ORCHESTRATOR", "VERDICT", "CONFIDENCE", "WHERE"])
    assert sorted(row[:4] for row in rows[1:]) == [
        ["h-1", "hello", "fits", "exact"],
        ["h-1", "hello", "fits", "reconstructed"],
        ["h-1", "hello", "fits", "reconstructed"],
    ]
    assert err.endswith("replayed 3 histories: 3 fit\n")


def test_what_breaks_is_1_with_the_line(run, saved, project):
    change(project, *CHANGED)
    code, out, err = run("replay", "h-1", "saved/shown.json")
    line = CHANGED_LINE(project)
    got = f"the code has activity 'greet' at function_app.py:{line}"
    assert code == 1
    assert sorted(row.split("\t")[-1] for row in out.splitlines()[1:]) == [
        f"event 1: history has activity 'say_hello', {got}",
        f"event 2: history has activity 'say_hello', {got}",
    ]
    assert err.endswith("replayed 2 histories: 0 fit, 2 break\n")
    (found,) = json.loads(run("replay", "saved/raw.json", "-o", "json").out)
    assert (found["expected"], found["got"]) == ("activity 'say_hello'", "activity 'greet'")


def CHANGED_LINE(project):
    lines = (project / "function_app.py").read_text().splitlines()
    return next(number for number, line in enumerate(lines, 1) if "greet" in line)


def test_an_app_without_the_orchestrator_breaks(run, saved, project):
    change(project, "def hello(", "def hullo(")
    code, out, _ = run("replay", "saved/raw.json")
    assert code == 1
    assert "history has orchestrator 'hello', the code has none of this name" in out


def test_json_is_the_verdict(run, saved):
    (found,) = json.loads(run("replay", "saved/raw.json", "-o", "json").out)
    assert found == {
        "instanceId": "h-1",
        "name": "hello",
        "verdict": "fits",
        "confidence": "exact",
        "event": None,
        "expected": None,
        "got": None,
        "place": None,
        "reason": None,
        "warnings": [],
    }
    assert run("replay", "saved/raw.json", "-o", "id").out == ""


def test_the_app_prints_nothing_of_a_replay(run, saved, project):
    change(project, "    said = []", '    print("loud")\n    said = []')
    code, out, err = run("replay", "saved/raw.json")
    assert (code, "loud" in out + err) == (0, False)


def test_a_junit_report_has_a_case_an_instance(run, saved, project):
    change(project, *CHANGED)
    assert run("replay", "saved/raw.json", "--junit", "replay.xml").code == 1
    suite = ET.parse(project / "replay.xml").getroot()[0]
    assert (suite.get("name"), suite.get("tests"), suite.get("failures")) == (
        "durablectl replay",
        "1",
        "1",
    )
    assert "activity 'greet'" in suite.find("testcase/failure").get("message")


@pytest.fixture
def flying(run, app):
    """Two instances in flight and one finished."""
    for instance_id in ("a-1", "a-2"):
        run("start", "approval", "--instance-id", instance_id)
    assert run("run", "hello", "--instance-id", "h-1", "-q").code == 0
    assert run("worker", "--until-idle", "-q").code == 0
    run("suspend", "a-2", "-q")
    assert run("worker", "--until-idle", "-q").code == 0
    return ("--hub", ".durablectl/hub.db", "--app", ".")


def test_in_flight_takes_what_runs_or_is_suspended(run, flying, project):
    code, out, _ = run("replay", "--in-flight", *flying, "-o", "jsonl")
    assert (code, {json.loads(line)["instanceId"] for line in out.splitlines()}) == (
        0,
        {"a-1", "a-2"},
    )
    change(project, 'wait_for_external_event("Approve")', 'call_activity("ask")')
    code, out, _ = run("replay", "--in-flight", *flying, "-o", "id")
    assert (code, sorted(out.split())) == (1, ["a-1", "a-2"])


def test_in_flight_takes_the_filters_of_list_and_a_sample(run, flying):
    for options in (("--prefix", "a-1"), ("--sample", "1"), ("--status", "Suspended")):
        assert (
            len(run("replay", "--in-flight", *flying, *options, "-o", "jsonl").out.split("\n")) == 2
        )


def test_a_gate_does_not_pass_on_nothing(run, flying):
    nothing = ("replay", "--in-flight", *flying, "--name", "Nope")
    code, out, err = run(*nothing)
    assert (code, out, "durablectl: there is no history to replay" in err) == (2, "", True)
    assert run(*nothing, "--allow-empty").code == 0


def test_code_that_does_not_yield_is_given_up(run, app):
    assert run("run", "hello", "--instance-id", "h-1", "-q").code == 0
    history = history_of(json.loads(run("history", "h-1", "--raw").out))
    release = threading.Event()

    def hello(context):
        release.wait(20)
        yield context.call_activity("say_hello", "Tokyo")

    verdict = judged(history, Orchestrator("hello", hello), longest=0.1)
    assert (verdict.judgement, verdict.reason) == (
        Judgement.CANNOT_JUDGE,
        "the replay of its code takes longer than 0.1 s",
    )
    release.set()


def test_a_gate_never_passes_on_a_hub_that_was_not_named(run, flying):
    code, out, err = run("replay", "--in-flight")
    assert (code, out) == (2, "")
    assert "replay --in-flight needs an explicit hub" in err
    assert run("replay", "--in-flight", env={"DURABLECTL_HUB": ".durablectl/hub.db"}).code == 0
    assert run("replay", "h-1").code == 0


def test_a_broken_one_is_said_in_the_last_line_of_json_too(run, flying, app):
    text = (app / "function_app.py").read_text()
    (app / "function_app.py").write_text(
        text.replace('"Approve"', '"Approved"').replace(
            "return (yield context.wait",
            "yield context.call_activity('fail', 1)\n    return (yield context.wait",
        )
    )
    code, _, err = run("replay", "--in-flight", *flying, "-o", "json")
    assert (code, json.loads(err.splitlines()[-1])["message"].startswith("replayed 2")) == (1, True)


def test_histories_are_kept_for_their_owner_alone(run, flying, project):
    assert run("replay", "--in-flight", *flying, "--save", "corpus").code == 0
    files = sorted((project / "corpus").iterdir())
    assert [each.name for each in files] == ["a-1.json", "a-2.json"]
    assert {stat.S_IMODE(each.stat().st_mode) for each in files} == {0o600}
    assert run("replay", "corpus").code == 0


@pytest.mark.parametrize(
    "instance_id", ["../../etc/passwd", "..", "a/b", "a\\b", "C:x", "nul", "x" * 300, "\ud800", "ä"]
)
def test_no_id_chooses_where_its_history_is_kept(instance_id):
    name = file_name(instance_id)
    assert set(name) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789._-")
    assert not name.startswith(".")
    assert len(name) < 120
    assert name != file_name(f"{instance_id}_")


def test_a_remote_instance_is_reconstructed(remote, server, app):
    server.on("GET", "/instances", (200, [RUNNING, status("@counter@a", "Running")]))
    server.on("GET", "/instances/r-1", (200, RUNNING))
    code, out, _ = remote("replay", "--in-flight", "--app", app, "--save", "corpus", "-o", "jsonl")
    verdict = json.loads(out)
    assert (code, verdict["instanceId"], verdict["confidence"]) == (0, "r-1", "reconstructed")
    assert json.loads((app / "corpus" / "r-1.json").read_text())["historyEvents"][0] == STARTED


def test_an_instance_that_changes_while_it_is_read_is_read_again(remote, server, app):
    ended = RUNNING | {"runtimeStatus": "Completed"}
    server.on("GET", "/instances/r-1", (200, ended), (200, RUNNING))
    code, out, err = remote("replay", "r-1", "--app", app)
    assert (code, "reconstructed" in out) == (0, True)
    assert "instance 'r-1' changed while it was read; reading it again" in err
    server.on("GET", "/instances/r-1", (200, ended))
    code, out, err = remote("replay", "r-1", "--app", app)
    assert (code, "it changes while it is read" in out) == (2, True)


def test_what_was_purged_meanwhile_is_left_out(remote, server, app):
    gone = status("gone", "Running", name="hello")
    server.on("GET", "/instances", (200, [RUNNING, gone]))
    server.on("GET", "/instances/r-1", (200, RUNNING))
    server.on("GET", "/instances/gone", (404, ""))
    code, _, err = remote("replay", "--in-flight", "--app", app)
    assert (code, "instance 'gone' has been purged meanwhile" in err) == (0, True)


def test_what_cannot_be_judged_fails_when_it_is_asked_to(remote, server, app):
    without = RUNNING | {"historyEvents": [{**STARTED, "EventType": "Surprise"}]}
    server.on("GET", "/instances/r-1", (200, without))
    server.on("GET", "/instances/r-2", (200, RUNNING | {"instanceId": "r-2"}))
    assert remote("replay", "r-1", "r-2", "--app", app).code == 0
    assert remote("replay", "r-1", "r-2", "--app", app, "--fail-on", "cannot-judge").code == 1
    code, out, err = remote("replay", "r-1", "--app", app)
    assert (code, "event 0 has the unknown type 'Surprise'" in out) == (2, True)
    assert "durablectl: it cannot be judged" in err


@pytest.mark.parametrize(
    ("words", "says"),
    [
        ([], "give either histories or --in-flight"),
        (["x.json", "--in-flight"], "give either histories or --in-flight"),
        (["x.json", "--sample", "2"], "filters and --sample are for --in-flight"),
        (["x.json", "--name", "hello"], "filters and --sample are for --in-flight"),
        (["x.json"], "cannot read x.json: no such file"),
        (["notes.json"], "notes.json: this is not a saved history"),
        (["cut.json"], "column 20: unterminated string\n"),
        (["empty"], "there is no history to replay"),
        (["@counter@a"], "is an entity"),
        (["saved/raw.json", "--fail-on", "this"], "--fail-on: 'this' is not 'cannot-judge'"),
        (["h-1", "--save", "notes.json"], "cannot save in notes.json"),
        (["saved/raw.json", "--app", "gone"], "no such app"),
        (["saved/raw.json", "--junit", "gone/x.xml"], "could not be written"),
        (["--in-flight", "--hub", "x.db", "--status", "Failed"], "Running or Suspended"),
    ],
)
def test_what_makes_no_sense_is_2(run, saved, project, words, says):
    (project / "notes.json").write_text('{"a": 1}')
    (project / "cut.json").write_text((saved / "raw.json").read_text()[:-30])
    (project / "empty").mkdir()
    code, _, err = run("replay", *words)
    assert (code, says in err) == (2, True), err


def test_an_app_that_cannot_be_loaded_is_2(run, saved, project):
    (project / "function_app.py").write_text("raise ValueError")
    assert run("replay", "saved/raw.json").code == 2


def test_a_file_above_the_limit_is_refused_with_its_size(run, saved):
    code, _, err = run("replay", "saved/raw.json", env={"DURABLECTL_MAX_RESPONSE": "1000"})
    assert (code, "MB, and a history may have 0.0 MB" in err) == (2, True)


def test_a_sample_of_many_keeps_few_of_each_orchestrator():
    def listed():
        for number in range(30_000):
            name = "rare" if number % 10_000 == 0 else f"common{number % 2}"
            yield wire.status_from_json(status(f"i-{number}", "Running", name=name))

    found = [each.name for each in _sampled(listed(), 5)]
    assert {name: found.count(name) for name in found} == {"rare": 3, "common0": 5, "common1": 5}


def test_with_a_sample_few_histories_of_a_large_hub_are_read(remote, server, app):
    """All are listed, page by page, and only those that were drawn are asked for."""
    names = [f"r-{number}" for number in range(3_000)]
    rows = [status(each, "Running", name="hello") for each in names]

    def answer(request):
        found = [each for each in names if request.path == f"/instances/{each}"]
        return (200, RUNNING | {"instanceId": found[0]}) if found else (200, rows)

    server.otherwise = answer
    code, out, _ = remote("replay", "--in-flight", "--sample", "5", "--app", app, "-o", "json")
    assert (code, len(json.loads(out))) == (0, 5)
    assert len(server.asked) == 6


def test_no_activity_is_called_for_what_a_history_still_waits_for(remote, server, app):
    source = app / "function_app.py"
    called = source.read_text().replace('    return f"Hello {city}!"', "    open('called', 'w')")
    source.write_text(called)
    server.on("GET", "/instances/r-1", (200, RUNNING))
    assert remote("replay", "r-1", "--app", app).code == 0
    assert "open('called'" in source.read_text()
    assert not (app / "called").exists()


def test_an_answer_above_the_limit_is_refused(remote, server, app):
    server.on("GET", "/instances/r-1", (200, RUNNING | {"output": "x" * 5000}))
    code, out, err = remote("replay", "r-1", "--app", app, env={"DURABLECTL_MAX_RESPONSE": "2000"})
    assert (code, out) == (5, "")
    assert "durablectl: " in err
    assert "Traceback" not in err


def test_a_history_of_another_orchestrator_of_the_app_breaks(run, saved, project):
    text = (saved / "raw.json").read_text()
    (project / "other.json").write_text(text.replace('"hello"', '"approval"'))
    code, out, _ = run("replay", "other.json", "-o", "json")
    assert (code, json.loads(out)[0]["verdict"]) == (1, "breaks")
