"""Requests to one origin over httpx: a key that stays home, retries where they are safe; knows no
task hub and no operation.
"""

from __future__ import annotations

import math
import re
import socket
import ssl
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, replace
from http.cookiejar import CookieJar, DefaultCookiePolicy
from typing import Any, NamedTuple
from urllib.parse import SplitResult, urljoin, urlsplit

import httpx

from durablectl.backends.http.body import ENCODINGS, MOST_BYTES, Garbled, TooLarge, read_body
from durablectl.backends.http.deadline import Deadline, keep
from durablectl.backends.http.retry import retry_after
from durablectl.backends.retry import LARGER_HINT, Settings, Terms, Trouble, answer_of
from durablectl.errors import (
    BadAddress,
    DurablectlError,
    NotATaskHub,
    ServiceError,
    Unreachable,
    UsageError,
    reason_of,
)
from durablectl.quoting import command
from durablectl.version import __version__
from durablectl.wire import fault_from_json, is_status, json_value

MAX_REDIRECTS = 5
BROKEN_OFF = (ssl.SSLEOFError, ssl.SSLZeroReturnError, ssl.SSLSyscallError)
UNKNOWN_HOST = (socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME))
Headers = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Request:
    """One request: `target` is path and query below the base address, encoded.

    `look`: see `Terms`. `timeout` is for the whole answer.
    """

    method: str
    target: str
    body: bytes | None = None
    headers: Headers = field(default_factory=dict)
    look: str | None = None
    timeout: float | None = None


@dataclass(frozen=True, slots=True)
class Answer:
    """What came back, complete; header names in lower case.

    `value` is the decoded body where `is_json`.

    `resent`: an earlier attempt of the same request may have been carried out already.
    """

    status: int
    headers: Headers
    body: bytes = b""
    is_json: bool = False
    value: Any = None
    resent: bool = False

    @property
    def is_html(self) -> bool:
        return (
            "html" in self.headers.get("content-type", "").lower()
            or self.body[:200].lstrip()[:1] == b"<"
        )


class Client(NamedTuple):
    """A client of one thread at a time, and the end of what it does."""

    http: httpx.Client
    deadline: Deadline


