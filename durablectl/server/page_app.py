"""The page over HTTP: its files, what it reads, and for `ui` a server of its own that lets in who
has the cookie.

Knows no socket.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Callable, Iterator, Mapping
from functools import partial
from hashlib import sha256
from importlib import resources
from pathlib import PurePath
from typing import Any

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Receive, Scope, Send

from durablectl.errors import DurablectlError, NotFound, Unsupported, UsageError
from durablectl.json_values import json_text
from durablectl.server.api import Api
from durablectl.server.async_hub import Gate
from durablectl.server.call import Call, guarded, headers_of, is_other, origin_of
from durablectl.server.page_door import READS, SECURITY_HEADERS, Door, Permission
from durablectl.server.page_reads import Reads
from durablectl.server.place import PATH
from durablectl.server.responses import JSON, empty, short, went_wrong

UI_PATH = "/ui"
_TYPES = {
    ".html": "text/html; charset=utf-8",
    ".js": "text/javascript; charset=utf-8",
    ".css": "text/css; charset=utf-8",
    ".svg": "image/svg+xml",
}
_NO_COOKIE = (
    b"<!doctype html><html lang=en><title>durablectl ui</title><h1>This address has expired</h1>"
    b"<p>Open the address that <code>durablectl ui</code> printed, or run it again. "
    b"The address that <code>durablectl serve</code> prints opens the page once.</p></html>"
)


class Page:
    """The page's files and reads, below UI_PATH."""

    def __init__(self, gate: Gate, reads: Reads) -> None:
        self._gate, self._reads = gate, reads
        self._files = dict(_files())
        self._routes: Mapping[str, Callable[[Any], Any]] = {
            "hub": reads.hub,
            "instances": reads.instances,
            "children": reads.children,
            "instance": reads.instance,
            "steps": reads.steps,
            "why": reads.why,
            "compare": reads.compare,
            "history": reads.history,
        }

    async def answer(self, call: Call) -> Response:
        """The answer to a request, always with the headers that keep the page to itself.

        Never raises, except when the client has gone.
        """
        try:
            answer = await self._answer(call)
        except NotFound as error:
            answer = short(404, error.message)
        except Unsupported as error:
            answer = short(501, error.message)
        except UsageError as error:
            answer = short(400, error.message)
        except DurablectlError as error:
            answer = went_wrong(error.message, type(error).__name__, 502)
        answer.headers.update(SECURITY_HEADERS)
        return answer

    async def _answer(self, call: Call) -> Response:
        if call.method != "GET":
            return Response(status_code=405, headers={"Allow": "GET"})
        match call.segments:
            case ["api", "payload"]:
                return await self._payload(call)
            case ["api", name] if (read := self._routes.get(name)) is not None:
                value = await self._gate.read(partial(read, call.query))
                content = await self._gate.read(lambda: json_text(value).encode())
                return _tagged(call, content, JSON)
            case [name] if (file := self._files.get(name or "index.html")) is not None:
                return _tagged(call, *file)
        return empty(404)

    async def _payload(self, call: Call) -> Response:
        part, value = await self._gate.read(partial(self._reads.payload, call.query))
        is_text = isinstance(value, str) and not call.query.flag("json", False)
        text = value if is_text else await self._gate.read(partial(json_text, value, indent=2))
        name = re.sub(r"[^A-Za-z0-9._-]", "_", call.query.first("id") or "")[:80]
        headers = {
            "Content-Disposition": f'attachment; filename="{name}-{part}.'
            f'{"txt" if is_text else "json"}"',
            "Cache-Control": "no-store",
        }
        kind = "text/plain; charset=utf-8" if is_text else JSON
        return Response(text.encode("utf-8", "replace"), 200, headers, kind)


class PageServer:
    """What `ui` runs: the page and the HTTP API of one hub, for who has the cookie."""

    def __init__(
        self,
        page: Page,
        api: Api,
        door: Door,
        permission: Permission,
        on_error: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._page, self._api, self._door, self._permission = page, api, door, permission
        self._on_error = on_error

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await is_other(scope, send):
            return
        with contextlib.suppress(ClientDisconnect):
            answer = await guarded(
                self._answer(scope, receive),
                self._on_error,
                "An unexpected error occurred; the terminal of ui tells more.",
            )
            answer.headers.update(SECURITY_HEADERS)
            answer.headers.setdefault("Cache-Control", "no-store")
            await answer(scope, receive, send)

    async def _answer(self, scope: Scope, receive: Receive) -> Response:
        headers, method = headers_of(scope), scope["method"]
        refusal = self._door.refusal(method, headers, origin_of(scope, headers))
        if refusal is not None:
            return short(403, refusal)
        path = scope["raw_path"].decode("latin-1")
        if (answer := entry(self._door, scope, headers)) is not None:
            return answer
        if path in ("/", UI_PATH):
            return to_page()
        if path.startswith(UI_PATH + "/"):
            return await self._page.answer(
                Call(scope, receive, path.removeprefix(UI_PATH), headers)
            )
        if path.startswith(PATH + "/"):
            if method not in READS and (why := self._permission.refusal(headers)) is not None:
                return short(403, why)
            return await self._api.answer(Call(scope, receive, path.removeprefix(PATH), headers))
        return empty(404)


def entry(door: Door, scope: Scope, headers: Mapping[str, str]) -> Response | None:
    """The answer to who brings the token or has no cookie; None for who has it."""
    is_page = scope["raw_path"].decode("latin-1") in ("/", UI_PATH, UI_PATH + "/")
    if is_page and scope["method"] == "GET":
        cookie = door.cookie_for(scope["query_string"])
        if cookie is not None:
            answer = to_page()
            answer.headers["Set-Cookie"] = cookie
            return answer
    if door.knows(headers):
        return None
    return Response(_NO_COOKIE, 401, None, "text/html") if is_page else empty(401)


def to_page() -> Response:
    return Response(status_code=303, headers={"Location": UI_PATH + "/"})


def _tagged(call: Call, content: bytes, kind: str) -> Response:
    """An answer that is sent again only when it has changed."""
    tag = f'"{sha256(content).hexdigest()[:32]}"'
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if call.headers.get("if-none-match") == tag:
        return Response(status_code=304, headers=headers)
    return Response(content, 200, headers, kind)


def _files() -> Iterator[tuple[str, tuple[bytes, str]]]:
    for each in (resources.files("durablectl.server") / "page").iterdir():
        if (kind := _TYPES.get(PurePath(each.name).suffix)) is not None:
            yield each.name, (each.read_bytes(), kind)
