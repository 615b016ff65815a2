"""`start --batch`: one start a line, a result line each; what failed or is left can be run
again."""

import json
import os
import shlex
import signal
import subprocess
import sys
import threading
from itertools import count

import pytest
from faulty_hub import FaultyHub
from scripted_server import payload

from durablectl.backends.local import LocalTaskHub
from durablectl.cli.batch import json_lines
from durablectl.cli.batch.runner import AT_A_TIME
from durablectl.errors import HubUnusable


@pytest.fixture
def lines(project):
    def write(*lines):
        (project / "many.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
        return "many.jsonl"

    return write


@pytest.fixture
def starts(server):
    """The server starts everything; what it was asked to start."""

    def answer(request):
        if request.method == "POST":
            return 202, payload(server.url, request.path.rpartition("/")[2])
        return (200, []) if request.path == "/instances" else (404, None)

    server.otherwise = answer
    return lambda: {
        request.path: request.json if request.body else None
        for request in server.asked
        if request.method == "POST"
    }


def test_each_line_is_a_start_with_its_name_id_and_input(remote, starts, lines):
    file = lines(
        {"name": "order", "instanceId": "a", "input": {"n": 1}}, {"name": "ship", "instanceId": "b"}
    )
    code, out, err = remote("start", "--batch", file)
    assert (code, sorted(out.splitlines())) == (0, ["a\torder\tstarted", "b\tship\tstarted"])
    assert starts() == {"/orchestrators/order/a": {"n": 1}, "/orchestrators/ship/b": None}
    assert "2 of 2 started" in err


def test_the_name_may_be_given_once_for_all_and_ids_are_made(remote, starts, lines):
    out = remote("start", "order", "--batch", lines({"input": 1}, {"input": 2}), "-o", "id").out
    assert {path.rpartition("/")[2] for path in starts()} == set(out.split())
    assert sorted(starts().values()) == [1, 2]


def test_an_id_that_was_just_made_is_not_looked_up_first(remote, server, starts, lines):
    assert remote("start", "order", "--batch", lines({"input": 1})).code == 0
    assert server.paths("GET") == []


def test_the_results_are_json_lines_on_demand(remote, starts, lines):
    (line,) = remote(
        "start", "--batch", lines({"name": "order", "instanceId": "a"}), "-o", "jsonl"
    ).out.splitlines()
    assert json.loads(line) == {"line": 1, "instanceId": "a", "name": "order", "result": "started"}


def test_standard_input_is_a_batch_too(remote, starts):
    assert (
        remote(
            "start",
            "order",
            "--batch",
            "-",
            "-o",
            "id",
            stdin='{"instanceId": "a"}\n\n{"instanceId": "b"}',
        ).code
        == 0
    )
    assert set(starts()) == {"/orchestrators/order/a", "/orchestrators/order/b"}


def test_what_failed_from_a_pipe_is_kept_in_a_file_of_its_own(remote, server, project):
    server.on("POST", "/orchestrators/order/a", (400, {"Message": "no"}))
    for name in ("batch.failed.jsonl", "batch-2.failed.jsonl"):
        line = '{"name": "order", "instanceId": "a", "input": 1}\n'
        code, _, err = remote("start", "--batch", "-", stdin=line)
        assert (code, (project / name).read_text()) == (1, line)
        assert f" is in {project / name}\n" in err


def test_a_pipe_with_a_name_is_a_batch_too(remote, starts, project):
    os.mkfifo(project / "pipe")
    line = b'{"name": "order", "instanceId": "a"}\n'
    threading.Thread(target=(project / "pipe").write_bytes, args=[line]).start()
    assert remote("start", "--batch", "pipe").code == 0
    assert set(starts()) == {"/orchestrators/order/a"}


def test_each_line_says_whether_it_was_started_or_was_there(app, run, lines):
    both = [{"name": "echo", "instanceId": each} for each in "ab"]
    run("start", "--batch", lines(both[0]))
    result = run("start", "--batch", lines(*both), "--if-exists", "attach")
    assert sorted(result.out.splitlines()) == ["a\techo\tthere", "b\techo\tstarted"]
    assert "1 of 2 started, 1 there already\n" in result.err


def test_an_empty_batch_is_one_sentence(remote, project):
    (project / "none.jsonl").write_text("\n")
    err = remote("start", "--batch", "none.jsonl").err
    assert err == "none.jsonl has no instances to start; nothing to do\n"
    assert remote("start", "--batch", "none.jsonl", "-o", "json").out == "[]\n"


def test_with_json_a_failed_batch_has_one_object_on_stderr(remote, server, lines, project):
    server.on("POST", "/orchestrators/order/a", (400, {"Message": "no"}))
    words = ("start", "--batch", lines({"name": "order", "instanceId": "a"}), "-o", "json")
    said = json.loads(remote(*words).err)
    kept = f"1 line that failed or was not tried is in {project / 'many.failed.jsonl'}"
    assert said["message"] == f"1 of 1 failed\n{kept}"
    assert "continue with" in said["hint"]


def test_inputs_can_be_sent_as_text(remote, starts, lines):
    remote(
        "start",
        "order",
        "--batch",
        lines({"instanceId": "a", "input": {"n": 1}}),
        "--encode",
        "string",
    )
    assert starts() == {"/orchestrators/order/a": '{"n": 1}'}


@pytest.mark.parametrize(
    ("line", "message"),
    [
        ("{", "many.jsonl, line 2 is not JSON"),
        ("[1]", "many.jsonl, line 2 is not an object"),
        ('{"input": 1}', "many.jsonl, line 2 names no orchestrator"),
        ('{"name": "order", "id": "a"}', "line 2 has a member 'id' that means nothing"),
        ('{"name": 1}', "line 2: name is not a string"),
        ('{"name": "order", "instanceId": "@a"}', "line 2: the instance id '@a' starts with '@'"),
        ("\xff", "line 2 is not valid UTF-8"),
    ],
)
def test_a_bad_line_names_its_number_and_nothing_is_started(remote, server, project, line, message):
    (project / "many.jsonl").write_bytes(b'{"name": "order"}\n' + line.encode("latin-1"))
    code, out, err = remote("start", "--batch", "many.jsonl")
    assert (code, out, server.asked) == (2, "", [])
    assert message in err


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--batch", "gone.jsonl"], "'gone.jsonl' cannot be read"),
        (["order", "n:=1", "--batch", "x"], "--batch goes with no input"),
        (["order", "--wait", "--batch", "x"], "--batch goes with no input"),
        (["order", "--at", "2h", "--batch", "x"], "--batch goes with no input"),
        (["order", "--tag", "team=a", "--batch", "x"], "--batch goes with no input"),
        (["https://orders.example/api/x", "--batch", "x"], "--batch goes with no input"),
        (["order", "--header", "A: b", "--batch", "x"], "are for a starter's URL"),
        (["order", "--failed", "x"], "are for --batch"),
        ([], "no orchestrator was named"),
    ],
)
def test_options_that_make_no_sense_are_refused(remote, server, arguments, message):
    code, _, err = remote("start", *arguments)
    assert (code, server.asked) == (2, [])
    assert message in err


