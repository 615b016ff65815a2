"""What an answer of the service means: a value of the model, or the error of our tree; pure, no
request is sent here.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any, TypeVar

from durablectl.backends.http.transport import Answer
from durablectl.backends.local_address import OF_A_FILE
from durablectl.backends.remote import Place
from durablectl.errors import (
    AlreadyExists,
    DurablectlError,
    FunctionNotFound,
    InstanceNotFound,
    KeyRefused,
    NotATaskHub,
    ServiceError,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.model import CheckStatusPayload, InstanceStatus, Page
from durablectl.wire import (
    CONTINUATION_HEADER,
    ServiceFault,
    deleted_from_json,
    fault_from_json,
    is_status,
    payload_from_json,
    status_from_json,
)

Item = TypeVar("Item")
KEY_HINT = "the app requires its system key 'durabletask_extension' (or its master key)"
NO_API_HINT = (
    "check the address: it ends in /runtime/webhooks/durabletask, or names the app's host alone"
)
_STATE = re.compile(
    r"because instance is in the \w+ state|only supported on failed|has status "
    r"\w+, but only|in a terminal state can be"
)
_OTHER_FILE = re.compile(rf"connection named '{OF_A_FILE}'")
_UNSUPPORTED = ("not supported by the ", "storage provider")
_ABSENT = (
    ("No instance with ID",),
    ("instanceId ", " was not found"),
    ("does not match a valid orchestration instance",),
)
_FUNCTION = re.compile(r"function '([^']*)' doesn't exist")
_KNOWN = re.compile(r"known (?:orchestrator|entity|activity) functions:(.*)", re.DOTALL)


def refusal(place: Place, answer: Answer, absent: DurablectlError | None) -> DurablectlError:
    """The error that an answer is which is not the wanted one.

    `absent` is what a 404 of this operation says of its subject.
    """
    fault = fault_from_json(answer.value) if answer.is_json else None
    match answer.status:
        case 401 | 403:
            return _key_refused(place, answer)
        case 404 if absent is not None and not answer.is_html:
            return absent
        case 404 if not answer.is_html:
            return Unsupported(f"the service at {place.address} does not know this operation (404)")
    if fault is None or answer.status < 400:
        return _no_service(place, answer)
    return _told(place, answer.status, fault, absent)


def _key_refused(place: Place, answer: Answer) -> KeyRefused:
    hint = f"the key comes from {place.key_hint}; {KEY_HINT}" if place.key_hint else KEY_HINT
    if answer.is_html and answer.status == 403:
        return KeyRefused(
            f"{place.address} refuses access (403)",
            hint="the site is stopped or admits only certain networks",
        )
    if answer.status == 403:
        return KeyRefused(
            f"{place.address} does not allow this with the given key (403)", hint=hint
        )
    if "bearer" in answer.headers.get("www-authenticate", "").lower():
        return KeyRefused(
            f"{place.address} requires a token in addition to the key (401)",
            hint="a header-command in the context can send one",
        )
    refused = "refuses the key" if place.has_key else "requires a key"
    return KeyRefused(f"{place.address} {refused} (401)", hint=hint)


def _no_service(place: Place, answer: Answer) -> DurablectlError:
    """An answer that has none of the service's shapes: an HTML page is of something else."""
    if answer.status in (409, 410, 412) and not answer.is_html:
        return WrongState("the instance's state does not allow this")
    if answer.status in (413, 414, 431):  # also of a proxy in front of it
        return UsageError(f"the request is too large for {place.address} ({answer.status})")
    if answer.status == 501 and not answer.is_html:
        return Unsupported(f"{place.address} does not support this (501)")
    what = "an HTML page" if answer.is_html else "nothing that the Durable Functions API says"
    return NotATaskHub(f"{place.address} answered {what} ({answer.status})", hint=NO_API_HINT)


