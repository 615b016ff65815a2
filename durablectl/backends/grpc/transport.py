"""Calls to one server of the Durable Task protocol: deadlines, metadata, retries where they are
safe; knows no verb of a task hub.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple, Protocol
from urllib.parse import urlsplit

import grpc

from durablectl.backends.grpc.failures import Place, TooLarge, trouble_of
from durablectl.backends.retry import Settings, Terms, Trouble, answer_of
from durablectl.errors import (
    KeyRefused,
    Unreachable,
    Unsupported,
    UsageError,
    reason_of,
)
from durablectl.protocol.fields import Fields, Message
from durablectl.protocol.messages import Dialect, Method, durable_task, parse
from durablectl.redaction import MARK
from durablectl.version import __version__

MOST_BYTES = 200 * 1024 * 1024
LONGEST_CALL = 86400.0
CONNECTING = (
    ("grpc.initial_reconnect_backoff_ms", 200),  # our own retries come that soon
    ("grpc.max_reconnect_backoff_ms", 5000),
    ("grpc.service_config_disable_resolution", 1),  # a look-up in the DNS that nothing here needs
    ("grpc.use_local_subchannel_pool", 1),  # or a second channel has the connection of the first
)
MOST_RETIRED = 4
SHORTEST_SECRET = 6  # a shorter value of a header may be a part of any word
Metadata = list[tuple[str, str]]


class Token(Protocol):
    """Where the token of each call comes from."""

    def current(self, seconds: float) -> str:
        """A token that is valid now; `KeyRefused` when there is none in that time."""

    def forget(self) -> None:
        """Ask for another one next time: the server has refused this one."""


class Answer(NamedTuple):
    """The messages of an answer: one, or those of a stream.

    `resent`: an earlier attempt of the same call may have been carried out already.
    """

    messages: tuple[Message, ...]
    resent: bool = False

    @property
    def message(self) -> Message:
        return self.messages[0]


class Transport:
    """Calls one server over one channel, which any number of threads may use.

    The channel connects with the first call. After a call that was not answered in time the next
    one gets a new channel: a connection that a router has forgotten answers nothing for minutes.
    """

    def __init__(self, place: Place, settings: Settings, token: Token | None) -> None:
        self.place, self._settings, self._token = place, settings, token
        self._dialect = durable_task()
        self._metadata = _metadata(settings, place.task_hub)
        self._channel = _channel(place.address, settings)
        self._retired: deque[grpc.Channel] = deque()
        self._lock = threading.Lock()

    def call(
        self, name: str, fields: Fields, terms: Terms, *, dialect: Dialect | None = None
    ) -> Answer:
        """The answer of a method. Errors: see `answer_of`; `Unsupported` for one that the server
        lacks.
        """
        method = _method(dialect or self._dialect, name)
        body = method.request.SerializeToString(method.request(**fields))
        data, resent = answer_of(
            lambda left: self._answered(method, body, left), terms, self._settings.pace
        )
        return Answer(tuple(parse(method.response, each) for each in data), resent)

    def _answered(self, method: Method, body: bytes, left: float) -> list[bytes] | Trouble:
        """An attempt in the seconds that are left; a second one where the token was refused, which
        may have been too old.
        """
        channel, token, timeout = self._channel, self._token, self._settings.timeout
        end = self._settings.pace.clock() + left
        outcome = self._attempt(method, body, end, timeout)
        if token and isinstance(outcome, Trouble) and isinstance(outcome.error, KeyRefused):
            token.forget()
            outcome = self._attempt(method, body, end, timeout)
        if isinstance(outcome, Trouble) and outcome.is_late:
            self._retire(channel)
        return outcome

    def once(self, name: str, fields: Fields, seconds: float) -> Message | Trouble:
        """One attempt at a method, which may take that long."""
        method = _method(self._dialect, name)
        body = method.request.SerializeToString(method.request(**fields))
        end = self._settings.pace.clock() + seconds
        outcome = self._attempt(method, body, end, seconds)
        return outcome if isinstance(outcome, Trouble) else parse(method.response, outcome[0])

    def close(self) -> None:
        for channel in (*self._retired, self._channel):
            channel.close()

    def _retire(self, channel: grpc.Channel) -> None:
        """Use another channel from now on; calls of other threads may still be under way on it."""
        with self._lock:
            if self._channel is channel:
                self._retired.append(channel)
                self._channel = _channel(self.place.address, self._settings)
            if len(self._retired) > MOST_RETIRED:
                self._retired.popleft().close()

    def _signed(self, seconds: float) -> Metadata:
        """The metadata of a call, with a token that may take that long to get."""
        token, clock = self._token, self._settings.pace.clock
        if token is None:
            return self._metadata
        end = clock() + seconds
        try:
            text = token.current(seconds)
        except KeyRefused as error:
            if clock() < end:
                raise
            raise Unreachable(error.message, hint=error.hint) from error  # it is a matter of time
        return [*self._metadata, ("authorization", f"Bearer {text}")]

    def _attempt(
        self, method: Method, body: bytes, end: float, longest: float
    ) -> list[bytes] | Trouble:
        """One call, which is over at `end` on the pace's clock, and after `longest` seconds."""
        channel, clock = self._channel, self._settings.pace.clock
        sent = self._signed(end - clock())
        seconds = max(min(longest, end - clock(), LONGEST_CALL), 0.0)
        limits = {"timeout": seconds, "metadata": sent}
        try:
            if method.streams:
                return self._collected(channel.unary_stream(method.path)(body, **limits))
            return [channel.unary_unary(method.path)(body, **limits)]
        except grpc.RpcError as error:
            details = _without_secrets(error.details() or "", sent)
            return trouble_of(self.place, method.name, error.code().name, details)

    def _collected(self, stream: Iterable[bytes]) -> list[bytes]:
        """The messages of a stream; `TooLarge` beyond the limit of an answer."""
        found, size, most = [], 0, self._settings.max_response or MOST_BYTES
        for data in stream:
            size += len(data)
            if size > most:
                raise TooLarge(f"the answer of {self.place.address} has more than {most:,} bytes")
            found.append(data)
        return found


