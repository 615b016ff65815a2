"""Signals that end a long-lived command."""

from __future__ import annotations

import subprocess
import sys
import threading

import pytest

from durablectl.cli.local.signals import StopEvent

INTERRUPTED_AT = """
import signal, sys
from durablectl.cli.local.signals import stop_signals

def interrupt(frame, event, _):
    global left
    if frame.f_code.co_filename.endswith(("signals.py", "threading.py")):
        left -= 1
        if left == 0:
            signal.raise_signal(signal.SIGINT)
    return interrupt

left = int(sys.argv[1])
with stop_signals() as stopping:
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
