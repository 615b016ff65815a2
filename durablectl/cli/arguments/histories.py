"""Files of histories as they are named on the command line."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from durablectl.config.keys import MAX_RESPONSE
from durablectl.config.quantities import parse_size
from durablectl.errors import UsageError
from durablectl.history.saved import MOST_BYTES, History, read_histories


def is_file(word: str) -> bool:
    """Whether an argument names a file: it contains a path separator, ends in `.json` or `.jsonl`,
    or is a folder. Everything else names an instance, as in other commands.
    """
    if "://" in word or word.startswith("@"):
        return False
    separators = [each for each in (os.sep, os.altsep) if each]
    return (
        any(each in word for each in separators)
        or word.endswith((".json", ".jsonl"))
        or Path(word).is_dir()
    )


def saved_histories(name: str, environ: Mapping[str, str]) -> list[History]:
    """The histories that a file holds, at least one; `UsageError` that names the file when it holds
    none or cannot be read.
    """
    found = list(read_histories(Path(name), limit=most_bytes(environ)))
    if not found:
        raise UsageError(f"{name} holds no history")
    return found


def most_bytes(environ: Mapping[str, str]) -> int:
    """The largest history that is read."""
    text = environ.get(MAX_RESPONSE)
    return parse_size(text) if text else MOST_BYTES
