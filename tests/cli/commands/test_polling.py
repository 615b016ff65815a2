"""Every command that polls: one strange answer does not end it, a hub that does not answer ends it
on time and with its own code.
"""

import json
import re
import socket
import time

import pytest
from faulty_hub import FaultyHub
from scripted_server import RESET, payload, status

RUNNING, MISSING, COMPLETED = (
    (202, status("a", "Running")),
    (404, None),
    (200, status("a", output="done")),
)
HISTORY = [
    {"EventType": "ExecutionStarted", "Timestamp": "2026-01-02T03:04:05Z", "FunctionName": "order"}
]
QUICK = ("--interval", "10ms")


@pytest.fixture
def silent():
    """A hub that takes every request and answers none."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}"


def test_one_404_in_the_middle_of_a_wait_is_asked_again(remote, server):
    server.on("GET", "/instances/a", RUNNING, RUNNING, MISSING, RUNNING, COMPLETED)
    assert remote("wait", "a", *QUICK, "--timeout", "15s")[:2] == (0, "done\n")


def test_an_instance_that_is_gone_says_what_it_was(remote, server):
    server.on("GET", "/instances/a", RUNNING, MISSING)
    code, out, err = remote("wait", "a", *QUICK, "--timeout", "15s")
    assert (code, out) == (3, "")
    assert "durablectl: instance 'a' was Running, is gone: purged?\nhint: " in err


def test_one_404_of_one_of_many_is_asked_again(remote, server):
    hub = FaultyHub(server, {f"i{number:03}": "Running" for number in range(60)}, page=1000)
    lists = []

    def hides(hub, request):
        if request.path == "/instances":
            lists.append(request)
            hub.instances = dict.fromkeys(
                hub.instances, "Completed" if len(lists) > 2 else "Running"
            )
            return MISSING if len(lists) == 2 else None
        return (
            MISSING
            if server.paths("GET").count("/instances/i007") == 1
            and request.path == "/instances/i007"
            else None
        )

    hub.fault = hides
    code, out, _ = remote(
        "wait", "-", *QUICK, "-o", "id", "--timeout", "30s", stdin="\n".join(hub.instances)
    )
    assert (code, len(out.split())) == (0, 60)
    assert server.paths("GET").count("/instances/i007") == 2


def test_one_404_does_not_end_a_drain(remote, server):
    listing, nothing = (200, [status("a", "Running")]), (200, [])
    server.on("GET", "/instances", listing, MISSING, nothing, MISSING, nothing, nothing)
    assert remote("drain", *QUICK, "--timeout", "15s").code == 0
    server.on("GET", "/instances", listing, MISSING)
    assert remote("drain", *QUICK, "--timeout", "15s").code == 7


@pytest.mark.parametrize("strange", [MISSING, (200, {"hello": 1})], ids=["404", "another object"])
def test_one_strange_answer_does_not_end_a_watch(remote, server, strange):
    server.on("GET", "/instances", (200, [status("a", "Running")]), strange, (200, []))
    assert remote("watch", *QUICK, "--until-empty").code == 0
    server.on("GET", "/instances", (200, [status("a", "Running")]), strange)
    assert remote("watch", *QUICK, "--until-empty").code in (5, 7)


def test_one_404_does_not_end_a_history_that_is_followed(remote, server):
    running = (202, status("a", "Running", historyEvents=HISTORY))
    server.on(
        "GET", "/instances/a", running, MISSING, running, (200, status("a", historyEvents=HISTORY))
    )
    assert remote("history", "a", "--follow", *QUICK).code == 0
    server.on("GET", "/instances/a", running, MISSING)
    code, _, err = remote("history", "a", "--follow", *QUICK)
    assert code == 3
    assert "durablectl: instance 'a' was Running, is gone: purged?" in err


def test_children_that_cannot_be_read_for_a_moment_do_not_end_a_history_that_is_followed(
    remote, server
):
    calls = {
        "EventType": "SubOrchestrationInstanceCreated",
        "Timestamp": "2026-01-02T03:04:05Z",
        "FunctionName": "sub",
        "InstanceId": "b",
    }
    server.on(
        "GET",
        "/instances/a",
        *[(202, status("a", "Running", historyEvents=[*HISTORY, calls]))] * 2,
        COMPLETED,
    )
    server.on(
        "GET",
        "/instances/b",
        (202, status("b", "Running", historyEvents=HISTORY)),
        *[(RESET, None)] * 5,
        COMPLETED,
    )
    assert remote("history", "a", "--follow", *QUICK, "--request-timeout", "1s").code == 0


@pytest.mark.parametrize("missing", [1, 3], ids=["once", "for a while"])
def test_a_404_after_a_request_does_not_end_its_wait(remote, server, missing):
    server.on("POST", "/instances/a/terminate", (202, None))
    server.on(
        "GET",
        "/instances/a",
        *[MISSING] * missing,
        RUNNING,
        MISSING,
        (200, status("a", "Terminated")),
    )
    assert remote("terminate", "a", "--wait", *QUICK, "--timeout", "15s").code == 0


def test_one_404_does_not_end_the_wait_of_a_start(remote, server):
    server.otherwise = lambda request: (
        (202, payload(server.url, request.path.rpartition("/")[2]))
        if request.method == "POST"
        else MISSING
    )
    server.on("GET", "/instances/a", MISSING, RUNNING, MISSING, COMPLETED)
    server.on("GET", "/instances", (200, []))
    code, out, _ = remote(
        "start", "order", "--instance-id", "a", "--wait", *QUICK, "--timeout", "15s"
    )
    assert (code, out) == (0, "done\n")


WAITING = {
    "wait": ("wait", "a"),
    "wait for many": ("wait", "a", "b", "c"),
    "wait --any": ("wait", "a", "b", "--any"),
    "wait --response": ("wait", "a", "--response", "--interval", "100ms"),
    "drain": ("drain",),
    "run": ("run", "order"),
    "start --wait": ("start", "order", "--wait"),
}


@pytest.mark.parametrize("words", WAITING.values(), ids=WAITING)
def test_a_time_out_ends_a_request_that_is_under_way(run, silent, words):
    started = time.monotonic()
    code, out, err = run(*words, "--timeout", "1s", "--hub", silent, "-o", "json")
    assert (code, out) == (124, "")
    assert re.search(r"timed out after [\d.]+ s: no answer from http://127\.0\.0\.1", err)
    assert time.monotonic() - started < 5


@pytest.mark.parametrize("which", [("--status", "Running", "--yes"), ("a", "b", "--limit", "1")])
def test_a_time_out_ends_the_look_for_what_to_terminate(run, silent, which):
    started = time.monotonic()
    code, _, err = run("terminate", *which, "--wait", "--timeout", "1s", "--hub", silent)
    assert (code, "timed out after 1.0 s: no answer from" in err) == (124, True)
    assert time.monotonic() - started < 5


def test_a_time_out_without_wait_is_refused_before_the_hub_is_asked(run, silent):
    code, _, err = run("terminate", "--status", "Running", "--timeout", "1s", "--hub", silent)
    assert (code, "are for --wait" in err) == (2, True)


def test_a_time_out_ends_the_call_of_a_starter(run, silent):
    code, _, err = run("start", f"{silent}/api/orchestrators/order", "--wait", "--timeout", "1s")
    assert code == 124
    assert "timed out after 1.0 s: no answer from" in err
    assert "look with `durablectl list" in err


@pytest.mark.parametrize(
    "words",
    [("wait", "a"), ("terminate", "a", "--wait"), ("drain",)],
    ids=["wait", "terminate", "drain"],
)
def test_a_time_out_ends_a_request_that_stalls_after_good_answers(remote, server, words):
    def stall(request):
        time.sleep(0 if request.method == "POST" or len(server.asked) < 3 else 5)
        return (
            (202, None)
            if request.method == "POST"
            else (200, [RUNNING[1]])
            if request.path == "/instances"
            else RUNNING
        )

    server.otherwise = stall
    started = time.monotonic()
    code, _, err = remote(*words, *QUICK, "--timeout", "1s")
    assert code == 124
    assert "timed out after 1.0 s: " in err
    assert "(the last answer: no answer from http" in err
    assert time.monotonic() - started < 4


@pytest.mark.parametrize(
    "answer",
    [(RESET, None), (429, None), (503, None), (502, None), (504, None)],
    ids=["reset", "429", "503", "502", "504"],
)
@pytest.mark.parametrize("words", [("wait", "a"), ("drain",)], ids=["wait", "drain"])
def test_what_may_pass_is_asked_again_until_the_time_out(remote, server, words, answer):
    server.otherwise = lambda _request: answer
    code, _, err = remote(*words, *QUICK, "--timeout", "600ms")
    assert code == 124
    assert "durablectl: timed out after 0.6 s: " in err
    assert len(server.asked) > 2


@pytest.mark.parametrize("words", [("wait", "a"), ("drain",)], ids=["wait", "drain"])
@pytest.mark.parametrize(
    "answer", [(200, {"hello": 1}), (404, None)], ids=["another object", "404"]
)
def test_what_is_not_the_api_ends_a_wait_at_once(remote, server, words, answer):
    server.otherwise = lambda _request: answer
    server.on("GET", "/instances", answer)
    assert remote(*words, "--timeout", "1m").code in (5, 7)
    assert len(server.asked) <= 2


def test_the_instance_that_could_not_be_terminated_is_told(run, silent):
    code, _, err = run(
        "wait", "a", "--timeout", "100ms", "--on-timeout", "terminate", "--hub", silent
    )
    assert code == 124
    assert "hint: the hub did not answer: terminate was not requested" in err


def test_some_that_were_seen_are_shown_after_a_time_out(remote, server):
    server.on("GET", "/instances/a", RUNNING)
    server.on("GET", "/instances/b", (503, None))
    code, out, err = remote("wait", "a", "b", *QUICK, "--timeout", "300ms", "-o", "json")
    assert (code, [each["instanceId"] for each in json.loads(out)]) == (124, ["a"])
    assert "2 of 2 instances are still running (the last answer: the service behind" in err
