"""Tokens for hubs over gRPC: where they come from, kept until shortly before they end, never
shown.
"""

from __future__ import annotations

import base64
import binascii
import math
import threading
import time
from collections.abc import Callable, Mapping
from datetime import datetime
from importlib.util import find_spec
from typing import Any, NamedTuple

from durablectl.config.connection_strings import ConnectionString, parse_connection_string
from durablectl.config.contexts import Context
from durablectl.config.extras import missing_extra
from durablectl.config.shell import run_command
from durablectl.errors import KeyRefused
from durablectl.json_values import json_value

RESOURCE = "https://durabletask.io"
AZURE_CLI = f"az account get-access-token --resource {RESOURCE} --output json"
LOGIN_HINT = "az login, and select the subscription of the scheduler; or name a --token-command"
OTHER_HINT = (
    "to sign in with the Azure CLI instead: az login, and Authentication=AzureCLI in the "
    "connection string"
)
BEFORE_END = 300.0
UNKNOWN_LIFE = 300.0
"""Seconds after which a token that does not say when it ends is asked for again."""


class Fetched(NamedTuple):
    """A token, and when it ends in seconds since 1970; None when that is not known."""

    token: str
    ends_at: float | None


class TokenSource(NamedTuple):
    """Where tokens come from. `name` is for messages.

    `fetch` is given the seconds that it may take, and raises `KeyRefused`.
    """

    name: str
    fetch: Callable[[float], Fetched]


class CachedToken:
    """The token of a source, asked for again shortly before it ends; for any number of threads."""

    def __init__(self, source: TokenSource, now: Callable[[], float] = time.time) -> None:
        self.source, self._fetch, self._now = source.name, source.fetch, now
        self._lock = threading.Lock()
        self._held: Fetched | None = None
        self._renew_at = 0.0

    def current(self, seconds: float = math.inf) -> str:
        """A token that is valid now, which a command has that many seconds to print.

        When no other can be had, one that is about to end is used until it ends.
        """
        with self._lock:
            held, now = self._held, self._now()
            if held is not None and now < self._renew_at:
                return held.token
            try:
                fetched = self._valid(self._fetch(seconds), now)
            except KeyRefused:
                if held is None or held.ends_at is None or now >= held.ends_at:
                    raise
                return held.token
            self._held = fetched
            life = UNKNOWN_LIFE if fetched.ends_at is None else fetched.ends_at - now
            self._renew_at = now + max(life - BEFORE_END, life / 2)
            return fetched.token

    def forget(self) -> None:
        """Ask for another one next time."""
        with self._lock:
            self._held = None

    def _valid(self, fetched: Fetched, now: float) -> Fetched:
        if fetched.ends_at is None or now < fetched.ends_at:
            return fetched
        raise KeyRefused(
            f"{self.source} gave a token that has expired",
            hint="sign in again; if that does not help, check this machine's clock",
        )


def token_of(context: Context | None) -> CachedToken | None:
    """The token of a context, not asked for yet; of the Azure CLI where no context says anything.

    None for one that says that none is needed.
    """
    source = azure_cli() if context is None else _source_of(context)
    return None if source is None else CachedToken(source)


def _source_of(context: Context) -> TokenSource | None:
    if context.token_command:
        return _of_command(context.token_command, f"the token-command of context {context.name}")
    what = f"the connection string of context {context.name}"
    parsed = parse_connection_string(context.connection_string or "", what)
    return None if parsed.authentication == "None" else _of_kind(parsed, what)


def azure_cli(tenant: str = "") -> TokenSource:
    command = f"{AZURE_CLI} --tenant {tenant}" if tenant else AZURE_CLI
    return _of_command(command, "the Azure CLI (az)", LOGIN_HINT)


def _of_command(command: str, name: str, hint: str | None = None) -> TokenSource:
    def fetch(seconds: float) -> Fetched:
        return read_token(run_command(command, name, hint=hint, seconds=seconds), name)

    return TokenSource(name, fetch)


def read_token(text: str, what: str) -> Fetched:
    """A token that a command has printed: as the JSON of `az` or `azd`, or alone.

    `KeyRefused` when it is none; what was printed is not shown.
    """
    try:
        document = json_value(text)
    except ValueError:
        document = None
    token, end = text.strip(), None
    if isinstance(document, Mapping):
        members = {name.lower().replace("_", ""): value for name, value in document.items()}
        token = str(members.get("accesstoken") or members.get("token") or "")
        names = (each for each in ("expires_on", "expiresOn", "expires_at") if each in document)
        end = _time(document.get(next(names, "")))
    if not token or not token.isascii() or not token.isprintable() or " " in token:
        raise KeyRefused(
            f"{what} printed something that is not a token (it is not shown)",
            hint="it must print the token alone, or JSON with accessToken and expires_on",
        )
    return Fetched(token, end if end is not None else _end_of_jwt(token))


def _time(value: Any) -> float | None:
    """Seconds since 1970, from a number of them or a text; one without a zone is local (az)."""
    if isinstance(value, bool) or value is None:
        return None
    try:
        return float(value)
    except (TypeError, ValueError, OverflowError):
        pass
    try:
        return datetime.fromisoformat(str(value)).timestamp()
    except (ValueError, OverflowError, OSError):
        return None


def _end_of_jwt(token: str) -> float | None:
    """When a JSON Web Token says that it ends; None when it is not one."""
    parts = token.split(".")
    if len(parts) != 3:
        return None
    try:
        claims = json_value(base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4)))
    except (ValueError, binascii.Error):
        return None
    return _time(claims.get("exp")) if isinstance(claims, dict) else None


def _of_kind(parsed: ConnectionString, what: str) -> TokenSource:
    """The source that an Authentication names.

    The Azure CLI is asked by itself; DefaultAzure is that too where azure-identity is missing.
    """
    is_default = parsed.authentication == "DefaultAzure"
    if parsed.authentication == "AzureCLI" or (is_default and not _has_azure_identity()):
        return azure_cli(parsed.tenant_id)
    name = f"{parsed.authentication} of {what}"

    def fetch(seconds: float) -> Fetched:
        try:
            # deferred: few contexts need it, and few installations have it
            from durablectl.config.azure_identity import fetch_token
        except ImportError as error:
            raise missing_extra("azure", name, "azure-identity") from error
        hint = LOGIN_HINT if is_default else OTHER_HINT
        found = fetch_token(parsed, name, f"{RESOURCE}/.default", seconds, hint=hint)
        return Fetched(found.token, float(found.expires_on))

    return TokenSource(name, fetch)


def _has_azure_identity() -> bool:
    try:
        return find_spec("azure.identity") is not None
    except ModuleNotFoundError:  # of the package that it is in
        return False
