"""The app's HTTP functions: found by their routes, run apart from the server's own loop, answered
for.

Knows no socket.
"""

from __future__ import annotations

import asyncio
import inspect
import json
import sys
from collections.abc import Callable, Coroutine, Sequence
from concurrent.futures import wait
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any
from urllib.parse import parse_qsl

from starlette.datastructures import Headers
from starlette.responses import Response
from starlette.types import Receive, Scope

from durablectl.engine.registry import OtherFunction, Registry
from durablectl.engine.worker.app_output import end_line
from durablectl.functionapp import http
from durablectl.functionapp.declared import HTTP
from durablectl.polling.threads import start_thread
from durablectl.server.async_hub import Gate, Outcome
from durablectl.server.auth import Access
from durablectl.server.call import origin_of, read_body, target_of
from durablectl.server.client import DurableClient
from durablectl.server.place import PATH, Place
from durablectl.server.responses import empty
from durablectl.server.rpc.clients import Rpc
from durablectl.server.templates import Template, parse_template
from durablectl.wire import creation_urls, management_payload, payload_to_json

ANONYMOUS = "anonymous"
PLACEHOLDER = "INSTANCEID"
LEAVE_SECONDS = 0.3
ENDING_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class Route:
    """An HTTP function and where it answers. No `methods` are all of them."""

    function: OtherFunction
    template: Template
    methods: frozenset[str]

    @property
    def is_open(self) -> bool:
        return str(self.function.settings.get("auth_level")).lower() == ANONYMOUS


def routes_of(registry: Registry) -> list[Route]:
    """The HTTP functions of an app, in the order in which they are tried; `AppError` for a route
    that cannot be read.
    """
    found = [
        Route(
            one,
            parse_template(one.settings.get("route") or one.name),
            frozenset(map(str.upper, one.settings.get("methods") or ())),
        )
        for one in registry.others
        if one.trigger == HTTP
    ]
    return sorted(found, key=lambda route: route.template.rank)


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What the functions are hosted in.

    `rpc_base` is where an app's own client reaches this process, with a slash at the end.
    """

    gate: Gate
    place: Place
    access: Access
    rpc_base: str
    failed: Callable[[str, BaseException], None]
    rpc: Rpc


class AppFunctions:
    """The HTTP functions of an app, hosted below `prefix`."""

    def __init__(self, registry: Registry, prefix: str, surroundings: Surroundings) -> None:
        self.routes = routes_of(registry)
        self._endings = registry.endings
        self._prefix, self._around = [part for part in prefix.split("/") if part], surroundings
        self._loop = _Loop()

    async def answer(self, scope: Scope, receive: Receive) -> Response | None:
        """The answer of the function that the request's path and method select; None when there is
        none.
        """
        path = scope["raw_path"].decode("latin-1").strip("/").split("/")
        prefix = len(self._prefix)
        if [part.lower() for part in path[:prefix]] != [part.lower() for part in self._prefix]:
            return None
        for route in self.routes:
            if route.methods and scope["method"] not in route.methods:
                continue
            parameters = route.template.match([part for part in path[prefix:] if part])
            if parameters is not None:
                return await self._call(route, scope, receive, parameters)
        return None

    def close(self) -> None:
        self._loop.close(self._endings)

    async def _call(
        self, route: Route, scope: Scope, receive: Receive, parameters: dict[str, str]
    ) -> Response:
        headers = Headers(scope=scope)
        if not route.is_open and not self._around.access.knows(headers, scope["query_string"]):
            return empty(401)
        origin = origin_of(scope, headers)
        flavour: Any = sys.modules.get("azure.functions") or http  # as the app has it
        request = flavour.HttpRequest(
            scope["method"],
            origin + target_of(scope),
            headers=_joined(headers.items()),
            params=_joined(
                parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
            ),
            route_params=parameters,
            body=await read_body(headers, receive),
        )
        function = route.function
        arguments = {function.parameter: request} | {
            name: self._client(function, is_text, origin)
            for name, is_text in function.clients.items()
        }
        try:
            return _response(await self._loop.run(function.function, arguments))
        except asyncio.CancelledError:
            raise
        except BaseException as error:  # user code
            self._around.failed(function.name, error)
            return empty(500)

    def _client(self, function: OtherFunction, is_text: bool, origin: str) -> Any:
        """The SDK's own client where the app uses the SDK, else ours; as JSON text for a function
        that makes it by itself.
        """
        if function.is_grpc:
            return self._around.rpc.binding(origin)
        sdk = sys.modules.get("azure.durable_functions")
        if is_text:
            return self._binding(origin)
        if sdk is not None:
            return sdk.DurableOrchestrationClient(self._binding(origin))
        return DurableClient(self._around.gate, self._around.place, origin)

    def _binding(self, origin: str) -> str:
        """What the Functions host hands to the SDK's client."""
        address = self._around.place.address(origin)
        return json.dumps(
            {
                "taskHubName": address.task_hub,
                "connectionName": None,
                "creationUrls": creation_urls(address),
                "managementUrls": payload_to_json(management_payload(address, PLACEHOLDER)),
                "baseUrl": origin + PATH,
                "requiredQueryStringParameters": address.query,
                "rpcBaseUrl": self._around.rpc_base,
                "httpBaseUrl": None,
            }
        )


