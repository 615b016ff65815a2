"""`durablectl doctor`: each fault is found, named, and told how to mend; nothing is changed."""

from __future__ import annotations

import json
import socket
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from recorded_server import HTML, NO_INSTANCES, RecordedServer, Reply, reply_json
from scripted_server import status

from durablectl.backends.http.probe import clock_skew
from durablectl.backends.http.transport import Answer
from durablectl.cli.doctor.remote import _clock

CERTIFICATE = Path(__file__).parents[2] / "backends" / "self_signed.pem"
NO_REWIND = reply_json({"Message": "No instance with ID"}, 404)
NOW = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)


def healthy(asked):
    """A hub with a key, an instance that runs, and nothing wrong."""
    if "k3y" not in (asked.headers.get("x-functions-key"), asked.query.get("code")):
        return Reply(401)
    if asked.path == "/instances":
        is_other = asked.query.get("taskHub") == "Mistyped"
        wanted = asked.query.get("runtimeStatus", "Running")
        return reply_json(
            [] if is_other or "Running" not in wanted else [status("order-7", "Running")]
        )
    return reply_json([]) if asked.path == "/entities" else NO_REWIND


@pytest.fixture
def diagnose(run):
    """The findings of a doctor's visit to a server: the exit code, and the check, verdict and text
    of each.
    """

    def visit(answer, *flags, key="k3y", **server):
        with RecordedServer(answer, **server) as service:
            code, out, _ = run(
                "doctor",
                "--hub",
                service.origin,
                "--key-env",
                "K",
                *flags,
                "-o",
                "json",
                env={"K": key},
            )
            found = json.loads(out)
            assert all(
                asked.method == "GET" or "/durablectl-doctor-" in asked.path
                for asked in service.asked
            )
        return code, {each["check"]: each for each in found}

    return visit


def test_a_healthy_remote_hub(diagnose):
    code, found = diagnose(healthy, "--task-hub", "Orders")
    assert code == 0
    assert {check: each["verdict"] for check, each in found.items()} == {
        "address": "ok",
        "key": "ok",
        "name": "ok",
        "connection": "ok",
        "api": "ok",
        "clock": "ok",
        "task hub": "ok",
        "abilities": "ok",
        "in flight": "ok",
        "oldest running": "warning",
    }
    assert found["key"]["message"] == "accepted, in the header and in the query"
    assert found["oldest running"]["mend"].startswith("durablectl history --hub ")


def test_a_key_that_is_refused(diagnose):
    code, found = diagnose(healthy, key="wrong")
    assert (code, found["api"]["verdict"], list(found)[-1]) == (4, "problem", "api")
    assert "the key comes from K" in found["api"]["mend"]


def test_a_key_that_only_the_header_takes(diagnose):
    answer = lambda asked: Reply(401) if "code" in asked.query else healthy(asked)  # noqa: E731
    code, found = diagnose(answer)
    assert (code, found["key"]["message"]) == (
        0,
        "accepted in the header, refused in the query (401)",
    )


def test_a_hub_that_wants_no_key(diagnose):
    assert diagnose(lambda _asked: NO_INSTANCES)[1]["key"]["message"] == (
        "the service answers without any key too"
    )


def test_a_key_that_is_not_there(diagnose):
    code, found = diagnose(healthy, key="")
    assert (code, found["key"]["verdict"]) == (4, "problem")


def test_a_mistyped_task_hub(diagnose):
    code, found = diagnose(healthy, "--task-hub", "Mistyped")
    assert (code, found["task hub"]["verdict"]) == (0, "warning")
    assert "the app's own task hub is not" in found["task hub"]["message"]


@pytest.mark.parametrize(
    "reply",
    [HTML, Reply(404), Reply(403, {"Content-Type": "text/html"}, b"<html>")],
    ids=["page", "404", "stopped"],
)
def test_what_answers_is_no_task_hub(diagnose, reply):
    code, found = diagnose(lambda _asked: reply)
    assert (code, found["api"]["verdict"]) == (4 if reply.status == 403 else 5, "problem")


