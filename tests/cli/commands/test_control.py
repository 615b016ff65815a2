"""`raise-event`, `terminate`, `suspend`, `resume`, `rewind`, `restart`: one instance or several,
and an account of what was done.
"""

import json
from urllib.parse import parse_qs

import pytest
from scripted_server import payload, status

VERBS = {
    "terminate": "termination",
    "suspend": "suspension",
    "resume": "resumption",
    "rewind": "rewind",
}


@pytest.mark.parametrize(("verb", "word"), VERBS.items())
def test_a_request_is_sent_with_its_reason_and_told_as_a_request(remote, server, verb, word):
    server.on("POST", f"/instances/a/{verb}", (202, None))
    code, out, err = remote(verb, "a", "--reason", "no longer needed")
    assert (code, out) == (0, "")
    assert parse_qs(server.asked[-1].query)["reason"] == ["no longer needed"]
    assert f"{word} requested: a" in err


@pytest.mark.parametrize(
    ("env", "reason"),
    [
        (
            {
                "GITHUB_RUN_ID": "7",
                "GITHUB_SERVER_URL": "https://github.com",
                "GITHUB_REPOSITORY": "ada/shop",
            },
            "https://github.com/ada/shop/actions/runs/7",
        ),
        (
            {
                "TF_BUILD": "True",
                "BUILD_BUILDID": "7",
                "SYSTEM_COLLECTIONURI": "https://dev.azure.com/ada/",
                "SYSTEM_TEAMPROJECT": "shop",
            },
            "https://dev.azure.com/ada/shop/_build/results?buildId=7",
        ),
        ({"LOGNAME": "ada"}, "by ada with durablectl"),
    ],
    ids=["GitHub", "Azure Pipelines", "a person"],
)
def test_the_reason_is_who_does_it_unless_given(remote, server, env, reason):
    server.on("POST", "/instances/a/terminate", (202, None))
    remote("terminate", "a", env=env)
    assert parse_qs(server.asked[-1].query)["reason"] == [reason]


def test_the_hub_and_who_chose_it_are_told_before_a_change(run, server):
    server.on("POST", "/instances/a/terminate", (202, None))
    told = run("terminate", "a", env={"DURABLECTL_HUB": server.url}).err
    assert told.startswith(f"using task hub at {server.url}, from DURABLECTL_HUB\n")


def test_several_are_told_with_the_reasons_of_those_that_failed(remote, server):
    server.on("POST", "/instances/a/terminate", (202, None))
    server.on("POST", "/instances/b/terminate", (410, None))
    code, out, err = remote("terminate", "-", "gone", stdin="a\nb\n")
    assert (code, out) == (1, "")
    assert "termination requested: a\n" in err
    assert err.endswith("durablectl: 2 of 3 failed\n")
    assert {line.split()[0] for line in err.splitlines() if line.startswith("  ")} == {"b", "gone"}


def test_the_verdict_of_a_few_is_last(remote, server):
    for name in ("a", "b"):
        server.on("POST", f"/instances/{name}/terminate", (202, None))
    *each, verdict = remote("terminate", "a", "b").err.splitlines()
    assert sorted(each) == ["termination requested: a", "termination requested: b"]
    assert verdict.startswith("termination requested: 2 of 2 instances [")


def test_with_json_the_failures_of_a_batch_are_on_stdout_and_one_object_on_stderr(remote, server):
    result = remote("terminate", "gone", "away", "-o", "json")
    assert {each["instanceId"] for each in json.loads(result.out)} == {"gone", "away"}
    assert json.loads(result.err)["message"] == "2 of 2 failed"


def test_the_account_is_json_on_demand(remote, server):
    server.on("POST", "/instances/a/terminate", (202, None))
    code, out, _ = remote("terminate", "a", "gone", "-o", "json")
    done, failed = json.loads(out)
    assert (code, done, failed["instanceId"]) == (
        1,
        {"instanceId": "a", "result": "termination requested"},
        "gone",
    )
    assert "gone" in failed["error"]


