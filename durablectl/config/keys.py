"""Keys and headers, and the only addresses they may be sent to."""

from __future__ import annotations

import os
import stat
import subprocess
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from durablectl.config.addresses import origin_of
from durablectl.config.contexts import Context
from durablectl.errors import KeyRefused

COMMAND_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Credential:
    """Where the key and the headers of one origin come from. A `task_hub` of None stands for every task hub of that origin."""

    owner: str
    origin: str
    task_hub: str | None = None
    key_env: str | None = None
    key_command: str | None = None
    key_file: str | None = None
    header: tuple[str, ...] = field(default=(), repr=False)
    header_command: str | None = None
    ca_file: str | None = None
    proxy: str | None = field(default=None, repr=False)
    name: str | None = None
    protected: bool = False
    read_only: bool = False

    @classmethod
    def of_context(cls, context: Context) -> Credential | None:
        """What a context of the user's holds for its own address; None for a local one."""
        if context.url is None:
            return None
        return cls(
            f"context {context.name}",
            origin_of(context.url),
            context.task_hub,
            context.key_env,
            context.key_command,
            context.key_file,
            context.header,
            context.header_command,
            context.ca_file,
            context.proxy,
            context.name,
            context.protected,
            context.read_only,
        )

    @property
    def has_key(self) -> bool:
        return bool(self.key_env or self.key_command or self.key_file)

    def belongs_to(self, origin: str, task_hub: str | None) -> bool:
        return self.origin == origin and (self.task_hub is None or self.task_hub.lower() == (task_hub or "").lower())


@dataclass(frozen=True, slots=True)
class KeyRing:
    """All credentials of a session, the nearest first."""

    credentials: tuple[Credential, ...]
    environ: Mapping[str, str] = field(repr=False, hash=False)

    def key_for(self, url: str, task_hub: str | None) -> str | None:
        """The key for this address and task hub, read now; None when none belongs there. `KeyRefused` when it cannot be read."""
        found = next((each for each in self._of(url, task_hub) if each.has_key), None)
        return None if found is None else self._key(found)

    def guards_of(self, url: str, task_hub: str | None) -> list[Credential]:
        """The contexts that forbid or guard changes at this address, whoever chose it: a task hub that is not told may be theirs."""
        origin, hub = origin_of(url), (task_hub or "").lower()
        guards = [each for each in self.credentials if each.protected or each.read_only]
        return [each for each in guards if each.origin == origin and (not hub or each.task_hub is None or each.task_hub.lower() == hub)]

    def key_name(self, url: str, task_hub: str | None) -> str | None:
        """Where the key for this address would come from, for messages: "ORDERS_KEY", "the key-command of context prod"."""
        for each in self._of(url, task_hub):
            if each.key_env:
                return each.key_env
            if each.has_key:
                return f"the key-{'command' if each.key_command else 'file'} of {each.owner}"
        return None

    def headers_for(self, url: str, task_hub: str | None) -> dict[str, str]:
        """The headers for this address and task hub, those of the header command included. `KeyRefused` when it fails."""
        for each in self._of(url, task_hub):
            lines = list(each.header)
            if each.header_command:
                lines += _run(each.header_command, f"the header-command of {each.owner}").splitlines()
            if lines:
                return {name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines if ":" in line)}
        return {}

    def ca_file_for(self, url: str) -> str | None:
        """The certificates to trust at this address, when not the system's."""
        return next((each.ca_file for each in self.credentials if each.ca_file and each.origin == origin_of(url)), None)

    def proxy_for(self, url: str) -> str | None:
        """The proxy on the way to this address."""
        return next((each.proxy for each in self.credentials if each.proxy and each.origin == origin_of(url)), None)

    def _of(self, url: str, task_hub: str | None) -> list[Credential]:
        origin = origin_of(url)
        return [each for each in self.credentials if each.belongs_to(origin, task_hub)]

    def _key(self, credential: Credential) -> str:
        if credential.key_env:
            what = f"the variable {credential.key_env} ({credential.owner})"
            key = self.environ.get(credential.key_env, "")
        elif credential.key_command:
            what = f"the key-command of {credential.owner}"
            key = _run(credential.key_command, what).strip()
        else:
            what = f"the key file {credential.key_file} ({credential.owner})"
            key = _read(Path(credential.key_file or ""), what)
        if not key:
            raise KeyRefused(f"{what} holds no key", hint=f"set it: export {credential.key_env}=…" if credential.key_env else None)
        if not key.isprintable() or not key.isascii() or " " in key:
            raise KeyRefused(f"{what} holds something that is no key", hint="a key is one line of letters, digits and signs")
        return key


def _run(command: str, what: str) -> str:
    try:
        done = subprocess.run(  # noqa: S602 - a line of the user's own file, written for a shell
            command, shell=True, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, timeout=COMMAND_SECONDS, check=False
        )
    except (OSError, subprocess.TimeoutExpired) as error:
        reason = f"gave no answer in {COMMAND_SECONDS} s" if isinstance(error, subprocess.TimeoutExpired) else "cannot be run"
        raise KeyRefused(f"{what} {reason}", hint=f"try it: {command}") from error
    if done.returncode != 0:
        raise KeyRefused(f"{what} failed with exit code {done.returncode}", hint=f"try it: {command}")
    return done.stdout.decode("utf-8", "replace")


def _read(path: Path, what: str) -> str:
    try:
        with path.open(encoding="utf-8") as stream:
            if os.name == "posix" and stat.S_IMODE(os.fstat(stream.fileno()).st_mode) & 0o077:
                raise KeyRefused(f"{what} can be read by others", hint=f"chmod 600 {path}")
            return stream.read().strip()
    except (OSError, UnicodeDecodeError) as error:
        reason = (error.strerror or "").lower() if isinstance(error, OSError) else "it is not UTF-8"
        raise KeyRefused(f"cannot read {what}: {reason}") from error