def _told(
    place: Place, status: int, fault: ServiceFault, absent: DurablectlError | None
) -> DurablectlError:
    """The error that the service's own words mean; codes follow the meaning, not the HTTP
    status."""
    text = fault.text
    if status == 501 or _says(text, *_UNSUPPORTED):
        return Unsupported(f"{place.label} cannot do this: {text}")
    if found := _FUNCTION.search(text):
        known = _KNOWN.search(text)
        names = (
            "available: " + ", ".join(re.findall(r"'[^']*'", known[1]))
            if known
            else "the app has none of this kind"
        )
        return FunctionNotFound(
            f"no function '{found[1]}' of this kind in {place.label}", hint=names
        )
    if isinstance(absent, InstanceNotFound) and any(_says(text, *parts) for parts in _ABSENT):
        return absent
    if status == 409 or "already exists" in text:
        return AlreadyExists(_lower(text))
    if status in (410, 412) or _STATE.search(text):
        return WrongState(_lower(text))
    if status == 400:
        return UsageError(f"the service refused the request: {_lower(text)}")
    if _OTHER_FILE.search(text):
        return UsageError(
            f"another hub answers at {place.address} now, "
            "not the local hub that wrote this payload",
            hint="run the command where that hub is, or name the hub's file with --hub",
        )
    hint = (
        "check --connection: it is the name of an app setting"
        if "connection named" in text
        else None
    )
    return ServiceError(f"the service failed ({status}): {_lower(text)}", hint=hint)


def _says(text: str, *parts: str) -> bool:
    """Whether the parts stand in a text in this order: a pattern with `.*` would try each beginning
    with each end.
    """
    at = 0
    for part in parts:
        found = text.find(part, at)
        if found < 0:
            return False
        at = found + len(part)
    return True


def _lower(text: str) -> str:
    text = " ".join(text.split()).removesuffix(".")
    return text[:1].lower() + text[1:]


def read_status(place: Place, answer: Answer, absent: DurablectlError) -> InstanceStatus:
    """The status object; also a 500 and a 400 may carry one (a failed instance)."""
    if not (answer.is_json and is_status(answer.value)) or answer.status == 404:
        raise refusal(place, answer, absent)
    return _read(place, answer, status_from_json)


def read_payload(
    place: Place, answer: Answer, absent: DurablectlError | None = None
) -> CheckStatusPayload:
    if answer.status not in (200, 202) or not answer.is_json:
        raise refusal(place, answer, absent)
    return _read(place, answer, payload_from_json)


def read_page(
    place: Place, answer: Answer, item: Callable[[Any], Item], token: str | None
) -> Page[Item]:
    """One page.

    An empty or absent token means the last one; the token that was sent means that the listing does
    not get on.
    """
    if answer.status != 200 or not isinstance(answer.value, list):
        raise refusal(place, answer, None)
    after = answer.headers.get(CONTINUATION_HEADER) or None
    if after is not None and after == token:
        raise NotATaskHub(
            f"{place.label} repeats the same page: it answered with the "
            "continuation token that was sent"
        )
    if after is not None and not (after.isascii() and after.isprintable()):
        raise NotATaskHub(f"{place.label} sent a continuation token that cannot be sent back")
    return Page(tuple(_read(place, answer, lambda rows: [item(row) for row in rows])), after)


def read_deleted(place: Place, answer: Answer, absent: int | DurablectlError) -> int:
    """How many instances were deleted.

    By filter a 404 means that none matched (HttpApiHandler.cs, purge).
    """
    if answer.status == 404 and isinstance(absent, int) and not answer.is_html:
        return absent
    if answer.status != 200 or not isinstance(answer.value, dict):
        raise refusal(place, answer, absent if isinstance(absent, DurablectlError) else None)
    return _read(place, answer, deleted_from_json)


def read_accepted(place: Place, answer: Answer, absent: DurablectlError | None) -> None:
    """An acknowledged request: 202, empty (a 200 of older ones passes too)."""
    if answer.status not in (200, 202) or answer.is_html:
        raise refusal(place, answer, absent)


def _read(place: Place, answer: Answer, read: Callable[[Any], Item]) -> Item:
    try:
        return read(answer.value)
    except (ValueError, TypeError) as error:
        raise NotATaskHub(
            f"{place.address} gave an answer that no Durable Functions API gives: {error}"
        ) from error