def _joined(pairs: Sequence[tuple[str, str]]) -> dict[str, str]:
    """By name; several values of one are joined with commas, as the Functions host does it."""
    values: dict[str, list[str]] = {}
    for name, value in pairs:
        values.setdefault(name, []).append(value)
    return {name: ",".join(several) for name, several in values.items()}


def _response(returned: Any) -> Response:
    """What a function returned, as the Functions worker reads it: a response, text, bytes or
    nothing.
    """
    if returned is None:
        return empty(204)
    if isinstance(returned, str | bytes | bytearray):
        returned = http.HttpResponse(returned if isinstance(returned, str) else bytes(returned))
    if not hasattr(returned, "get_body") or not hasattr(returned, "status_code"):
        raise TypeError(
            f"an HTTP function returns an HttpResponse or a string, not a {type(returned).__name__}"
        )
    answer = Response(returned.get_body(), HTTPStatus(returned.status_code))
    for name, value in returned.headers.items():
        if name.lower() != "content-length":
            answer.headers.append(name, str(value))
    if "content-type" not in answer.headers:
        charset = f"; charset={returned.charset}" if returned.mimetype.startswith("text/") else ""
        answer.headers["content-type"] = returned.mimetype + charset
    return answer


class _Loop:
    """A loop in a thread of its own for `async` functions, and threads for the others: what user
    code blocks is never the server.
    """

    def __init__(self) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = start_thread(self._run, name="functions")

    async def run(self, function: Callable[..., Any], arguments: dict[str, Any]) -> Any:
        call = _awaited if inspect.iscoroutinefunction(function) else _in_a_thread
        future = asyncio.run_coroutine_threadsafe(call(function, arguments), self._loop)
        returned, error = await asyncio.wrap_future(future)
        if error is not None:
            raise error
        return returned

    def close(self, endings: Sequence[Callable[[], Coroutine[Any, Any, None]]]) -> None:
        """Await the `endings` for a moment, and stop; what still runs is left behind with the
        process.
        """
        sessions = sys.modules.get("azure.durable_functions.models.utils.http_utils")
        session = getattr(sessions, "_client_session", None)
        last = [*(ending() for ending in endings), *([] if session is None else [session.close()])]
        wait([asyncio.run_coroutine_threadsafe(each, self._loop) for each in last], ENDING_SECONDS)
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(LEAVE_SECONDS)

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        self._loop.run_forever()


async def _awaited(function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
    try:
        return await function(**arguments), None
    except BaseException as error:  # user code; a SystemExit would end the loop
        return None, error
    finally:
        end_line()


async def _in_a_thread(function: Callable[..., Any], arguments: dict[str, Any]) -> Outcome:
    loop = asyncio.get_running_loop()
    done: asyncio.Future[Outcome] = loop.create_future()

    def call() -> None:
        outcome: Outcome
        try:
            outcome = function(**arguments), None
        except BaseException as error:  # user code
            outcome = None, error
        end_line()
        loop.call_soon_threadsafe(done.set_result, outcome)

    start_thread(call, name="function")
    return await done
