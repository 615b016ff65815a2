"""Instances that an HTTP starter function of an app begins: the call to it, and the hub that its
answer leads to.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl, urlsplit

from durablectl.backends.http.hub import KEY_HEADER, HttpTaskHub
from durablectl.backends.http.requests import JSON_CONTENT
from durablectl.backends.http.transport import Answer, Request, Transport
from durablectl.backends.remote import json_input
from durablectl.backends.retry import NO_RETRIES, Pace, Settings
from durablectl.errors import (
    FunctionNotFound,
    KeyRefused,
    NotATaskHub,
    OutcomeUnknown,
    ServiceError,
    UsageError,
)
from durablectl.model import CheckStatusPayload, InstanceStatus, StatusParts
from durablectl.wire import address_from_payload, payload_from_json

METHODS = ("POST", "PUT", "PATCH", "GET")
_LOOK = "the function may have started an instance: look with `durablectl list`"


def call_starter(
    url: str,
    input: Any,
    *,
    method: str = "POST",
    headers: Mapping[str, str] | None = None,
    key: str | None = None,
    timeout: float = 30.0,
    ca_file: str | Path | None = None,
    proxy: str | None = None,
    max_response: int | None = None,
) -> CheckStatusPayload:
    """Send the input to a starter function, once, and read the check-status payload that it answers
    with.

    `key` is a function key.

    `OutcomeUnknown` when no answer came, `ServiceError` when the answer is not a payload: in both
    cases it may have started an instance.
    """
    check_starter(url, method)
    own = {**(headers or {}), **({KEY_HEADER: key} if key else {})}
    transport = Transport(
        url, Settings(own, timeout, ca_file, proxy, max_response, Pace(NO_RETRIES))
    )
    body = None if method == "GET" else b"" if input is None else json_input(input).encode()
    content = JSON_CONTENT if body else {}
    try:
        answer = transport.send(Request(method, "", body, content, look=_LOOK))
    except OutcomeUnknown as error:
        if isinstance(error.__cause__, ServiceError):  # an answer, if one that says nothing
            raise ServiceError(error.message, hint=_LOOK) from error
        raise
    finally:
        transport.close()
    return _payload(url.partition("?")[0], answer)


def check_starter(url: str, method: str) -> None:
    """Refuse (`UsageError`) an address that holds a key or a user, and a method that starts
    nothing.
    """
    parts = urlsplit(url)
    if not parts.hostname or "@" in parts.netloc or parts.fragment:
        raise UsageError(
            "the starter's address is not a plain URL",
            hint="as in https://app.azurewebsites.net/api/orchestrators/Hello",
        )
    if any(name.lower() == "code" for name, _ in parse_qsl(parts.query, keep_blank_values=True)):
        raise UsageError(
            "the starter's address holds a key",
            hint="leave out code=…, and name its variable with --function-key-env",
        )
    if method not in METHODS:
        raise UsageError(f"'{method}' starts nothing", hint=f"--method takes {', '.join(METHODS)}")


def _payload(place: str, answer: Answer) -> CheckStatusPayload:
    if answer.status in (401, 403):
        hint = "name the variable that holds the function's key with --function-key-env"
        raise KeyRefused(f"{place} refuses the call ({answer.status})", hint=hint)
    if answer.status == 404:
        raise FunctionNotFound(
            f"there is no function at {place} (404)", hint="check the route, /api included"
        )
    if answer.status >= 400:
        raise ServiceError(
            f"the function at {place} failed ({answer.status})", hint="look into the app's log"
        )
    if answer.is_html:
        raise NotATaskHub(
            f"{place} answered an HTML page ({answer.status})",
            hint="check the route, /api included",
        )
    try:
        payload = payload_from_json(answer.value)
        address_from_payload(payload)
    except (ValueError, TypeError) as error:
        raise ServiceError(
            f"the function at {place} answered, but not with a check-status payload", hint=_LOOK
        ) from error
    return payload


class StarterTaskHub(HttpTaskHub):
    """The hub of an instance that a starter function began.

    `on_end` hears its id once it has ended or is gone.
    """

    on_end: Callable[[str], None] = staticmethod(lambda _instance_id: None)
    check = staticmethod(check_starter)
    call = staticmethod(call_starter)

    def _status(self, instance_id: str, parts: StatusParts) -> InstanceStatus:
        status = super()._status(instance_id, parts)
        if status.is_final:
            self.on_end(instance_id)
        return status

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        count = super().purge(instance_id, recursive=recursive)
        self.on_end(instance_id)
        return count
