"""`status`: for people, as the service's JSON, and by exit code."""

import json
from urllib.parse import parse_qsl

import pytest
from grpc_server import needs_grpc
from scripted_server import status

HISTORY = [
    {
        "EventType": "ExecutionStarted",
        "Input": None,
        "Timestamp": "2026-01-02T03:04:05.5Z",
        "FunctionName": "order",
    },
    {
        "EventType": "TaskCompleted",
        "Result": {"ok": True},
        "Timestamp": "2026-01-02T03:04:06Z",
        "FunctionName": "pay",
        "Input": None,
    },
]


def test_people_see_what_there_is_and_json_in_strings_decoded(remote, server, monkeypatch):
    server.on(
        "GET",
        "/instances/a",
        (200, status("a", input='{"n": 1}', customStatus={"percent": 5}, output="done")),
    )
    rows = dict(line.split("  ", 1) for line in remote("status", "a").out.splitlines())
    rows = {label: value.strip() for label, value in rows.items()}
    times = [rows.pop("created"), rows.pop("updated")]
    assert rows == {
        "id": "a",
        "name": "order",
        "status": "Completed",
        "input": '{"n": 1}',
        "custom status": '{"percent": 5}',
        "output": "done",
    }
    assert all(time.startswith("2026-01-0") for time in times)


def test_json_is_the_services_own(remote, server):
    server.on("GET", "/instances/a", (200, status("a", input='{"n": 1}')))
    assert json.loads(remote("status", "a", "-o", "json").out) == status("a", input='{"n": 1}')


def test_several_are_an_array(remote, server):
    server.on("GET", "/instances/a", (200, status("a")))
    server.on("GET", "/instances/b", (200, status("b")))
    assert json.loads(remote("status", "a", "b", "-o", "json").out) == [status("a"), status("b")]


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ([], {"showInput"}),
        (["--no-show-input"], set()),
        (["--history"], {"showInput", "showHistory"}),
        (["--history-output"], {"showInput", "showHistory", "showHistoryOutput"}),
    ],
)
def test_what_is_wanted_is_asked_for(remote, server, flags, wanted):
    server.on("GET", "/instances/a", (200, status("a", historyEvents=HISTORY)))
    remote("status", "a", *flags)
    # the service's own default
    asked = {"showInput": "true", **dict(parse_qsl(server.asked[-1].query))}
    assert {name for name, value in asked.items() if value.lower() == "true"} == wanted


def test_a_history_is_a_table_for_people_and_the_services_own_in_json(remote, server):
    server.on("GET", "/instances/a", (200, status("a", historyEvents=HISTORY)))
    lines = remote("status", "a", "--history-output").out.splitlines()
    assert [line.split("\t")[1:] for line in lines[-2:]] == [
        ["ExecutionStarted", "order", ""],
        ["TaskCompleted", "pay", '{"ok": true}'],
    ]
    assert (
        json.loads(remote("status", "a", "--history-output", "-o", "json").out)["historyEvents"]
        == HISTORY
    )


@pytest.mark.parametrize(
    ("state", "code"),
    [
        ("Running", 8),
        ("Pending", 8),
        ("Suspended", 8),
        ("Completed", 0),
        ("Failed", 10),
        ("Terminated", 11),
        ("Canceled", 12),
    ],
)
def test_the_state_can_be_the_exit_code(remote, server, state, code):
    server.on("GET", "/instances/a", (202 if code == 8 else 200, status("a", state)))
    assert remote("status", "a").code == 0
    assert remote("status", "a", "--exit-status").code == code


def test_an_instance_that_is_not_there_is_not_found_and_the_hub_is_named(remote, server):
    code, out, err = remote("status", "nope")
    assert (code, out) == (3, "")
    assert err.startswith("durablectl: no instance 'nope'")


def test_escape_sequences_in_an_output_are_data_in_a_failure_message(remote, server):
    server.on("GET", "/instances/a", (200, status("a", "Failed", output="\x1b[31mred")))
    assert "\x1b" not in remote("wait", "a").err


