"""Disks that fail, fill up or are slow, in real processes: a clear line, nothing acknowledged lost,
and on it goes once they are well.
"""

from __future__ import annotations

import errno
import json
import re
import signal
import subprocess
import sys
import time
from contextlib import ExitStack
from datetime import UTC, datetime

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.maintenance import check_hub
from durablectl.model import InstanceFilter
from durablectl.polling.loop import wait_for_completion
from tests.powerloss.disk import Disk
from tests.powerloss.recording import APP, running
from tests.powerloss.survivors import state

FAULTS = {
    "a write fails": ("w", errno.EIO, "the disk of the hub .*hub.db fails"),
    "no room": ("w", errno.ENOSPC, "no room left on the disk of the hub .*hub.db"),
    "a sync fails": ("s", errno.EIO, "the disk of the hub .*hub.db fails"),
    "a read fails": ("r", errno.EIO, "the (disk of the )?hub .*hub.db (fails|cannot be used)"),
}
each_fault = pytest.mark.parametrize(("kinds", "action", "message"), FAULTS.values(), ids=FAULTS)


@pytest.mark.parametrize(
    ("kinds", "action", "message"),
    [*FAULTS.values(), ("w", "short", "")],
    ids=[*FAULTS, "a write is short"],
)
def test_whatever_call_of_a_start_goes_wrong_nothing_acknowledged_is_lost(
    disk: Disk, kinds: str, action: str, message: str
) -> None:
    command = [
        sys.executable,
        "-m",
        "tests.powerloss.sweep",
        disk.root,
        disk.home,
        kinds,
        str(action),
    ]
    done = subprocess.run(
        command, env=disk.environment(), capture_output=True, text=True, check=False
    )
    assert done.stderr == ""
    acknowledged, messages = json.loads(done.stdout)
    with LocalTaskHub(disk.root / "hub.db") as hub:
        assert set(acknowledged) <= {
            each.instance_id for each in hub.list_page(InstanceFilter(), top=1000).items
        }
        assert check_hub(hub.database, datetime.now(UTC)).problems == ()
    assert len(acknowledged) > 20
    assert [each for each in messages if not re.match(message, each)] == []
    # the rest of a short write is written by the next one
    assert len(messages) > 2 or action == "short"


@each_fault
def test_a_command_says_in_a_line_that_the_disk_fails(
    disk: Disk, kinds: str, action: int, message: str
) -> None:
    LocalTaskHub(disk.root / "hub.db", create=True).close()
    disk.fall_ill(kinds, action)
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "start",
        "work",
        "--hub",
        str(disk.root / "hub.db"),
        "--app",
        str(APP),
    ]
    done = subprocess.run(
        command, env=disk.environment(), capture_output=True, text=True, check=False
    )
    told, *hint = done.stderr.splitlines()
    assert (done.returncode, done.stdout) == (1, "")
    assert re.match(f"durablectl: {message}", told)
    assert len(hint) <= 1


@each_fault
def test_a_worker_goes_on_once_the_disk_is_well(
    disk: Disk, kinds: str, action: int, message: str
) -> None:
    path = disk.root / "hub.db"
    with (
        LocalTaskHub(path, create=True) as hub,
        running(worker(disk), disk.environment()) as process,
    ):
        disk.fall_ill(kinds, action)
        ids = [hub.start("work", {"name": f"w{number}"}).id for number in range(3)]
        assert process.stderr is not None
        told = process.stderr.readline()
        disk.get_well()
        assert re.search(f"{message}.*; trying again", told)
        assert [wait_for_completion(hub, each, timeout=60).output[0] for each in ids] == [
            "w0",
            "w1",
            "w2",
        ]
        assert check_hub(hub.database, datetime.now(UTC)).problems == ()
        assert end(process, signal.SIGTERM) == (0, False)


def test_two_workers_on_a_slow_disk_do_each_thing_once_and_end_when_told(disk: Disk) -> None:
    disk.fall_ill("s", "slow:200")
    with LocalTaskHub(disk.root / "hub.db", create=True) as hub, ExitStack() as stack:
        workers = [stack.enter_context(running(worker(disk), disk.environment())) for _ in range(2)]
        ids = [hub.start("work", {"name": f"w{number}"}).id for number in range(6)]
        assert [wait_for_completion(hub, each, timeout=60).output[0] for each in ids] == [
            f"w{number}" for number in range(6)
        ]
        while len(state(hub, "work")) < len(ids):
            hub.pause(0.2)
        assert sorted(state(hub, "work")) == [f"w{number}" for number in range(6)]
        assert [end(each, signal.SIGINT) for each in workers] == [(0, False), (0, False)]


def test_a_wait_on_a_slow_disk_keeps_its_time_out(disk: Disk) -> None:
    disk.fall_ill("s", "slow:200")
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "start",
        "collect",
        "--wait",
        "--timeout",
        "1s",
        "--hub",
        str(disk.root / "hub.db"),
    ]
    began = time.monotonic()
    done = subprocess.run(
        [*command, "--app", str(APP)],
        env=disk.environment(),
        capture_output=True,
        text=True,
        check=False,
    )
    assert (done.returncode, "Traceback" in done.stderr) == (124, False)
    assert time.monotonic() - began < 20


def worker(disk: Disk) -> list[str]:
    return [
        sys.executable,
        "-m",
        "durablectl",
        "worker",
        "--hub",
        str(disk.root / "hub.db"),
        "--app",
        str(APP),
    ]


def end(process: subprocess.Popen[str], number: signal.Signals) -> tuple[int, bool]:
    """How a worker ends that is told to: its exit code, and whether there was trouble."""
    process.send_signal(number)
    _, told = process.communicate(timeout=20)
    return process.returncode, "Traceback" in told or "stalled" in told
