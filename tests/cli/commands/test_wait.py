"""`wait` and `run`: what is printed, how it ends, and that a failed poll or Ctrl-C loses
nothing."""

import json
import re
import shlex
import signal
import subprocess
import sys

import pytest
from faulty_hub import FaultyHub
from scripted_server import BASE, payload, status

FAILED = "Orchestrator function 'order' failed: The activity function 'pay' failed: \"no \\\"gold\\\"\". See the function execution logs for additional details."


def test_the_output_is_printed_when_it_completed(remote, server):
    server.on(
        "GET",
        "/instances/a",
        (202, status("a", "Running")),
        (200, status("a", output={"total": 3})),
    )
    assert remote("wait", "a")[:2] == (0, '{"total": 3}\n')


@pytest.mark.parametrize(
    ("output", "shown"),
    [
        ("text", "text\n"),
        ('{"a": 1}', '{"a": 1}\n'),
        (None, ""),
        ("", ""),
        (0, "0\n"),
        ([], "[]\n"),
    ],
)
def test_strings_are_shown_as_they_are_and_json_in_them_decoded(remote, server, output, shown):
    server.on("GET", "/instances/a", (200, status("a", output=output)))
    assert remote("wait", "a").out == shown


def test_json_is_the_status_object_as_the_service_has_it(remote, server):
    server.on("GET", "/instances/a", (200, status("a", input='{"x": 1}', output='{"a": 1}')))
    assert json.loads(remote("wait", "a", "-o", "json").out) == status(
        "a", input='{"x": 1}', output='{"a": 1}'
    )


@pytest.mark.parametrize(
    ("state", "code"), [("Completed", 0), ("Failed", 10), ("Terminated", 11), ("Canceled", 12)]
)
def test_the_exit_code_tells_how_it_ended(remote, server, state, code):
    server.on("GET", "/instances/a", (200, status("a", state, output="why")))
    assert remote("wait", "a").code == code


def test_a_failure_shows_its_innermost_cause_unescaped(remote, server):
    server.on("GET", "/instances/a", (200, status("a", "Failed", output=FAILED)))
    code, out, _ = remote("wait", "a")
    assert code == 10
    assert out.splitlines()[2:] == [
        "status  Failed",
        'cause   no "gold"',
        "in      activity 'pay'",
        "        orchestrator 'order'",
    ]


def test_a_time_out_prints_the_payload_for_people(remote, server):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    code, out, err = remote("wait", "a", "--timeout", "100ms")
    assert code == 124
    assert out.startswith("id         a\nstatus     Running\n")
    assert "timed out after 0.1 s: instance 'a' is still Running" in err


def test_a_time_out_prints_the_status_object_in_json(remote, server):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    code, out, _ = remote("wait", "a", "--timeout", "0", "-o", "json")
    assert (code, json.loads(out)) == (124, status("a", "Running"))


@pytest.mark.parametrize(
    ("word", "next_"),
    [("terminate", ["status", "restart", "purge"]), ("suspend", ["resume", "status", "terminate"])],
)
def test_a_time_out_can_terminate_or_suspend(remote, server, word, next_):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    server.on("POST", f"/instances/a/{word}", (202, None))
    code, out, _ = remote("wait", "a", "--timeout", "0", "--on-timeout", word)
    verbs = re.findall(r"durablectl (\w+)", out)
    assert (code, verbs) == (124, next_)
    assert server.paths("POST") == [f"/instances/a/{word}"]


def test_a_suspension_at_the_time_out_says_that_no_worker_carries_it_out(app, run):
    run("start", "approval", "--instance-id", "a")
    err = run("wait", "a", "--timeout", "1s", "--on-timeout", "suspend").err
    assert err.endswith(
        "suspension requested: a\nno worker is running on this hub; start one with "
        "`durablectl worker`\n"
    )


def test_one_that_is_purged_at_the_time_out_does_not_save_the_others(remote, server, project):
    for each in "ab":
        server.on("GET", f"/instances/{each}", (202, status(each, "Running")))
    server.on("POST", "/instances/a/terminate", (404, None))
    server.on("POST", "/instances/b/terminate", (202, None))
    flags = ["--timeout", "0", "--on-timeout", "terminate", "--junit", "w.xml"]
    code, _, err = remote("wait", "a", "b", *flags)
    assert (code, "termination requested: b\n" in err, "'a'" in err) == (124, True, True)
    assert (project / "w.xml").exists()


