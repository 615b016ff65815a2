"""Many instances at once: chosen by a filter, looked at first, done at a pace, gone on with after
Ctrl-C.
"""

import io
import json
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from contextlib import contextmanager
from urllib.parse import parse_qs

import pytest
from faulty_hub import FaultyHub
from scripted_server import status

from durablectl.cli.arguments.parameters import How, Pace
from durablectl.cli.batch.runner import AT_A_TIME, AT_ONCE, Batch, BatchOperation, control
from durablectl.errors import HubUnusable, Unreachable
from durablectl.polling.parallel import Runner, each_by_itself
from durablectl.render.output import Output

CHILD = "0123456789abcdef0123456789abcdef:3"
VERBS = ["terminate", "suspend", "resume", "restart", "rewind"]


@pytest.fixture
def hub(server):
    return FaultyHub(server, {f"i{number:02}": "Running" for number in range(12)})


def changes(server):
    return [request for request in server.asked if request.method != "GET"]


def ids(result):
    return result.out.split()


@pytest.mark.parametrize("verb", [*VERBS, "purge"])
def test_nothing_or_both_ids_and_a_filter_is_refused(remote, server, verb):
    for arguments, says in (
        ([], f"no ids or filter given to {verb}"),
        (["a", "--status", "Failed"], "give ids or a filter, not both"),
    ):
        code, _, err = remote(verb, *arguments, "--yes")
        assert (code, server.asked) == (2, [])
        assert says in err


def test_a_filter_shows_the_count_and_the_first_ten_and_asks(remote, hub, server):
    code, _, err = remote("terminate", "--name", "order", env={"CI": "true"})
    assert (code, changes(server)) == (2, [])
    counts = "      12  order  Running\n"
    assert f"12 instances in task hub at {server.url}:\n{counts}  i00\n" in err
    assert "  i09\n  and 2 more\n" in err
    assert "hint: look with --dry-run, then add --yes" in err


def test_the_ids_of_a_dry_run_feed_the_real_call(remote, hub, server):
    looked = remote("terminate", "--name", "order", "--dry-run", "-o", "id", "--limit", "3")
    assert (ids(looked), changes(server)) == (["i00", "i01", "i02"], [])
    assert remote("terminate", "-", stdin=looked.out).code == 0
    assert [name for name, state in hub.instances.items() if state == "Terminated"] == [
        "i00",
        "i01",
        "i02",
    ]


@pytest.mark.parametrize("chosen", [("--prefix", "i0"), ("i00", "i01")], ids=["filter", "ids"])
def test_a_dry_run_in_a_pipe_counts_by_orchestrator_and_status(remote, hub, chosen):
    code, out, err = remote("terminate", *chosen, "--dry-run", "--limit", "2")
    assert (code, len(out.splitlines())) == (0, 3)
    assert "       2  order  Running\n2 to terminate" in err


def test_many_kinds_are_counted_to_the_last(remote, server):
    server.on(
        "GET",
        "/instances",
        (200, [status(f"a{n}", "Running", name=f"order{n}") for n in range(13)]),
    )
    err = remote("terminate", "--prefix", "a", "--dry-run").err
    assert "       1  order9  Running\n       3  others\n13 to terminate in " in err


def test_a_dry_run_of_nothing_is_a_sentence_and_no_table(remote, hub):
    code, out, err = remote("terminate", "--name", "Nope", "--dry-run")
    assert (code, out, "0 to terminate in " in err) == (0, "", True)
    assert remote("terminate", "--name", "Nope", "--dry-run", "-o", "json").out == "[]\n"


def test_a_dry_run_of_ids_tells_what_is_there(remote, hub, server):
    code, out, err = remote("terminate", "i00", "gone", "--dry-run", "-o", "id")
    assert (code, out, changes(server)) == (0, "i00\n", [])
    assert "not there: gone" in err


@pytest.mark.parametrize(
    ("verb", "states"),
    [
        ("terminate", {"Pending", "Running", "ContinuedAsNew", "Suspended"}),
        ("suspend", {"Pending", "Running", "ContinuedAsNew"}),
        ("resume", {"Suspended"}),
        ("rewind", {"Failed"}),
        ("restart", {"Completed", "Failed", "Terminated", "Canceled"}),
    ],
)
def test_a_filter_without_states_means_those_that_the_verb_is_for(remote, server, verb, states):
    remote(verb, "--prefix", "i", "--dry-run")
    assert set(parse_qs(server.asked[-1].query)["runtimeStatus"][0].split(",")) == states


