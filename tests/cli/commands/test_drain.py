"""`drain`: passes when nothing is in flight, twice in a row, on a hub that was named; changes
nothing.
"""

import json
from urllib.parse import parse_qs

import pytest
from scripted_server import status

QUICK = ("--interval", "10ms")
NONE, RUNNING = (200, []), (200, [status("a", "Running")])


def test_it_passes_once_two_looks_in_a_row_find_nothing(remote, server):
    server.on("GET", "/instances", RUNNING, NONE, RUNNING, NONE, NONE)
    code, out, err = remote("drain", *QUICK, "--timeout", "30s")
    assert (code, out) == (0, "")
    assert f"drained: task hub at {server.url}; checked 1 in flight" in err
    assert set(parse_qs(server.asked[0].query)["runtimeStatus"][0].split(",")) == {
        "Pending",
        "Running",
        "ContinuedAsNew",
        "Suspended",
    }


def test_what_is_left_at_the_time_out_is_told(remote, server):
    server.on("GET", "/instances", (200, [status("a", "Running"), status("@counter@a", "Running")]))
    code, out, err = remote("drain", *QUICK, "--timeout", "100ms", "-o", "id")
    assert (code, out) == (124, "a\n")
    assert "1 instance is in flight, of 1 checked" in err
    assert [
        each["instanceId"]
        for each in json.loads(remote("drain", "--timeout", "0", "-o", "json").out)
    ] == ["a"]


def test_a_missing_worker_is_told_only_while_something_is_in_flight(run, app):
    hub = ("--hub", "hub.db", "--app", app)
    run("start", "hello", "--instance-id", "a", *hub)
    assert "no worker is running" in run("drain", *hub, "--timeout", "0").err
    run("terminate", "a", *hub, "--yes")
    run("worker", "--until-idle", *hub)
    code, _, err = run("drain", *hub, *QUICK, "--timeout", "30s")
    assert (code, "no worker is running" in err) == (0, False)


def test_a_snapshot_is_not_held_by_newcomers(remote, server):
    server.on("GET", "/instances", RUNNING, (200, [status("new", "Running")]))
    assert remote("drain", "--snapshot", *QUICK, "--timeout", "30s").code == 0


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--allow", "2"], 0),
        (["--allow", "1"], 124),
        (["--exclude-name", "ORDER", "--exclude-name", "ship"], 0),
        (["--exclude-name", "order"], 124),
        (["--name", "bill"], 0),
        (["--where", "customStatus.stage=='x'"], 0),
        (["--where", "name=='ship'"], 124),
    ],
)
def test_what_holds_the_gate_can_be_chosen(remote, server, flags, code):
    server.on(
        "GET", "/instances", (200, [status("a", "Running"), status("b", "Suspended", name="ship")])
    )
    assert remote("drain", *flags, *QUICK, "--timeout", "200ms").code == code


def test_it_never_passes_on_a_hub_that_was_not_named(app, run):
    run("run", "echo", "--timeout", "30s")
    code, _, err = run("drain")
    assert code == 2
    assert "drain needs an explicit hub" in err
    assert run("drain", "--timeout", "30s", "--hub", ".durablectl/hub.db").code == 0


def test_a_hub_that_shows_nothing_at_all_is_doubted(remote, server):
    server.on("GET", "/instances", NONE)
    assert "shows no instance at all, finished or not" in remote("drain", *QUICK).err


def test_a_look_that_failed_breaks_the_row(remote, server):
    server.on("GET", "/instances", NONE, (400, {"Message": "no"}), NONE)
    assert remote("drain", *QUICK, "--timeout", "1s").code == 2
    server.on(
        "GET",
        "/instances",
        NONE,
        (500, {"Message": "x", "ExceptionMessage": "y", "ExceptionType": "E"}),
        NONE,
    )
    before = len(server.asked)
    assert remote("drain", *QUICK, "--timeout", "10s").code == 0
    assert len(server.asked) - before >= 4
