"""Histories as they are named on the command line: a file, or an instance of a hub."""

from __future__ import annotations

import os
from collections.abc import Mapping
from pathlib import Path

from durablectl.cli.arguments.input import decode, parse_json
from durablectl.cli.arguments.targets import required
from durablectl.cli.session import Session
from durablectl.config.keys import MAX_RESPONSE
from durablectl.config.sizes import parse_size
from durablectl.errors import UsageError
from durablectl.history.documents import Document, document, document_from_json

MOST_BYTES = 200 * 10**6
"""Of a file, as of an answer of a hub."""


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


def history_of(session: Session, word: str) -> Document:
    """The history that an argument names: complete where the hub or the file has all of it."""
    if is_file(word):
        return read_history(word, session.environ)
    targets = required(session, [word])
    if len(targets.ids) > 1:
        raise UsageError(f"'{word}' names {len(targets.ids)} instances", hint="name one")
    hub, instance_id = targets.hub, targets.ids[0]
    if instance_id.startswith("@"):
        raise UsageError(f"'{instance_id}' is an entity, which has no steps to compare")
    # deferred: a history over HTTP needs no engine
    from durablectl.backends.local import LocalTaskHub

    if isinstance(hub, LocalTaskHub):
        return document_from_json(hub.raw_history(instance_id))
    return document(hub.get_status(instance_id, show_history=True, show_history_output=True))


def read_history(name: str, environ: Mapping[str, str]) -> Document:
    """The one history that a file holds; `UsageError` that names the file when it holds none."""
    text = decode(_content(Path(name), _limit(environ)), name)
    lines = [line for line in text.splitlines() if line.strip()]
    if name.endswith(".jsonl") and len(lines) > 1:
        raise UsageError(f"{name} holds {len(lines)} histories", hint="name a file that holds one")
    value = parse_json(text, name)
    try:
        return document_from_json(value)
    except UsageError as error:
        raise UsageError(f"{name}: {error.message}", hint=error.hint) from error


def _limit(environ: Mapping[str, str]) -> int:
    text = environ.get(MAX_RESPONSE)
    return parse_size(text) if text else MOST_BYTES


def _content(path: Path, limit: int) -> bytes:
    try:
        with path.open("rb") as file:
            content = file.read(limit + 1)
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {path}") from error
    except IsADirectoryError as error:
        raise UsageError(f"{path} is a folder", hint="name a file in it") from error
    except (OSError, ValueError) as error:
        reason = error.strerror if isinstance(error, OSError) else "its name is not one of a file"
        raise UsageError(f"{path} cannot be read: {str(reason).lower()}") from error
    if len(content) > limit:
        size = path.stat().st_size
        raise UsageError(
            f"{path} has {size:,} bytes, and at most {limit:,} are read",
            hint=f"raise the limit with {MAX_RESPONSE}=2GB",
        )
    return content
