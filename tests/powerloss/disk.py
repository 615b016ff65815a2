"""A disk that is watched and can be made ill: `disk.c` compiled, its environment, its log, its
faults; knows no hub.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

SOURCE = Path(__file__).with_name("disk.c")
HEADER = struct.Struct("=IIIIQQ")
KINDS_WITH_BYTES = "wm"


@dataclass(frozen=True, slots=True)
class Record:
    """One call: (c)reated, (d)irectory made, (w)ritten, cu(t) to `offset`, (s)ynced, (m)oved to the
    name in `content`, (u)nlinked.
    """

    kind: str
    process: int
    has_failed: bool
    name: str
    offset: int
    content: bytes


class Disk:
    """The disk of the folder `root`, for the processes that get its `environment`; what it keeps
    for itself is in `home`.
    """

    def __init__(self, root: Path, home: Path) -> None:
        self.root, self.home = root.resolve(), home
        self._library, self._log, self._fault = home / "disk.so", home / "disk.log", home / "fault"
        if not self._library.exists():
            subprocess.run(
                ["cc", "-O1", "-shared", "-fPIC", "-o", self._library, SOURCE, "-ldl", "-lpthread"],
                check=True,
            )

    @staticmethod
    def missing() -> str | None:
        """Why there can be no such disk here."""
        if sys.platform != "linux":
            return "needs Linux: LD_PRELOAD and /proc"
        return None if shutil.which("cc") else "needs a C compiler (cc)"

    def environment(self, *, is_logged: bool = False) -> dict[str, str]:
        own = {
            "LD_PRELOAD": str(self._library),
            "DISK_ROOT": str(self.root),
            "DISK_FAULT": str(self._fault),
        }
        return os.environ | own | ({"DISK_LOG": str(self._log)} if is_logged else {})

    def fall_ill(
        self,
        kinds: str,
        action: int | str,
        *,
        name: str = "*",
        first: int = 1,
        count: int = 1 << 30,
        every: int = 0,
    ) -> None:
        """From the `first` call of `kinds` on, `count` calls fail with an errno, are "short" or
        "slow:MS", again every so many calls.
        """
        part = self._fault.with_suffix(".part")
        part.write_text(f"{kinds} {name} {action} {first} {count} {every}\n")
        part.rename(self._fault)

    def get_well(self) -> None:
        self._fault.unlink(missing_ok=True)

    def records(self) -> Iterator[Record]:
        """The log, from the first call to the last."""
        log, at = self._log.read_bytes(), 0
        while at < len(log):
            kind, process, failed, name_length, offset, length = HEADER.unpack_from(log, at)
            at += HEADER.size
            name = log[at : at + name_length].decode()
            at += name_length
            content = log[at : at + length] if chr(kind) in KINDS_WITH_BYTES else b""
            at += len(content)
            yield Record(chr(kind), process, bool(failed), name, offset, content)