def test_a_file_for_what_failed_is_another_one_than_the_batch(remote, server, lines):
    file = lines({"name": "order"})
    assert remote("start", "--batch", file, "--failed", file).code == 2
    assert server.asked == []


def test_what_failed_is_listed_and_kept_to_be_run_again(remote, server, starts, lines, project):
    server.on(
        "POST", "/orchestrators/order/b", (400, {"Message": "no"}), (202, payload(server.url, "b"))
    )
    code, _, err = remote(
        "start",
        "--batch",
        lines(*({"name": "order", "instanceId": each, "input": 1} for each in "abc")),
    )
    assert code == 1
    failed, kept, done, verdict, hint = err.splitlines()
    assert failed.startswith("  line 2  b  ")
    assert kept == f"1 line that failed or was not tried is in {project / 'many.failed.jsonl'}"
    assert (done, verdict) == ("2 of 3 started", "durablectl: 1 of 3 failed")
    assert hint.startswith(f"hint: continue with: durablectl start --hub {server.url} --batch")
    assert (project / "many.failed.jsonl").read_text() == (
        '{"name": "order", "instanceId": "b", "input": 1}\n'
    )
    assert remote("start", "--batch", "many.failed.jsonl", "--if-exists", "attach").code == 0


def test_the_command_that_goes_on_sends_the_rest_as_it_would_have_been_sent(
    run, remote, server, lines, starts
):
    server.on("POST", "/orchestrators/order/a", (400, {"Message": "not today"}), (202, {"id": "a"}))
    options = ("--encode", "string", "--orchestration-version", "2")
    err = remote(
        "start", "--batch", lines({"name": "order", "instanceId": "a", "input": {"n": 1}}), *options
    ).err
    (command,) = (
        line.partition("continue with: durablectl ")[2]
        for line in err.splitlines()
        if "continue with" in line
    )
    assert run(*shlex.split(command)).code == 0
    first, again = (request for request in server.asked if request.method == "POST")
    assert (again.body, again.query) == (first.body, first.query)


