"""What the status of a call means: an error of ours, and whether calling again may help. Pure.

Servers of this protocol do not agree on their status codes, so the texts of some are read too.
"""

from __future__ import annotations

import re
from urllib.parse import urlsplit

from durablectl.backends import remote
from durablectl.backends.retry import LARGER_HINT, Trouble
from durablectl.errors import (
    AlreadyExists,
    BadAddress,
    DurablectlError,
    InstanceNotFound,
    KeyRefused,
    NotATaskHub,
    ServiceError,
    Unreachable,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.quoting import command

MOST_SHOWN = 500


class Place(remote.Place):
    """Where the calls go."""

    @property
    def host(self) -> str:
        return urlsplit(self.address).hostname or self.address

    @property
    def label(self) -> str:
        name = f" '{self.task_hub}'" if self.task_hub else ""
        return f"the task hub{name} at {self.address}"


class NoSuchTaskHub(NotATaskHub):
    """A server of the protocol answers, and does not have the task hub."""


class TokenRefused(KeyRefused):
    """The token itself, not what its owner may do."""


class TooLarge(NotATaskHub):
    """An answer is larger than this client, or the server, lets a message be."""


def trouble_of(place: Place, method: str, code: str, details: str) -> Trouble:
    """The trouble of a call that ended with a status; `code` is its name, such as UNAVAILABLE."""
    details = _bounded(details)
    if front := re.search(r"(?:http2 header with|HTTP) status:? ?(\d{3})", details):
        return _of_front(place, int(front[1]))
    if "dapr-callee-app-id" in details or "dapr-app-id" in details:
        return Trouble(lacks(place, method))
    if code == "UNAVAILABLE":
        return _unavailable(place, details)
    if code == "RESOURCE_EXHAUSTED" and "larger than max" in details:
        return Trouble(_too_large(place, details))
    if code in _SOON:
        text, maybe_done = _SOON[code]
        is_late = code == "DEADLINE_EXCEEDED"
        hint = "--request-timeout gives it longer" if is_late else None
        return Trouble(
            Unreachable(text.format(place.address), hint=hint), True, maybe_done, is_late
        )
    if "RST_STREAM" in details:
        return Trouble(Unreachable(f"the connection to {place.address} broke"), True, True)
    return Trouble(_refusal(place, method, code, details))


_SOON = {
    "DEADLINE_EXCEEDED": ("no answer from {} in time", True),
    "CANCELLED": ("{} ended the call without an answer", True),
    "ABORTED": ("{} was interrupted while it carried out the call", True),
    "RESOURCE_EXHAUSTED": ("{} asks for fewer requests", False),
}


def _refusal(place: Place, method: str, code: str, details: str) -> DurablectlError:
    """The error of a status that calling again does not change."""
    said = f": {details}" if details else ""
    if code in _OF_HUBS and re.search(_NO_HUB, details):
        return NoSuchTaskHub(f"{place.label} was refused{said}", hint="check --task-hub")
    match code:
        case "UNAUTHENTICATED":
            return _token_refused(place, details)
        case "PERMISSION_DENIED":
            return _access_refused(place, details)
        case "UNIMPLEMENTED":
            return lacks(place, method)
        case "NOT_FOUND":
            return InstanceNotFound(f"{place.label} has no such instance{said}")
        case "ALREADY_EXISTS":
            return AlreadyExists(f"{place.label} has an instance of this id already{said}")
        case "FAILED_PRECONDITION":
            return WrongState(f"{place.label} refused{said}")
        case "INVALID_ARGUMENT" | "OUT_OF_RANGE":
            return UsageError(f"{place.label} refused the request{said}")
    if code == "UNKNOWN" and details.endswith("unimplemented"):  # durabletask-go has no code for it
        return lacks(place, method)
    if re.search(r"already exists", details, re.IGNORECASE):
        return AlreadyExists(f"{place.label} has an instance of this id already{said}")
    if re.search(r"no such instance", details, re.IGNORECASE):
        return InstanceNotFound(f"{place.label} has no such instance{said}")
    return ServiceError(f"{place.label} failed ({code}){said}")


_OF_HUBS = ("NOT_FOUND", "INVALID_ARGUMENT", "FAILED_PRECONDITION")
_NO_HUB = r"(?i)^(?!.*\b(?:instance|entity)\b).*\btask ?hub\b"
_ROLE = "the identity needs the role 'Durable Task Data Contributor'"
_ALLOWLIST = "the scheduler's IP allowlist must include this address (an empty list refuses all)"


def _token_refused(place: Place, details: str) -> KeyRefused:
    said = f": {details}" if details else ""
    if place.key_hint is None:
        return TokenRefused(
            f"{place.label} requires a token{said}",
            hint="add a context with --connection-string or --token-command",
        )
    return TokenRefused(
        f"{place.label} refused the token from {place.key_hint}{said}",
        hint="sign in again, to the tenant of the scheduler",
    )


def _access_refused(place: Place, details: str) -> KeyRefused:
    """The caller is known, and may not do this, or not from here."""
    if place.key_hint is None:
        return _token_refused(place, details)
    said = f": {details}" if details else ""
    hint = f"{_ROLE}, and {_ALLOWLIST}"
    if re.search(r"(?i)\bIP\b|allow-?list|network", details):
        hint = _ALLOWLIST
    elif re.search(r"(?i)\brole\b|\baction\b|RBAC", details):
        hint = _ROLE
    return KeyRefused(
        f"{place.label} refused access with the token from {place.key_hint}{said}", hint=hint
    )


def lacks(place: Place, method: str) -> Unsupported:
    """The error of a method that a server does not have."""
    return Unsupported(
        f"the server at {place.address} has no {method}", hint="durablectl doctor lists what it has"
    )


def _of_front(place: Place, status: int) -> Trouble:
    """What stands in front of the server answered over plain HTTP."""
    if status in (401, 403):
        refused = _token_refused if status == 401 else _access_refused
        return Trouble(refused(place, f"HTTP {status}"))
    if status in (429, 502, 503, 504):
        error = Unreachable(f"the service behind {place.address} is not available ({status})")
        return Trouble(error, True, status != 429)
    return Trouble(
        NotATaskHub(
            f"{place.address} answers, but not in gRPC (HTTP {status})",
            hint="check the address of the task hub, its port above all",
        )
    )


def _unavailable(place: Place, details: str) -> Trouble:
    """A connection that was not made, or that broke.

    grpc says "failed to connect to all addresses" of a call that it has not sent.
    """
    for pattern, kind, text, advice in _CONNECTING:
        if re.search(pattern, details):
            return Trouble(kind(text.format(place.host, place.address), hint=advice))
    if "failed to connect" not in details and "errors resolving" not in details:
        return Trouble(Unreachable(f"the connection to {place.address} broke"), True, True)
    reason = details.rpartition(": ")[2] or "no connection"
    if "timed out" in reason:
        return Trouble(Unreachable(f"no answer from {place.address} in time"), True)
    closed = re.search("closed|reset", reason) and place.address.startswith("grpc:")
    hint = "does it require TLS? use grpcs:// then" if closed else command("doctor")
    return Trouble(Unreachable(f"cannot reach {place.address}: {reason}", hint=hint), True)


_CONNECTING: tuple[tuple[str, type[DurablectlError], str, str], ...] = (
    (
        "Domain name not found|not known|NODATA",
        BadAddress,
        "the host '{0}' cannot be found",
        "check the address of the task hub",
    ),
    (
        "[Hh]ostname [Vv]erification|not in peer certificate",
        BadAddress,
        "the certificate of {0} is for another name",
        "use the name that the certificate is for",
    ),
    (
        "CERTIFICATE_VERIFY_FAILED",
        BadAddress,
        "the certificate of {0} is not trusted",
        "name the certificate authority with ca-file in the context",
    ),
    (
        "WRONG_VERSION_NUMBER",
        BadAddress,
        "no secure connection to {0}: it does not speak TLS",
        "is it grpc:// instead?",
    ),
    (
        "http1|parsing HTTP/2|ALPN",
        NotATaskHub,
        "{1} answers, but not in gRPC",
        "check the address of the task hub, its port above all",
    ),
)


def _too_large(place: Place, details: str) -> DurablectlError:
    sizes = re.search(r"\((\d+) vs\.? (\d+)\)", details)
    size = f" ({int(sizes[1]):,} bytes, {int(sizes[2]):,} are allowed)" if sizes else ""
    if "Sent" in details or "CLIENT" in details or "SERVER" not in details:
        return TooLarge(f"the answer of {place.address} is too large{size}", hint=LARGER_HINT)
    return UsageError(f"the request is larger than {place.address} accepts{size}")


def _bounded(details: str) -> str:
    text = " ".join(details.split())
    return text if len(text) <= MOST_SHOWN else f"{text[:MOST_SHOWN]}…"
