"""Who may use the page of `ui`: a token in an address, exchanged for a cookie; what a change needs.

Knows no hub and no socket.
"""

from __future__ import annotations

import hmac
import secrets
from collections.abc import Mapping
from dataclasses import dataclass, field
from http.cookies import CookieError, SimpleCookie
from urllib.parse import parse_qsl, quote

from durablectl.server.auth import Access

CONFIRM_HEADER = "x-durablectl-confirm"
READS = frozenset({"GET", "HEAD", "OPTIONS"})
SECURITY_HEADERS = {
    "Content-Security-Policy": "default-src 'self'; object-src 'none'; base-uri 'none'; "
    "form-action 'none'; frame-ancestors 'none'",
    "X-Frame-Options": "DENY",
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
    "Cross-Origin-Opener-Policy": "same-origin",
    "Cross-Origin-Resource-Policy": "same-origin",
}


@dataclass(frozen=True, slots=True)
class Permission:
    """What may be changed through the page: nothing when `read_only`; with `confirm` only what
    comes with that name of the hub.
    """

    read_only: bool = False
    confirm: str | None = None

    def refusal(self, headers: Mapping[str, str]) -> str | None:
        """Why a change is refused, if it is."""
        if self.read_only:
            return "this hub is read-only"
        given = headers.get(CONFIRM_HEADER, "").encode("latin-1", "replace")
        if self.confirm is None or hmac.compare_digest(given, _quoted(self.confirm)):
            return None
        return f"this hub is protected: a change needs its name, '{self.confirm}'"


@dataclass(slots=True)
class Door:
    """The token that is printed, and the cookie that it is exchanged for: `is_one_time` only once.

    The cookie's name has the port in it: browsers do not tell the ports of a host apart.
    """

    port: int
    is_one_time: bool = False
    token: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _cookie: str = field(default_factory=lambda: secrets.token_urlsafe(32), repr=False)
    _is_spent: bool = False

    @property
    def cookie_name(self) -> str:
        return f"durablectl-{self.port}"

    def refusal(self, method: str, headers: Mapping[str, str], origin: str) -> str | None:
        """Why a request does not come from the page itself, if it does not.

        A request that changes something must say that it comes from there.
        """
        if (refusal := Access().refusal(headers, origin)) is not None:
            return refusal
        if method not in READS and "origin" not in headers:
            return "a change must come from the page: the request has no origin"
        return None

    def cookie_for(self, query: bytes) -> str | None:
        """The `Set-Cookie` for a request with the token, None for any other."""
        pairs = parse_qsl(query.decode("latin-1"))
        given = next((value for name, value in pairs if name == "token"), "")
        if self._is_spent or not hmac.compare_digest(given.encode(), self.token.encode()):
            return None
        self._is_spent = self.is_one_time
        return f"{self.cookie_name}={self._cookie}; Path=/; HttpOnly; SameSite=Strict"

    def lets_in(self, method: str, headers: Mapping[str, str], origin: str) -> bool:
        """Whether a request comes from the page, in a browser that has the cookie."""
        return self.refusal(method, headers, origin) is None and self.knows(headers)

    def knows(self, headers: Mapping[str, str]) -> bool:
        """Whether a request carries the cookie."""
        try:
            morsel = SimpleCookie(headers.get("cookie", "")).get(self.cookie_name)
        except CookieError:
            return False
        given = "" if morsel is None else morsel.value
        return hmac.compare_digest(given.encode("latin-1", "replace"), self._cookie.encode())


def _quoted(name: str) -> bytes:
    """A name as the page writes it into a header, which holds ASCII only: `encodeURIComponent`."""
    return quote(name, safe="!*'()~").encode()
