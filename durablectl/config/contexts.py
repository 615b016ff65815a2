"""Named contexts and the two files that hold them: the user's own, and the project's
durablectl.toml.

Reads and writes TOML only.
"""

from __future__ import annotations

import os
import re
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, NamedTuple, TypeGuard

from durablectl.config.addresses import check_plaintext, is_address, is_grpc, without_key
from durablectl.config.connection_strings import ConnectionString, parse_connection_string
from durablectl.config.hub_files import path_of
from durablectl.config.quantities import parse_size
from durablectl.config.toml import TomlFile, read_text, replace_text
from durablectl.config.variables import check_variable, key_of_variable
from durablectl.errors import DurablectlError, UsageError, about
from durablectl.new_ids import check_connection, check_task_hub
from durablectl.owners import nearest
from durablectl.quoting import command

PROJECT_FILE = "durablectl.toml"
NAME = r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}"
_ADDRESS = ("url", "hub", "task-hub", "connection", "app", "encode", "protected", "read-only")
_TOP = ("context", "hub", "url", "task-hub", "connection", "app", "encode", "contexts")


class Context(NamedTuple):
    """One named hub: `url`, `hub` (a file) or a connection string is set. Paths are absolute.

    `url` is set beside a connection string once that was read: see `expanded`.

    The repr is the name: headers and proxies are secret.
    """

    name: str
    url: str | None = None
    hub: str | None = None
    task_hub: str | None = None
    connection: str | None = None
    app: str | None = None
    encode: str | None = None
    protected: bool = False
    read_only: bool = False
    key_env: str | None = None
    key_command: str | None = None
    key_file: str | None = None
    header: tuple[str, ...] = ()
    header_command: str | None = None
    ca_file: str | None = None
    proxy: str | None = None
    max_response: str | None = None
    completion_network: bool = False
    connection_string: str | None = None
    connection_string_env: str | None = None
    token_command: str | None = None
    insecure: bool = False

    @property
    def has_connection_string(self) -> bool:
        return bool(self.connection_string or self.connection_string_env)

    def __repr__(self) -> str:
        return f"Context({self.name!r})"

    def to_toml(self) -> dict[str, Any]:
        """What is set, by its name in the file."""
        return {
            name.replace("_", "-"): list(value) if isinstance(value, tuple) else value
            for name, value in self._asdict().items()
            if value and name != "name"
        }


# What a project's file may not say: whatever is not one of its settings.
_USER_ONLY = tuple(
    setting
    for setting in (name.replace("_", "-") for name in Context._fields if name != "name")
    if setting not in _ADDRESS
)


class UserFile(NamedTuple):
    """The user's own contexts."""

    path: Path
    current: str | None = None
    contexts: Mapping[str, Context] = MappingProxyType({})


class ProjectFile(NamedTuple):
    """What a durablectl.toml says: a context's name, or an address without a key."""

    path: Path
    context: str | None = None
    hub: str | None = None
    task_hub: str | None = None
    connection: str | None = None
    app: str | None = None
    encode: str | None = None
    contexts: Mapping[str, Context] = MappingProxyType({})


def read_user_file(path: Path) -> UserFile:
    """The user's contexts; empty when there is not a file.

    `UsageError` when it cannot be understood.
    """
    file = TomlFile(path)
    for name in file.tables:
        if name not in ("current", "contexts"):
            raise file.unknown(name, ("current", "contexts"))
    current = file.tables.get("current")
    if current is not None and not isinstance(current, str):
        raise file.wrong("current", "must be the name of a context")
    return UserFile(path, current, _contexts(file, _ADDRESS + _USER_ONLY))


def read_project_file(path: Path, user: UserFile) -> ProjectFile:
    """A durablectl.toml.

    It came with a clone: `UsageError` when it names a key, a command or a header, or one of the
    user's contexts.
    """
    file = TomlFile(path)
    said = file.tables
    _refuse_secrets(file)
    for name, value in said.items():
        if name not in _TOP:
            raise file.unknown(name, _TOP)
        if name != "contexts" and (not isinstance(value, str) or not value):
            raise file.wrong(name, "must be a text")
    if len([name for name in ("context", "hub", "url") if name in said]) > 1:
        raise UsageError(f"{path} names more than one hub", hint="keep one of context, hub and url")
    extra = next((name for name in ("task-hub", "connection", "encode") if name in said), None)
    if "context" in said and extra:
        hint = "it goes with hub or url only"
        raise file.wrong(extra, "would redefine the context", hint)
    contexts = _contexts(file, _ADDRESS)
    for name in contexts:
        if name in user.contexts:
            raise UsageError(
                f"context '{name}' {file.place_of(f'[contexts.{name}]')} is one of your own and "
                "cannot be redefined",
                hint=f"rename it there, or remove yours with: {command('context remove', name)}",
            )
    key = "hub" if "hub" in said else "url"
    return ProjectFile(
        path,
        context=said.get("context"),
        hub=_address(file, key, said[key]) if key in said else None,
        task_hub=said.get("task-hub"),
        connection=said.get("connection"),
        app=_beside(path, said["app"]) if "app" in said else None,
        encode=_encode(file, said["encode"]) if "encode" in said else None,
        contexts=contexts,
    )