def test_several_are_shown_in_a_table_and_in_an_array(remote, server):
    server.on("GET", "/instances/a", (200, status("a", output=[1])))
    server.on("GET", "/instances/b", (200, status("b", "Failed", output=FAILED)))
    code, out, _ = remote("wait", "a", "b")
    assert (code, out) == (
        10,
        (
            "ID\tNAME\tSTATUS\tOUTPUT OR "
            'CAUSE\na\torder\tCompleted\t[1]\nb\torder\tFailed\tno "gold" (in '
            "pay, order)\n"
        ),
    )
    assert [
        each["instanceId"] for each in json.loads(remote("wait", "a", "b", "-o", "json").out)
    ] == ["a", "b"]


@pytest.mark.parametrize(
    ("flags", "code"),
    [
        (["--any"], 0),
        (["--count", "1"], 0),
        (["--fail-fast"], 10),
        (["--all", "--timeout", "0"], 10),
        (["--count", "2", "--timeout", "0"], 10),
    ],
    ids=["any", "count", "fail-fast", "all", "count not reached"],
)
def test_a_wait_for_several_can_end_early(remote, server, flags, code):
    server.on("GET", "/instances/a", (200, status("a")))
    server.on("GET", "/instances/b", (200, status("b", "Failed", output="x")))
    server.on("GET", "/instances/c", (202, status("c", "Running")))
    assert remote("wait", "a", "b", "c", *flags).code == code


def test_ids_come_from_files_and_from_standard_input(remote, server, project):
    for name in "abc":
        server.on("GET", f"/instances/{name}", (200, status(name)))
    (project / "run.json").write_text(json.dumps(payload(server.url, "a")))
    (project / "ids").write_text("b\n")
    assert (
        remote("wait", "@run.json", "--from", "ids", "-", "-o", "id", stdin='["c"]').out
        == "a\nc\nb\n"
    )


@pytest.mark.parametrize(
    ("answer", "expected"),
    [
        ((200, status("a", output={"x": 1})), {"x": 1}),
        ((200, status("a", "Failed", output="x")), status("a", "Failed", output="x")),
    ],
    ids=["completed", "failed"],
)
def test_response_is_exactly_the_services_answer(remote, server, answer, expected):
    server.on("GET", "/instances/a", answer)
    assert json.loads(remote("wait", "a", "--response").out) == expected


def test_response_is_the_payload_after_a_time_out(remote, server):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    code, out, _ = remote("wait", "a", "--response", "--timeout", "100ms", "--interval", "50ms")
    assert code == 124
    assert json.loads(out)["statusQueryGetUri"].startswith(f"{server.url}{BASE}/instances/a")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ([], "no instance was named"),
        (["a", "--any", "--all"], "exclude each other"),
        (["a", "--count", "2"], "more than the 1"),
        (["a", "--count", "0"], "count"),
        (["a", "b", "--response"], "one instance"),
        (["a", "--response", "--timeout", "1s", "--interval", "2s"], "longer than the time-out"),
        (["a", "--interval", "0"], "must be more than 0"),
        (["a", "--timeout", "x"], "'x' is not a duration"),
        (["@gone.json"], "no such file"),
    ],
)
def test_a_wait_that_makes_no_sense_is_refused(remote, arguments, message):
    code, out, err = remote("wait", *arguments)
    assert (code, out) == (2, "")
    assert message in err


def test_an_empty_set_is_refused(remote):
    assert remote("wait", "-", stdin="").code == 2


def test_a_failed_poll_never_ends_the_wait_and_is_told_once(remote, server):
    broken = (503, {"Message": "busy"}, {"Retry-After": "0"})
    server.on(
        "GET",
        "/instances/a",
        (202, status("a", "Running")),
        *[broken] * 12,
        (200, status("a", output="done")),
    )
    code, out, err = remote("wait", "a", "--interval", "10ms", "--timeout", "60s")
    assert (code, out) == (0, "done\n")
    assert err.count("still waiting") <= 1


def test_an_id_that_is_not_there_is_not_found_after_the_time_out(remote, server):
    server.on("GET", "/instances", (200, []))
    assert remote("wait", "nope", "--timeout", "100ms").code == 3


def test_ci_is_warned_about_a_wait_without_end(remote, server):
    server.on("GET", "/instances/a", (200, status("a")))
    assert "warning: this wait has no --timeout" in remote("wait", "a", env={"CI": "true"}).err
    assert "warning" not in remote("wait", "a", "--timeout", "1s", env={"CI": "true"}).err