def test_a_payload_of_another_origin_gets_no_key(run, server, project, user_file):
    server.on("GET", "/instances/a", (200, status("a")))
    (project / "run.json").write_text(
        json.dumps(
            {
                "id": "a",
                "statusQueryGetUri": f"{server.url}/runtime/webhooks/durabletask/instances/a?code=***",
            }
        )
    )
    run("context", "add", "prod", "--url", "https://orders.example", "--key-env", "ORDERS_KEY")
    code, _, err = run("status", "@run.json", "-o", "id", env={"ORDERS_KEY": "s3cret"})
    assert (code, [request.key for request in server.asked], "s3cret" in err) == (0, [None], False)


def test_a_payload_that_disagrees_with_the_hub_that_was_named_is_refused(run, server, project):
    (project / "run.json").write_text(
        json.dumps(
            {"id": "a", "statusQueryGetUri": "https://elsewhere.example/x/instances/a?code=***"}
        )
    )
    code, _, err = run("status", "@run.json", "--hub", server.url)
    assert (code, server.asked) == (2, [])
    assert "elsewhere.example" in err


def test_instances_of_several_hubs_are_refused(run, project):
    lines = [
        {"id": "a", "statusQueryGetUri": f"https://{host}.example/x/instances/a?taskHub=H"}
        for host in ("one", "two")
    ]
    lines[1]["id"] = "b"
    (project / "runs.json").write_text(json.dumps(lines))
    code, _, err = run("status", "@runs.json")
    assert code == 2
    assert "different hubs" in err


def test_those_that_are_there_are_shown_although_one_is_not(remote, server):
    server.on("GET", "/instances/a", (200, status("a")))
    code, out, err = remote("status", "a", "gone", "-o", "json")
    assert (code, json.loads(out)) == (3, [status("a")])
    assert "no instance 'gone'" in err


NO_LUCK = (
    "The activity function 'fail' failed: \"no luck\". See the function execution logs for "
    "additional details."
)
STACK = (
    "Result: Failure\nException: no luck\nStack: Error: no luck\n    at fail "
    "(/home/site/wwwroot/index.js:12:9)"
)
DETAILS = {
    "ClassName": "System.Exception",
    "Message": "no luck",
    "StackTraceString": None,
    "InnerException": {"Message": STACK},
}


@pytest.mark.parametrize("flags", [[], ["-v"]], ids=["as it is", "verbose"])
def test_the_traceback_of_a_remote_failure_is_asked_for_with_verbose(remote, server, flags):
    event = {
        "EventType": "TaskFailed",
        "Reason": "Activity function 'fail' failed: no luck",
        "Details": json.dumps(DETAILS),
    }
    failed = status("f", "Failed", output=f"Orchestrator function 'failing' failed: {NO_LUCK}")
    server.on(
        "GET",
        "/instances/f",
        (200, failed),
        (200, {**failed, "historyEvents": [{**event, "Reason": "another"}, event]}),
    )
    code, out, _ = remote("status", "f", *flags)
    shown = "/home/site/wwwroot/index.js:12, in fail\n" in out and "Error: no luck" in out
    assert (code, len(server.asked), shown) == (0, 2 if flags else 1, bool(flags))


def test_a_history_that_cannot_be_shown_is_no_matter(remote, server):
    failed = status("f", "Failed", output=f"Orchestrator function 'failing' failed: {NO_LUCK}")
    server.on("GET", "/instances/f", (200, failed), (500, {"Message": "no history"}))
    code, out, _ = remote("status", "f", "-v")
    assert (code, "cause    no luck" in out) == (0, True)


@needs_grpc
def test_the_tags_of_an_instance_are_for_people_and_for_why(run):
    from scripted_grpc import found, scripted_grpc

    with scripted_grpc() as server:
        tags = {"team": "orders", "tier": "1"}
        server.answers["GetInstance"] = lambda request: found(request.instanceId, 6, tags=tags)
        out = run("status", "a", "-v", "--hub", server.url).out
        bare = json.loads(run("status", "a", "--hub", server.url, "-v", "-o", "json").out)
        told = json.loads(run("why", "a", "--hub", server.url, "-o", "json").out)
    assert "tags     team=orders, tier=1" in out
    assert (told["tags"], "tags" in bare) == (tags, False)
