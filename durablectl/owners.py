"""Who owns a file: what lies above the working directory is only used when its owner is trusted."""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Sequence
from pathlib import Path

if sys.platform != "win32":
    import pwd

Owner = int | str
ROOT = 0


def nearest(
    start: Path, find: Callable[[Path], Sequence[Path]], on_skip: Callable[[Path, Path], None]
) -> Path | None:
    """What `find` finds in `start`, or else in the nearest folder above; the first of the paths
    that make it up.

    `start` itself is trusted. What is found above it is skipped when another user owns one of its
    paths: `on_skip` gets both.
    """
    start = start.absolute()
    for folder in (start, *start.parents):
        try:
            paths = find(folder)
        except OSError:  # a folder that may not be searched
            continue
        theirs = None if folder == start else strangers(paths, start)
        if theirs is not None:
            on_skip(paths[0], theirs)
        elif paths:
            return paths[0]
    return None


def strangers(paths: Sequence[Path], start: Path) -> Path | None:
    """The first of the paths whose owner is not the user, root, or the owner of `start`; None when
    all are trusted.

    Of a link both are checked, itself and its target. Missing files are trusted, and everything
    where owners are not known.
    """
    trusted = {_user(), ROOT, owner_of(start), None}
    return next(
        (
            path
            for path in paths
            for follow in (True, False)
            if owner_of(path, follow=follow) not in trusted
        ),
        None,
    )


def owner_of(path: Path, *, follow: bool = True) -> Owner | None:
    """The owner's number; None when there is no such file, or no way to tell.

    Windows: the SID of the file's owner belongs here, and that of the process's token into `_user`.
    """
    if os.name != "posix":
        return None
    try:
        return path.stat(follow_symlinks=follow).st_uid
    except OSError:
        return None


def owner_name(path: Path) -> str:
    """The owner of a file or of a link to it, for messages."""
    owner = owner_of(path, follow=False)
    if sys.platform == "win32":
        return str(owner)
    try:
        return pwd.getpwuid(int(owner or 0)).pw_name
    except KeyError:
        return str(owner)


def _user() -> Owner | None:
    return os.geteuid() if os.name == "posix" else None