def test_run_prints_the_output_of_a_real_app(app, run):
    code, out, err = run("run", "hello", "--timeout", "30s")
    assert (code, out) == (0, '["Hello Tokyo!", "Hello London!"]\n')
    assert "started " in err


def test_run_tells_the_cause_of_a_real_failure(app, run):
    code, out, err = run("run", "failing", "--timeout", "30s")
    assert code == 10
    assert "no luck" in out
    assert "Failed: " in err


@pytest.fixture
def elsewhere(app, run, tmp_path, monkeypatch):
    """The hub of an app, seen from a folder without an app: one instance has ended, one waits."""
    run("run", "echo", "--instance-id", "done", "-q")
    run("start", "approval", "--instance-id", "a")
    monkeypatch.chdir(tmp_path)
    return ("--hub", "project/.durablectl/hub.db")


CANNOT_WORK = "warning: no worker is running on this hub, and this command cannot be one: "


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (("wait", "a", "--timeout", "1s"), 124),
        (("wait", "done", "a", "--any"), 0),
        (("start", "echo", "--wait", "--timeout", "1s"), 124),
        (("terminate", "a", "--wait", "--timeout", "1s"), 124),
    ],
    ids=str,
)
def test_a_wait_without_an_app_only_waits(run, elsewhere, words, code):
    ended = run(*words, *elsewhere)
    assert (ended.code, f"{CANNOT_WORK}there is no app here\n" in ended.err) == (code, True)


def test_a_wait_beside_another_app_only_waits(run, elsewhere, tmp_path):
    other = (tmp_path / "project" / "function_app.py").read_text().replace("approval", "other")
    (tmp_path / "function_app.py").write_text(other)
    code, _, err = run("wait", "a", "--timeout", "1s", *elsewhere)
    assert code == 124
    assert CANNOT_WORK in err
    assert "has no orchestrator 'approval', which instance 'a' needs" in err


def test_a_wait_for_what_has_ended_needs_no_worker(run, elsewhere):
    assert CANNOT_WORK not in run("wait", "done", *elsewhere).err


def test_a_wait_beside_an_app_that_cannot_be_loaded_says_so(run, elsewhere, tmp_path):
    (tmp_path / "function_app.py").write_text("import nothing_like_it\n")
    code, _, err = run("wait", "a", "--timeout", "1s", *elsewhere)
    assert (code, "nothing_like_it" in err) == (1, True)


def test_an_event_ends_a_wait_on_a_local_hub(app, run):
    instance_id = run("start", "approval", "-o", "id").out.strip()
    assert run("wait", instance_id, "--timeout", "300ms").code == 124
    assert run("raise-event", instance_id, "Approve", "by=ada").code == 0
    assert run("wait", instance_id, "--timeout", "30s")[:2] == (0, '{"by": "ada"}\n')


def interrupted(*arguments, stdin="", number=signal.SIGINT):
    """Run a command until it shows the first state, send it a signal (that of Ctrl-C); its exit code and the rest of
    stderr.
    """
    pipe = subprocess.PIPE
    with subprocess.Popen(
        [sys.executable, "-m", "durablectl", *arguments],
        stdin=pipe,
        stderr=pipe,
        stdout=pipe,
        text=True,
    ) as process:
        process.stdin.write(stdin)
        process.stdin.close()
        while "Running" not in process.stderr.readline():
            assert process.poll() is None
        process.send_signal(number)
        return process.wait(), process.stderr.read()


def test_control_c_leaves_the_instance_running_and_says_how_to_go_on(app, run):
    instance_id = run("start", "approval", "-o", "id").out.strip()
    code, err = interrupted("wait", instance_id, "--timeout", "1h")
    assert code == 130
    assert (
        f"interrupted; instance '{instance_id}' is left running, but no worker is running on this local hub"
    ) in err
    assert f"hint: continue waiting with: durablectl wait --timeout=3600s {instance_id}" in err
    assert '"Running"' in run("status", instance_id, "-o", "json").out