def test_a_disk_that_is_full_does_not_hide_what_failed(remote, server, starts, lines):
    server.on("POST", "/orchestrators/order/a", (400, {"Message": "no"}))
    flags = ["--failed", "/dev/full"]
    code, _, err = remote("start", "--batch", lines({"name": "order", "instanceId": "a"}), *flags)
    assert code == 1
    assert "warning: what failed cannot be kept in /dev/full: no space left on device\n" in err
    assert "durablectl: 1 of 1 failed\n" in err
    assert "continue with" not in err


def test_what_was_not_tried_is_kept_too(remote, server, starts, lines, project):
    server.on("POST", "/orchestrators/order/a", (400, {"Message": "no"}))
    file = lines(*({"name": "order", "instanceId": each} for each in "abc"))
    assert (
        remote(
            "start",
            "--batch",
            file,
            "--max-failures",
            "1",
            "--concurrency",
            "1",
            "--failed",
            "left",
        ).code
        == 1
    )
    assert [
        json.loads(line)["instanceId"] for line in (project / "left").read_text().splitlines()
    ] == ["a", "b", "c"]


def test_a_local_hub_starts_them_in_groups_and_again_without_doubles(app, run, lines):
    file = lines(*({"name": "echo", "instanceId": f"i{number}"} for number in range(1200)))
    assert run("start", "--batch", file, "-q").code == 0
    assert run("start", "--batch", file, "--if-exists", "attach", "-q").code == 0
    assert run("list", "--count").out == "1200\n"


def test_a_line_that_fails_on_a_local_hub_does_not_undo_its_group(app, run, lines):
    code, _, err = run(
        "start",
        "--batch",
        lines({"name": "echo", "instanceId": "a"}, {"name": "nope"}, {"name": "echo"}),
    )
    assert code == 1
    assert "line 2" in err
    assert run("list", "--count").out == "2\n"


def test_control_c_keeps_the_rest_and_running_that_starts_each_once(run, server, lines, project):
    hub = FaultyHub(server, {})
    names = [f"i{number:02}" for number in range(30)]
    file = lines(*({"name": "order", "instanceId": name} for name in names))
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "start",
        "--batch",
        file,
        "--rate",
        "20",
        "-o",
        "id",
        "--hub",
        server.url,
    ]
    with subprocess.Popen(
        command, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=os.environ
    ) as process:
        while not hub.instances:
            assert process.poll() is None
        process.send_signal(signal.SIGINT)
        out, err = process.communicate()
    assert (process.returncode, set(out.split()) <= set(hub.instances)) == (130, True)
    assert "stopped: " in err
    assert (
        run(
            "start", "--batch", "many.failed.jsonl", "--if-exists", "attach", "--hub", server.url
        ).code
        == 0
    )
    posts = server.paths("POST")
    assert sorted(posts) == [f"/orchestrators/order/{name}" for name in names]


def ids_in(path):
    return [json.loads(line)["instanceId"] for line in path.read_text().splitlines()]


def test_what_met_the_error_that_ends_a_batch_is_kept(remote, server, starts, lines, project):
    server.on("POST", "/orchestrators/order/a", (401, {"Message": "who are you"}))
    file = lines(*({"name": "order", "instanceId": each} for each in "abc"))
    assert "not tried" in remote("start", "--batch", file, "--concurrency", "1").err
    assert "a" in ids_in(project / "many.failed.jsonl")


def test_a_group_whose_transaction_fails_is_kept(app, run, lines, monkeypatch, project):
    def group(_hub):
        raise HubUnusable("the disk is full")

    monkeypatch.setattr(LocalTaskHub, "group", group)
    names = [f"i{number}" for number in range(AT_A_TIME + 2)]
    file = lines(*({"name": "echo", "instanceId": name} for name in names))
    assert f"{len(names)} not tried or without" in run("start", "--batch", file).err
    assert ids_in(project / "many.failed.jsonl") == names


@pytest.mark.parametrize("size", [8, 2 * AT_A_TIME])
def test_ctrl_c_while_a_line_is_read_loses_none(app, run, lines, monkeypatch, project, size):
    names = [f"i{number}" for number in range(size)]
    file = lines(*({"name": "echo", "instanceId": name} for name in names))
    reads = count(1)

    def decode(content, _where):
        if next(reads) == size + size // 2 + 1:  # each was read once before, to be checked
            signal.raise_signal(signal.SIGINT)
        return content.decode()

    monkeypatch.setattr(json_lines, "decode", decode)
    code, out, err = run("start", "--batch", file, "-o", "id")
    assert (code, "continue with" in err) == (130, True)
    assert sorted([*out.split(), *ids_in(project / "many.failed.jsonl")]) == sorted(names)
