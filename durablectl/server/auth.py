"""Who may ask: the key, and what keeps a web page from being a client. No hub, no I/O."""

from __future__ import annotations

import hmac
import re
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

_LOCAL_HOST = re.compile(
    r"(?:localhost|[\w.-]+\.localhost|127(?:\.\d{1,3}){3}|\[::1\])\.?(?::\d{1,5})?",
    re.IGNORECASE | re.ASCII,
)


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