def test_entities_and_children_are_left_out_and_counted(remote, server):
    hub = FaultyHub(server, {"a": "Running", "@counter@a": "Running", CHILD: "Running"})
    code, _, err = remote("terminate", "--status", "Running", "--yes")
    assert (code, hub.instances) == (
        0,
        {"a": "Terminated", "@counter@a": "Running", CHILD: "Running"},
    )
    assert "1 entity left out; --include-entities" in err
    assert "1 sub-orchestration left out; --include-children" in err


def test_entities_and_children_are_taken_in_on_demand(remote, server):
    hub = FaultyHub(server, {"@counter@a": "Running", CHILD: "Running"})
    assert (
        remote(
            "terminate", "--status", "Running", "--include-entities", "--include-children", "--yes"
        ).code
        == 0
    )
    assert set(hub.instances.values()) == {"Terminated"}


def test_an_expression_selects_by_the_status_object(remote, server):
    server.on(
        "GET",
        "/instances",
        (200, [status("a", "Running", customStatus={"stage": "approval"}), status("b", "Running")]),
    )
    assert ids(
        remote(
            "terminate",
            "--where",
            "starts_with(customStatus.stage, 'app')",
            "--dry-run",
            "-o",
            "id",
        )
    ) == ["a"]


@pytest.mark.parametrize(
    ("flag", "expected"),
    [("--stuck=2h", ["old"]), ("--stuck", ["old"]), ("--stuck=1s", ["old", "new"])],
)
def test_stuck_is_what_has_not_changed_for_so_long(remote, server, flag, expected):
    new = status("new", "Running", lastUpdatedTime=recently())
    rows = [status("old", "Pending"), new, status("done"), status("waiting", "Suspended")]
    server.on("GET", "/instances", (200, rows))
    assert ids(remote("list", flag, "-o", "id")) == expected


def recently():
    from datetime import UTC, datetime, timedelta

    return (datetime.now(UTC) - timedelta(minutes=5)).strftime("%Y-%m-%dT%H:%M:%SZ")


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (
            ["--stuck", "--status", "Failed"],
            "--stuck is about instances that are pending or running",
        ),
        (["--stuck=soon"], "'soon' is not a duration"),
        (["--where", "status =="], "is not a JMESPath expression"),
        (["--where", "nofunction(name)", "--yes"], "does not fit"),
        (
            ["--status", "Running", "--timeout", "5s", "--yes"],
            "--timeout and --interval are for --wait",
        ),
        (["--status", "Running", "--rate", "0"], "rate"),
    ],
)
def test_a_selection_that_makes_no_sense_is_refused(remote, hub, server, arguments, message):
    code, _, err = remote("terminate", *arguments)
    assert (code, changes(server)) == (2, [])
    assert message in err


def test_it_stops_after_so_many_failures_and_tells_what_was_not_tried(remote, hub, server):
    for name in hub.instances:
        server.on("POST", f"/instances/{name}/terminate", (400, {"Message": "no"}))
    code, out, err = remote(
        "terminate",
        "--name",
        "order",
        "--yes",
        "--max-failures",
        "2",
        "--concurrency",
        "1",
        "-o",
        "json",
    )
    results = [entry.get("result", "failed") for entry in json.loads(out)]
    assert (code, results.count("failed"), results.count("not tried")) == (1, 2, 10)
    assert "more than --max-failures allows" in err


def test_many_are_told_in_one_line(remote, hub):
    err = remote("suspend", "--name", "order", "--yes").err
    assert "suspension requested: 12 of 12 instances" in err
    assert "suspension requested: i00" not in err


def test_it_waits_until_it_is_so(remote, hub, server):
    server.on(
        "GET", "/instances/i00", (200, status("i00", "Running")), (200, status("i00", "Terminated"))
    )
    code, _, err = remote("terminate", "i00", "i01", "--wait", "--timeout", "10s")
    assert (code, err.splitlines()[-1]) == (0, "2 instances: 2 Terminated")
    assert server.paths("GET").count("/instances/i00") == 2


