"""A network between clients and the server's application, in one process: what it loses, delays and
doubles is decided by the seed.
"""

from __future__ import annotations

import asyncio
import json
from collections.abc import Callable
from datetime import datetime
from random import Random
from typing import Any
from urllib.parse import unquote

import httpx

from durablectl.backends.http.api import Calls
from durablectl.backends.http.deadline import Deadline
from durablectl.backends.http.hub import HttpTaskHub
from durablectl.backends.http.transport import Client, Transport
from durablectl.backends.local import LocalTaskHub
from durablectl.backends.local_address import CONNECTION, TASK_HUB
from durablectl.backends.retry import Pace, Settings
from durablectl.server.api import Api
from durablectl.server.app import App
from durablectl.server.async_hub import Gate
from durablectl.server.auth import Access
from durablectl.server.place import PATH, Place

ADDRESS = "http://localhost"
FATES = {
    "fine": 60,
    "unreachable": 5,
    "lost": 5,
    "answer lost": 10,
    "unavailable": 5,
    "failed": 5,
    "doubled": 5,
    "late": 5,
}
MAY_COME_LATER = {"raiseEvent", "signal", "terminate", "suspend", "resume"}
"""What a client that gave up may still cause. The others a client protects: it looks, for as long
as a slow request may take."""

Done = tuple[str, str, Any]
"""A change that the server has accepted: the verb, the instance, and what was sent."""


class Network(httpx.BaseTransport):
    """Carries requests to a server on `hub`.

    `accepted` is what the server has said yes to, in order, whoever heard of it.
    """

    def __init__(self, hub: LocalTaskHub, rng: Random, now: Callable[[], datetime]) -> None:
        self.accepted: list[Done] = []
        self.doubled = 0
        """How many changes the network itself has brought twice."""
        self._hub, self._rng = hub, rng
        self._gate = Gate(hub)
        self._app = App(Api(self._gate, Place(TASK_HUB, CONNECTION)), Access())
        self._loop = asyncio.new_event_loop()
        self._late: list[httpx.Request] = []
        self._seconds = 0.0
        self.hub = _remote_hub(
            self, Pace(sleep=self._sleep, clock=lambda: self._seconds, now=now, chance=rng.random)
        )

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        match self._rng.choices(list(FATES), list(FATES.values()))[0]:
            case "unreachable":
                raise httpx.ConnectError("nobody there")
            case "lost":
                raise httpx.ReadTimeout("no answer")
            case "answer lost":
                self._deliver(request)
                raise httpx.ReadError("cut off")
            case "unavailable":
                return _answer(503)
            case "failed":
                self._deliver(request)
                return _answer(502)
            case "doubled" if request.method != "GET":
                self.doubled += 1
                return self._rng.choice([self._deliver(request), self._deliver(request)])
            case "late" if request.method != "GET":
                self._late.append(request)
                raise httpx.ReadTimeout("no answer")
        return self._deliver(request)

    def deliver_late(
        self, *, at_most: int | None = None, but: set[str] | frozenset[str] = frozenset()
    ) -> int:
        """Let requests arrive whose clients have given up; how many did."""
        late = [request for request in self._late if _change(request)[0] not in but][:at_most]
        for request in late:
            self._late.remove(request)
            self._deliver(request)
        return len(late)

    def close(self) -> None:
        self.hub.close()
        self._gate.close()
        self._loop.close()
        self._hub.close()

    def _sleep(self, seconds: float) -> None:
        self._seconds += seconds
        if self._rng.random() < 0.5:
            self.deliver_late(at_most=1, but=MAY_COME_LATER)

    def _deliver(self, request: httpx.Request) -> httpx.Response:
        answer = self._loop.run_until_complete(_ask(self._app, request))
        if request.method != "GET" and answer.status_code < 300:
            self.accepted.append(_change(request))
        return answer


class _Wire(Transport):
    """The client's own transport, over the simulated network."""

    network: Network

    def _made(self, headers: Any) -> Client:
        return Client(httpx.Client(transport=self.network, headers=headers), Deadline())


def _remote_hub(network: Network, pace: Pace) -> HttpTaskHub:
    hub = HttpTaskHub(ADDRESS, pace=pace)
    wire = _Wire(hub.address, Settings(pace=pace))
    wire.network = network
    hub._calls = Calls(hub._address, hub._place, wire)
    return hub


async def _ask(app: App, request: httpx.Request) -> httpx.Response:
    """One request to an ASGI application, and its whole answer."""
    said: list[Any] = []
    raw_path, _, query = request.url.raw_path.partition(b"?")
    scope = {
        "type": "http",
        "http_version": "1.1",
        "method": request.method,
        "scheme": "http",
        "path": unquote(raw_path.decode()),
        "raw_path": raw_path,
        "query_string": query,
        "headers": [(name.lower(), value) for name, value in request.headers.raw],
    }

    async def receive() -> dict[str, Any]:
        return {"type": "http.request", "body": request.content, "more_body": False}

    async def send(message: Any) -> None:
        said.append(message)

    await app(scope, receive, send)
    body = b"".join(message.get("body", b"") for message in said[1:])
    return _answer(said[0]["status"], said[0]["headers"], body)


def _answer(status: int, headers: Any = (), body: bytes = b"") -> httpx.Response:
    """An answer that was not read yet, as from a socket."""
    return httpx.Response(status, headers=headers, stream=httpx.ByteStream(body))


def _change(request: httpx.Request) -> Done:
    match request.method, request.url.path.removeprefix(PATH).strip("/").split("/"):
        case "POST", ["orchestrators", _, instance_id]:
            return "start", instance_id, None
        case "POST", ["instances", instance_id, "raiseEvent", name]:
            return "raiseEvent", instance_id, (name.lower(), json.loads(request.content))
        case "POST", ["instances", instance_id, verb]:
            return verb, instance_id, None
        case "DELETE", ["instances", instance_id]:
            return "purge", instance_id, None
        case "POST", ["entities", *_]:
            return "signal", "", json.loads(request.content)
    raise AssertionError(request)
