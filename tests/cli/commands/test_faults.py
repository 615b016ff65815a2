"""Batches on a service that misbehaves: each ends with a true account of what was done, and doing
it again finishes the rest.
"""

import json

import pytest
from faulty_hub import FaultyHub, broken, reset, stall, storm
from scripted_server import RESET, status

FAULTS = {"429 storm": storm, "one in ten fails": broken, "resets": reset, "stalls": stall(0.4)}
NAMES = [f"i{number:02}" for number in range(40)]


def told(result, member):
    return {entry["instanceId"] for entry in json.loads(result.out) if member(entry)}


@pytest.mark.parametrize("fault", FAULTS.values(), ids=FAULTS)
def test_a_batch_tells_the_truth_and_a_second_one_finishes_it(remote, server, fault):
    hub = FaultyHub(server, dict.fromkeys(NAMES, "Running"), fault)
    for _ in range(5):
        before = {name for name, state in hub.instances.items() if state == "Running"}
        result = remote(
            "terminate",
            "--status",
            "Running",
            "--yes",
            "-o",
            "json",
            "--request-timeout",
            "200ms",
            "--concurrency",
            "4",
        )
        if not result.out:  # the listing itself got no answer
            assert result.code in (1, 5)
            assert before == {name for name, state in hub.instances.items() if state == "Running"}
            continue
        done = told(result, lambda entry: entry.get("result") == "termination requested")
        assert all(hub.instances[name] == "Terminated" for name in done)
        assert told(result, lambda _: True) == before
        if result.code == 0:
            break
    assert set(hub.instances.values()) == {"Terminated"}


@pytest.mark.parametrize("fault", [broken, reset], ids=["one in ten fails", "resets"])
def test_a_restart_that_is_run_again_starts_nothing_twice(remote, server, fault):
    hub = FaultyHub(server, dict.fromkeys(NAMES, "Failed"), fault)
    for _ in range(3):
        result = remote("restart", "--status", "Failed", "--new-id", "--yes", "-o", "json")
    assert len(hub.restarted) == len(set(hub.restarted))
    unknown = told(result, lambda entry: "cut off" in entry.get("error", ""))
    assert set(hub.restarted) | unknown == set(NAMES)


def test_a_listing_that_goes_in_circles_changes_nothing(remote, server):
    server.on(
        "GET", "/instances", (200, [status("a", "Running")], {"x-ms-continuation-token": "t"})
    )
    code, _, err = remote("terminate", "--status", "Running", "--yes")
    assert (code, server.paths("POST")) == (5, [])
    assert "repeats the same page" in err


def test_empty_pages_and_instances_that_come_twice_are_taken_as_they_are(remote, server):
    pages = [
        ([], "t"),
        ([status("a", "Running")], "u"),
        ([], "v"),
        ([status("a", "Running"), status("b", "Running")], ""),
    ]
    server.on(
        "GET",
        "/instances",
        *[(200, rows, {"x-ms-continuation-token": token}) for rows, token in pages],
    )
    for name in "ab":
        server.on("POST", f"/instances/{name}/terminate", (202, None))
    assert remote("terminate", "--status", "Running", "--yes").code == 0
    assert sorted(server.paths("POST")) == ["/instances/a/terminate", "/instances/b/terminate"]


def test_what_ended_or_went_between_listing_and_request_counts_as_done(remote, server):
    server.on("GET", "/instances", (200, [status("gone", "Running"), status("ended", "Running")]))
    server.on("POST", "/instances/ended/terminate", (410, None))
    server.on("GET", "/instances/ended", (200, status("ended")))
    code, _, err = remote("terminate", "--status", "Running", "--yes")
    assert code == 0
    assert "not there: gone" in err
    assert "finished already: ended" in err


def test_a_service_that_answers_nobody_any_more_ends_the_batch(remote, server):
    server.on("GET", "/instances", (200, [status(name, "Running") for name in NAMES]))
    server.otherwise = lambda _request: (RESET, None)
    result = remote("terminate", "--status", "Running", "--yes", "-o", "json")
    assert result.code == 5
    assert "stopped after" in result.err
    assert "not tried" in result.out
    assert told(result, lambda _: True) == set(NAMES)


def test_starts_that_lost_their_answers_start_once_when_the_rest_is_run_again(
    remote, server, project
):
    hub = FaultyHub(server, {}, reset)
    (project / "many.jsonl").write_text(
        "".join(json.dumps({"name": "order", "instanceId": name}) + "\n" for name in NAMES)
    )
    file = "many.jsonl"
    for _ in range(5):
        result = remote(
            "start",
            "--batch",
            file,
            "--if-exists",
            "attach",
            "-o",
            "id",
            "--request-timeout",
            "300ms",
        )
        assert set(result.out.split()) <= set(hub.instances)
        if result.code == 0:
            break
        file = file.removesuffix(".jsonl") + ".failed.jsonl"
    assert set(hub.instances) == set(NAMES)
