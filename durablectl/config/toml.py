"""One TOML file: read, places in it named for messages, and written whole or not at all.

Knows no setting.
"""

from __future__ import annotations

import os
import re
from pathlib import Path
from typing import Any

from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.quoting import did_you_mean


class TomlFile:
    """The tables of a file, empty when there is none; says in messages where a name stands.

    `UsageError` when it cannot be read, and with line and column when it is not TOML.
    """

    def __init__(self, path: Path) -> None:
        self.path, self._text = path, read_text(path) or ""
        self.tables = _parsed(path, self._text) if self._text else {}

    def wrong(self, name: str, what: str, hint: str | None = None) -> UsageError:
        """What to say about a setting: its name and place, and then `what`."""
        return UsageError(f"{self.named(name)} {what}", hint=hint)

    def unknown(self, name: str, known: tuple[str, ...]) -> UsageError:
        """What to say about a name that no setting has."""
        hint = did_you_mean(name, known) or f"available: {', '.join(known)}"
        return UsageError(f"unknown setting {self.named(name)}", hint=hint)

    def named(self, name: str) -> str:
        """The name of a setting, with its place: "'url' in FILE, line N"."""
        return f"'{name}' {self.place_of(name)}"

    def place_of(self, name: str) -> str:
        """Where a name stands: "in FILE, line N", as well as a look at the text can tell."""
        pattern = (
            re.escape(name)
            if name.startswith("[")
            else rf"""["']?{re.escape(name)}["']?\s*[=.]|\[{re.escape(name)}"""
        )
        for number, line in enumerate(self._text.splitlines(), 1):
            if re.match(rf"\s*(?:{pattern})", line) or re.search(
                rf"[{{,]\s*{re.escape(name)}\s*=", line
            ):
                return f"in {self.path}, line {number}"
        return f"in {self.path}"


def read_text(path: Path) -> str | None:
    """What a file holds; None when there is none, or no way to it.

    `UsageError` when it cannot be read.
    """
    try:
        return path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        if not os.path.exists(path):  # noqa: PTH110 - Path.exists raises where a folder above may not be searched
            return None
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read {path}: {reason}") from error


def _parsed(path: Path, text: str) -> dict[str, Any]:
    import tomllib  # deferred: most people have neither file

    try:
        return tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path} is not TOML: {str(error)[:1].lower()}{str(error)[1:]}") from error


def replace_text(path: Path, text: str) -> None:
    """Write a file whole or not at all, for the user's eyes only. A link stays a link."""
    target = Path(os.path.realpath(path))  # a link into a folder of dotfiles stays a link
    draft = target.with_name(f"{target.name}.{os.urandom(4).hex()}.tmp")
    try:
        target.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        try:
            with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
                stream.write(text)
                stream.flush()
                os.fsync(stream.fileno())
            draft.replace(target)
        except BaseException:
            draft.unlink(missing_ok=True)
            raise
    except OSError as error:
        raise DurablectlError(f"cannot write {path}: {reason_of(error)}") from error
