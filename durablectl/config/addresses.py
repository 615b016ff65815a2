"""Addresses of remote hubs: what an origin is, and that no key hides in one. Pure."""

from __future__ import annotations

import re
from urllib.parse import SplitResult, urlsplit

from durablectl.errors import UsageError

_PORTS = {"http": 80, "https": 443, "grpc": 80, "grpcs": 443}
_NAME = r"[a-z0-9_-]+"
_HOST = (
    rf"(?:localhost|\[[0-9a-f:.]+\]|{_NAME}(?:\.{_NAME})+\.?|{_NAME}(?=:\d))(?::\d+)?(?:[/?#].*)?"
)


def is_url(text: str) -> bool:
    return text.lower().startswith(("http://", "https://"))


def is_grpc(text: str) -> bool:
    return text.lower().startswith(("grpc://", "grpcs://"))


def is_address(text: str) -> bool:
    """Whether a text is the address of a remote hub, of either kind."""
    return is_url(text) or is_grpc(text)


def is_scheduler(url: str) -> bool:
    """Whether an address is that of Azure's own service, over TLS."""
    parts = urlsplit(url)
    return parts.scheme == "grpcs" and (parts.hostname or "").endswith(".durabletask.io")


def is_plaintext(url: str) -> bool:
    """Whether an address is one of gRPC without TLS on another machine."""
    return urlsplit(url).scheme == "grpc" and not is_loopback(url)


def check_plaintext(url: str, *, allowed: bool = False) -> str:
    """The address; `UsageError` for gRPC without TLS to another machine, unless it is `allowed`."""
    if is_plaintext(url) and not allowed:
        raise UsageError(
            f"{url} is gRPC without TLS to another machine: data would travel unencrypted",
            hint="use grpcs://, or allow it in a context of your own: durablectl context add NAME "
            f"--url {url} --insecure",
        )
    return url


def looks_like_host(text: str) -> bool:
    """Whether a text without a scheme is more likely an address than a file: a domain, `localhost`,
    or anything with a port.
    """
    return re.fullmatch(_HOST, text, re.IGNORECASE | re.DOTALL) is not None


def looks_like_connection_string(text: str) -> bool:
    return re.match(r"\s*\w+\s*=\s*[^;]+(?:;|$)", text) is not None and (
        ";" in text or "://" in text
    )


def with_scheme(host: str) -> str:
    """The address that was probably meant by a host without a scheme; without the query, where a
    key may be.
    """
    plain = re.split(r"[?#]", host, maxsplit=1)[0]
    return f"{'http' if is_loopback(f'http://{plain}') else 'https'}://{plain}"


def origin_of(url: str) -> str:
    """Scheme, host and port, in the one form that origins are compared in; `UsageError` for any
    other address.
    """
    parts = _split(url)
    host = (parts.hostname or "").rstrip(".")
    shown = f"[{host}]" if ":" in host else host
    return f"{parts.scheme.lower()}://{shown}:{parts.port or _PORTS[parts.scheme.lower()]}"


def place_of(url: str) -> tuple[str, str]:
    """Origin and path, in the form that the bases of two hubs are compared in: one origin may serve
    several apps.
    """
    return origin_of(url), _split(url).path.rstrip("/").lower()


def without_key(url: str) -> str:
    """The address as it was given; `UsageError` (which does not repeat it) when it holds a key, a
    user or any query.
    """
    parts = _split(url)
    if is_grpc(url) and parts.path.strip("/"):
        raise UsageError(
            f"the address of {parts.hostname} holds more than host and port",
            hint="name the task hub with --task-hub",
        )
    if parts.query or parts.fragment or "@" in parts.netloc:
        raise UsageError(
            f"the address of {parts.hostname} holds more than an address",
            hint="give the part before '?', and name the key with --key-env or in a context of "
            "your own",
        )
    return url


def is_loopback(url: str) -> bool:
    try:
        host = (urlsplit(url).hostname or "").rstrip(".")
    except ValueError:
        return False
    # a number: 127.example.com is the name of another machine
    is_own_number = re.fullmatch(r"127(?:\.\d{1,3}){1,3}", host, re.ASCII) is not None
    return host in ("localhost", "::1") or host.endswith(".localhost") or is_own_number


def _split(url: str) -> SplitResult:
    try:
        parts = urlsplit(url)
        valid = (
            parts.scheme.lower() in _PORTS
            and bool(parts.hostname)
            and (parts.port or 1) > 0
            and not any(c.isspace() for c in url)
        )
    except ValueError:
        valid = False
    if not valid:
        hint = "write for example https://orders.azurewebsites.net"
        if looks_like_host(url):
            hint = f"write {with_scheme(url)}"
        elif looks_like_connection_string(url):
            hint = "a connection string needs a context: durablectl context add --connection-string"
        raise UsageError(
            "the hub's address is not an http, https, grpc or grpcs address", hint=hint
        )
    return parts
