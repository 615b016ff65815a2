"""A gRPC server with the protocol's methods, on a socket that only this user reaches or on a port
of this machine.

Calls run in a few threads and are quick; those that wait for an instance keep no thread. The number
of calls and the size of messages are bounded.
"""

from __future__ import annotations

import hmac
import shutil
import tempfile
from collections.abc import Callable, Collection, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from threading import BoundedSemaphore, Lock
from typing import Any, ClassVar

import grpc

from durablectl.backends.local import LocalTaskHub
from durablectl.errors import (
    AlreadyExists,
    Conflict,
    DurablectlError,
    HubUnusable,
    NotFound,
    Unsupported,
    UsageError,
)
from durablectl.history.columns import STATUS_NUMBERS
from durablectl.model import FINAL_STATUSES, RuntimeStatus
from durablectl.protocol.fields import Fields, MalformedMessage, read_needed
from durablectl.protocol.messages import Method, durable_task, parse
from durablectl.protocol.table import SERVICE
from durablectl.server.completion_watcher import Waits
from durablectl.server.place import MOST_BYTES
from durablectl.server.rpc.operations import Operations

MOST_CALLS = 2_000
MOST_STREAMS = 4
THREADS = 8
STOP_SECONDS = 0.5
_CODES: tuple[tuple[type[DurablectlError], grpc.StatusCode], ...] = (
    (MalformedMessage, grpc.StatusCode.INVALID_ARGUMENT),
    (NotFound, grpc.StatusCode.NOT_FOUND),
    (AlreadyExists, grpc.StatusCode.ALREADY_EXISTS),
    (Conflict, grpc.StatusCode.FAILED_PRECONDITION),
    (UsageError, grpc.StatusCode.INVALID_ARGUMENT),
    (Unsupported, grpc.StatusCode.UNIMPLEMENTED),
    (HubUnusable, grpc.StatusCode.UNAVAILABLE),
)
# the protocol has the store's numbers
_PENDING = STATUS_NUMBERS[RuntimeStatus.PENDING]
_FINAL = frozenset(STATUS_NUMBERS[each] for each in FINAL_STATUSES)
_READS = frozenset(
    {"Hello", "GetInstance", "QueryInstances", "ListInstanceIds", "GetEntity", "QueryEntities"}
)


class Refused(Exception):
    """A call that is not answered, with its status code."""

    def __init__(self, code: grpc.StatusCode, text: str) -> None:
        super().__init__(text)
        self.code = code


class Endpoint:
    """Serves `operations` from `start` until `close`.

    A client that names a task hub must name `task_hub`; with a `key` it must send that, too. With
    a `token` it must name that in the place of the task hub.
    `wake` is called when a client may have changed something; `on_error` hears of defects.
    """

    def __init__(
        self,
        operations: Operations,
        *,
        task_hub: str = "",
        key: str | None = None,
        token: str | None = None,
        wake: Callable[[], None] = lambda: None,
        on_error: Callable[[Exception], None] = lambda _error: None,
    ) -> None:
        self.operations, self._task_hub = operations, task_hub
        self._key, self._token = key, token
        self._wake, self._on_error = wake, on_error
        self._ended, self._begun = Waits(operations.hub), Waits(_Begun(operations.hub))
        self._streams = BoundedSemaphore(MOST_STREAMS)
        self._folder: Path | None = None
        self._server: grpc.Server | None = None

    def start(self, port: int | None = None) -> str:
        """Listen on a port of the loopback interface, else on a socket in a folder that only this
        user may enter; the address for clients. `UsageError` when that cannot be.
        """
        server = self._server = grpc.server(
            ThreadPoolExecutor(THREADS, "rpc"),
            handlers=[self._handlers()],
            options=[
                ("grpc.max_receive_message_length", MOST_BYTES),
                ("grpc.max_send_message_length", MOST_BYTES),
                ("grpc.so_reuseport", 0),
            ],
            maximum_concurrent_rpcs=MOST_CALLS,
        )
        if port is None:
            self._folder = Path(tempfile.mkdtemp(prefix="durablectl-"))  # 0700
            address = f"unix:{self._folder / 'rpc'}"
        else:
            address = f"127.0.0.1:{port}"
        try:
            bound = server.add_insecure_port(address)
        except RuntimeError as error:
            raise UsageError(
                f"cannot listen for gRPC on {address}", hint="name another port with --grpc"
            ) from error
        server.start()
        return address if port is None else f"127.0.0.1:{bound}"

    def close(self) -> None:
        """End all calls, and take the socket away. Calling it twice is fine."""
        for each in (self._ended, self._begun):
            each.stop()
        if self._server is not None:
            self._server.stop(STOP_SECONDS).wait(2 * STOP_SECONDS)
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)

    def _handlers(self) -> grpc.GenericRpcHandler:
        handlers: dict[str, Any] = {}
        waits = {
            "WaitForInstanceStart": (self._begun, _has_started),
            "WaitForInstanceCompletion": (self._ended, _has_ended),
        }
        for name, method in durable_task().methods.items():
            behavior: Callable[..., Any] = partial(self._call, method)
            make = grpc.unary_unary_rpc_method_handler
            if method.streams:
                behavior, make = partial(self._stream, method), grpc.unary_stream_rpc_method_handler
            if (wait := waits.get(name)) is not None:
                behavior, make = _Waiting(self, method, *wait), grpc.unary_stream_rpc_method_handler
            handlers[name] = make(behavior, response_serializer=method.response.SerializeToString)
        return grpc.method_handlers_generic_handler(SERVICE, handlers)

    def _call(self, method: Method, data: bytes, context: grpc.ServicerContext) -> Any:
        try:
            self.admit(context)
            answer = self.operations.methods.get(method.name)
            if answer is None:
                raise Unsupported(f"{method.name} is not available on a local hub")
            fields = answer(parse(method.request, data))
            if method.name not in _READS:
                self._wake()
            return method.response(**fields)
        except Exception as error:
            context.abort(*self.told(error))

    def _stream(self, method: Method, data: bytes, context: grpc.ServicerContext) -> Iterator[Any]:
        if not self._streams.acquire(blocking=False):
            context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "too many histories are being read")
        try:
            self.admit(context)
            yield from self.operations.history(durable_task().messages, parse(method.request, data))
        except Exception as error:
            context.abort(*self.told(error))
        finally:
            self._streams.release()

    def admit(self, context: grpc.ServicerContext) -> None:
        """Refuse who names another task hub, or does not have the key."""
        sent = {name.lower(): value for name, value in context.invocation_metadata() or ()}
        asked = sent.get("taskhub") or ""
        if self._token is not None:
            if not hmac.compare_digest(str(asked).encode(), self._token.encode()):
                raise Refused(
                    grpc.StatusCode.UNAUTHENTICATED,
                    "this port is for the app's own clients; others use that of serve --grpc PORT",
                )
        elif self._task_hub and asked and str(asked).lower() != self._task_hub.lower():
            raise Refused(
                grpc.StatusCode.NOT_FOUND,
                f"no task hub '{asked}' is served here; it is '{self._task_hub}'",
            )
        if self._key is not None:
            given = str(sent.get("x-functions-key") or "")
            if not hmac.compare_digest(given.encode(), self._key.encode()):
                raise Refused(
                    grpc.StatusCode.UNAUTHENTICATED, "the metadata x-functions-key must be the key"
                )

    def told(self, error: Exception) -> tuple[grpc.StatusCode, str]:
        """The status code and the text of an error; of a defect only that there was one."""
        if isinstance(error, Refused):
            return error.code, str(error)
        if isinstance(error, DurablectlError):
            for kind, code in _CODES:
                if isinstance(error, kind):
                    return code, error.message
        self._on_error(error)
        return grpc.StatusCode.INTERNAL, "an unexpected error occurred"


