"""`durablectl watch`: a table on a terminal, a line for each change elsewhere."""

from __future__ import annotations

import json

import pytest
from scripted_server import status
from terminal import durablectl, terminal

NONE = (200, [])


def listing(*statuses):
    return 200, [status(instance_id, state) for instance_id, state in statuses]


def test_changes_are_told_line_by_line_until_nothing_matches(remote, server):
    server.on(
        "GET",
        "/instances",
        listing(("a", "Running"), ("b", "Pending")),
        listing(("a", "Running"), ("b", "Running")),
        NONE,
    )
    code, out, err = remote("watch", "--interval", "0.05", "--until-empty", "--sort", "id")
    assert (code, "2 instances: 1 Running, 1 Pending" in err) == (0, True)
    assert [line.split("\t")[1:] for line in out.splitlines()] == [
        ["b", "order", "Running"],
        ["a", "order", "no longer matches"],
        ["b", "order", "no longer matches"],
    ]


def test_changes_are_statuses_in_json_lines(remote, server):
    server.on("GET", "/instances", listing(("a", "Pending")), listing(("a", "Running")), NONE)
    code, out, _ = remote("watch", "--interval", "0.05", "--until-empty", "-o", "jsonl")
    assert (code, [json.loads(line)["runtimeStatus"] for line in out.splitlines()]) == (
        0,
        ["Running", "Running"],
    )


def test_a_look_that_fails_is_tried_again(remote, server):
    wrong = (500, {"Message": "Something went wrong", "ExceptionMessage": "no storage"})
    server.on("GET", "/instances", listing(("a", "Running")), wrong, wrong, NONE)
    code, _, err = remote("watch", "--interval", "0.05", "--until-empty")
    assert (code, err.count("trying again")) == (0, 1)


def test_a_first_look_that_fails_ends_it(run):
    assert run("watch", "--hub", "http://localhost:1", "--request-timeout", "1s").code == 5


@pytest.mark.parametrize(
    "options",
    [["-o", "json"], ["--sort", "color"], ["--limit", "0"], ["--status", "Happy"]],
    ids=str,
)
def test_what_makes_no_sense_is_refused(remote, server, options):
    code, out, err = remote("watch", *options)
    assert (code, out, bool(err)) == (2, "", True)


@pytest.mark.parametrize("key", ["q", "\x03"], ids=["q", "Ctrl-C"])
def test_a_key_ends_it_and_leaves_the_terminal_as_it_was(run, app, key):
    run("start", "approval", "--instance-id", "a-1")
    with terminal(durablectl("watch")) as screen:
        before = screen.settings()
        assert "\x1b[?1049h" in screen.wait_for("1 instance: 1 Pending")
        screen.type(key)
        assert screen.end() == 0
        assert screen.settings() == before
        assert screen.text.rindex("\x1b[?1049l") > screen.text.rindex("q quits")
        assert "Traceback" not in screen.text


def test_a_change_and_another_size_are_shown(run, app):
    run("start", "approval", "--instance-id", "a-1")
    with terminal(durablectl("watch", "--interval", "0.1")) as screen:
        screen.wait_for("1 instance: 1 Pending")
        assert run("raise-event", "a-1", "Approve").code == 0
        assert run("wait", "a-1", "--timeout", "20s").code == 0
        screen.wait_for("1 instance: 1 Completed")
        screen.resize(140, 40)
        screen.type("q")
        assert screen.end() == 0
