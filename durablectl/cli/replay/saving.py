"""Keep the histories that were replayed as files: readable by their owner alone, and named so that
no instance's id can choose where.
"""

from __future__ import annotations

import re
from hashlib import sha256
from pathlib import Path
from typing import Any

from durablectl import config, wire
from durablectl.errors import UsageError, reason_of

LONGEST = 100
_UNSAFE = re.compile(r"[^A-Za-z0-9._-]")
_RESERVED = re.compile(r"(?i)(con|prn|aux|nul|com\d|lpt\d)(\..*)?")


def folder_for(cwd: Path, name: str) -> Path:
    """The folder to save in, made if need be; `UsageError` when it cannot be one."""
    path = cwd / Path(name).expanduser()
    try:
        path.mkdir(mode=0o700, parents=True, exist_ok=True)
    except OSError as error:
        hint = "name a folder: --save DIR"
        raise UsageError(f"cannot save in {name}: {reason_of(error)}", hint=hint) from error
    return path


def save(folder: Path, instance_id: str, document: dict[str, Any]) -> Path:
    """Write one history, for its owner alone (0600); its file."""
    path = folder / file_name(instance_id)
    config.replace_text(path, wire.json_text(document) + "\n")
    return path


def file_name(instance_id: str) -> str:
    """A file's name for an instance: every character outside of `[A-Za-z0-9._-]` is replaced.

    What an id loses by that is replaced by a digest: two instances never have one file.
    """
    name = _UNSAFE.sub("_", instance_id)
    if name.startswith(".") or _RESERVED.fullmatch(name):
        name = f"_{name}"
    if name != instance_id or len(name) > LONGEST:
        name = f"{name[:LONGEST]}-{sha256(instance_id.encode('utf-8', 'replace')).hexdigest()[:8]}"
    return f"{name}.json"
