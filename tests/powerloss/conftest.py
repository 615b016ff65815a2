"""Watched disks for tests, in memory where there is a place for it; where there can be none, the
tests are skipped with the reason.
"""

from __future__ import annotations

import tempfile
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.powerloss.disk import Disk

MEMORY = Path("/dev/shm")


@pytest.fixture(scope="session")
def make_disk() -> Iterator[Callable[[], Disk]]:
    if reason := Disk.missing():
        pytest.skip(reason)
    with ExitStack() as stack:

        def make() -> Disk:
            folder = tempfile.TemporaryDirectory(
                prefix="disk-", dir=MEMORY if MEMORY.is_dir() else None
            )
            home = Path(stack.enter_context(folder))
            (home / "disk").mkdir()
            return Disk(home / "disk", home)

        yield make


@pytest.fixture
def disk(make_disk: Callable[[], Disk]) -> Disk:
    return make_disk()
