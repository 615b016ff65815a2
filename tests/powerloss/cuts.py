"""Cuts of a recording: at any moment, or just after an acknowledgement; each leaves what it may
leave, and that is judged.
"""

from __future__ import annotations

import shutil
from pathlib import Path
from random import Random

from durablectl.functionapp.loader import load_app
from tests.powerloss.disk import Disk
from tests.powerloss.recording import APP, HUB, NOTES
from tests.powerloss.remains import STYLES, Watched
from tests.powerloss.survivors import Notes, check_survivor

AFTER_A_NOTE = 3


def try_cuts(disk: Disk, *, count: int, seed: int) -> None:
    """Cut the power `count` times.

    What goes wrong carries a note: which cut it was, and where it is left.
    """
    rng = Random(seed)
    app = load_app(APP)
    records = list(disk.records())
    cuts = sorted(
        rng.choices(
            range(len(records)),
            [AFTER_A_NOTE if each.name == NOTES else 1 for each in records],
            k=count,
        )
    )
    watched, notes, done = Watched(Random(seed)), b"", 0
    for number, cut in enumerate(cuts):
        for record in records[done : cut + 1]:
            if record.name == NOTES:
                notes += record.content
            else:
                watched.apply(record)
        done = cut + 1
        style = rng.choice(STYLES)
        remains = disk.home / f"cut-{number}"
        try:
            watched.leave(remains, Random(f"{seed} {number}"), style)
            lose_the_index(remains / HUB, rng)
            check_survivor(remains / HUB, Notes.read(notes.decode().splitlines()), app)
        except BaseException as error:
            error.add_note(
                f"seed {seed}, cut {number} of {count}, after record {cut} of "
                f"{len(records)}, {style}: {remains}"
            )
            raise
        shutil.rmtree(remains)


def lose_the_index(hub: Path, rng: Random) -> None:
    """The index of the WAL (`-shm`) is memory: nothing of it is left, or what the system had
    happened to write.
    """
    if hub.exists() and rng.random() < 0.3:
        hub.with_name(f"{hub.name}-shm").write_bytes(rng.randbytes(32768))
