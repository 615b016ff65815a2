"""`durablectl start URL`: an instance begun through a starter function, and its key until it has
ended.
"""

from __future__ import annotations

import json
import stat

import pytest
from recorded_server import HTML, RecordedServer, Reply, reply_json
from scripted_server import payload, status

KEY = "s3cret"


class App:
    """An app with a starter function; its instance runs until `ended`."""

    def __init__(self) -> None:
        self.ended, self.reply, self.origin = False, None, ""

    def __call__(self, asked):
        if asked.path.startswith("/api/"):
            return self.reply or reply_json(payload(self.origin, "order-7"), 202)
        if asked.headers.get("x-functions-key") != KEY:
            return Reply(401)
        return reply_json(
            status("order-7", "Completed" if self.ended else "Running", output="done"),
            200 if self.ended else 202,
        )


@pytest.fixture
def app():
    return App()


@pytest.fixture
def server(app):
    with RecordedServer(app) as server:
        app.origin = server.origin
        yield server


@pytest.fixture
def kept(home):
    return lambda: [path for path in home.parent.rglob("started/*.json") if KEY in path.read_text()]


def test_the_input_is_posted_and_the_payload_is_taken_over(run, server):
    code, out, err = run(
        "start", f"{server.origin}/api/orchestrators/Hello", "city=Oslo", "-H", "X-Tenant: north", "-o", "json",
        "--function-key-env", "F", env={"F": "function-key"},
    )  # fmt: skip
    asked = server.asked[0]
    assert (code, json.loads(out)["id"]) == (0, "order-7")
    assert (asked.method, json.loads(asked.body), asked.headers["x-tenant"]) == (
        "POST",
        {"city": "Oslo"},
        "north",
    )
    assert asked.headers["x-functions-key"] == "function-key"
    assert KEY not in out + err


def test_its_key_is_kept_for_the_user_alone_until_the_instance_has_ended(run, server, app, kept):
    assert run("start", f"{server.origin}/api/Hello").code == 0
    (file,) = kept()
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert run("status", "order-7", "--exit-status").code == 8
    app.ended = True
    assert run("wait", "order-7", "--timeout", "10s").out == "done\n"
    assert kept() == []


def test_its_struck_out_payload_is_enough_for_later_commands(run, server, app, project):
    (project / "run.json").write_text(run("start", f"{server.origin}/api/Hello", "-o", "json").out)
    assert KEY not in (project / "run.json").read_text()
    assert run("status", "@run.json", "--exit-status").code == 8


def test_a_hub_that_was_named_gets_no_kept_key(run, server, app):
    run("start", f"{server.origin}/api/Hello")
    assert run("status", "order-7", "--hub", server.origin).code == 4


def test_it_can_be_waited_for_at_once(run, server, app):
    app.ended = True
    assert run("start", f"{server.origin}/api/Hello", "--wait", "--timeout", "10s").out == "done\n"


@pytest.mark.parametrize(
    ("reply", "code"),
    [
        (Reply(401), 4),
        (Reply(404), 3),
        (Reply(500), 1),
        (HTML, 5),
        (reply_json({"greeting": "Hello"}), 1),
        (reply_json([1]), 1),
        (Reply(fault="reset"), 5),
    ],
    ids=["key", "route", "crash", "page", "no payload", "no object", "silence"],
)
def test_an_answer_that_is_no_payload_is_told(run, server, app, kept, reply, code):
    app.reply = reply
    answered, out, err = run("start", f"{server.origin}/api/Hello")
    assert (answered, out, "hint:" in err, kept()) == (code, "", True, [])
    assert len(server.asked) == 1


@pytest.mark.parametrize(
    "args",
    [
        ["http://localhost:1/api/Hello?code=abc"],
        ["http://me:pw@localhost:1/api/Hello"],
        ["http://localhost:1/api/Hello", "--method", "DELETE"],
        ["http://localhost:1/api/Hello", "--instance-id", "x"],
        ["http://localhost:1/api/Hello", "--at", "2h"],
        ["http://localhost:1/api/Hello", "--tag", "team=a"],
        ["http://localhost:1/api/Hello", "--header", "no colon"],
        ["order", "--method", "GET"],
    ],
    ids=str,
)
def test_what_makes_no_sense_is_refused(run, args):
    code, out, err = run("start", *args)
    assert (code, out, "hint:" in err, "calling" in err) == (2, "", True, False)
    assert "abc" not in err
    assert "pw@" not in err


def test_a_function_key_that_is_not_there(run):
    assert (
        run("start", "http://localhost:1/api/Hello", "--function-key-env", "NOTHING_THERE").code
        == 4
    )