class Transport:
    """Sends requests below one base address.

    Any number of threads may use it: each call takes an idle client, or makes one.
    """

    def __init__(self, base: str, settings: Settings) -> None:
        self.base, self._settings = base, settings
        check_headers(settings.headers)
        self._verify = _trust(base, settings)
        self._idle: deque[Client] = deque()
        self._closed = False

    def send(self, request: Request, deadline: float = math.inf) -> Answer:
        """The service's answer, whatever its status.

        `deadline`, a time of the pace's clock, ends the attempt that is under way then, and the
        sending again. Errors: see `answer_of`.
        """
        timeout = self._settings.timeout if request.timeout is None else request.timeout
        answer, resent = answer_of(
            lambda left: self._attempt(request, min(timeout, left)),
            Terms(deadline, request.look),
            self._settings.pace,
        )
        return replace(answer, resent=resent)

    def close(self) -> None:
        self._closed = True
        while self._idle:
            self._idle.pop().http.close()

    def _attempt(self, request: Request, seconds: float) -> Answer | Trouble:
        client = self._client()
        try:
            client.deadline.begin(seconds)
            return self._exchange(client.http, request)
        except httpx.InvalidURL:
            raise UsageError(f"the request makes no valid address below {self.base}") from None
        except TooLarge as error:
            too_large = NotATaskHub(f"the answer of {self.base} {error}", hint=LARGER_HINT)
            return Trouble(too_large, maybe_done=True)
        except Garbled as error:
            cut = Unreachable(f"the answer of {self.base} was cut short or garbled: {error}")
            return Trouble(cut, temporary=True, maybe_done=True)
        except httpx.HTTPError as error:
            return trouble_of(self.base, error)
        finally:
            self._give_back(client)

    def _exchange(self, client: httpx.Client, request: Request) -> Answer | Trouble:
        """One attempt, within the origin followed to where it is redirected."""
        url = self.base + request.target
        headers = {**self._settings.headers, **request.headers}
        for _ in range(MAX_REDIRECTS + 1):
            with client.stream(
                request.method, url, content=request.body, headers=headers
            ) as response:
                if not response.has_redirect_location:
                    return self._read(response)
                url = _next_hop(request, url, response.headers["location"])
        raise NotATaskHub(f"{self.base} redirects in circles")

    def _client(self) -> Client:
        try:
            return self._idle.pop()
        except IndexError:
            own = {
                "User-Agent": f"durablectl/{__version__}",
                "Accept": "application/json",
                "Accept-Encoding": ENCODINGS,
            }
            return self._made(own)

    def _made(self, headers: Headers) -> Client:
        hooks = {"response": [_check_location]}
        # a hub needs none, and what it sets may fit into no header
        no_cookies = CookieJar(DefaultCookiePolicy(netscape=False))
        try:
            client = httpx.Client(
                verify=self._verify,
                proxy=self._settings.proxy,
                headers=headers,
                cookies=no_cookies,
                event_hooks=hooks,
            )
        except (ValueError, ImportError, httpx.InvalidURL):  # its text may quote a password
            hint = (
                "as in http://proxy:8080; it comes from the context, or from HTTPS_PROXY, "
                "HTTP_PROXY or ALL_PROXY"
            )
            raise UsageError("the proxy's address cannot be used", hint=hint) from None
        deadline = Deadline()
        keep(deadline, client)
        return Client(client, deadline)

    def _give_back(self, client: Client) -> None:
        self._idle.append(client)
        if self._closed:
            self.close()

    def _read(self, response: httpx.Response) -> Answer | Trouble:
        body = read_body(response, self._settings.max_response or MOST_BYTES)
        headers, value, is_json = dict(response.headers), None, False
        if body and "json" in headers.get("content-type", "").lower():
            try:
                value, is_json = json_value(body), True
            except ValueError:
                raise Garbled(f"{len(body)} bytes that are not JSON") from None
        answer = Answer(response.status_code, headers, body, is_json, value)
        return (
            _temporary(self.base, answer, retry_after(headers, self._settings.pace.now())) or answer
        )


def check_headers(headers: Headers) -> None:
    """Refuse headers that HTTP cannot carry, without showing what is in them."""
    for name, value in headers.items():
        if (
            not name.isascii()
            or not value.isascii()
            or not (name + value).isprintable()
            or value != value.strip()
            or not name.strip()
        ):
            raise UsageError(
                f"the value of the header '{name}' has blanks around it or "
                "characters that no header can hold"
            )


def _trust(base: str, settings: Settings) -> ssl.SSLContext | bool:
    if base.startswith("http:") and settings.proxy is None:
        return False  # nothing to verify, and loading certificates is slow
    context = httpx.create_ssl_context()
    if settings.ca_file is not None:
        try:
            context.load_verify_locations(settings.ca_file)
        except (OSError, ssl.SSLError) as error:
            raise UsageError(
                f"cannot use the CA file '{settings.ca_file}': {reason_of(error)}"
            ) from error
    return context


def _temporary(base: str, answer: Answer, asked: float | None) -> Trouble | None:
    """The trouble that an answer tells of, if it may be over soon."""
    match answer.status:
        case 429:
            error: DurablectlError = Unreachable(f"{base} asks for fewer requests (429)")
            return Trouble(error, temporary=True, asked=asked)
        case 502 | 503 | 504:
            error = Unreachable(
                f"the service behind {base} is not available ({answer.status})",
                hint="is the app running?",
            )
            return Trouble(error, temporary=True, maybe_done=asked is None, asked=asked)
        case 500 if not (is_status(answer.value) or fault_from_json(answer.value)):
            error = ServiceError(f"{base} failed, and the service did not say why (500)")
            return Trouble(error, temporary=True, maybe_done=True)
    return None


