"""A hub that stays open for long holds no more than it needs."""

from __future__ import annotations

import threading
from pathlib import Path

from durablectl.backends.local import LocalTaskHub


def test_a_thread_that_has_ended_leaves_no_connection_open(tmp_path: Path) -> None:
    with LocalTaskHub(tmp_path / "hub.db", create=True) as hub:
        for number in range(20):
            thread = threading.Thread(target=hub.start, args=("echo", number))
            thread.start()
            thread.join()
        assert len(hub.database._opened) <= 2  # this thread's, and the last one's
