"""Who may ask: the key, which is never shown, and what keeps a web page from being a client. No
hub.
"""

from __future__ import annotations

import hmac
import os
import re
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import parse_qsl

from durablectl.errors import UsageError, reason_of
from durablectl.quoting import quoted

_LOCAL_HOST = re.compile(
    r"(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?(?::\d{1,5})?",
    re.IGNORECASE | re.ASCII,
)
# the service writes keys into its addresses as they are
_USABLE = re.compile(r"[A-Za-z0-9._~/:@!$'()*,;=-]+")
LONGEST = 4096
"""Characters: a file that holds more is something else than a key."""


@dataclass(frozen=True, slots=True)
class Access:
    """What a server asks of its clients.

    Without a `key` everybody who reaches it may ask, and it answers to local names only.
    """

    key: str | None = None

    def knows(self, headers: Mapping[str, str], query: bytes) -> bool:
        """Whether the request carries the key, in the header `x-functions-key` or else in the
        query's `code`.
        """
        if self.key is None:
            return True
        given = headers.get("x-functions-key")
        if given is None:
            pairs = parse_qsl(query.decode("latin-1"), keep_blank_values=True)
            given = next((value for name, value in pairs if name.lower() == "code"), "")
        return hmac.compare_digest(given.encode("utf-8", "replace"), self.key.encode())

    def refusal(self, headers: Mapping[str, str], origin: str) -> str | None:
        """Why a request cannot come from an honest client, if it cannot.

        A page that a browser shows must not start anything here: neither from its own origin, nor
        through a name of its own that it lets point to this machine (DNS rebinding).
        """
        if self.key is None and not _LOCAL_HOST.fullmatch(headers.get("host", "localhost")):
            return "this server answers to localhost only; give it a key to use another name"
        page = headers.get("origin")
        if page is not None and page.lower() != origin.lower():
            return "this server does not answer to pages of another origin"
        if headers.get("sec-fetch-site", "none").lower() not in ("none", "same-origin"):
            return "this server does not answer to pages of another site"
        return None


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