def trouble_of(base: str, error: httpx.HTTPError) -> Trouble:
    """The trouble that an exception tells of."""
    early = isinstance(
        error,
        httpx.ConnectError
        | httpx.ConnectTimeout
        | httpx.PoolTimeout
        | httpx.ProxyError
        | httpx.UnsupportedProtocol,
    )
    if isinstance(error, httpx.LocalProtocolError):  # its text may quote a header
        return Trouble(UsageError("the request cannot be sent over HTTP"))
    reason = _reason(base, error)
    reason.__cause__ = error
    return Trouble(reason, temporary=type(reason) is Unreachable, maybe_done=not early)


def _reason(base: str, error: httpx.HTTPError) -> DurablectlError:
    """What an exception means; a plain `Unreachable` may be over soon."""
    host = urlsplit(base).hostname
    for cause in _causes(error):
        if isinstance(cause, ssl.SSLCertVerificationError):
            hint = "name the certificate authority with ca-file in the context"
            return BadAddress(
                f"the certificate of {host} is not trusted: {cause.verify_message}", hint=hint
            )
        if isinstance(cause, ssl.SSLError) and not isinstance(cause, BROKEN_OFF):
            return BadAddress(
                f"no secure connection to {host}: {cause.reason or cause}",
                hint="is it http:// instead?",
            )
        if isinstance(cause, socket.gaierror):
            if cause.errno in UNKNOWN_HOST:
                return BadAddress(
                    f"the host '{host}' cannot be found", hint="check the address of the task hub"
                )
            return Unreachable(
                f"the name of the host '{host}' cannot be resolved now: {cause.strerror}"
            )
    if isinstance(error, httpx.TimeoutException):
        return Unreachable(
            f"no answer from {base} in time", hint="--request-timeout gives it longer"
        )
    # else the peer disconnected, or closed the connection
    if isinstance(error, httpx.RemoteProtocolError) and "connect" not in str(error):
        return NotATaskHub(
            f"{base} answers, but not in HTTP",
            hint="check the address of the task hub, its port above all",
        )
    reason = re.sub(r"^\[(Errno|WinError) -?\d+\] ", "", str(error))
    return Unreachable(
        f"cannot reach {base}: {reason or 'the connection broke'}", hint=command("doctor")
    )


def _causes(error: BaseException | None) -> Iterator[BaseException]:
    while error is not None:
        yield error
        error = error.__cause__ or error.__context__


def _next_hop(request: Request, url: str, location: str) -> str:
    """Where a redirect leads, if it may be followed: to the same origin, for reading.

    The key goes nowhere else.
    """
    target = urljoin(url, location)
    there, here = urlsplit(target), urlsplit(url)
    shown = f"{there.scheme}://{there.netloc.rpartition('@')[2]}"
    if request.method == "GET" and _origin(there) == _origin(here):
        return target
    if there.hostname == here.hostname and (here.scheme, there.scheme) == ("http", "https"):
        raise NotATaskHub(
            f"{here.scheme}://{here.netloc} requires https", hint=f"use {shown} as the address"
        )
    if _origin(there) == _origin(here):
        raise NotATaskHub(
            f"{shown} redirects to {there.path}", hint="use the address that it redirects to"
        )
    raise NotATaskHub(
        f"{here.scheme}://{here.netloc} redirects to {shown}; the key was not sent there",
        hint="a login stands in front (a header-command in the context can send a token), or the "
        "address is wrong",
    )


def _check_location(response: httpx.Response) -> None:
    """Refuse a redirect to what is not an address, before httpx takes the whole answer for
    broken."""
    try:
        target = urljoin(str(response.url), response.headers.get("location", ""))
        urlsplit(target)
        httpx.URL(target)
    except (ValueError, httpx.InvalidURL):
        raise NotATaskHub(
            f"{response.url.scheme}://{response.url.netloc.decode()} redirects to "
            "something that is not an address"
        ) from None


def _origin(url: SplitResult) -> tuple[str, str | None, int | None]:
    try:
        return url.scheme, url.hostname, url.port or {"http": 80, "https": 443}.get(url.scheme)
    except ValueError:
        return url.scheme, url.netloc, None
