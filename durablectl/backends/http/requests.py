"""What a request to the service looks like: addresses, queries and bodies, encoded; pure."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from urllib.parse import quote, urlsplit

from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.wire import BASE_PATH, exact_time_to_text

JSON_CONTENT = {"Content-Type": "application/json"}
Parameters = Iterable[tuple[str, str | int | None]]


def base_address(url: str) -> str:
    """The base of the API's addresses, from the app's address or from a base address; `UsageError`
    when it is neither.
    """
    try:
        parts = urlsplit(url.strip())
        usable = (
            parts.scheme in ("http", "https")
            and parts.hostname
            and (parts.port is None or parts.port > 0)
        )
    except ValueError:
        usable = False
    if not usable or not url.isprintable() or " " in url.strip():
        raise UsageError(
            "the task hub's address is not a URL", hint="as in https://app.azurewebsites.net"
        )
    if parts.username is not None or parts.query or parts.fragment:
        hint = "name the app's address alone; the key comes from --key-env or the context"
        raise UsageError(
            "the task hub's address must hold no user, query or fragment "
            f"({parts.scheme}://{parts.hostname}…)",
            hint=hint,
        )
    path = parts.path.rstrip("/")
    return f"{parts.scheme}://{parts.netloc}{path or BASE_PATH}"


def segment(text: str, what: str) -> str:
    """One step of a path, encoded as RFC 3986 has it (%20, never +); `UsageError` for what cannot
    be one.
    """
    if text in ("", ".", "..") or "/" in text:
        reason = "must not be empty" if not text else "cannot be used in an address"
        raise UsageError(f"the {what} '{text}' {reason}" if text else f"the {what} {reason}")
    return _quoted(text)


def query(parameters: Parameters) -> str:
    """The query of an address with its question mark; parameters that are None are left out."""
    encoded = [
        f"{name}={_quoted(str(value).lower() if isinstance(value, bool) else str(value))}"
        for name, value in parameters
        if value is not None
    ]
    return "?" + "&".join(encoded) if encoded else ""


def _quoted(text: str) -> str:
    try:
        return quote(text, safe="")
    except UnicodeEncodeError:
        raise UsageError(f"{text!r} is not valid Unicode text") from None


def filters(filter: InstanceFilter) -> list[tuple[str, str | None]]:
    """As much of a filter as the service has; it drops a status that it does not know, and then all
    of them.
    """
    statuses = (
        []
        if RuntimeStatus.UNKNOWN in filter.statuses
        else sorted(status.value for status in filter.statuses)
    )
    return [
        ("createdTimeFrom", _time(filter.created_from)),
        ("createdTimeTo", _time(filter.created_to)),
        ("runtimeStatus", ",".join(statuses) or None),
        ("instanceIdPrefix", filter.prefix or None),
    ]


def _time(time: datetime | None) -> str | None:
    return exact_time_to_text(time) if time is not None else None
