"""Ctrl-C and SIGTERM while a start or an operation has no answer yet: what may have been sent is
said.
"""

from __future__ import annotations

import re
import signal
import socket
import sqlite3
import subprocess
import sys
from contextlib import closing

import pytest
from grpc_server import needs_grpc

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="no SIGINT for one process there")
MAY = "instance '{}' may have been started"
STARTED = {
    "start A --instance-id x": MAY.format("x"),
    "run A": MAY.format("[0-9a-f]{32}"),
    "start http:{}/api/orchestrators/A": "the function may have started an instance",
    "restart x": "instance 'x' may have been restarted",
    "entity signal @a@b add n:=1": "operation 'add' may have been sent to @a@b",
    "entity delete @a@b": "operation 'delete' may have been sent to @a@b",
}


def interrupted(words: str, scheme: str, number: signal.Signals) -> tuple[int, str]:
    """The exit code and stderr of a command that got the signal while a silent hub had its
    request."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        address = f"//127.0.0.1:{server.getsockname()[1]}"
        words = f"{words.format(address)} --hub {scheme}:{address}"
        command = [sys.executable, "-m", "durablectl", *words.split()]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process, server.accept()[0] as connection:
            connection.recv(1)
            process.send_signal(number)
            _, err = process.communicate(timeout=20)
    return process.returncode, err.decode()


@pytest.mark.parametrize("scheme", ["http", pytest.param("grpc", marks=needs_grpc)])
@pytest.mark.parametrize("words", STARTED)
def test_ctrl_c_while_a_hub_is_silent_says_what_may_have_been_done(words, scheme):
    code, err = interrupted(words, scheme, signal.SIGINT)
    assert (code, bool(re.search(f"interrupted; {STARTED[words]}\n", err))) == (130, True)
    assert re.search(
        r"hint: durablectl (status|list|entity get) .*shows (whether it|the entity)", err
    )


@pytest.mark.parametrize("form", ["text", "json"])
def test_sigterm_while_a_hub_is_silent_says_the_same(form):
    code, err = interrupted(f"start A --instance-id x -o {form}", "http", signal.SIGTERM)
    assert code == -signal.SIGTERM
    assert "stopped by SIGTERM; instance 'x' may have been started" in err
    assert re.search(r"durablectl status --hub \S+ x shows whether it was", err)


def test_ctrl_c_between_a_start_and_what_is_shown_of_it_names_the_instance(app, run):
    run("start", "approval", "--instance-id", "first", "--hub", "h.db")
    command = [sys.executable, "-m", "durablectl", "start", "approval", "-q", "--hub", "h.db"]
    found = None
    with closing(sqlite3.connect("h.db")) as hub:
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
        with process:
            while found is None and process.poll() is None:
                found = hub.execute("SELECT id FROM instances WHERE id <> 'first'").fetchone()
            process.send_signal(signal.SIGINT)
            told = b"".join(process.communicate(timeout=20)).decode()
    assert found is not None
    assert found[0] in told
