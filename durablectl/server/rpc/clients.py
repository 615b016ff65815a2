"""What an app's durable clients of 2.x are given: the text of their binding, and the endpoint that
it names, which is started when it is first needed; knows no gRPC itself.
"""

from __future__ import annotations

import json
import secrets
import sys
import threading
from collections.abc import Callable
from contextlib import ExitStack, closing
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Self
from urllib.parse import urlsplit

from durablectl.backends.local import LocalTaskHub
from durablectl.backends.local_address import CONNECTION, NOMINAL_BASE, TASK_HUB
from durablectl.engine.registry import Registry
from durablectl.errors import Unsupported
from durablectl.server.place import MOST_BYTES, PATH, Place
from durablectl.wire import management_payload

if TYPE_CHECKING:
    from durablectl.server.rpc.endpoint import Endpoint


class Rpc:
    """The gRPC side of a hosted hub: a private socket for the app's own clients, and a port where
    one is asked for. `wake` is called when a client has changed something.

    gRPC has no such sockets on Windows. There the app's clients use a port of this machine, and a
    token in the place of the task hub's name, which they send with each call: who has not been
    given it is refused.
    """

    def __init__(
        self,
        hub: LocalTaskHub,
        place: Place,
        wake: Callable[[], None] = lambda: None,
        on_error: Callable[[Exception], None] = lambda _error: None,
        *,
        has_sockets: bool = sys.platform != "win32",
    ) -> None:
        self._token = None if has_sockets else secrets.token_urlsafe(32)
        self._hub, self._place, self._wake, self._on_error = hub, place, wake, on_error
        self._lock = threading.Lock()
        self._address = ""
        self._endpoints: list[Endpoint] = []
        self._is_closed = False

    def provide(self, registry: Registry, origin: str) -> None:
        """Give the app's activities their durable clients."""
        for source in registry.client_sources:
            source.text = partial(self.binding, origin)

    def binding(self, origin: str) -> str:
        """The text of a client's binding, as a host hands it to an app of 2.x."""
        address = self._place.address(origin)
        links = management_payload(address, "x").status_query_get_uri or ""
        return json.dumps(
            {
                "taskHubName": self._token or self._place.task_hub,
                "connectionName": None,
                "creationUrls": None,
                "managementUrls": None,
                "baseUrl": None,
                "requiredQueryStringParameters": urlsplit(links).query,
                "rpcBaseUrl": self._socket(),
                "httpBaseUrl": origin + PATH,
                "maxGrpcMessageSizeInBytes": MOST_BYTES,
            }
        )

    def listen(self, port: int) -> str:
        """Serve other clients on a port of this machine; the address. Where a key is asked for
        over HTTP, it is asked for here, too.
        """
        with self._lock:
            return self._begin(port, self._place.key)

    def close(self) -> None:
        """End all calls. Calling it twice is fine."""
        with self._lock:
            self._is_closed = True
            endpoints, self._endpoints = self._endpoints, []
        for endpoint in endpoints:
            endpoint.close()

    def _socket(self) -> str:
        with self._lock:
            if not self._address:
                port = None if self._token is None else 0
                self._address = self._begin(port, None, self._token)
            return self._address

    def _begin(self, port: int | None, key: str | None, token: str | None = None) -> str:
        try:
            from durablectl.server.rpc import endpoint, operations  # deferred: they need gRPC
        except ModuleNotFoundError as error:
            raise Unsupported(
                f"gRPC clients need '{error.name}', which is not installed",
                hint="pip install 'durablectl[grpc]'",
            ) from error
        if self._is_closed:
            raise Unsupported("the server is stopping")
        place = self._place
        asked = operations.Operations(
            self._hub, default_version=place.version, overrides_any=place.overrides_any
        )
        opened = endpoint.Endpoint(
            asked,
            task_hub=place.task_hub,
            key=key,
            token=token,
            wake=self._wake,
            on_error=self._on_error,
        )
        address = opened.start(port)
        self._endpoints.append(opened)
        return address


class LazyClients:
    """Durable clients for the activities of an app whose hub is not served: the endpoint is opened
    once an activity asks for its client.
    """

    def __init__(self, path: Path) -> None:
        self._path, self._opened = path, ExitStack()
        self._lock = threading.Lock()

    def provide(self, registry: Registry) -> None:
        """Give the app's activities their durable clients."""
        for source in registry.client_sources:
            source.text = self.binding

    def binding(self) -> str:
        """The text of a client's binding."""
        with self._lock:
            return self._rpc.binding(NOMINAL_BASE.removesuffix(PATH))

    @cached_property
    def _rpc(self) -> Rpc:
        hub = self._opened.enter_context(LocalTaskHub(self._path))
        return self._opened.enter_context(closing(Rpc(hub, Place(TASK_HUB, CONNECTION))))

    def close(self) -> None:
        """End all calls. Calling it twice is fine."""
        with self._lock:
            self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