class _Begun:
    """A hub for `Waits` in which instances count as ended once they run."""

    def __init__(self, hub: LocalTaskHub) -> None:
        self._hub = hub

    def pause(self, seconds: float) -> None:
        self._hub.pause(seconds)

    def ended(self, instance_ids: Collection[str]) -> set[str]:
        return {each for each in instance_ids if self._has_begun(each)}

    def _has_begun(self, instance_id: str) -> bool:
        row = self._hub.database.one("SELECT status FROM instances WHERE id = ?", (instance_id,))
        return row is not None and row[0] != _PENDING


@dataclass(frozen=True, slots=True)
class _Waiting:
    """A method that answers once an instance is where it shall be, without a thread that waits.

    On the wire one response is one response, so it is served as a stream of one, for which gRPC
    has handlers that answer later.
    """

    endpoint: Endpoint
    method: Method
    waits: Waits
    is_there: Callable[[Fields], bool]
    experimental_non_blocking: ClassVar = True

    def __call__(
        self, data: bytes, context: grpc.ServicerContext, send: Callable[[Any], None]
    ) -> None:
        _OneWait(self, context, send).begin(data)


class _OneWait:
    """One call that waits: answered once, or forgotten when its client has gone."""

    def __init__(
        self, of: _Waiting, context: grpc.ServicerContext, send: Callable[[Any], None]
    ) -> None:
        self._of, self._context, self._send = of, context, send
        self._id = ""
        self._request: Any = None
        self._lock, self._is_over = Lock(), False

    def begin(self, data: bytes) -> None:
        try:
            self._of.endpoint.admit(self._context)
            self._request = parse(self._of.method.request, data)
            self._id = read_needed(self._request, "instanceId")
        except Exception as error:
            self._fail(error)
            return
        if not self._context.add_callback(self._forget):
            return  # it has ended already
        if not self._of.waits.add(self._id, self._wake):
            self._wake()

    def _forget(self) -> None:
        self._of.waits.forget(self._id, self._wake)

    def _wake(self) -> None:
        with self._lock:
            if self._is_over:
                return
            self._is_over = True
        self._forget()
        with suppress(ValueError, RuntimeError):  # the client has gone meanwhile
            self._answer()

    def _answer(self) -> None:
        try:
            fields = self._of.endpoint.operations.look(
                self._id, payloads=self._request.getInputsAndOutputs
            )
            if not self._of.is_there(fields):  # all waiting has been stopped
                raise Refused(grpc.StatusCode.UNAVAILABLE, "the server is stopping")
        except Exception as error:
            self._fail(error)
            return
        self._send(self._of.method.response(**fields))
        self._send(None)

    def _fail(self, error: Exception) -> None:
        code, text = self._of.endpoint.told(error)
        self._context.set_code(code)
        self._context.set_details(text)
        self._send(None)


def _has_started(fields: Fields) -> bool:
    return bool(fields["exists"] and _number_in(fields) != _PENDING)


def _has_ended(fields: Fields) -> bool:
    return not fields["exists"] or _number_in(fields) in _FINAL


def _number_in(fields: Fields) -> int:
    number: int = fields["orchestrationState"]["orchestrationStatus"]
    return number
