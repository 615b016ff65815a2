"""A real run on a watched disk: processes that start, send and look, two workers, checkpoints; its
log is what cuts are made of.
"""

from __future__ import annotations

import errno
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.powerloss.disk import Disk

APP = Path(__file__).with_name("app") / "function_app.py"
HUB = ".durablectl/hub.db"
NOTES = "notes"
CLIENTS = ("a", "b")


def record(disk: Disk, *, seed: int, steps: int, ill: str = "") -> None:
    """Let two clients take `steps` steps each beside two workers, on a hub that they make; some
    syncs of what is `ill` fail.
    """
    client = [
        sys.executable,
        "-m",
        "tests.powerloss.client",
        str(disk.root / HUB),
        str(disk.root / NOTES),
    ]
    worker = [
        sys.executable,
        "-m",
        "durablectl",
        "worker",
        "--hub",
        str(disk.root / HUB),
        "--app",
        str(APP),
    ]
    environment = disk.environment(is_logged=True)
    with ExitStack() as stack:
        if ill:
            # a process counts its own
            disk.fall_ill("s", errno.EIO, name=ill, first=seed % 3 + 2, count=1, every=seed % 5 + 6)
        for name in CLIENTS:
            subprocess.run([*client, name, "0", str(seed)], env=environment, check=True, timeout=60)
        disk.get_well()
        workers = [stack.enter_context(running(worker, environment)) for _ in range(2)]
        if ill:
            disk.fall_ill("s", errno.EIO, name=ill, first=3, every=seed % 50 + 4, count=1)
        clients = [
            subprocess.Popen([*client, name, str(steps), str(seed)], env=environment)
            for name in CLIENTS
        ]
        assert [each.wait(timeout=100) for each in clients] == [0, 0]
        disk.get_well()
        for each in workers:
            each.send_signal(signal.SIGTERM)
            _, told = each.communicate(timeout=30)
            assert (each.returncode, "Traceback" in told) == (0, False), told


@contextmanager
def running(command: list[str], environment: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    """A worker that has begun; it does not outlive the block."""
    process = subprocess.Popen(
        command, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    assert process.stdout is not None
    assert process.stderr is not None
    try:
        while "stop it with Ctrl-C" not in (line := process.stderr.readline()):
            assert line, process.wait()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdout.close()
        process.stderr.close()