@pytest.mark.parametrize(
    ("words", "request_"),
    [(("terminate",), "termination"), (("suspend",), "suspension"), (("raise-event",), None)],
)
def test_without_a_worker_a_request_says_that_none_carries_it_out(app, run, words, request_):
    run("start", "approval", "--instance-id", "a")
    run("worker", "--until-idle")
    event = [] if request_ else ["Go"]
    err = run(*words, "a", *event).err
    assert "no worker is running on this hub; start one with `durablectl worker`\n" in err
    waits = f"the {request_} requested 0 s ago waits for a worker"
    assert (waits in run("why", "a").out) is bool(request_)
    run("worker", "--until-idle")
    assert "waits for a worker" not in run("why", "a").out


def test_a_request_that_was_waited_for_says_how_it_stands(app, run):
    run("start", "approval", "--instance-id", "a")
    err = run("suspend", "a", "--wait", "--timeout", "10s").err
    assert err.splitlines()[-1] == "a: Suspended"
    assert "no worker is running" not in err


def test_without_a_worker_a_restart_says_so(app, run):
    run("run", "echo", "--instance-id", "a", "--timeout", "30s")
    for words in (("a",), ("a", "--new-id", "--ignore-not-found")):
        assert "no worker is running on this hub; start one" in run("restart", *words).err


@pytest.mark.parametrize(
    ("answer", "code"), [((404, None), 3), ((410, None), 6)], ids=["not there", "finished"]
)
def test_the_failure_of_one_has_its_own_exit_code(remote, server, answer, code):
    server.on("POST", "/instances/a/terminate", answer)
    server.on("GET", "/instances/a", (200, status("a")) if code == 6 else (404, None))
    assert remote("terminate", "a").code == code


def test_what_is_gone_or_finished_can_be_ignored(remote, server):
    server.on("POST", "/instances/b/terminate", (410, None))
    server.on("GET", "/instances/b", (200, status("b")))
    code, _, err = remote("terminate", "gone", "b", "--ignore-not-found", "--ignore-finished")
    assert code == 0
    assert "not there: gone" in err
    assert "finished already: b" in err


def test_a_suspended_instance_is_not_taken_for_a_finished_one(remote, server):
    text = "Cannot suspend the orchestration instance a because instance is in the Suspended state."
    server.on(
        "POST",
        "/instances/a/suspend",
        (500, {"Message": "x", "ExceptionMessage": text, "ExceptionType": "E", "StackTrace": None}),
    )
    server.on("GET", "/instances/a", (202, status("a", "Suspended")))
    assert remote("suspend", "a", "--ignore-finished").code == 6


@pytest.mark.parametrize("verb", [*VERBS, "restart", "purge"])
def test_an_empty_set_is_no_failure(remote, server, verb):
    code, _, err = remote(verb, "-", stdin="\n")
    assert (code, "nothing to do" in err, server.asked) == (0, True, [])


def test_an_event_carries_its_data(remote, server):
    server.on("POST", "/instances/a/raiseEvent/Paid", (202, None))
    code, _, err = remote("raise-event", "a", "Paid", "by=ada", "amount:=12.5")
    assert (code, server.asked[-1].json) == (0, {"by": "ada", "amount": 12.5})
    assert "event 'Paid' sent: a" in err


def test_an_event_without_data_is_null(remote, server):
    server.on("POST", "/instances/a/raiseEvent/Go", (202, None))
    remote("raise-event", "a", "Go")
    assert server.asked[-1].body == b"null"


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["-", "Go", "--input", "-"], "standard input cannot"),
        (["a", "Go", "--input", "gone.json"], "no such file"),
        (["a", ""], "needs a name"),
        (["a"], "missing"),
    ],
)
def test_an_event_that_makes_no_sense_is_refused(remote, server, arguments, message):
    code, _, err = remote("raise-event", *arguments)
    assert (code, server.asked) == (2, [])
    assert message in err.lower()


@pytest.mark.parametrize(
    ("flags", "new"), [([], "true"), (["--new-id"], "true"), (["--same-id"], "false")]
)
def test_restart_prints_what_start_prints(remote, server, flags, new):
    server.on("POST", "/instances/a/restart", (202, payload(server.url, "n")))
    server.on("GET", "/instances/a", (200, status("a")))
    code, out, _ = remote("restart", "a", "-o", "id", *flags)
    assert (code, out) == (0, "n\n")
    assert parse_qs(server.asked[-1].query)["restartWithNewInstanceId"] == [new]


