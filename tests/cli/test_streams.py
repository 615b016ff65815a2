"""Streams that are not read, full or closed: the right exit code, at most one line, and no
traceback at the end of the process.
"""

from __future__ import annotations

import io
import os
import subprocess
import sys
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path

import pytest

from durablectl.cli.main import main

APP = """
from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="city")
def greet(city: str) -> str:
    print("greeting", city)
    return f"Hello, {city}!"


@app.orchestration_trigger(context_name="context")
def hello(context):
    return (yield context.call_activity("greet", "Tokyo"))
"""
ANSWERS = {
    "no arguments": [],
    "--help": ["--help"],
    "the help of a command": ["list", "--help"],
    "the help of a group": ["context", "--help"],
    "a group alone": ["context"],
    "--version": ["-q", "--version"],
    "a completion": ["completion", "show", "bash"],
    "a sheet": ["context", "show", "a"],
    "rows": ["context", "list"],
    "json": ["context", "list", "-o", "json"],
    "lines of json": ["context", "list", "-o", "jsonl"],
    "ids": ["context", "list", "-o", "id"],
}
each_answer = pytest.mark.parametrize("args", ANSWERS.values(), ids=ANSWERS)
each_way_out = pytest.mark.parametrize(
    "args", [["--version"], ["--help"], ["context", "list"]], ids=" ".join
)
FULL = Path("/dev/full")
needs_full = pytest.mark.skipif(not FULL.exists(), reason="this system has no full device")


@pytest.fixture(autouse=True)
def buffered(run, monkeypatch):
    """Python buffers its streams as it does by default; the user has a context, so that there is
    something to show.
    """
    assert run("context", "add", "a", "--hub", "a.db").code == 0
    monkeypatch.delenv("PYTHONUNBUFFERED", raising=False)


@pytest.fixture
def unread():
    """A pipe whose reader has gone."""
    reader, writer = os.pipe()
    os.close(reader)
    yield writer
    os.close(writer)


def in_this_process(args, stdout):
    """Run one command line on a stream of this process; closing it flushes what is left, as the
    interpreter does at its end.
    """
    with (
        os.fdopen(os.dup(stdout), "w") as stream,
        redirect_stdout(stream),
        redirect_stderr(io.StringIO()) as stderr,
    ):
        code = main(args)
    return code, stderr.getvalue()


def in_its_own(*args, **streams):
    pipes = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams}
    return subprocess.run(
        [sys.executable, "-m", "durablectl", *args], text=True, check=False, **pipes
    )


@each_answer
def test_a_reader_that_has_gone_is_no_error(args, unread):
    assert in_this_process(args, unread) == (0, "")


@needs_full
@each_answer
def test_a_full_disk_under_stdout_is_one_line(args):
    with FULL.open("w") as full:
        code, err = in_this_process(args, full.fileno())
    assert (code, err.count("\n")) == (1, 1)
    assert "cannot write to standard output: no space left on device" in err


@each_way_out
@pytest.mark.parametrize("unbuffered", ["", "1"], ids=["buffered", "unbuffered"])
def test_a_process_whose_reader_has_gone_ends_silently(args, unread, unbuffered, monkeypatch):
    monkeypatch.setenv("PYTHONUNBUFFERED", unbuffered)
    done = in_its_own(*args, stdout=unread)
    assert (done.returncode, done.stderr) == (0, "")


@needs_full
@each_way_out
def test_a_process_whose_disk_is_full_ends_with_one_line(args):
    with FULL.open("w") as full:
        done = in_its_own(*args, stdout=full)
    assert (done.returncode, done.stderr) == (
        1,
        "durablectl: cannot write to standard output: no space left on device\n",
    )


@each_way_out
@pytest.mark.parametrize("number", [0, 1, 2], ids=["stdin", "stdout", "stderr"])
def test_a_closed_stream_is_no_error(args, number):
    done = in_its_own(*args, preexec_fn=lambda: os.close(number))
    assert (done.returncode, bool(done.stdout), done.stderr) == (0, number != 1, "")


@needs_full
def test_unread_messages_do_not_change_the_exit_code(unread):
    with FULL.open("w") as full:
        assert [in_its_own("stauts", stderr=stream).returncode for stream in (unread, full)] == [
            2,
            2,
        ]


@pytest.mark.parametrize(
    "options", [[], ["--activity-processes", "1"]], ids=["threads", "processes"]
)
def test_an_app_that_prints_runs_where_stderr_is_closed(run, project, options):
    (project / "function_app.py").write_text(APP)
    run("start", "hello", "--instance-id", "h")
    assert (
        in_its_own("worker", "--until-idle", *options, preexec_fn=lambda: os.close(2)).returncode
        == 0
    )
    assert run("status", "h", "-o", "json", "--query", "output").out == '"Hello, Tokyo!"\n'
