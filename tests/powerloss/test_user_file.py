"""A power cut leaves the user's contexts as they were before a change or after it, and never a part
of them.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from random import Random

from tests.powerloss.disk import Disk
from tests.powerloss.remains import STYLES, Watched

FILE = Path("durablectl/contexts.toml")


def test_a_power_cut_at_any_moment_leaves_the_contexts_whole(disk: Disk, tmp_path: Path) -> None:
    environment = disk.environment(is_logged=True) | {"XDG_CONFIG_HOME": str(disk.root)}
    versions = [b""]  # there is not a file yet
    for name in "abc":
        command = [
            sys.executable,
            "-m",
            "durablectl",
            "context",
            "add",
            name,
            "--hub",
            f"/{name}.db",
        ]
        subprocess.run(command, env=environment, check=True, capture_output=True)
        versions.append((disk.root / FILE).read_bytes())
    watched, found = Watched(Random(1)), set()
    for moment, record in enumerate(disk.records()):
        watched.apply(record)
        for number, style in enumerate(STYLES):
            remains = tmp_path / f"{moment}-{number}"
            watched.leave(remains, Random(f"{moment} {number}"), style)
            found.add((remains / FILE).read_bytes() if (remains / FILE).exists() else b"")
    assert found == set(versions)
