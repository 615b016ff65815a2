"""Signals that end a long-lived command."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time

import pytest

from durablectl.cli.local.signals import StopEvent

INTERRUPTED_AT = """
import signal, sys
from durablectl.cli.local.signals import stop_signals
from durablectl.render.output import Output

def interrupt(frame, event, _):
    global left
    if frame.f_code.co_filename.endswith(("signals.py", "threading.py")):
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
    return interrupt

left = int(sys.argv[1])
with stop_signals(Output(sys.stdout, sys.stderr)) as stopping:
    sys.settrace(interrupt)
    stopping.wait(0.1)
    sys.settrace(None)
"""


@pytest.mark.parametrize("line", range(1, 12))
def test_a_signal_at_any_line_of_a_wait_ends_it(line):
    command = [sys.executable, "-c", INTERRUPTED_AT, str(line)]
    assert subprocess.run(command, timeout=20, check=False).returncode == 0


def test_everyone_who_waits_is_woken():
    event, woken = StopEvent(), threading.Barrier(4)

    def wait() -> None:
        event.wait()
        woken.wait(10)

    threads = [threading.Thread(target=wait) for _ in range(3)]
    for thread in threads:
        thread.start()
    event.set()
    woken.wait(10)
    for thread in threads:
        thread.join()
    assert (event.is_set(), event.wait(0)) == (True, True)


def test_a_wait_without_a_signal_ends_in_time():
    assert not StopEvent().wait(0.01)


CHATTY = """
from pathlib import Path
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def chat(context):
    yield context.call_activity("say", 1)

@app.activity_trigger(input_name="name")
def say(name):
    Path("said").touch()
    print("x" * 1_000_000)
"""


@pytest.mark.skipif(sys.platform == "win32", reason="no SIGTERM there")
@pytest.mark.parametrize(
    "command", [["worker"], ["serve", "--port", "0"]], ids=lambda each: each[0]
)
def test_a_command_ends_on_a_signal_where_nothing_reads_its_stderr(run, project, command):
    (project / "function_app.py").write_text(CHATTY)
    run("start", "chat")
    line = [sys.executable, "-m", "durablectl", *command]
    process = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE)
    with process:
        try:
            for _ in range(400):
                if (project / "said").exists():
                    break
                time.sleep(0.05)
            time.sleep(0.5)  # until the pipe is full
            process.send_signal(signal.SIGTERM)
            assert process.wait(20) == 0
            assert b"x" * 1000 in process.stderr.read()
        finally:
            process.kill()
