"""The command line on a hub over gRPC: the same words, JSON and exit codes as on the others."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator

import pytest
from grpc_server import RECORDINGS, durable_task_server, free_port, needs_durabletask

pytestmark = needs_durabletask


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with durable_task_server() as address:
        yield address


def test_a_start_is_waited_for_and_its_output_printed(run, server):
    result = run("run", "hello_cities", "--input-json", '["Oslo"]', "--hub", server)
    assert (result.code, json.loads(result.out)) == (0, ["Hello Oslo!"])


def test_what_start_prints_names_the_instance_for_wait(run, server, project):
    started = run("start", "echo", "a=b", "--instance-id", "w-1", "--hub", server, "-o", "json")
    (project / "run.json").write_text(started.out)
    waited = run("wait", "@run.json", "--hub", server, "-o", "json")
    assert (waited.code, json.loads(waited.out)["output"]) == (0, {"a": "b"})


def test_an_id_that_is_taken_is_a_conflict(run, server):
    for expected in (0, 6):
        result = run("run", "echo", "--instance-id", "t-1", "--hub", server)
        assert result.code == expected
    assert "--if-exists" in result.err


def test_a_failed_instance_ends_the_command_with_its_cause(run, server):
    result = run("run", "failing", "--instance-id", "f-1", "--hub", server)
    assert result.code == 10
    assert "no luck" in result.err + result.out
    listed = run("list", "--status", "Failed", "--prefix", "f-1", "--hub", server, "-o", "id")
    assert listed.out == "f-1\n"


def test_a_listing_shows_outputs_and_counts(run, server):
    for number in range(3):
        run("run", "echo", f"n:={number}", "--instance-id", f"l-{number}", "--hub", server)
    listed = run("list", "--prefix", "l-", "--hub", server, "-o", "json")
    assert [each["output"] for each in json.loads(listed.out)] == [{"n": n} for n in range(3)]
    assert run("list", "--prefix", "l-", "--count", "--hub", server).out == "3\n"


def test_control_verbs_say_what_is_not_there_and_what_is_over(run, server):
    run("run", "echo", "--instance-id", "c-1", "--hub", server)
    assert run("suspend", "nope", "--hub", server).code == 3
    assert run("terminate", "c-1", "--hub", server).code == 6
    assert run("raise-event", "c-1", "Go", "--hub", server).code == 6


def test_a_history_has_its_steps_and_its_raw_form(run, server):
    run("run", "hello_cities", "--input-json", '["Oslo"]', "--instance-id", "h-1", "--hub", server)
    shown = run("history", "h-1", "--hub", server, "-o", "json")
    kinds = [event["EventType"] for event in json.loads(shown.out)]
    assert kinds == ["ExecutionStarted", "TaskCompleted", "ExecutionCompleted"]
    raw = json.loads(run("history", "h-1", "--raw", "--hub", server).out)
    assert raw["events"][1]["type"] == "ExecutionStarted"


def test_instances_are_purged_by_id_and_by_filter(run, server):
    for number in range(3):
        run("run", "echo", "--instance-id", f"p-{number}", "--hub", server)
    assert run("purge", "p-0", "--hub", server).code == 0
    purged = run("purge", "--prefix", "p-", "--status", "Completed", "--yes", "--hub", server)
    assert purged.code == 0
    assert run("list", "--prefix", "p-", "--count", "--hub", server).out == "0\n"


def test_an_entity_is_signalled_read_and_listed(run, server):
    assert (
        run("entity", "signal", "@counter@e1", "add", "--input-json", "3", "--hub", server).code
        == 0
    )
    got = run("entity", "get", "@counter@e1", "--hub", server)
    while got.code == 3:
        got = run("entity", "get", "@counter@e1", "--hub", server)
    assert json.loads(got.out) == 3
    assert "@counter@e1" in run("entity", "list", "--hub", server, "-o", "id").out


def test_what_start_prints_is_refused_on_another_hub(run, server, project):
    started = run("start", "echo", "--instance-id", "o-1", "--hub", server, "-o", "json")
    (project / "run.json").write_text(started.out)
    result = run("wait", "@run.json", "--hub", "grpc://localhost:1")
    assert (result.code, f"name that one: --hub {server}" in result.err) == (2, True)
    assert run("status", "@run.json", "--hub", server, "--task-hub", "any").code == 0


def test_a_payload_that_names_an_address_of_another_kind_is_refused(run, server, project):
    (project / "run.json").write_text('{"id": "a", "address": "grpc://user:S3CRET@h:1/x?y"}')
    result = run("status", "@run.json", "--hub", server)
    assert (result.code, "S3CRET" in result.err) == (2, False)


def test_links_name_the_hub_and_creation_is_unsupported(run, server):
    run("run", "echo", "--instance-id", "k-1", "--hub", server)
    assert json.loads(run("links", "k-1", "--hub", server, "-o", "json").out) == {
        "id": "k-1",
        "address": server,
    }
    assert run("links", "--creation", "--hub", server).code == 7


def test_a_history_is_replayed_exactly(run, server):
    app = RECORDINGS / "function_app.py"
    run("run", "hello_cities", "--input-json", '["Oslo"]', "--instance-id", "r-1", "--hub", server)
    replayed = run("replay", "r-1", "--app", app, "--hub", server, "-o", "json")
    assert replayed.code == 0
    (verdict,) = json.loads(replayed.out)
    assert (verdict["verdict"], verdict["confidence"]) == ("fits", "exact")


def test_a_start_for_later_waits_until_then(run, server):
    later = run(
        "start", "echo", "--instance-id", "at-1", "--at", "1h", "--tag", "a=b", "--hub", server
    )
    assert later.code == 0
    soon = ("start", "echo", "n:=1", "--instance-id", "at-2", "--at", "2020-01-01", "--wait")
    assert json.loads(run(*soon, "--hub", server).out) == {"n": 1}


@pytest.mark.parametrize(
    ("flags", "reason"),
    [
        (["--at", "tomorrow"], "is not a date or time"),
        (["--tag", "a"], "is not KEY=VALUE"),
        (["--tag", "a=1", "--tag", "a=2"], "given twice"),
    ],
)
def test_a_time_or_a_tag_that_cannot_be_used_is_refused(run, server, flags, reason):
    result = run("start", "echo", *flags, "--hub", server)
    assert (result.code, reason in result.err) == (2, True)


@pytest.mark.parametrize(
    ("address", "text"),
    [
        ("grpc://example.com:4001", "without TLS"),
        ("grpc://127.example.com:4001", "without TLS"),
        ("grpc://localhost:4001/hub", "more than host and port"),
        ("grpc://user@localhost:4001", "more than an address"),
        ("grpc://", "not an http, https, grpc or grpcs address"),
    ],
)
def test_an_address_that_cannot_be_used_is_refused(run, address, text):
    result = run("list", "--hub", address)
    assert (result.code, text in result.err) == (2, True)


def test_a_server_that_is_not_there_is_unreachable(run):
    result = run("list", "--hub", f"grpc://127.0.0.1:{free_port()}", "--request-timeout", "1s")
    assert (result.code, "cannot reach grpc://127.0.0.1" in result.err) == (5, True)


def test_a_missing_extra_says_how_to_install_it(project):
    code = (
        "import sys; sys.modules['grpc'] = None\n"
        "from durablectl.cli.main import main\n"
        "sys.exit(main(['list', '--hub', 'grpc://localhost:4001']))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=False)
    hint = done.stderr.partition("hint: ")[2]
    assert (done.returncode, "pip install" in hint, "[grpc]" in hint) == (1, True, True)
