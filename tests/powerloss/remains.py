"""What a power cut may leave of a folder, from the log of what was done with its files; knows no
hub and no SQLite.

What was there at the last sync of a file that went well is there. Each sector that was written
since is as it was at any moment since then, sector by sector; the size of the file is any that it
has had since; where it has grown without its bytes there is nothing, or garbage. A name that was
made, moved or deleted is so for sure once its folder was synced. A sync that fails leaves each page
on the disk or not, and the system takes it for written: only writing to the page again brings it to
the disk with a later sync. That is so for the pages of the process whose sync failed. Linux reports
a lost page to every process that has the file open, at its next sync; the recording lets one call
fail, so a page that another process has written, and not synced yet, must not be lost by it. What
is taken for granted: a sector is written as a whole or not at all, and what lies beside it stays as
it is.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path, PurePosixPath
from random import Random

from tests.powerloss.disk import Record

PAGE = 4096
STYLES = ("nothing", "everything", "torn", "torn", "torn")


@dataclass(slots=True)
class File:
    """A file as processes see it (`cache`), and as it is on the disk for sure."""

    cache: bytearray = field(default_factory=bytearray)
    disk: bytearray = field(default_factory=bytearray)
    since: list[tuple[int, int, bytes, int]] = field(default_factory=list)
    """What was written since the last sync: by which process, where, what, and how large the file
    was then."""
    dirty: dict[int, int] = field(default_factory=dict)
    """The process that wrote a page last."""

    def write(self, process: int, offset: int, content: bytes) -> None:
        _put(self.cache, offset, content)
        self.since.append((process, offset, content, len(self.cache)))
        pages = range(offset // PAGE, (offset + len(content) - 1) // PAGE + 1)
        self.dirty.update(dict.fromkeys(pages, process))

    def cut(self, process: int, size: int) -> None:
        gone = bytes(max(0, len(self.cache) - size))
        if gone:
            pages = range(size // PAGE, (len(self.cache) - 1) // PAGE + 1)
            self.dirty.update(dict.fromkeys(pages, process))
        del self.cache[size:]
        self.cache.extend(bytes(size - len(self.cache)))
        self.since.append((process, size, gone, size))

    def sync(self) -> None:
        for page in self.dirty:
            _put(self.disk, page * PAGE, self.cache[page * PAGE : (page + 1) * PAGE])
        _resize(self.disk, len(self.cache))
        self.since, self.dirty = [], {}

    def fail_to_sync(self, process: int, rng: Random) -> None:
        others = [each for each in self.since if each[0] != process]
        self.since = [each for each in self.since if each[0] == process]
        self.disk, self.since = self.after_cut(rng, "torn"), others
        self.dirty = {page: writer for page, writer in self.dirty.items() if writer != process}

    def after_cut(self, rng: Random, style: str) -> bytearray:
        disk = bytearray(self.disk)
        if style == "nothing" or not self.since:
            return disk
        sector = rng.choice([512, PAGE])
        moments = {} if style == "everything" else self._moments(rng, sector)
        for moment, (_, offset, content, _) in enumerate(self.since):
            for at, piece in _pieces(offset, content, sector):
                if moment < moments.get(at // sector, len(self.since)):
                    _put(disk, at, piece)
        size = (
            len(self.cache)
            if style == "everything"
            else rng.choice([len(self.disk), *(size for *_, size in self.since)])
        )
        missing = max(0, size - len(disk))
        _resize(disk, size)
        if missing and rng.random() < 0.25:
            disk[size - missing :] = rng.randbytes(missing)
        return disk

    def _moments(self, rng: Random, sector: int) -> dict[int, int]:
        """For each sector, how much of what was written since the last sync came to the disk."""
        touched = {
            at // sector
            for _, offset, content, _ in self.since
            for at, _ in _pieces(offset, content, sector)
        }
        share, count = rng.random(), len(self.since)
        if rng.random() < 0.2:  # all of them at one moment
            return dict.fromkeys(touched, rng.randrange(count + 1))
        return {
            each: (count if rng.random() < share else rng.randrange(count))
            for each in sorted(touched)
        }


@dataclass(slots=True)
class Folder:
    """The names of a folder that are on the disk for sure, and what was changed since: a moved file
    loses one name and gets another.
    """

    names: dict[str, File | Folder] = field(default_factory=dict)
    since: list[dict[str, File | Folder | None]] = field(default_factory=list)

    def current(self) -> dict[str, File | Folder]:
        return self._with(self.since)

    def sync(self) -> None:
        self.names, self.since = self.current(), []

    def after_cut(self, rng: Random, style: str) -> dict[str, File | Folder]:
        share = {"nothing": 0.0, "everything": 1.0}.get(style, rng.random())
        return self._with(change for change in self.since if rng.random() < share)

    def _with(self, changes: Iterable[dict[str, File | Folder | None]]) -> dict[str, File | Folder]:
        names: dict[str, File | Folder | None] = dict(self.names)
        for change in changes:
            names.update(change)
        return {name: node for name, node in names.items() if node is not None}


class Watched:
    """The folder as the records have left it so far."""

    def __init__(self, rng: Random) -> None:
        self.root, self._rng = Folder(), rng

    def apply(self, record: Record) -> None:
        path = PurePosixPath(record.name)
        folder, name = self._folder(path.parent), path.name
        match record.kind:
            case "c" | "d":
                folder.since.append({name: File() if record.kind == "c" else Folder()})
            case "u":
                folder.since.append({name: None})
            case "m":
                folder.since.append(
                    {
                        name: None,
                        PurePosixPath(record.content.decode()).name: folder.current()[name],
                    }
                )
            case _:
                self._touch(folder.current().get(name) if name else self.root, record)

    def _touch(self, node: File | Folder | None, record: Record) -> None:
        match node, record.kind:
            case Folder(), _:
                if not record.has_failed:
                    node.sync()
            case File(), "w":
                node.write(record.process, record.offset, record.content)
            case File(), "t":
                node.cut(record.process, record.offset)
            case File(), "s":
                node.fail_to_sync(record.process, self._rng) if record.has_failed else node.sync()

    def _folder(self, path: PurePosixPath) -> Folder:
        folder = self.root
        for part in path.parts:
            below = folder.current()[part]
            assert isinstance(below, Folder)
            folder = below
        return folder

    def leave(self, target: Path, rng: Random, style: str) -> None:
        """Write into the new folder `target` what a power cut may leave now."""
        _leave(self.root, target, rng, style)


def _leave(folder: Folder, target: Path, rng: Random, style: str) -> None:
    target.mkdir()
    for name, node in folder.after_cut(rng, style).items():
        if isinstance(node, Folder):
            _leave(node, target / name, rng, style)
        else:
            (target / name).write_bytes(node.after_cut(rng, style))


def _put(content: bytearray, offset: int, piece: bytes | bytearray) -> None:
    if offset > len(content):
        content.extend(bytes(offset - len(content)))
    content[offset : offset + len(piece)] = piece


def _resize(content: bytearray, size: int) -> None:
    del content[size:]
    content.extend(bytes(size - len(content)))


def _pieces(offset: int, content: bytes, sector: int) -> Iterable[tuple[int, bytes]]:
    at, end = offset, offset + len(content)
    while at < end:
        following = min(end, (at // sector + 1) * sector)
        yield at, content[at - offset : following - offset]
        at = following
