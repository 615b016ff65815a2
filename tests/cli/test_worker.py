"""`durablectl worker` and `durablectl links` on a local hub, as processes have them."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys

import pytest

APP = """
import sys, time
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def hello(context):
    return (yield context.call_activity("greet", "Ada"))

@app.orchestration_trigger(context_name="context")
def ask(context):
    return (yield context.wait_for_external_event("Answer"))

@app.activity_trigger(input_name="name")
def greet(name):
    print("greeting", name)
    return "hello " + name
"""


@pytest.fixture
def app(project):
    (project / "function_app.py").write_text(APP)


def test_a_worker_until_idle_does_what_there_is_and_ends(run, app):
    run("start", "hello", "--instance-id", "h-1")
    code, out, err = run("worker", "--until-idle")
    assert (code, out) == (0, "")
    assert "] greeting Ada\n" in err
    assert json.loads(run("status", "h-1", "-o", "json").out)["output"] == "hello Ada"


def test_a_worker_creates_the_hub(run, app, project):
    assert run("worker", "--until-idle").code == 0
    assert (project / ".durablectl" / "hub.db").is_file()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM], ids=lambda number: number.name)
def test_a_worker_ends_on_a_signal(run, app, number):
    run("start", "ask", "--instance-id", "a-1")
    command = [sys.executable, "-m", "durablectl", "worker"]
    process = subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env={**os.environ}
    )
    assert process.stderr is not None
    while "stop it with Ctrl-C" not in process.stderr.readline():
        assert process.poll() is None
    run("raise-event", "a-1", "Answer", "--input-json", "42")
    assert json.loads(run("wait", "a-1", "--timeout", "20s", "-o", "json").out)["output"] == 42
    process.send_signal(number)
    out, err = process.communicate(timeout=20)
    assert (process.returncode, out) == (0, "")
    assert err.endswith("stopped; nothing is lost: the next worker continues\n")
    assert "Traceback" not in err


def test_a_worker_without_an_app_says_so(run, project):
    code, out, err = run("worker", "--hub", "hub.db")
    assert (code, out) == (1, "")
    assert "there is no app here" in err
    assert list(project.iterdir()) == []


def test_a_remote_hub_has_workers_of_its_own(run, app):
    code, out, err = run("worker", "--hub", "https://orders.example")
    assert (code, out) == (7, "")
    assert "runs its own workers" in err


@pytest.mark.parametrize("args", [["--concurrency", "0"], ["--concurrency", "many"]], ids=str)
def test_a_worker_refuses_a_concurrency_that_is_none(run, app, args):
    assert run("worker", *args).code == 2


def test_links_are_the_services_own_json(run, app):
    run("start", "ask", "--instance-id", "a-1")
    links = json.loads(run("links", "a-1", "-o", "json").out)
    address, _, connection = links["statusQueryGetUri"].partition("&connection=")
    assert (
        address == "http://localhost:7071/runtime/webhooks/durabletask/instances/a-1?taskHub=local"
    )
    assert re.fullmatch("local-[0-9a-f]{16}", connection)
    assert "rewindPostUri" not in links
    assert "rewindPostUri" in json.loads(run("links", "a-1", "-o", "json", "--management").out)


def test_links_are_shown_for_people_with_the_state(run, app):
    run("start", "ask", "--instance-id", "a-1")
    code, out, err = run("links", "a-1")
    assert (code, "nothing answers at these addresses now" in err) == (0, True)
    assert "Pending" in out


def test_links_of_what_is_not_there_are_warned_about(run, app):
    run("start", "ask", "--instance-id", "a-1")
    code, _out, err = run("links", "nope")
    told = "warning: there is no instance 'nope' in the local hub .durablectl/hub.db"
    assert (code, err.splitlines()[1]) == (0, told)


def test_links_can_be_those_that_start(run, app):
    run("start", "ask", "--instance-id", "a-1")
    assert set(json.loads(run("links", "--creation", "-o", "json").out)) == {
        "createNewInstancePostUri",
        "createAndWaitOnNewInstancePostUri",
    }


def test_links_hide_the_key_unless_it_is_asked_for(run):
    run("context", "add", "p", "--url", "https://orders.example", "--key-env", "K", "--use")
    environ = {"K": "SECRET=="}
    assert (
        "SECRET"
        not in run("links", "x", "-o", "json", env=environ).out
        + run("links", "--creation", env=environ).out
    )
    assert "code=***" in run("links", "x", "-o", "json", env=environ).out
    assert "code=SECRET==" in run("links", "x", "-o", "json", "--show-secrets", env=environ).out


@pytest.mark.parametrize(
    "args",
    [[], ["a", "--creation"], ["--creation", "--management"], ["--creation", "--last"]],
    ids=str,
)
def test_links_refuse_what_makes_no_sense(run, app, args):
    assert run("links", *args).code == 2


def test_activities_run_in_processes_when_that_is_asked_for(run, project):
    (project / "function_app.py").write_text(
        "import os\nfrom durablectl import df\napp = df.DFApp()\n"
        "@app.activity_trigger(input_name='n')\ndef process(n):\n    return os.getpid()\n"
        "@app.orchestration_trigger(context_name='context')\ndef two(context):\n"
        "    return (yield context.task_all([context.call_activity('process', n) for n in "
        "range(2)]))\n"
    )
    run("start", "two", "--instance-id", "t")
    code, out, err = run("worker", "--activity-processes", "2", "--until-idle")
    assert (code, out) == (0, ""), err
    ran_in = json.loads(run("status", "t", "-o", "json").out)["output"]
    assert len(ran_in) == 2
    assert os.getpid() not in ran_in


def test_a_worker_goes_on_with_the_new_code(run, app, project):
    process = subprocess.Popen(
        [sys.executable, "-m", "durablectl", "worker", "--reload"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stderr is not None
    try:
        while "stop it with Ctrl-C" not in process.stderr.readline():
            assert process.poll() is None
        run("start", "ask", "--instance-id", "a-1")
        (project / "function_app.py").write_text(APP.replace('"hello "', '"good morning, "'))
        while "with the new code" not in process.stderr.readline():
            assert process.poll() is None
        run("start", "hello", "--instance-id", "h-1")
        assert (
            json.loads(run("wait", "h-1", "--timeout", "20s", "-o", "json").out)["output"]
            == "good morning, Ada"
        )
        run("raise-event", "a-1", "Answer", "--input-json", "42")
        assert json.loads(run("wait", "a-1", "--timeout", "20s", "-o", "json").out)["output"] == 42
        process.send_signal(signal.SIGINT)
        assert process.communicate(timeout=20)[0] == ""
        assert process.returncode == 0
    finally:
        process.kill()


def test_a_worker_that_ends_reloads_nothing(run, app):
    assert run("worker", "--reload", "--until-idle").code == 2


LATER = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def later(context):
    yield context.create_timer(context.current_utc_datetime + timedelta(hours=5))

@app.orchestration_trigger(context_name="context")
def ask(context):
    return (yield context.wait_for_external_event("Answer"))
"""


def test_a_worker_until_idle_says_what_it_waits_for(run, project):
    (project / "function_app.py").write_text(LATER)
    run("start", "later", "-q")
    run("start", "later", "-q")
    command = [sys.executable, "-m", "durablectl", "worker", "--until-idle"]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env={**os.environ})
    try:
        assert process.stderr is not None
        said = next(line for line in process.stderr if line.startswith("waiting for "))
        process.send_signal(signal.SIGINT)
        process.communicate(timeout=20)
    finally:
        process.kill()
    assert re.fullmatch(r"waiting for 2 timers, the next in 4 h 5\d min\n", said)


def test_a_worker_until_idle_says_at_its_end_what_is_unfinished(run, project):
    (project / "function_app.py").write_text(LATER)
    assert run("worker", "--until-idle").err.endswith("nothing is left to do\n")
    run("start", "ask", "-q")
    said = run("worker", "--until-idle").err.splitlines()[-1]
    assert said.startswith("nothing is left to do; 1 instance is unfinished")