@pytest.mark.parametrize("form", [(), ("-o", "json")], ids=["text", "json"])
@pytest.mark.parametrize("command", ["wait", "run"])
def test_sigterm_says_the_same_and_ends_the_process(app, run, command, form):
    instance_id = run("start", "approval", "-o", "id").out.strip()
    words = {"wait": ["wait", instance_id], "run": ["run", "approval", "--instance-id", "r"]}
    code, err = interrupted(*words[command], *form, number=signal.SIGTERM)
    assert code == -signal.SIGTERM
    assert f"stopped by SIGTERM; instance '{words[command][-1]}' is left running" in err
    assert "continue waiting with: durablectl wait " in err
    last = err.splitlines()[-1]
    # what a shell shows of it is in the object
    assert json.loads(last)["exitCode"] == 128 - code if form else last.startswith("hint:")


PAID = shlex.quote("--until=customStatus.stage=='paid'")
GO_ON = [
    (("--count", "2"), "--count=2 a b c"),
    (("--any", "--fail-fast", "-o", "json"), "--output json --count=1 --fail-fast a b c"),
    (("--until", "customStatus.stage=='paid'", "--interval", "2s"), f"--interval=2s {PAID} a b c"),
    (
        ("--timeout", "1h", "--on-timeout", "suspend", "--junit", "w.xml"),
        "--timeout=3600s --on-timeout=suspend --junit=w.xml a b c",
    ),
]


@pytest.mark.parametrize(("options", "told"), GO_ON, ids=["count", "any", "until", "reports"])
def test_the_command_that_goes_on_waiting_does_what_the_interrupted_one_did(
    app, run, options, told
):
    for each in "abc":
        run("start", "approval", "--instance-id", each)
    code, err = interrupted("wait", "a", "b", "c", *options)
    assert code == 130
    said = json.loads(err.splitlines()[-1])["hint"] + "\n" if "json" in options else err
    assert f"continue waiting with: durablectl wait {told}\n" in said


def test_a_wait_that_read_its_ids_goes_on_with_the_same_words(app, run):
    (app / "ids.txt").write_text("a\nb\n")
    for each in "ab":
        run("start", "approval", "--instance-id", each)
    assert "continue waiting with: durablectl wait @ids.txt\n" in interrupted("wait", "@ids.txt")[1]
    assert (
        "continue waiting with: durablectl wait a b\n"
        in interrupted("wait", "-", stdin="a\nb\n")[1]
    )


SUSPENDED = shlex.quote("--until=runtimeStatus=='Suspended'")


def test_a_suspension_that_is_waited_for_goes_on_until_it_is_so(app, server):
    server.on("POST", "/instances/a/suspend", (202, None))
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    code, err = interrupted("suspend", "a", "--wait", "--hub", server.url)
    assert code == 130
    assert f"wait --hub {server.url} {SUSPENDED} a\n" in err


def test_a_payload_of_a_remote_hub_is_waited_for_there_also_beside_an_app(app, run, server):
    server.on("GET", "/instances/a", (200, status("a", output="there")))
    base = server.url.replace("127.0.0.1", "localhost")
    (app / "run.json").write_text(json.dumps(payload(base, "a")))
    run("context", "add", "prod", "--url", base)
    run("context", "use", "prod")
    assert run("wait", "@run.json", "--timeout", "5s")[:2] == (0, "there\n")


STAGES = [
    (202, status("a", "Running", customStatus={"stage": stage})) for stage in ("pay", "approval")
]


def test_until_waits_for_a_status_object_that_it_holds_for(remote, server):
    server.on("GET", "/instances/a", *STAGES)
    code, out, _ = remote(
        "wait", "a", "--until", "customStatus.stage=='approval'", "--timeout", "30s"
    )
    assert code == 0
    assert '{"stage": "approval"}' in out


def test_what_ended_before_until_held_is_told_by_its_own_exit_code(remote, server):
    server.on("GET", "/instances/a", STAGES[0], (200, status("a")))
    code, _, err = remote(
        "wait", "a", "--until", "starts_with(customStatus.stage, 'app')", "--timeout", "30s"
    )
    assert code == 9
    assert "ended before --until came true" in err


PHASE = "customStatus.phase=='approval'"
DEAD = [
    (200, status("a", state, customStatus={"phase": "approval"}))
    for state in ("Terminated", "Failed", "Canceled")
]


