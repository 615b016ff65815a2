"""With `-o json`, stderr ends with one object that says why the exit code is not 0."""

from __future__ import annotations

import json

import pytest

APP = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def broken(context):
    raise ValueError("no luck")

@app.orchestration_trigger(context_name="context")
def patient(context):
    yield context.wait_for_external_event("Never")
"""


@pytest.fixture(autouse=True)
def app(project):
    (project / "function_app.py").write_text(APP)


@pytest.mark.parametrize("format", ["json", "jsonl"])
@pytest.mark.parametrize(
    ("words", "exit_code", "message"),
    [
        (["status", "x"], 2, "there is no local hub"),
        (["run", "broken", "--instance-id", "b"], 10, "b: Failed: ValueError: no luck"),
        (["run", "patient", "--instance-id", "p", "--timeout", "0"], 124, "timed out after"),
        (["run", "nobody"], 3, "no orchestrator 'nobody'"),
        (["run", "broken", "--timeout", "soon"], 2, "'soon' is not a duration"),
        (["lits"], 2, "no command 'lits'"),
        (["list", "--colour"], 2, "no option '--colour'"),
        (["context", "use", "prod"], 2, "no context 'prod'"),
    ],
    ids=str,
)
def test_the_last_line_says_what_went_wrong(run, words, exit_code, message, format):
    code, _out, err = run(*words, "-o", format)
    said = json.loads(err.splitlines()[-1])
    assert (code, said["exitCode"], list(said)) == (
        exit_code,
        exit_code,
        ["message", "hint", "exitCode"],
    )
    assert message in said["message"]
    assert "hint:" not in err
    assert "durablectl: " not in err


def test_the_hint_is_in_it(run):
    said = json.loads(run("lits", "-o", "json").err)
    assert said["hint"] == "did you mean 'durablectl list'?"


def test_an_outcome_that_is_only_a_code_is_said_too(run):
    run("run", "broken", "--instance-id", "b")
    code, out, err = run("status", "b", "--exit-status", "-o", "json")
    assert (code, json.loads(out)["runtimeStatus"], json.loads(err)) == (
        10,
        "Failed",
        {"message": "b: Failed: ValueError: no luck", "hint": None, "exitCode": 10},
    )
    run("start", "patient", "--instance-id", "p")
    said = json.loads(run("status", "p", "--exit-status", "-o", "json").err)
    assert (said["message"], said["exitCode"]) == ("p: Pending", 8)


def test_a_verdict_of_doctor_or_a_check_has_words_of_its_own(run, project):
    (project / "function_app.py").write_text("import nothing_of_the_kind\n")
    said = json.loads(run("doctor", "-o", "json", "--hub", "new.db").err)
    assert said["message"].startswith("app: the app needs 'nothing_of_the_kind'")
    assert said["hint"]
    source = APP.replace("raise ValueError", "import time; time.sleep(0); raise ValueError")
    (project / "function_app.py").write_text(source)
    told = run("functions", "--check", "-o", "json").err.splitlines()[-1]
    assert json.loads(told)["message"] == "1 call is not replay-safe"


def test_what_succeeds_says_nothing(run):
    run("start", "patient", "--instance-id", "p")
    code, out, err = run("suspend", "p", "-o", "json")
    assert (code, json.loads(out)[0]["instanceId"], err) == (0, "p", "")


def test_a_traceback_stands_before_it(run):
    lines = run("--debug", "context", "use", "x", "-o", "json").err.splitlines()
    assert (lines[0], json.loads(lines[-1])["exitCode"]) == (
        "Traceback (most recent call last):",
        2,
    )


def test_other_forms_have_sentences(run):
    assert run("lits", "-o", "id").err.startswith("durablectl: no command 'lits'\nhint: ")


@pytest.mark.parametrize("query", ["[", "a"])
@pytest.mark.parametrize("format", ["csv", "text", "id"])
def test_a_query_beside_another_form_of_output_fails_in_words(run, format, query):
    for words in (["-o", format, "--query", query], ["--query", query, f"-o{format}"]):
        code, out, err = run("list", *words)
        assert (code, out) == (2, "")
        assert err.startswith(f"durablectl: --query filters JSON, not -o {format}\n")


def test_a_query_alone_asks_for_json_errors(run):
    for environ in ({}, {"DURABLECTL_OUTPUT": "csv"}):
        code, _out, err = run("list", "--query", "[", env=environ)
        assert (code, json.loads(err.splitlines()[-1])["exitCode"]) == (2, 2)