def test_restart_of_several_wants_to_know_the_ids_and_tells_old_and_new(remote, server):
    for old, new in (("a", "n1"), ("b", "n2")):
        server.on("GET", f"/instances/{old}", (200, status(old)))
        server.on("POST", f"/instances/{old}/restart", (202, payload(server.url, new)))
    assert remote("restart", "a", "b").code == 2
    code, out, _ = remote("restart", "a", "b", "--new-id", "-o", "id", "--journal", "one")
    assert (code, sorted(out.split())) == (0, ["n1", "n2"])
    assert "restarted: a -> n1" in remote("restart", "a", "b", "--new-id", "--journal", "two").err


def test_suspend_and_resume_work_on_a_local_hub(app, run):
    instance_id = run("start", "approval", "-o", "id").out.strip()
    run("wait", instance_id, "--timeout", "200ms")
    assert run("suspend", instance_id).code == 0
    run("wait", instance_id, "--timeout", "200ms")
    assert json.loads(run("status", instance_id, "-o", "json").out)["runtimeStatus"] == "Suspended"
    assert run("resume", instance_id).code == 0
    assert run("terminate", instance_id, "--reason", "enough").code == 0
    code, out, _ = run("wait", instance_id, "--timeout", "30s", "-o", "json")
    assert (code, json.loads(out)["output"]) == (11, "enough")


def test_a_failed_instance_can_be_rewound_on_a_local_hub(app, run):
    run("run", "failing", "--instance-id", "f", "--timeout", "30s")
    assert run("rewind", "f").code == 0
    assert run("wait", "f", "--timeout", "30s").code == 10
    history = json.loads(run("status", "f", "--history", "-o", "json").out)["historyEvents"]
    assert [event["EventType"] for event in history].count("ExecutionRewound") == 1


def test_what_ends_a_batch_early_is_told_with_how_far_it_came(remote, server):
    server.on("POST", "/instances/a/terminate", (202, None))
    server.on("POST", "/instances/b/terminate", (401, None))
    code, _, err = remote("terminate", "a", "b", "c", "--concurrency", "1")
    assert code == 4
    assert "stopped after 1 of 3 instances: 1 done, 0 failed" in err


@pytest.mark.parametrize(
    "command", [["terminate", "a"], ["purge", "a"], ["purge", "--status", "Failed", "--yes"]]
)
def test_a_query_is_no_selection(remote, server, command):
    code, _, err = remote(*command, "--query", "[0]")
    assert (code, server.asked) == (2, [])
    assert "--query selects no instances" in err


def test_a_hint_quotes_the_id_for_the_shell(run, app):
    run("start", "approval", "--instance-id", "order:$(touch PWN)", "-q")
    code, _out, err = run("purge", "order:$(touch PWN)", "--yes")
    assert (code, err.splitlines()[-1]) == (6, "hint: durablectl terminate 'order:$(touch PWN)'")


def test_a_recursive_terminate_is_beyond_a_hub_over_http(remote, server):
    code, _, err = remote("terminate", "a", "--recursive")
    assert code == 7
    assert "cannot terminate sub-orchestrations along with their parent" in err
    assert not [each for each in server.asked if each.method == "POST"]


FAMILY = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def parent(context):
    return (yield context.call_sub_orchestrator("child", None, "kid"))

@app.orchestration_trigger(context_name="context")
def child(context):
    yield context.wait_for_external_event("Never")
"""


@pytest.mark.parametrize(("flags", "ended"), [((), ["p"]), (("--recursive",), ["kid", "p"])])
def test_sub_orchestrations_end_only_with_recursive(app, run, flags, ended):
    (app / "function_app.py").write_text(FAMILY)
    assert run("start", "parent", "--instance-id", "p").code == 0
    run("wait", "p", "--until", "runtimeStatus=='Running'", "--timeout", "30s")
    assert run("terminate", "p", *flags).code == 0
    run("wait", *ended, "--timeout", "30s")
    assert sorted(run("list", "--status", "Terminated", "-o", "id").out.split()) == ended
