"""A power cut loses nothing that was acknowledged: cuts of real runs of several processes, and the
order of their syncs.
"""

from __future__ import annotations

from pathlib import PurePosixPath
from random import Random

import pytest

from tests.powerloss.cuts import try_cuts
from tests.powerloss.disk import Disk
from tests.powerloss.recording import CLIENTS, HUB, NOTES, record
from tests.powerloss.remains import File

WAL = f"{HUB}-wal"


@pytest.fixture(scope="module")
def recorded(make_disk) -> Disk:
    disk: Disk = make_disk()
    record(disk, seed=1, steps=60)
    return disk


def test_a_power_cut_at_any_moment_loses_nothing_that_was_acknowledged(recorded: Disk) -> None:
    try_cuts(recorded, count=100, seed=1)


def test_a_sync_that_fails_is_taken_for_none(disk: Disk) -> None:
    record(disk, seed=1, steps=30, ill="-wal")
    assert any(each.has_failed for each in disk.records())
    try_cuts(disk, count=40, seed=1)


def test_a_sync_that_fails_for_one_process_loses_nothing_that_another_syncs() -> None:
    file = File()
    file.write(1, 0, b"committing" * 1000)
    file.fail_to_sync(2, Random(1))  # a checkpoint of another process, in the middle of a commit
    file.sync()
    assert file.disk == b"committing" * 1000


def test_nothing_is_acknowledged_before_it_is_synced(recorded: Disk) -> None:
    unsynced: set[int] = set()  # the processes that have written to the WAL since its last sync
    acknowledged = 0
    for each in recorded.records():
        if each.name == NOTES and b'"did"' in each.content:
            acknowledged += 1
            assert each.process not in unsynced
        elif each.name == WAL:
            unsynced = unsynced | {each.process} if each.kind == "w" else set()
    assert acknowledged > 50


def test_a_backup_is_told_only_once_its_name_is_synced(recorded: Disk) -> None:
    unsynced: set[str] = set()  # folders in which a file was renamed
    told = 0
    for each in recorded.records():
        if each.kind == "m":
            unsynced.add(str(PurePosixPath(each.name).parent))
        elif each.kind == "s":
            unsynced.discard(each.name)
        elif each.name == NOTES and b'"did"' in each.content and b'"backup"' in each.content:
            told += 1
            assert not unsynced
    assert told == len(CLIENTS)


def test_the_log_begins_anew_only_once_the_file_is_synced(recorded: Disk) -> None:
    is_synced, begun = True, 0
    for each in recorded.records():
        if each.name == HUB:
            is_synced = each.kind == "s"
        elif each.name == WAL and (each.kind in "ut" or (each.kind == "w" and each.offset == 0)):
            begun += 1
            assert is_synced
    assert begun > 3
