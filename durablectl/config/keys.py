"""Keys and headers, and the only addresses they may be sent to."""

from __future__ import annotations

import os
import stat
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from durablectl.config.addresses import is_grpc, is_scheduler, origin_of
from durablectl.config.contexts import Context
from durablectl.config.hub_files import is_same_file
from durablectl.config.quantities import parse_size
from durablectl.config.variables import key_of_variable
from durablectl.errors import KeyRefused, about, reason_of
from durablectl.quoting import quoted

if TYPE_CHECKING:
    from durablectl.config.tokens import CachedToken

MAX_RESPONSE = "DURABLECTL_MAX_RESPONSE"


class Credential(NamedTuple):
    """What the user has for one origin: one of the own contexts, or a flag in the form of one.

    Its `task_hub` of None stands for all. A context without an address has the origin "".
    """

    owner: str
    origin: str
    context: Context

    @classmethod
    def of_context(cls, context: Context) -> Credential:
        """What a context of the user's holds for its own address."""
        origin = "" if context.url is None else origin_of(context.url)
        return cls(f"context {context.name}", origin, context)

    @property
    def is_guarded(self) -> bool:
        """Whether the context forbids or guards changes."""
        return self.context.protected or self.context.read_only

    @property
    def has_key(self) -> bool:
        return bool(self.context.key_env or self.context.key_command or self.context.key_file)

    @property
    def names_token(self) -> bool:
        """Whether it says where tokens come from, or that none are needed."""
        return bool(self.context.token_command or self.context.connection_string)

    def belongs_to(self, task_hub: str | None) -> bool:
        own = self.context.task_hub
        return own is None or own.lower() == (task_hub or "").lower()


class KeyRing:
    """All `credentials` of a session, the nearest first."""

    def __init__(self, credentials: Sequence[Credential], environ: Mapping[str, str]) -> None:
        self._credentials, self._environ = credentials, environ

    def holds_context(self, name: str) -> bool:
        """Whether this is one of the user's own contexts."""
        return any(each.context.name == name for each in self._credentials)

    def key_for(self, url: str, task_hub: str | None) -> str | None:
        """The key for this address and task hub, read now; None when none belongs there.

        `KeyRefused` when it cannot be read.
        """
        found = next((each for each in self._of(url, task_hub) if each.has_key), None)
        return None if found is None else self._key(found)

    def guards_of(self, url: str, task_hub: str | None) -> list[Context]:
        """The contexts that forbid or guard changes at this address, however it was chosen: a task
        hub that is not told may be theirs.
        """
        return [
            each.context
            for each in self._at(url)
            if each.is_guarded and (not task_hub or each.belongs_to(task_hub))
        ]

    def guards_of_file(self, file: Path) -> list[Context]:
        """The same for a local hub, by whatever path its file was named."""
        return [
            each.context
            for each in self._credentials
            if each.is_guarded and each.context.hub and is_same_file(each.context.hub, file)
        ]

    def key_name(self, url: str, task_hub: str | None) -> str | None:
        """Where the key for this address would come from, for messages: "ORDERS_KEY", "the
        key-command of context prod".
        """
        for each in self._of(url, task_hub):
            if each.context.key_env:
                return each.context.key_env
            if each.has_key:
                kind = "key-command" if each.context.key_command else "key-file"
                return f"the {kind} of {each.owner}"
        token = self.token(url, task_hub)
        return None if token is None else token.source

    def token(self, url: str, task_hub: str | None) -> CachedToken | None:
        """The token for this address and task hub, not asked for yet; None when it takes none.

        Azure's own service takes those of the Azure CLI where no context says otherwise.
        """
        contexts = (each.context for each in self._of(url, task_hub) if each.names_token)
        context = next(contexts, None)
        if not is_grpc(url) or (context is None and not is_scheduler(url)):
            return None
        from durablectl.config.tokens import token_of  # deferred: few hubs are over gRPC

        return token_of(context)

    def headers_for(self, url: str, task_hub: str | None) -> dict[str, str]:
        """The headers for this address and task hub, those of the header command included.

        `KeyRefused` when it fails.
        """
        for each in self._of(url, task_hub):
            lines = list(each.context.header)
            if command := each.context.header_command:
                lines += _printed(command, f"the header-command of {each.owner}").splitlines()
            if lines:
                pairs = (line.partition(":") for line in lines if ":" in line)
                return {name.strip(): value.strip() for name, _, value in pairs}
        return {}

    def route(self, url: str, task_hub: str | None) -> dict[str, Any]:
        """How to reach an address: what the user's contexts have for exactly that one, as the
        options of a remote hub.
        """
        text, origin = self.max_response_text(url)
        with about(origin):
            most = None if text is None else parse_size(text)
        return {
            "headers": self.headers_for(url, task_hub),
            "ca_file": self._first(url, "ca_file")[0],
            "proxy": self._first(url, "proxy")[0],
            "max_response": most,
            "key_hint": self.key_name(url, task_hub),
        }

    def max_response_text(self, url: str) -> tuple[str | None, str]:
        """The most bytes that an answer from this address may have, as it was written, and where;
        None when nothing says it.
        """
        if text := self._environ.get(MAX_RESPONSE):
            return text, MAX_RESPONSE
        return self._first(url, "max_response")

    def _first(self, url: str, setting: str) -> tuple[str | None, str]:
        """What the nearest context of this address that has a setting says, and which it is."""
        for each in self._at(url):
            if value := getattr(each.context, setting):
                return value, each.owner
        return None, ""

    def _at(self, url: str) -> list[Credential]:
        origin = origin_of(url)
        return [each for each in self._credentials if each.origin == origin]

    def _of(self, url: str, task_hub: str | None) -> list[Credential]:
        return [each for each in self._at(url) if each.belongs_to(task_hub)]

    def _key(self, credential: Credential) -> str:
        context = credential.context
        if context.key_env:
            what = f"the variable {context.key_env} ({credential.owner})"
            key = key_of_variable(context.key_env, self._environ, credential.owner)
        elif context.key_command:
            what = f"the key-command of {credential.owner}"
            key = _printed(context.key_command, what).strip()
        else:
            what = f"the key file {context.key_file} ({credential.owner})"
            key = _read(Path(context.key_file or ""), what)
        if not key:
            raise KeyRefused(f"{what} holds no key")
        if not key.isprintable() or not key.isascii() or " " in key:
            raise KeyRefused(
                f"{what} holds something that is not a key",
                hint="a key is one line of letters, digits and signs",
            )
        return key


def _printed(command: str, what: str) -> str:
    from durablectl.config.shell import run_command  # deferred: few contexts have a command

    return run_command(command, what)


def _read(path: Path, what: str) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            if os.name == "posix" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise KeyRefused(
                    f"{what} can be read by others", hint=f"chmod 600 {quoted(str(path))}"
                )
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = reason_of(error) if isinstance(error, OSError) else "it is not UTF-8"
        raise KeyRefused(f"cannot read {what}: {reason}") from error
