"""Histories as they are named on the command line: a file, or an instance of a hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from durablectl.cli.session import Session
from durablectl.cli.session.choosing import wanted
from durablectl.config.keys import MAX_RESPONSE
from durablectl.config.sizes import parse_size
from durablectl.errors import Unsupported, UsageError
from durablectl.history.saved import MOST_BYTES, History, history_of, read_histories


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


def named_history(session: Session, word: str) -> History:
    """The history that an argument names: complete where the hub or the file has all of it."""
    if is_file(word):
        found = saved_histories(word, session.environ)
        if len(found) > 1:
            raise UsageError(f"{word} holds {len(found)} histories", hint="name a file with one")
        return found[0]
    targets = wanted(session, [word])
    if len(targets.ids) > 1:
        raise UsageError(f"'{word}' names {len(targets.ids)} instances", hint="name one")
    hub, instance_id = targets.hub, targets.ids[0]
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which has no steps to compare")
    try:
        return history_of(hub.raw_history(instance_id))
    except Unsupported:
        status = hub.get_status(instance_id, show_history=True, show_history_output=True)
        return history_of(status)


def saved_histories(name: str, environ: Mapping[str, str]) -> list[History]:
    """The histories that a file holds, at least one; `UsageError` that names the file when it holds
    none or cannot be read.
    """
    text = environ.get(MAX_RESPONSE)
    found = list(read_histories(Path(name), limit=parse_size(text) if text else MOST_BYTES))
    if not found:
        raise UsageError(f"{name} holds no history")
    return found
