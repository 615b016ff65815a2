"""Whoever waits in this process for a change of a hub hears of each commit that is made in it."""

from __future__ import annotations

import signal
import subprocess
import sys
import threading
import time
from pathlib import Path
from queue import Queue

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.store.notifier import Notifier, notifier_of
from durablectl.errors import AlreadyExists

LONG = 30.0


def waiting(notifier: Notifier, count: int) -> threading.Thread:
    thread = threading.Thread(target=notifier.wait, args=(count, LONG), daemon=True)
    thread.start()
    return thread


def test_who_waits_is_woken_by_each_ring() -> None:
    notifier, woken = Notifier(), Queue[int]()

    def keep_waiting() -> None:
        for number in range(100):
            notifier.wait(notifier.count, LONG)
            woken.put(number)

    threading.Thread(target=keep_waiting, daemon=True).start()
    for number in range(100):
        deadline = time.monotonic() + LONG / 2
        while woken.empty() and time.monotonic() < deadline:
            notifier.notify()
        assert woken.get_nowait() == number


def test_who_comes_after_the_ring_does_not_wait() -> None:
    notifier = Notifier()
    before = notifier.count
    notifier.notify()
    thread = waiting(notifier, before)
    thread.join(LONG / 2)
    assert not thread.is_alive()


def test_a_listener_hears_each_ring_until_it_is_forgotten() -> None:
    notifier, heard = Notifier(), list[str]()
    listener = lambda: heard.append("ring")  # noqa: E731
    notifier.subscribe(listener)
    notifier.notify()
    notifier.notify()
    notifier.unsubscribe(listener)
    notifier.notify()
    assert heard == ["ring", "ring"]


def test_all_that_have_a_file_open_share_its_bell(tmp_path: Path) -> None:
    (tmp_path / "link").symlink_to(tmp_path)
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        other = Database(tmp_path / "link" / "hub.db")
        assert other.notifier is hub.database.notifier
        assert other.notifier is not notifier_of(tmp_path / "another.db")
        other.close()


def test_a_commit_rings_once_and_what_was_rolled_back_does_not(tmp_path: Path) -> None:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        before = hub.database.notifier.count
        hub.start("hello", instance_id="a")
        with hub.group():
            hub.start("hello", instance_id="b")
            hub.raise_event("a", "go")
        assert hub.database.notifier.count == before + 2
        with pytest.raises(AlreadyExists):
            hub.start("hello", instance_id="a")
        assert hub.database.notifier.count == before + 2


INTERRUPTED = """
import random, signal, threading
from durablectl.engine.store.notifier import Notifier

notifier, chance, interrupts = Notifier(), random.Random(1), 0
signal.signal(signal.SIGALRM, signal.default_int_handler)

def keep_notifying():
    while True:
        notifier.notify()

threading.Thread(target=keep_notifying, daemon=True).start()
for _ in range(500):
    try:
        signal.setitimer(signal.ITIMER_REAL, chance.uniform(0.00005, 0.0003))
        while True:
            notifier.wait(notifier.count, 0.0002)
    except KeyboardInterrupt:
        interrupts += 1
print(interrupts)
"""


@pytest.mark.skipif(not hasattr(signal, "setitimer"), reason="this system has no interval timers")
def test_an_interrupt_of_a_wait_is_nothing_but_an_interrupt() -> None:
    done = subprocess.run(
        [sys.executable, "-c", INTERRUPTED], capture_output=True, text=True, timeout=60, check=False
    )
    assert (done.stdout, done.stderr) == ("500\n", "")