def _without_secrets(details: str, sent: Metadata) -> str:
    """What a server says, if it should repeat what it was sent."""
    for value in (value for name, value in sent if name not in ("taskhub", "x-user-agent")):
        secret = value.removeprefix("Bearer ")
        details = details.replace(secret, MARK) if len(secret) >= SHORTEST_SECRET else details
    return details


def _method(dialect: Dialect, name: str) -> Method:
    if (method := dialect.methods.get(name)) is None:
        raise Unsupported(f"this dialect of the Durable Task protocol has no {name}")
    return method


def _metadata(settings: Settings, task_hub: str) -> Metadata:
    """The metadata of every call; `UsageError` for what it cannot carry, which is not shown."""
    own = {"x-user-agent": f"durablectl/{__version__}"}
    if task_hub:
        own["taskhub"] = task_hub
    given = {name.lower(): value for name, value in settings.headers.items()}
    for name, value in (given | own).items():
        if not (name + value).isascii() or not (name + value).isprintable() or not name:
            raise UsageError(f"the value of '{name}' has characters that no call can carry")
    return list((given | own).items())


def _channel(url: str, settings: Settings) -> grpc.Channel:
    parts = urlsplit(url)
    host = parts.hostname or ""
    shown = f"[{host}]" if ":" in host else host
    target = f"{shown}:{parts.port or (443 if parts.scheme == 'grpcs' else 80)}"
    most = settings.max_response or MOST_BYTES
    options: list[tuple[str, object]] = [
        *CONNECTING,
        ("grpc.max_receive_message_length", most),
        ("grpc.max_send_message_length", -1),  # the server knows best what it accepts
    ]
    if settings.proxy:
        options.append(("grpc.http_proxy", settings.proxy))
    elif host in ("localhost", "::1") or host.startswith("127."):
        options.append(("grpc.enable_http_proxy", 0))
    if parts.scheme == "grpc":
        return grpc.insecure_channel(target, options)
    return grpc.secure_channel(target, grpc.ssl_channel_credentials(_roots(settings)), options)


def _roots(settings: Settings) -> bytes | None:
    """The certificates to trust; None for those that grpc brings along."""
    if settings.ca_file is None:
        return None
    try:
        return Path(settings.ca_file).read_bytes()
    except OSError as error:
        raise UsageError(
            f"cannot use the CA file '{settings.ca_file}': {reason_of(error)}"
        ) from error
