"""How instances are named: ids, status URLs, `@FILE`, `--from FILE`, `-` for standard input;
`@name@key` is an entity.

Asks no hub.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from typing import Any, NamedTuple

from durablectl import config, wire
from durablectl.cli.arguments.input import STDIN, decode, read_named_file
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload


class Named(NamedTuple):
    """An instance that was named.

    `payload` is the check-status payload or the status URL it was named by; None for an id alone.
    `place` is the address and the task hub of the hub over gRPC that it was started on, if a file
    says so.
    """

    id: str
    payload: CheckStatusPayload | None = None
    place: tuple[str, str] | None = None


def is_entity(name: str) -> bool:
    """Whether a name is `@name@key`, and so no file."""
    return name.startswith("@") and "@" in name[2:]


def is_status_url(word: str) -> bool:
    """Whether a word names an instance by an address, and so may hold a key."""
    return config.is_url(word)


def named_instances(
    names: Sequence[str], from_files: Sequence[str] = (), *, read_stdin: Callable[[], bytes]
) -> list[Named]:
    """All instances that were named, in their order, each once.

    One that is named by addresses of two hubs comes twice.
    """
    return list(dict.fromkeys(_all_named(names, from_files, read_stdin)))


def _all_named(
    names: Sequence[str], from_files: Sequence[str], read_stdin: Callable[[], bytes]
) -> Iterator[Named]:
    if [*names, *from_files].count(STDIN) > 1:
        raise UsageError("standard input can be read only once", hint="name '-' once")
    for name in names:
        if name == STDIN:
            yield from _in_stdin(read_stdin)
        elif name.startswith("@") and not is_entity(name):
            yield from _in_file(name[1:])
        elif name:
            yield _named(name, "this address")
        else:
            raise UsageError("an instance id cannot be empty")
    for file in from_files:
        yield from _in_stdin(read_stdin) if file == STDIN else _in_file(file)


def _in_stdin(read_stdin: Callable[[], bytes]) -> Iterator[Named]:
    return _in_text(decode(read_stdin(), "standard input"), "standard input")


def _in_file(file: str) -> Iterator[Named]:
    if not file:
        raise UsageError("'@' names no file", hint="write @FILE, or --from FILE")
    hint = "an instance is named by its id, by @FILE or by '-'"
    content = read_named_file(file, hint=hint)
    return _in_text(decode(content, file), file)


def _in_text(text: str, source: str) -> Iterator[Named]:
    stripped = text.strip()
    if not stripped.startswith(("{", "[", '"')):
        return (
            _named(line.strip(), f"an address in {source}")
            for line in stripped.splitlines()
            if line.strip()
        )
    try:
        value = json.loads(stripped)
    except ValueError:
        return _in_lines(text, source)
    return (_in_value(item, source) for item in (value if isinstance(value, list) else [value]))


def _in_lines(text: str, source: str) -> Iterator[Named]:
    for number, line in enumerate(text.splitlines(), 1):
        if not line.strip():
            continue
        where = f"{source}, line {number}"
        try:
            value = json.loads(line)
        except ValueError as error:
            raise UsageError(
                f"{where}, is not JSON",
                hint="a file of instances is JSON, JSON lines, or one id per line",
            ) from error
        yield _in_value(value, where)


def _in_value(value: Any, where: str) -> Named:
    """The instance of an id, a status URL, a check-status payload or a status object."""
    if isinstance(value, str) and value:
        return _named(value, f"an address in {where}")
    if isinstance(value, dict):
        try:
            instance_id = wire.instance_id_from_payload(value)
            return Named(
                instance_id,
                wire.payload_from_json({"id": instance_id, **value})
                if wire.is_payload(value)
                else None,
                _grpc_place(value),
            )
        except ValueError:
            pass
    raise UsageError(
        f"{where} names no instance",
        hint="it takes check-status payloads, status objects (their id or instanceId) or ids",
    )


def _grpc_place(payload: dict[str, Any]) -> tuple[str, str] | None:
    """The address and the task hub in what a start over gRPC has printed."""
    address, task_hub = payload.get("address"), payload.get("taskHub")
    if not isinstance(address, str) or not config.is_grpc(address):
        return None
    return address, task_hub if isinstance(task_hub, str) else ""


def _named(text: str, what: str) -> Named:
    """The instance of an id or of a status URL, which is not repeated: a key may be in it."""
    if not is_status_url(text):
        return Named(text)
    try:
        payload = wire.payload_from_url(text)
    except ValueError as error:
        hint = "name the instance by its id, or by the statusQueryGetUri of its payload"
        raise UsageError(f"{what} is not that of an instance's status", hint=hint) from error
    return Named(payload.id, payload)
