"""A server over gRPC that says nothing: Ctrl-C, --timeout and completion do not wait for it."""

from __future__ import annotations

import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator

import pytest
from grpc_server import durable_task_server, needs_durabletask, needs_grpc

pytestmark = needs_grpc
COMMANDS = {
    "wait x": "interrupted; instance 'x' is left running",
    "wait x y": "interrupted; the 2 instances are left running",
    "list --count": "",
    "history x --follow": "",
    "doctor": "",
    "watch": "",
    "drain": "interrupted; how many instances are in flight is not known",
}


@pytest.fixture
def silent() -> Iterator[tuple[str, socket.socket]]:
    """The address of a server that accepts and says nothing, and its socket."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"grpc://127.0.0.1:{server.getsockname()[1]}", server


@pytest.mark.skipif(sys.platform == "win32", reason="SIGINT cannot be sent to one process there")
@pytest.mark.parametrize("line", COMMANDS)
def test_ctrl_c_ends_a_command_that_a_silent_server_holds_up(silent, line):
    url, server = silent
    command = [sys.executable, "-m", "durablectl", *line.split(), "--hub", url]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        connection, _ = server.accept()  # it asks, and waits for an answer
        connection.recv(1)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=20)
        connection.close()
    assert (process.returncode, COMMANDS[line] in err.decode()) == (
        0 if line == "watch" else 130,
        True,
    )


@pytest.mark.parametrize("verb", ["terminate", "suspend", "resume", "rewind"])
def test_a_request_to_a_silent_server_is_over_with_the_wait_for_it(run, silent, verb):
    started = time.monotonic()
    result = run(verb, "x", "--wait", "--timeout", "1s", "--hub", silent[0])
    assert (result.code, "timed out after 1.0 s" in result.err) == (124, True)
    assert time.monotonic() - started < 15


def complete(run, line: str) -> list[str]:
    env = {"_DURABLECTL_COMPLETE": "bash", "_DURABLECTL_LINE": line, "_DURABLECTL_WORD": ""}
    return run(env=env).out.split()


def test_completion_does_not_wait_for_a_silent_server(run, silent):
    run("context", "add", "a", "--url", silent[0], "--completion-network", "--use")
    started = time.monotonic()
    assert complete(run, "durablectl status ") == []
    assert time.monotonic() - started < 10


@needs_durabletask
def test_the_ids_of_a_hub_over_grpc_are_completed(run):
    with durable_task_server(working=False) as server:
        run("context", "add", "a", "--url", server, "--completion-network", "--use")
        run("start", "echo", "--instance-id", "order-1")
        found = complete(run, "durablectl status ")
        while not found:  # the machine may be too busy for the time that completion has
            found = complete(run, "durablectl status ")
    assert found == ["order-1"]
