"""Watched disks for tests; where there can be none, the tests are skipped with the reason."""

from __future__ import annotations

import pytest

from tests.powerloss.disk import Disk


@pytest.fixture(scope="session")
def make_disk(tmp_path_factory: pytest.TempPathFactory):
    if reason := Disk.missing():
        pytest.skip(reason)

    def make(name: str) -> Disk:
        home = tmp_path_factory.mktemp(name)
        (home / "disk").mkdir()
        return Disk(home / "disk", home)

    return make


@pytest.fixture
def disk(make_disk) -> Disk:
    return make_disk("disk")
