"""Which file a text names as a local hub. Looks at the disk, and neither makes nor opens a hub."""

from __future__ import annotations

import os
from pathlib import Path

from durablectl.config.addresses import looks_like_connection_string, looks_like_host, with_scheme
from durablectl.errors import UsageError

HUB_FOLDER = ".durablectl"
HUB_FILE = "hub.db"
_SUFFIXES = (".db", ".sqlite")


def hub_file(text: str, folder: Path) -> Path:
    """The file of the local hub that `text` names, as seen from `folder`.

    A folder stands for the hub inside it.

    A file that is not there yet must have a hub's name, so that a mistyped address never becomes a
    new hub: else `UsageError`.
    """
    path = path_of(text, folder)
    if os.path.isdir(path):  # noqa: PTH112 - Path.is_dir raises where a folder above may not be searched
        return path / HUB_FOLDER / HUB_FILE
    if not _can_be_hub(path):
        raise UsageError(
            f"there is not a file or folder '{text}'",
            hint="the name of a new hub's file ends in .db or .sqlite",
        )
    return path


def is_same_file(text: str, file: Path) -> bool:
    """Whether an absolute path, of a hub or of the folder that it stands in, leads to `file`."""
    path = Path(text)
    if os.path.isdir(path):  # noqa: PTH112 - as above
        path = path / HUB_FOLDER / HUB_FILE
    return os.path.realpath(path) == os.path.realpath(file)


def path_of(text: str, folder: Path) -> Path:
    """The path that `text` stands for, as seen from `folder`; `UsageError` for what looks like a
    host or a connection string and is not there.
    """
    try:
        path = Path(os.path.normpath(folder / Path(text).expanduser()))
    except RuntimeError as error:  # of expanduser
        raise UsageError(f"'{text}' names the home of an unknown user") from error
    if looks_like_connection_string(text) and not _can_be_hub(path):
        raise UsageError(
            "a connection string is not an address (the value is not shown)",
            hint="put it into a context: durablectl context add NAME --connection-string TEXT",
        )
    if looks_like_host(text) and not _can_be_hub(path):
        address = with_scheme(text)
        raise UsageError(
            f"'{address.partition('://')[2]}' is not a file, and an address needs a scheme",
            hint=f"write {address}",
        )
    return path


def _can_be_hub(path: Path) -> bool:
    return os.path.exists(path) or path.suffix.lower() in _SUFFIXES  # noqa: PTH110 - as above
