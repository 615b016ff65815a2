"""`durablectl history`: the events of an instance, for people, as the service has them, and complete."""

from __future__ import annotations

import json

import pytest
from scripted_server import status

from durablectl.testing import assert_replays


def hello(context):
    said = []
    for city in context.get_input() or ["Tokyo", "London"]:
        said.append((yield context.call_activity("say_hello", city)))
    return said


@pytest.fixture
def finished(run, app):
    assert run("run", "hello", "--instance-id", "h-1").code == 0


def test_the_events_are_listed(run, finished):
    code, out, _ = run("history", "h-1")
    assert code == 0
    assert [line.split("\t")[1] for line in out.splitlines()[1:]] == [
        "ExecutionStarted",
        "TaskCompleted",
        "TaskCompleted",
        "ExecutionCompleted",
    ]


def test_json_is_the_services_own(run, finished):
    events = json.loads(run("history", "h-1", "-o", "json").out)
    assert events == json.loads(run("status", "h-1", "--history-output", "-o", "json").out)["historyEvents"]


def test_the_complete_events_replay(run, finished):
    code, out, _ = run("history", "h-1", "--raw")
    assert (code, json.loads(out)["version"]) == (0, 1)
    assert_replays(out, hello)


def test_a_remote_hub_shows_no_complete_events(remote, server):
    server.otherwise = lambda _request: (200, status("order-7"))
    assert remote("history", "order-7").code == 0
    assert remote("history", "order-7", "--raw").code == 7


def test_no_such_instance(run, finished):
    assert [run("history", "nobody", *options).code for options in ([], ["--raw"])] == [3, 3]


def test_a_history_is_that_of_one_instance(run, finished):
    assert run("history", "-", stdin="h-1\nh-2\n").code == 2