@pytest.mark.parametrize("dead", DEAD, ids=["Terminated", "Failed", "Canceled"])
@pytest.mark.parametrize(
    "flags",
    [[], ["--any"], ["--count", "1"], ["--fail-fast"]],
    ids=["one", "any", "count", "fail-fast"],
)
def test_until_does_not_hold_on_what_a_dead_instance_left_behind(remote, server, dead, flags):
    server.on("GET", "/instances/a", dead)
    code, _, err = remote("wait", "a", "--until", PHASE, "--timeout", "30s", *flags)
    assert code == 9
    assert (
        f"durablectl: ended before --until came true: {PHASE}\n  the expression is true of a, "
        f"which is {dead[1]['runtimeStatus']}\n" in err
    )
    assert (
        "hint: on an instance that ended other than Completed, --until holds only if the "
        "expression mentions runtimeStatus"
    ) in err


@pytest.mark.parametrize(
    ("expression", "code"),
    [
        (f"{PHASE} && runtimeStatus=='Terminated'", 0),
        ("runtimeStatus!='Pending'", 0),
        (f"{PHASE} || 'runtimeStatus'=='x'", 9),
        ("customStatus.runtimeStatus || customStatus.phase", 9),
        ("contains(to_string(@), 'Terminated')", 9),
    ],
    ids=["both", "status alone", "a text", "a member of the custom status", "the whole as text"],
)
def test_until_holds_on_a_dead_instance_when_it_reads_the_runtime_status(
    remote, server, expression, code
):
    server.on("GET", "/instances/a", DEAD[0])
    assert remote("wait", "a", "--until", expression, "--timeout", "30s").code == code


def test_until_that_held_is_not_taken_back_when_the_instance_dies_later_in_the_same_wait(
    remote, server
):
    server.on(
        "GET",
        "/instances/a",
        (202, status("a", "Running", customStatus={"phase": "approval"})),
        DEAD[0],
    )
    server.on(
        "GET",
        "/instances/b",
        (202, status("b", "Running")),
        (200, status("b", customStatus={"phase": "approval"})),
    )
    assert remote("wait", "a", "b", "--until", PHASE, "--timeout", "30s").code == 0


def test_reports_tell_why_until_does_not_hold(remote, server, project):
    server.on("GET", "/instances/a", DEAD[0])
    server.on("GET", "/instances/b", (200, status("b")))
    code, _, err = remote(
        "wait", "a", "b", "--until", PHASE, "--junit", "w.xml", env={"GITHUB_ACTIONS": "true"}
    )
    dead = (
        "instance 'a' (order) is Terminated, and --until holds for it only if the expression "
        "mentions runtimeStatus"
    )
    early = "instance 'b' (order) is Completed, before --until came true"
    assert code == 9
    for sentence in (dead, early):
        assert sentence in err
        assert sentence in (project / "w.xml").read_text()


def test_until_and_count_go_together(remote, server):
    server.on("GET", "/instances/a", *STAGES)
    server.on("GET", "/instances/b", (202, status("b", "Running")))
    assert (
        remote(
            "wait",
            "a",
            "b",
            "--until",
            "customStatus.stage=='approval'",
            "--any",
            "--timeout",
            "30s",
        ).code
        == 0
    )
    assert (
        remote(
            "wait", "a", "b", "--until", "customStatus.stage=='approval'", "--timeout", "100ms"
        ).code
        == 124
    )


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--until", "state =="], "is not a JMESPath expression"),
        (["--until", "nofunction(name)"], "does not fit"),
        (["--until", "name", "--response"], "--response waits until"),
    ],
)
def test_an_until_that_makes_no_sense_is_refused(remote, server, arguments, message):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    code, _, err = remote("wait", "a", *arguments, "--timeout", "5s")
    assert code == 2
    assert message in err


def test_many_in_flight_are_found_by_listing_instead_of_one_by_one(remote, server):
    hub = FaultyHub(server, {f"i{number:03}": "Running" for number in range(300)}, page=1000)
    looks = []

    def ends(hub, request):
        looks.append(request)
        if len(looks) == 4:
            hub.instances = dict.fromkeys(hub.instances, "Completed")

    hub.fault = ends
    code, out, _ = remote(
        "wait", "-", "--interval", "10ms", "-o", "id", stdin="\n".join(hub.instances)
    )
    assert (code, len(out.split())) == (0, 300)
    assert server.paths("GET").count("/instances") == 4
    assert len(looks) == 4 + 300


def test_instances_that_the_service_does_not_show_yet_are_waited_for(remote, server):
    server.on(
        "GET",
        "/instances/a",
        (404, None),
        (404, None),
        (202, status("a", "Pending")),
        (200, status("a")),
    )
    server.on("GET", "/instances", (200, []))
    assert remote("wait", "a", "--timeout", "30s").code == 0