def find_project_file(start: Path, on_skip: Callable[[Path, Path], None]) -> Path | None:
    """The nearest durablectl.toml at or above `start`.

    One above it that another user owns is skipped: see `durablectl.owners`.
    """
    return nearest(
        start, lambda folder: [file] if (file := folder / PROJECT_FILE).is_file() else [], on_skip
    )


def write_user_file(path: Path, *, current: str | None, contexts: Mapping[str, Context]) -> None:
    """Write the user's contexts, whole or not at all, for the user's eyes only.

    Comments of contexts that stay as they are stay, too.
    """
    import tomlkit.exceptions  # deferred: only a change needs the writer

    try:
        document = tomlkit.parse(read_text(path) or "")
    except tomlkit.exceptions.TOMLKitError as error:
        raise UsageError(f"{path} is not TOML: {error}") from error
    if current is None:
        document.pop("current", None)
    else:
        document["current"] = current
    before = document.setdefault("contexts", tomlkit.table(is_super_table=True))
    for name in [name for name in before if name not in contexts]:
        del before[name]
    for name, context in contexts.items():
        if name not in before or before[name].unwrap() != context.to_toml():
            before[name] = context.to_toml()
    text = tomlkit.dumps(document)
    if contexts or text.strip() not in ("", "[contexts]"):
        replace_text(path, text)
    else:  # no comment of the user's is lost with it
        path.unlink(missing_ok=True)


def check_name(name: str) -> str:
    """A context's name as it may be written; `UsageError` otherwise."""
    if not re.fullmatch(NAME, name):
        raise UsageError(
            f"'{name}' is not a valid context name",
            hint="use letters, digits, '.', '_' and '-', at most 64",
        )
    return name


def checked(context: Context) -> Context:
    """The same context; `UsageError` when its settings contradict each other."""
    _check_address(context)
    check_task_hub(context.task_hub or "", f"the task hub of context '{context.name}'")
    if context.connection is not None:
        check_connection(context.connection, f"the connection of context '{context.name}'")
    for variable in ("key_env", "connection_string_env"):
        if (name := getattr(context, variable)) is not None:
            owner = f"the {variable.replace('_', '-')} of context '{context.name}'"
            check_variable(name, owner)
    if context.hub is not None:
        remote = ("task_hub", "connection", *(name.replace("-", "_") for name in _USER_ONLY))
        _refuse(context, remote, "is a local file: {} goes with a url only")
    elif context.has_connection_string or is_grpc(context.url or ""):
        http = ("key_env", "key_command", "key_file", "connection")
        _refuse(context, http, "is a hub over gRPC, which takes no {}")
    else:
        _refuse(context, ("token_command", "insecure"), "is not a hub over gRPC: it takes no {}")
    if context.max_response is not None:
        with about(f"the max-response of context '{context.name}'"):
            parse_size(context.max_response)
    keys = [name for name in ("key_env", "key_command", "key_file") if getattr(context, name)]
    if len(keys) > 1:
        raise UsageError(
            f"context '{context.name}' has more than one key",
            hint="keep one of key-env, key-command and key-file",
        )
    if bad := [
        each
        for each in context.header
        if not re.fullmatch(r"[!#$%&'*+.^_`|~0-9A-Za-z-]+:[^\r\n]*", each)
    ]:
        hint = f"it is number {context.header.index(bad[0]) + 1} of {len(context.header)}"
        raise UsageError(f"a header of context '{context.name}' is not 'Name: value'", hint=hint)
    return context


def expanded(context: Context, environ: Mapping[str, str]) -> Context:
    """The context with the address and the task hub of its connection string, if it has one.

    `KeyRefused` when its variable is not set; `UsageError` when it cannot be read.
    """
    owner = f"context {context.name}"
    text = context.connection_string
    if context.connection_string_env:
        text = key_of_variable(context.connection_string_env, environ, owner)
    if text is None:
        return context
    parsed = _parsed(context, text)
    named = context.task_hub or parsed.task_hub or None
    return context._replace(url=parsed.url, task_hub=named, connection_string=text)


