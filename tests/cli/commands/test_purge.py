"""`purge`: by id and by filter; never a running instance, never without a question."""

import contextlib
import io
import json
import os
import pty
import subprocess
import sys
from datetime import datetime, timedelta
from urllib.parse import parse_qs

import pytest
from grpc_server import needs_grpc
from scripted_server import status

from durablectl.cli.batch.purge_by_time import purge_slices
from durablectl.model import InstanceFilter, utc_now
from durablectl.render.output import Output

MANY = [status(f"i{number:02}") for number in range(12)]


def answered(answer, *arguments):
    """Run a command on a terminal of its own and type an answer; its exit code and what the screen
    said.
    """
    main, terminal = pty.openpty()
    with subprocess.Popen(
        [sys.executable, "-m", "durablectl", *arguments],
        stdin=terminal,
        stdout=terminal,
        stderr=terminal,
    ) as process:
        os.close(terminal)
        os.write(main, answer.encode())
        screen = b""
        with contextlib.suppress(OSError):  # Linux tells the end of a terminal so
            while part := os.read(main, 4096):
                screen += part
    os.close(main)
    return process.returncode, screen.decode()


def deletions(server):
    return [request for request in server.asked if request.method == "DELETE"]


def test_a_finished_instance_is_purged(remote, server):
    server.on("GET", "/instances/a", (200, status("a")))
    server.on("DELETE", "/instances/a", (200, {"instancesDeleted": 1}))
    code, _, err = remote("purge", "a")
    assert code == 0
    assert "purged: a" in err


def test_a_running_instance_is_refused_and_not_deleted(remote, server):
    server.on("GET", "/instances/a", (202, status("a", "Running")))
    assert remote("purge", "a").code == 6
    assert deletions(server) == []


def test_what_is_gone_can_be_ignored(remote, server):
    assert remote("purge", "gone").code == 3
    assert remote("purge", "gone", "--ignore-not-found").code == 0


def test_a_filter_shows_the_count_and_the_first_ten_and_always_sends_final_states(remote, server):
    server.on("GET", "/instances", (200, MANY))
    server.on("DELETE", "/instances", (200, {"instancesDeleted": 12}))
    code, out, err = remote("purge", "--created-before", "2026-02-01T00:00:00Z", "--yes")
    assert (code, out) == (0, "")
    counts = "      12  order  Completed\n"
    assert f"12 instances in task hub at {server.url}:\n{counts}  i00\n" in err
    assert "  i09\n  and 2 more\n" in err
    assert err.endswith("12 purged\n")
    (request,) = deletions(server)
    query = parse_qs(request.query)
    assert set(",".join(query["runtimeStatus"]).split(",")) == {
        "Completed",
        "Failed",
        "Terminated",
        "Canceled",
    }
    assert query["createdTimeTo"][0].startswith("2026-02-01")


def test_without_a_terminal_and_without_yes_nothing_is_purged(remote, server):
    server.on("GET", "/instances", (200, MANY))
    code, _, err = remote("purge", "--status", "Completed", env={"CI": "true"})
    assert (code, deletions(server)) == (2, [])
    assert "hint: look with --dry-run, then add --yes" in err


@pytest.mark.parametrize("states", ["Running", "Completed,Pending"])
def test_states_that_are_not_final_are_refused_with_the_reason(remote, server, states):
    code, _, err = remote("purge", "--status", states, "--yes")
    assert (code, server.asked) == (2, [])
    assert "would delete everything in range" in err


def test_a_dry_run_prints_ids_that_a_second_call_takes(remote, server):
    server.on("GET", "/instances", (200, MANY[:2]))
    code, out, err = remote("purge", "--status", "Completed", "--dry-run", "-o", "id")
    assert (code, out, deletions(server)) == (0, "i00\ni01\n", [])
    assert "2 to purge in task hub" in err