def test_what_is_not_so_in_time_is_told(remote, hub, server):
    server.on("GET", "/instances/i00", (200, status("i00", "Running")))
    code, _, err = remote("terminate", "i00", "i01", "--wait", "--timeout", "100ms")
    assert code == 124
    assert err.endswith(
        "  i00\ndurablectl: timed out after 0.1 s: not so yet for 1 of 2 instances\n"
    )


def test_with_json_what_is_not_so_in_time_is_in_the_one_object(remote, hub, server):
    server.on("GET", "/instances/i00", (200, status("i00", "Running")))
    words = ("terminate", "i00", "i01", "--wait", "--timeout", "100ms", "-o", "json")
    said = json.loads(remote(*words).err)["message"]
    assert said == "timed out after 0.1 s: not so yet for 1 of 2 instances\n  i00"


def test_a_rewind_is_waited_for_although_it_fails_again(remote, server):
    again = status("a", "Failed", lastUpdatedTime="2026-02-02T03:04:06Z")
    server.on(
        "GET",
        "/instances/a",
        (200, status("a", "Failed")),
        (200, status("a", "Failed")),
        (200, again),
    )
    server.on("POST", "/instances/a/rewind", (202, None))
    assert remote("rewind", "a", "--wait", "--timeout", "10s").code == 0


def test_an_event_goes_to_all_that_a_filter_finds(remote, server):
    server.on("GET", "/instances", (200, [status("a", "Running"), status("b", "Pending")]))
    for name in "ab":
        server.on("POST", f"/instances/{name}/raiseEvent/Go", (202, None))
    assert (
        remote(
            "raise-event", "--event", "Go", "--status", "Running,Pending", "by=ada", "--yes"
        ).code
        == 0
    )
    assert [
        (request.path, request.json)
        for request in sorted(changes(server), key=lambda each: each.path)
    ] == [
        ("/instances/a/raiseEvent/Go", {"by": "ada"}),
        ("/instances/b/raiseEvent/Go", {"by": "ada"}),
    ]


def test_an_event_goes_to_all_ids_that_are_named(remote, server):
    for name in "ab":
        server.on("POST", f"/instances/{name}/raiseEvent/Go", (202, None))
    assert remote("raise-event", "a", "b", "--event", "Go", "n:=1").code == 0
    assert remote("raise-event", "--from", "ids", "x").code == 2


@pytest.mark.parametrize(
    "words",
    [
        ("terminate", "--name", "approval"),
        ("restart", "--name", "echo", "--new-id"),
        ("raise-event", "--event", "Go", "--name", "approval"),
        ("purge", "--prefix", "b"),
    ],
    ids=lambda words: words[0],
)
def test_a_dry_run_by_filter_may_use_the_hub_that_was_found(app, run, words):
    run("start", "approval", "--instance-id", "a")
    run("run", "echo", "--instance-id", "b", "--timeout", "30s")
    code, out, err = run(*words, "--dry-run", "-o", "id")
    assert (code, len(out.splitlines())) == (0, 1)
    assert f"1 to {words[0]} in local hub .durablectl/hub.db; nothing was changed" in err
    assert "needs an explicit hub" in run(*words, "--yes").err


def test_a_dry_run_without_a_hub_says_so(run):
    code, _, err = run("terminate", "--name", "approval", "--dry-run")
    assert (code, "no task hub" in err) == (2, True)


def test_a_filter_on_a_local_hub_wants_one_that_was_named(app, run):
    run("start", "approval", "--instance-id", "a")
    assert "needs an explicit hub" in run("terminate", "--status", "Pending", "--yes").err
    code, _, err = run(
        "terminate",
        "--status",
        "Pending",
        "--yes",
        "--wait",
        "--timeout",
        "30s",
        "--hub",
        ".durablectl/hub.db",
    )
    assert code == 0
    assert "termination requested: a" in err


def test_a_restart_of_many_is_gone_on_with_from_its_journal(app, run):
    for name in ("a", "b"):
        run("run", "failing", "--instance-id", name, "--timeout", "30s")
    hub = ("--hub", ".durablectl/hub.db", "--yes")
    first = run("restart", "--status", "Failed", "--new-id", "--limit", "1", "-o", "id", *hub)
    rest = run("restart", "--status", "Failed", "--new-id", "-o", "id", *hub)
    assert (len(ids(first)), len(ids(rest))) == (1, 1)
    assert "restarted before: a" in rest.err
    assert run("list", "--count").out == "4\n"


