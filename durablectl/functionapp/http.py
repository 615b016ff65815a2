"""What an HTTP function is given and gives back, under the names of azure-functions; no server, no
socket.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from enum import Enum
from http import HTTPStatus
from types import MappingProxyType
from typing import Any, Final
from urllib.parse import parse_qsl


class AuthLevel(Enum):
    """Which key a client of an HTTP function needs."""

    FUNCTION = "function"
    ANONYMOUS = "anonymous"
    ADMIN = "admin"


class HttpMethod(Enum):
    """The methods that an HTTP function may answer to."""

    GET = "GET"
    POST = "POST"
    DELETE = "DELETE"
    HEAD = "HEAD"
    PATCH = "PATCH"
    PUT = "PUT"
    OPTIONS = "OPTIONS"


class Headers(Mapping[str, str]):
    """Headers, looked up without regard to case."""

    def __init__(self, headers: Mapping[str, str] | None = None) -> None:
        self._headers = {name.lower(): value for name, value in (headers or {}).items()}

    def __getitem__(self, name: str) -> str:
        return self._headers[name.lower()]

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and name.lower() in self._headers

    def __iter__(self) -> Iterator[str]:
        return iter(self._headers)

    def __len__(self) -> int:
        return len(self._headers)


class HttpRequest:
    """The request that started an HTTP function."""

    def __init__(
        self,
        method: str,
        url: str,
        *,
        headers: Mapping[str, str] | None = None,
        params: Mapping[str, str] | None = None,
        route_params: Mapping[str, str] | None = None,
        body: bytes,
    ) -> None:
        self.method: Final = method.upper()
        self.url: Final = url
        self.headers: Final[Mapping[str, str]] = Headers(headers)
        self.params: Final[Mapping[str, str]] = MappingProxyType(dict(params or {}))
        """The parameters of the query."""
        self.route_params: Final[Mapping[str, str]] = MappingProxyType(dict(route_params or {}))
        """The parameters of the route; an optional one that was left out is not there."""
        self._body = body

    @property
    def form(self) -> Mapping[str, str]:
        """The fields of a URL-encoded body; nothing for a body of another type."""
        if not self.headers.get("content-type", "").startswith("application/x-www-form-urlencoded"):
            return MappingProxyType({})
        return MappingProxyType(
            dict(parse_qsl(self._body.decode("utf-8", "replace"), keep_blank_values=True))
        )

    def get_body(self) -> bytes:
        return self._body

    def get_json(self) -> Any:
        """The body as JSON; ValueError when it is not one."""
        return json.loads(self._body.decode("utf-8"))


class HttpResponse:
    """What an HTTP function answers."""

    def __init__(
        self,
        body: str | bytes | None = None,
        *,
        status_code: HTTPStatus | int | None = None,
        headers: Mapping[str, str] | None = None,
        mimetype: str | None = None,
        charset: str | None = None,
    ) -> None:
        self.status_code: Final = 200 if status_code is None else int(status_code)
        self.headers: Final = dict(headers or {})
        self.mimetype: Final = mimetype or "text/plain"
        self.charset: Final = charset or "utf-8"
        if body is not None and not isinstance(body, str | bytes | bytearray):
            raise TypeError(
                "response is expected to be either of str, bytes, or bytearray, got "
                f"{type(body).__name__}"
            )
        self._body = body.encode(self.charset) if isinstance(body, str) else bytes(body or b"")

    def get_body(self) -> bytes:
        return self._body