def test_a_filter_that_the_service_lacks_goes_id_by_id(remote, server):
    server.on("GET", "/instances", (200, [status("a"), status("b", name="ship")]))
    server.on("GET", "/instances/a", (200, status("a")))
    server.on("DELETE", "/instances/a", (200, {"instancesDeleted": 1}))
    code, out, _ = remote("purge", "--name", "order", "--yes", "-o", "json")
    assert (code, json.loads(out)) == (0, {"instancesDeleted": 1})
    assert [request.path for request in deletions(server)] == ["/instances/a"]


def test_no_match_is_no_failure(remote, server):
    server.on("GET", "/instances", (200, []))
    code, _, err = remote("purge", "--status", "Failed", "--yes")
    assert (code, deletions(server)) == (0, [])
    assert "nothing matches" in err


@pytest.mark.parametrize("arguments", [[], ["a", "--status", "Failed"]], ids=["nothing", "both"])
def test_ids_or_a_filter_must_say_what_to_purge(remote, server, arguments):
    assert remote("purge", *arguments, "--yes").code == 2
    assert server.asked == []


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("\n", 2, "nothing was changed"), ("y\n", 0, "1 purged")],
    ids=["no", "yes"],
)
def test_on_a_terminal_it_asks_and_the_default_is_no(app, run, answer, code, said):
    run("run", "echo", "--timeout", "30s")
    ended, screen = answered(
        answer, "purge", "--status", "Completed", "--hub", ".durablectl/hub.db"
    )
    assert ended == code
    assert "purge 1 instance? [y/N]" in screen
    assert said in screen


@pytest.mark.parametrize(
    ("answer", "code", "said"),
    [("y\n", 2, "nothing was changed"), ("old\n", 0, "1 purged")],
    ids=["yes", "the name"],
)
def test_a_protected_hub_shows_what_it_is_about_before_it_asks_for_its_name_once(
    app, run, answer, code, said
):
    run("run", "echo", "--instance-id", "e-1", "--timeout", "30s")
    assert run("context", "add", "old", "--hub", ".", "--protected").code == 0
    words = ("purge", "--status", "Completed", "--context", "old")
    ended, screen = answered(f"{answer}n\n", *words)
    question = "purge 1 instance? the hub is protected; type 'old' to continue:"
    assert ended == code
    assert said in screen
    assert screen.index("e-1") < screen.index(question)
    assert (screen.count("protected"), screen.count("[y/N]")) == (1, 0)


def test_a_purge_by_filter_wants_a_hub_that_was_named(app, run):
    run("run", "echo", "--timeout", "30s")
    code, _, err = run("purge", "--status", "Completed", "--yes")
    assert code == 2
    assert "needs an explicit hub" in err
    assert run(
        "purge", "--status", "Completed", "--yes", "--hub", app / ".durablectl" / "hub.db"
    ).err.endswith("1 purged\n")
    assert json.loads(run("list", "-o", "json").out) == []


DAYS = [status(f"i{day:02}", createdTime=f"2026-01-{day:02}T00:00:00Z") for day in range(1, 31)]


def slicing(server, longest):
    """A service that deletes by time, and gets through `longest` days in one request; what it
    deleted.
    """
    left = {each["instanceId"]: datetime.fromisoformat(each["createdTime"]) for each in DAYS}

    def answer(request):
        if request.method == "GET":
            return 200, [each for each in DAYS if each["instanceId"] in left]
        start, end = (
            datetime.fromisoformat(parse_qs(request.query)[name][0])
            for name in ("createdTimeFrom", "createdTimeTo")
        )
        if end - start > timedelta(days=longest):
            return 500, {
                "Message": "timed out",
                "ExceptionMessage": "timed out",
                "ExceptionType": "E",
            }
        gone = [name for name, time in left.items() if start <= time <= end]
        for name in gone:
            del left[name]
        return (200, {"instancesDeleted": len(gone)}) if gone else (404, None)

    server.otherwise = answer
    return left


def test_a_slice_that_the_service_does_not_get_through_is_halved(remote, server):
    left = slicing(server, longest=8)
    code, out, _ = remote("purge", "--created-before", "2026-01-31", "--yes", "-o", "json")
    assert (code, json.loads(out), left) == (0, {"instancesDeleted": 30}, {})
    assert len(deletions(server)) > 4


