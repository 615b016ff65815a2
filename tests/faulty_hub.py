"""A task hub behind `scripted_server` that keeps instances, and misbehaves on purpose in one way or
another.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from urllib.parse import parse_qs, unquote

from scripted_server import RESET, Answer, Request, Server, payload, status

Fault = Callable[["FaultyHub", Request], Answer | None]
STATES = {"terminate": "Terminated", "suspend": "Suspended", "resume": "Running"}


@dataclass
class FaultyHub:
    """`instances` maps ids to states; `fault` answers instead of the hub, or lets it (None); `page`
    is how many a page holds.
    """

    server: Server
    instances: dict[str, str]
    fault: Fault = lambda _hub, _request: None
    page: int = 25
    restarted: list[str] = field(default_factory=list)
    chance: random.Random = field(default_factory=lambda: random.Random(7))
    lock: threading.Lock = field(default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self.server.otherwise = self.answer

    def answer(self, request: Request) -> Answer:
        with self.lock:
            fault = self.fault(self, request)
        if fault is not None:
            return fault
        with self.lock:
            return self.carried_out(request)

    def carried_out(self, request: Request) -> Answer:
        """What the service answers."""
        match (request.method, *map(unquote, request.path.strip("/").split("/"))):
            case ("GET", "instances"):
                return self.listed(request)
            case ("GET", _, name) if name in self.instances:
                return 200, status(name, self.instances[name])
            case ("POST", _, name, "restart") if name in self.instances:
                self.restarted.append(name)
                return 202, payload(self.server.url, f"{name}-new{len(self.restarted)}")
            case ("POST", _, name, verb) if name in self.instances:
                if self.instances[name] in ("Terminated", "Completed"):
                    return 410, None
                self.instances[name] = STATES[verb]
                return 202, None
            case ("POST", "orchestrators", _name, given):
                self.instances[given] = "Pending"
                return 202, payload(self.server.url, given)
            case ("DELETE", _, name) if name in self.instances:
                del self.instances[name]
                return 200, {"instancesDeleted": 1}
        return 404, None

    def listed(self, request: Request) -> Answer:
        query = parse_qs(request.query)
        states = {word for text in query.get("runtimeStatus", []) for word in text.split(",")}
        wanted = [
            name for name, state in sorted(self.instances.items()) if not states or state in states
        ]
        size = min(self.page, int(query["top"][0]))
        start = int(request.token or 0)
        rows = [status(name, self.instances[name]) for name in wanted[start : start + size]]
        return (
            200,
            rows,
            {"x-ms-continuation-token": str(start + size) if start + size < len(wanted) else ""},
        )


def storm(hub: FaultyHub, _request: Request) -> Answer | None:
    """429 to every second request."""
    return (429, None, {"Retry-After": "0"}) if hub.chance.random() < 0.5 else None


def broken(hub: FaultyHub, request: Request) -> Answer | None:
    """One request in ten fails, half of them after they were carried out."""
    if hub.chance.random() >= 0.1:
        return None
    if hub.chance.random() < 0.5:
        hub.carried_out(request)
    return hub.chance.choice([500, 502, 503]), None


def reset(hub: FaultyHub, request: Request) -> Answer | None:
    """One connection in ten is reset, half of them after the request was carried out."""
    if hub.chance.random() >= 0.1:
        return None
    if hub.chance.random() < 0.5:
        hub.carried_out(request)
    return RESET, None


def stall(seconds: float) -> Fault:
    """One request in ten is not answered in time."""

    def stalled(hub: FaultyHub, _request: Request) -> Answer | None:
        if hub.chance.random() < 0.1:
            hub.lock.release()
            time.sleep(seconds)
            hub.lock.acquire()
        return None

    return stalled
