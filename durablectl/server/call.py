"""One request to the service's HTTP API: its path taken apart, its query, its body within bounds.

Knows no hub.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Mapping
from urllib.parse import unquote, unquote_plus

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from durablectl.backends.http.body import charset
from durablectl.server.query import Query
from durablectl.server.responses import INVALID_OPERATION, Refusal, empty, went_wrong

MOST_BYTES = 100 * 1024 * 1024
MOST_DISCARDED = 4 * MOST_BYTES


class Call:
    """A request below one of the base paths.

    `segments` are decoded; `origin` is `http://HOST` as the client addressed us.

    `is_rpc` tells that it came on the path that an app's own client uses.
    """

    def __init__(
        self,
        scope: Scope,
        receive: Receive,
        rest: str,
        headers: Mapping[str, str],
        *,
        is_rpc: bool = False,
    ) -> None:
        self.method: str = scope["method"]
        self.headers = headers
        self.query = Query(scope["query_string"].decode("latin-1"))
        self.segments = unquote_plus(rest).strip("/").split("/")
        self.origin = origin_of(scope, headers)
        self.is_rpc = is_rpc
        self._scope, self._receive = scope, receive

    @property
    def is_encoded(self) -> bool:
        """Whether an event that is JSON text in a string is to be decoded once more for the app.

        The official Python client sends everything so; the JavaScript one, which uses the same
        path, does not (azure-functions-durable 1.x, http_utils.py; durable-functions 3.x,
        DurableClient.js).
        """
        return self.is_rpc and not self.headers.get("user-agent", "").startswith("axios/")

    @property
    def url(self) -> str:
        """The address exactly as it was asked for."""
        return self.origin + target_of(self._scope)

    @property
    def has_body(self) -> bool:
        """Whether a body is announced, if only an empty one without a length."""
        return self.headers.get("content-length") != "0"

    @property
    def token(self) -> str | None:
        """The token of the page that is asked for; None for the first one."""
        return unquote(self.headers.get("x-ms-continuation-token", "")) or None

    @property
    def media_type(self) -> str:
        return self.headers.get("content-type", "").partition(";")[0].strip().lower()

    async def text(self) -> str:
        """The body as text, in the charset that its type names; what is not valid becomes the
        replacement character.
        """
        content = await read_body(self.headers, self._receive)
        return content.decode(
            charset(self.headers.get("content-type", "")), "replace"
        ).removeprefix("\ufeff")


def headers_of(scope: Scope) -> dict[str, str]:
    """The request's headers by their names in lower case, each once: the first one counts."""
    return {
        name.decode("latin-1"): value.decode("latin-1")
        for name, value in reversed(scope["headers"])
    }


def origin_of(scope: Scope, headers: Mapping[str, str]) -> str:
    """`http://HOST`, as the client addressed us."""
    server = scope.get("server") or ("localhost", None)
    host = headers.get("host") or (f"{server[0]}:{server[1]}" if server[1] else server[0])
    return f"{scope.get('scheme', 'http')}://{host}"


def target_of(scope: Scope) -> str:
    """The request's path and query, as they were sent."""
    query = scope["query_string"]
    target: bytes = scope["raw_path"] + (b"?" + query if query else b"")
    return target.decode("latin-1")


async def is_other(scope: Scope, send: Send) -> bool:
    """Whether something else than an HTTP request comes in; a websocket is refused."""
    if scope["type"] == "websocket":
        await send({"type": "websocket.close", "code": 1000})
    return bool(scope["type"] != "http")


async def guarded(
    answer: Awaitable[Response],
    on_error: Callable[[Exception], None],
    detail: str,
    kind: str = INVALID_OPERATION,
) -> Response:
    """An answer, or the one to what prevents it: one request must not disturb the others.

    `on_error` hears of a defect; the client is told no more of it than `detail`.
    """
    try:
        return await answer
    except ClientDisconnect:
        raise
    except Refusal as refusal:
        return refusal.answer
    except Exception as error:  # the last resort
        on_error(error)
        return went_wrong(detail, kind)


async def read_body(headers: Mapping[str, str], receive: Receive) -> bytes:
    """The whole body; `Refusal` (413) when it is too long, `ClientDisconnect` when the client goes
    away before its end.
    """
    length = headers.get("content-length", "0")
    is_too_long = length.isdecimal() and int(length) > MOST_BYTES
    chunks: list[bytes] = []
    size = 0
    while True:
        message = await receive()
        if message["type"] == "http.disconnect":
            raise ClientDisconnect
        chunk = message.get("body", b"")
        size += len(chunk)
        if size > MOST_BYTES:
            is_too_long = True
        if is_too_long:  # most clients read an answer only once they have sent everything
            chunks.clear()
        else:
            chunks.append(chunk)
        has_more = message.get("more_body", False)
        if is_too_long and (not has_more or size > MOST_DISCARDED):
            raise Refusal(_too_long())
        if not has_more:
            return b"".join(chunks)


def _too_long() -> Response:
    answer = empty(413)
    answer.headers["connection"] = "close"  # the rest of the body is not read
    return answer