def test_a_service_that_gets_through_nothing_is_told_with_the_slices_that_failed(remote, server):
    slicing(server, longest=-1)
    code, out, err = remote("purge", "--created-before", "2026-01-31", "--yes", "-o", "json")
    assert code == 1
    assert json.loads(out)["instancesDeleted"] == 0
    assert len(json.loads(out)["failed"]) == 5
    assert "stopped: at least 0 purged" in err
    assert "run the command again to continue" in err


def test_children_keep_a_purge_from_whole_ranges_unless_they_are_included(remote, server):
    child = "0123456789abcdef0123456789abcdef:3"
    server.on("GET", "/instances", (200, [status("a"), status(child)]))
    server.on("GET", "/instances/a", (200, status("a")))
    server.on("DELETE", "/instances/a", (200, {"instancesDeleted": 1}))
    server.on("DELETE", "/instances", (200, {"instancesDeleted": 2}))
    assert json.loads(remote("purge", "--status", "Completed", "--yes", "-o", "json").out) == {
        "instancesDeleted": 1
    }
    assert json.loads(
        remote("purge", "--status", "Completed", "--include-children", "--yes", "-o", "json").out
    ) == {"instancesDeleted": 2}


def test_a_recursive_purge_takes_the_sub_orchestrations_along(app, run):
    (app / "function_app.py").write_text(FAMILY)
    run("run", "parent", "--instance-id", "p", "--timeout", "30s")
    assert run("purge", "p", "--recursive").code == 0
    assert run("list", "-o", "id").out == ""


def test_a_recursive_purge_by_filter_counts_what_came_along(app, run):
    (app / "function_app.py").write_text(FAMILY)
    run("run", "parent", "--instance-id", "p", "--timeout", "30s")
    hub = app / ".durablectl" / "hub.db"
    code, out, _ = run(
        "purge", "--name", "parent", "--recursive", "--yes", "--hub", hub, "-o", "json"
    )
    assert (code, json.loads(out)) == (0, {"instancesDeleted": 2})


def test_a_recursive_purge_is_beyond_a_remote_hub(remote):
    code, _, err = remote("purge", "i00", "--recursive")
    assert code == 7
    assert "a remote hub cannot purge sub-orchestrations along with their parent" in err


FAMILY = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def parent(context):
    return (yield context.call_sub_orchestrator("child", None, "p:kid"))

@app.orchestration_trigger(context_name="context")
def child(context):
    return 1
"""


@needs_grpc
def test_a_hub_over_grpc_purges_in_batches_and_tells_each(run):
    from scripted_grpc import found, scripted_grpc

    statuses = {"a": 1, "b": 3, "busy": 0}
    with scripted_grpc() as server:
        server.answers["GetInstance"] = lambda request: (
            found(request.instanceId, statuses[request.instanceId])
            if request.instanceId in statuses
            else {"exists": False}
        )
        server.answers["PurgeInstances"] = {"deletedInstanceCount": 2}
        code, out, _ = run("purge", *statuses, "none", "--hub", server.url, "-o", "json")
    (asked,) = (each.message for each in server.asked if each.method == "PurgeInstances")
    assert sorted(asked.instanceBatch.instanceIds) == ["a", "b"]
    told = {each["instanceId"]: each.get("result", "refused") for each in json.loads(out)}
    assert (code, told) == (1, {"a": "purged", "b": "purged", "busy": "refused", "none": "refused"})


def test_ctrl_c_while_the_service_deletes_leaves_the_number_open():
    class Interrupted:
        def purge_by(self, **_times):
            raise KeyboardInterrupt

    err = io.StringIO()
    with pytest.raises(KeyboardInterrupt):
        out = Output(io.StringIO(), err, environ={})
        purge_slices(out, Interrupted(), InstanceFilter(), [utc_now()])
    assert "stopped: at least 0 purged; run the command again" in err.getvalue()