def expanded_if_usable(context: Context, environ: Mapping[str, str]) -> Context:
    """The same for a context that was not selected: one that cannot be used has no address."""
    try:
        return expanded(context, environ)
    except DurablectlError:
        return context


def _parsed(context: Context, text: str) -> ConnectionString:
    """What a connection string says; `UsageError` when it does not go with the context."""
    owner = f"context {context.name}"
    parsed = parse_connection_string(text, f"the connection string of {owner}")
    if context.task_hub and parsed.task_hub and context.task_hub != parsed.task_hub:
        raise UsageError(
            f"the task-hub of {owner} is not that of its connection string",
            hint="leave out one of them",
        )
    check_plaintext(parsed.url, allowed=context.insecure)
    return parsed


def _check_address(context: Context) -> None:
    owner = f"context '{context.name}'"
    if context.has_connection_string:
        if (
            context.url
            or context.hub
            or (context.connection_string and context.connection_string_env)
        ):
            raise UsageError(
                f"{owner} has more than one address",
                hint="keep one of url, hub, connection-string and connection-string-env",
            )
        if context.connection_string:
            _parsed(context, context.connection_string)
    elif (context.url is None) == (context.hub is None):
        raise UsageError(f"{owner} needs either a url or a hub file")
    elif context.url is not None:
        check_plaintext(without_key(context.url), allowed=context.insecure)


def _refuse(context: Context, names: Iterable[str], reason: str) -> None:
    if given := [name for name in names if getattr(context, name)]:
        text = reason.format(given[0].replace("_", "-"))
        raise UsageError(f"context '{context.name}' {text}")


def _contexts(file: TomlFile, allowed: tuple[str, ...]) -> dict[str, Context]:
    tables = file.tables.get("contexts", {})
    if not isinstance(tables, dict) or not all(
        isinstance(table, dict) for table in tables.values()
    ):
        raise file.wrong("contexts", "must hold tables such as [contexts.prod]")
    return {name: _context(file, name, table, allowed) for name, table in tables.items()}


def _context(file: TomlFile, name: str, table: dict[str, Any], allowed: tuple[str, ...]) -> Context:
    check_name(name)
    values: dict[str, Any] = {}
    for key, value in table.items():
        if key not in allowed:
            raise file.unknown(key, allowed)
        values[key.replace("-", "_")] = _value(file, key, value)
    if "hub" in values:
        address = _address(file, "hub", values.pop("hub"))
        values["url" if is_address(address) and "url" not in values else "hub"] = address
    for key in ("app", "key_file", "ca_file"):
        if values.get(key):
            values[key] = _beside(file.path, values[key])
    try:
        return checked(Context(name, **values))
    except UsageError as error:
        raise UsageError(f"{error.message} ({file.path})", hint=error.hint) from error


def _value(file: TomlFile, key: str, value: object) -> object:
    if Context._field_defaults[key.replace("-", "_")] is False:
        if isinstance(value, bool):
            return value
        raise file.wrong(key, "must be true or false")
    if key == "header":
        values = [value] if isinstance(value, str) else value
        if _is_texts(values):
            return tuple(values)
        raise file.wrong(key, "must be a list of 'Name: value'")
    if key == "max-response" and type(value) is int:
        return str(value)
    if not isinstance(value, str) or not value:
        raise file.wrong(key, "must be a text")
    return _encode(file, value) if key == "encode" else value


def _is_texts(values: object) -> TypeGuard[list[str]]:
    return isinstance(values, list) and all(isinstance(each, str) for each in values)


def _refuse_secrets(file: TomlFile) -> None:
    tables = file.tables.get("contexts", {})
    nested = tables.values() if isinstance(tables, dict) else ()
    for table in (file.tables, *(each for each in nested if isinstance(each, dict))):
        for name in _USER_ONLY:
            if name in table:
                raise file.wrong(
                    name,
                    "is refused: a project's file may not name keys, commands, headers or proxies",
                    "put it into a context of your own: durablectl context add NAME --url "
                    "URL --key-env VARIABLE",
                )


def _address(file: TomlFile, name: str, value: str) -> str:
    """An address, or for `hub` the path of a file."""
    with about(file.named(name)):
        if name == "url" or is_address(value):
            return without_key(value)
        return str(path_of(value, file.path.parent))


def _encode(file: TomlFile, value: str) -> str:
    if value not in ("json", "string"):
        raise file.wrong("encode", "must be json or string")
    return value


def _beside(path: Path, value: str) -> str:
    """A path of the file, as seen from the file's folder."""
    return os.path.normpath(path.parent / Path(value).expanduser())
