"""Errors name the command that helps: what is taken, in the wrong status, or cannot be reached."""

from __future__ import annotations

import pytest


def hint_of(err: str) -> str:
    return next((line for line in err.splitlines() if line.startswith("hint: ")), "")


def test_an_id_that_is_taken_says_how_to_continue_with_it(app, run):
    assert run("run", "hello", "--instance-id", "h-1").code == 0
    code, _, err = run("start", "hello", "--instance-id", "h-1")
    assert (code, "instance 'h-1' is already there (Completed)" in err) == (6, True)
    assert hint_of(err).startswith("hint: --if-exists attach")


@pytest.mark.parametrize("verb", ["terminate", "suspend", "resume", "rewind", "raise-event"])
def test_the_wrong_status_leads_to_it(app, run, verb):
    assert run("run", "hello", "--instance-id", "h-1").code == 0
    code, _, err = run(verb, "h-1", *(["Go"] if verb == "raise-event" else []))
    assert (code, hint_of(err)) == (6, "hint: durablectl status h-1")


def test_what_a_service_refuses_leads_to_the_status(remote, server):
    fault = {"Message": "x", "ExceptionMessage": "because instance is in the Suspended state."}
    server.otherwise = lambda _request: (500, fault)
    code, _, err = remote("suspend", "a")
    assert (code, hint_of(err)) == (6, f"hint: durablectl status --hub {server.url} a")


@pytest.mark.parametrize("url", ["http://127.0.0.1:1", "grpc://127.0.0.1:1"])
def test_what_cannot_be_reached_leads_to_the_doctor_which_does_not_name_itself(run, url):
    if url.startswith("grpc"):
        pytest.importorskip("grpc", reason="grpcio is not installed")
    code, _, err = run("list", "--hub", url)
    assert (code, hint_of(err)) == (5, f"hint: durablectl doctor --hub {url}")
    assert "fix: durablectl doctor" not in run("doctor", "--hub", url).out


def test_a_file_that_is_not_a_hub_leads_to_what_names_it(run, project):
    (project / "notes.txt").write_text("not a database, but a text of some length\n" * 20)
    code, _, err = run("list", "--hub", "notes.txt")
    assert (code, "--hub" in hint_of(err)) == (1, True)
