"""The key that a server asks for, read from where it is kept. Never shows it."""

from __future__ import annotations

import os
import re
import stat
from pathlib import Path

from durablectl.errors import UsageError, reason_of
from durablectl.quoting import quoted

# the service writes keys into its addresses as they are
_USABLE = re.compile(r"[A-Za-z0-9._~/:@!$'()*,;=-]+")
LONGEST = 4096
"""Characters: a file that holds more is something else than a key."""


def checked_key(key: str, source: str, hint: str | None = None) -> str:
    """A key that can be used; `UsageError`, which does not show it, for another.

    `hint` says how to make a new one.
    """
    if not key:
        raise UsageError(f"{source} holds no key", hint=hint)
    if not _USABLE.fullmatch(key) or len(key) > LONGEST:
        raise UsageError(
            f"the key in {source} would not survive in an address",
            hint="take letters, digits and - . _ ~ =",
        )
    return key


def read_key(path: Path, hint: str) -> str:
    """The key in a file; `UsageError` when it cannot be read, or others can read it too.

    `hint` says how to make a new one.
    """
    try:
        with path.open(encoding="utf-8") as stream:
            if os.name == "posix" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise UsageError(
                    f"the key file {path} can be read by others",
                    hint=f"chmod 600 {quoted(str(path))}",
                )
            return checked_key(stream.read(2 * LONGEST).strip(), f"the key file {path}", hint)
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read the key file {path}: {reason}", hint=hint) from error