def test_a_service_that_knows_no_entities(diagnose):
    found = diagnose(lambda asked: Reply(404) if asked.path == "/entities" else healthy(asked))[1]
    assert (found["abilities"]["verdict"], "no entities" in found["abilities"]["message"]) == (
        "warning",
        True,
    )


def test_a_certificate_that_is_not_trusted(diagnose):
    code, found = diagnose(healthy, certificate=CERTIFICATE)
    assert (code, found["connection"]["verdict"]) == (5, "problem")
    assert "ca-file" in found["connection"]["mend"]


def test_an_address_without_a_host(run):
    code, out, _ = run("doctor", "--hub", "https://nowhere.invalid")
    assert (code, "the host 'nowhere.invalid' cannot be found" in out) == (5, True)


def test_nobody_at_home(run):
    with socket.socket() as unused:
        unused.bind(("127.0.0.1", 0))
        code, out, err = run("doctor", "--hub", f"http://127.0.0.1:{unused.getsockname()[1]}")
    assert (code, "problem  connection" in out, "1 problem" in err) == (5, True, True)


@pytest.mark.parametrize(
    ("date", "skew"),
    [("Mon, 02 Nov 2026 03:09:05 GMT", timedelta(minutes=5)), ("yesterday", None), ("", None)],
    ids=["ahead", "garbled", "none"],
)
def test_the_clocks_are_compared(date, skew):
    assert clock_skew(Answer(200, {"date": date}), NOW, NOW) == skew


@pytest.mark.parametrize(("seconds", "verdict"), [(5, "ok"), (-300, "warning"), (300, "warning")])
def test_a_clock_that_is_off_is_a_warning(seconds, verdict):
    assert _clock(timedelta(seconds=seconds)).verdict.value == verdict


def test_a_healthy_local_hub(run, app):
    run("run", "hello")
    code, out, err = run("doctor")
    assert (code, "problem" in out, "no problems found" in err) == (0, False, True)


def test_a_local_hub_that_is_not_there_yet(run, app):
    code, out, _ = run("doctor")
    assert (code, "fix: durablectl start NAME" in out) == (0, True)


def test_settings_of_host_json_that_are_not_applied_are_named(run, app):
    durable = {"hubName": "Orders", "maxConcurrentActivityFunctions": 3, "extendedSessions": True}
    (app / "host.json").write_text(
        json.dumps({"version": "2.0", "functions": ["a"], "extensions": {"durableTask": durable}})
    )
    code, out, _ = run("doctor", "-o", "json")
    found = [
        (each["verdict"], each["message"])
        for each in json.loads(out)
        if each["check"] == "host.json"
    ]
    assert (code, found) == (
        0,
        [
            (
                "warning",
                (
                    "applied on Azure, not here: functions, "
                    "extensions.durableTask.maxConcurrentActivityFunctions"
                ),
            ),
            ("warning", "unknown settings: extensions.durableTask.extendedSessions"),
        ],
    )


def test_instances_that_wait_for_an_orchestrator_that_is_gone(run, app):
    run("start", "echo", "--instance-id", "e-1")
    (app / "function_app.py").write_text(
        (app / "function_app.py").read_text().replace("def echo", "def reverb")
    )
    code, out, _ = run("doctor", "-o", "json")
    (waiting,) = [each for each in json.loads(out) if each["check"] == "waiting"]
    assert code == 0
    assert waiting["message"].startswith(
        "1 waits for the orchestrator 'echo'; no live worker has it"
    )


def test_an_app_that_does_not_load(run, app):
    run("start", "echo")
    (app / "function_app.py").write_text("import nothing_of_this_name")
    code, out, _ = run("doctor")
    assert (code, "problem  app" in out) == (1, True)


def test_a_file_that_is_no_hub(run, project):
    (project / "hub.db").write_text("something else " * 100)
    code, out, _ = run("doctor", "--hub", "hub.db")
    assert (code, "problem  file" in out) == (1, True)


def test_no_hub_at_all(run):
    assert run("doctor").code == 2


def test_findings_have_no_ids(run, app):
    assert run("doctor", "-o", "id").code == 2