def test_a_journal_that_is_none_is_refused(remote, hub, project):
    (project / "notes.txt").write_text("hello\nworld\n")
    code, _, err = remote("restart", "i00", "i01", "--same-id", "--journal", "notes.txt")
    assert code == 2
    assert "is not a restart journal" in err


def test_control_c_tells_what_was_done_and_running_it_again_does_the_rest(server, run, project):
    hub = FaultyHub(server, {f"i{number:02}": "Running" for number in range(30)})
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "terminate",
        "--status",
        "Running",
        "--yes",
        "--rate",
        "20",
        "-o",
        "json",
    ]
    command += ["--hub", server.url]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        while "Terminated" not in hub.instances.values():
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    done = {
        entry["instanceId"]
        for entry in json.loads(out)
        if entry.get("result") == "termination requested"
    }
    assert process.returncode == 130
    assert done == {name for name, state in hub.instances.items() if state == "Terminated"}
    assert f"stopped after {len(done)} of 30 instances" in err
    assert run("terminate", "--status", "Running", "--yes", "--hub", server.url).code == 0
    assert set(hub.instances.values()) == {"Terminated"}


def test_a_silent_service_does_not_hold_a_batch(run):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        hub = f"http://127.0.0.1:{silent.getsockname()[1]}"
        started = time.monotonic()
        code, out, _ = run(
            "terminate",
            "-",
            "-o",
            "json",
            "--hub",
            hub,
            "--request-timeout",
            "50ms",
            stdin="\n".join(map(str, range(100))),
        )
    assert (code, len(json.loads(out))) == (5, 100)
    assert time.monotonic() - started < 30


class FullDisk:
    """A hub with room for one transaction."""

    commits_together, has_room = True, True

    @contextmanager
    def group(self):
        yield
        if not self.has_room:
            raise HubUnusable("the disk is full")
        self.has_room = False


def test_a_transaction_that_fails_leaves_an_account_of_those_before_it():
    err, named = io.StringIO(), [f"i{number}" for number in range(2 * AT_A_TIME)]
    operation = BatchOperation("suspend", "suspension requested", lambda _: None)
    out = Output(io.StringIO(), err, environ={})
    with pytest.raises(HubUnusable):
        control(out, FullDisk(), named, operation, How(), by_filter=False)
    assert err.getvalue().splitlines() == [
        "stopped after 500 of 1000 instances: 500 done, 0 failed",
        "500 were not attempted; run the command again to continue",
    ]


def test_the_failure_that_ends_a_batch_is_counted_once():
    def operate(_):
        raise Unreachable("no answer")

    counted, out = [], Output(io.StringIO(), io.StringIO(), environ={})
    batch = Batch(out, Runner(range(20), each_by_itself(operate)), Pace(), counted.append)
    batch.run(list, "start", 20)
    assert isinstance(batch.stopped, Unreachable)
    assert [each.item for each in counted] == list(range(AT_ONCE))


def test_outcomes_that_come_after_the_end_are_shown_too():
    begun, ended, counted, shown = threading.Barrier(4), threading.Event(), [], []

    def operate(number):
        begun.wait(20)
        if number == 0:
            raise HubUnusable("gone")
        ended.wait(20)

    class Ending(Runner):
        def stop(self):
            ended.set()
            super().stop()

    runner = Ending(range(4), each_by_itself(operate), concurrency=4)
    batch = Batch(Output(io.StringIO(), io.StringIO()), runner, Pace(), counted.append)
    batch.run(shown.extend, "start", 4)
    assert sorted(each.item for each in shown) == [1, 2, 3]
    assert (shown, batch.refused) == (counted, [0])


def test_ctrl_c_while_an_outcome_is_shown_waits_until_it_was():
    counted, shown = [], []

    def show(outcomes):
        for each in outcomes:
            signal.raise_signal(signal.SIGINT)
            shown.append(each)
        shown.append("the end")

    batch = Batch(
        Output(io.StringIO(), io.StringIO()),
        Runner([1, 2], each_by_itself(str)),
        Pace(),
        counted.append,
    )
    batch.run(show, "start", 1)
    assert isinstance(batch.stopped, KeyboardInterrupt)
    assert shown == [*counted, "the end"]
