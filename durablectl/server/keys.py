"""The key that a server asks for: read, or made and kept in a file that only its owner can read."""

from __future__ import annotations

import os
import secrets
import stat
from pathlib import Path

from durablectl.errors import UsageError
from durablectl.server.access import is_usable_key


def checked_key(key: str, source: str) -> str:
    """A key that can be used; `UsageError`, which does not show it, for another."""
    if not key:
        raise UsageError(f"{source} holds no key")
    if not is_usable_key(key):
        raise UsageError(f"the key in {source} would not survive in an address", hint="take letters, digits and - . _ ~ =")
    return key


def read_key(path: Path) -> str:
    """The key in a file; `UsageError` when it cannot be read, or others can read it too."""
    try:
        with path.open(encoding="utf-8") as stream:
            if os.name == "posix" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise UsageError(f"the key file {path} can be read by others", hint=f"chmod 600 {path}")
            return checked_key(stream.read().strip(), f"the key file {path}")
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8"
        raise UsageError(f"cannot read the key file {path}: {reason}") from error


def kept_key(path: Path) -> str:
    """The key in a file, which is made with a new key when it is not there."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        return read_key(path)
    except OSError as error:
        raise UsageError(f"cannot write the key file {path}: {(error.strerror or '').lower()}") from error
    key = secrets.token_urlsafe(32)
    with os.fdopen(descriptor, "w") as stream:
        stream.write(key + "\n")
    return key
