"""The ASGI application: which door a request comes through, who may, and what is written down of
it.

Knows no socket.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Protocol

from starlette.requests import ClientDisconnect
from starlette.responses import Response
from starlette.types import Message, Receive, Scope, Send

from durablectl.redaction import MARK, redact
from durablectl.server.api import Api
from durablectl.server.auth import Access
from durablectl.server.call import Call, guarded, headers_of, is_other, origin_of, target_of
from durablectl.server.page_app import UI_PATH, Page, entry, to_page
from durablectl.server.page_door import SECURITY_HEADERS, Door
from durablectl.server.place import PATH
from durablectl.server.responses import empty, short
from durablectl.wire import exact_time_to_text

RPC_PATH = "/durabletask"
_VERBS = {"GET", "POST", "DELETE", "OPTIONS"}
MOST_LOGGED = 1000  # characters of an address
GONE = 499  # in the log only: the client went away before there was an answer


class Starters(Protocol):
    """The app's own HTTP functions."""

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer of the function that the request's path and method select; None when there is
        none.
        """


@dataclass(frozen=True, slots=True)
class Answered:
    """A request and its answer, as the log has it; keys are struck out."""

    time: datetime
    client: str
    method: str
    target: str
    status: int
    seconds: float

    def line(self) -> str:
        return (
            f"{self.client} {self.method} {self.target} {self.status} {self.seconds * 1000:.1f} ms"
        )

    def json(self) -> str:
        return json.dumps(
            {
                "time": exact_time_to_text(self.time),
                "client": self.client,
                "method": self.method,
                "target": self.target,
                "status": self.status,
                "ms": round(self.seconds * 1000, 3),
            }
        )


class App:
    """What an ASGI server runs.

    `rpc_token` makes the path of the app's own client unguessable where a key is asked for.
    """

    def __init__(
        self,
        api: Api,
        access: Access,
        *,
        starters: Starters | None = None,
        rpc_token: str = "",
        log: Callable[[Answered], None] = lambda _answered: None,
        on_error: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self._api, self._access, self._log, self._on_error = api, access, log, on_error
        self._rpc = f"{RPC_PATH}/{rpc_token}" if rpc_token else RPC_PATH
        self.starters = starters
        self.page: Page | None = None
        self.door: Door | None = None
        """That of the page, where a key is asked for."""
        self._page_api: Api | None = None

    def show(self, page: Page, door: Door | None = None, api: Api | None = None) -> None:
        """Have the page; behind a `door` with an API of its own, whose answers have no key."""
        self.page, self.door, self._page_api = page, door, api

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if await is_other(scope, send):
            return
        started, status = time.perf_counter(), GONE

        async def note(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            answer = await guarded(
                self._dispatch(scope, receive),
                self._on_error,
                "An unexpected error occurred; the server's own log tells more.",
                "System.Exception",
            )
            await answer(scope, receive, note)
        except ClientDisconnect:
            pass
        finally:
            self._log(self._answered(scope, status, time.perf_counter() - started))

    async def _dispatch(self, scope: Scope, receive: Receive) -> Response:
        headers = headers_of(scope)
        origin = origin_of(scope, headers)
        refusal = self._access.refusal(headers, origin)
        if refusal is not None:
            return short(403, refusal)
        path = scope["raw_path"].decode("latin-1")
        if (rest := _below(PATH, path)) is not None:
            if scope["method"] not in _VERBS:
                return Response(status_code=405, headers={"Allow": "DELETE, GET, OPTIONS, POST"})
            call = Call(scope, receive, rest, headers)
            if self._access.knows(headers, scope["query_string"]):
                return await self._api.answer(call)
            if self.door is not None and self.door.lets_in(call.method, headers, origin):
                return await (self._page_api or self._api).answer(call)
            return empty(401)
        if (rest := _below(self._rpc, path)) is not None:
            return await self._api.answer(Call(scope, receive, rest, headers, is_rpc=True))
        answer = await self.starters.answer(scope, receive) if self.starters is not None else None
        return answer or await self._shown(scope, receive, path, headers)

    async def _shown(
        self, scope: Scope, receive: Receive, path: str, headers: dict[str, str]
    ) -> Response:
        """The page, where no function of the app has answered."""
        if self.page is None:
            return empty(404)
        if path in ("/", UI_PATH) and scope["method"] == "GET":
            return to_page()
        if path.startswith(f"{UI_PATH}/"):
            if (refused := self._refused(scope, headers)) is not None:
                refused.headers.update(SECURITY_HEADERS)
                return refused
            return await self.page.answer(Call(scope, receive, path.removeprefix(UI_PATH), headers))
        return empty(404)

    def _refused(self, scope: Scope, headers: dict[str, str]) -> Response | None:
        """The answer to who may not see the page yet."""
        if self.door is None:
            return None
        reason = self.door.refusal(scope["method"], headers, origin_of(scope, headers))
        return short(403, reason) if reason else entry(self.door, scope, headers)

    def _answered(self, scope: Scope, status: int, seconds: float) -> Answered:
        client = scope.get("client")
        target = redact(target_of(scope).replace(self._rpc, RPC_PATH, 1))
        if self.door is not None:
            target = target.replace(self.door.token, MARK)
        shown = target if len(target) <= MOST_LOGGED else f"{target[:MOST_LOGGED]}…"
        return Answered(
            datetime.now(UTC), client[0] if client else "-", scope["method"], shown, status, seconds
        )


def _below(base: str, path: str) -> str | None:
    """The rest of a path below a base, whose case does not matter; None when it lies elsewhere."""
    if path[: len(base)].lower() != base.lower():
        return None
    rest = path[len(base) :]
    return rest if not rest or rest.startswith("/") else None
