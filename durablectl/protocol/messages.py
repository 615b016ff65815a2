"""The protocol's tables as message classes and methods; the only module that imports protobuf.

The classes live in descriptor pools of their own: the generated modules of the `durabletask`
package and those of Dapr register the same names in protobuf's default pool, and a process may have
either.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from typing import Any, Protocol

from google.protobuf import (
    descriptor_pb2,
    descriptor_pool,
    message_factory,
)
from google.protobuf.message import DecodeError

from durablectl.protocol import dapr as dapr_table
from durablectl.protocol import table
from durablectl.protocol.fields import MalformedMessage, Message


class MessageClass(Protocol):
    """Makes a message of its fields; the value of a field that is a message may be a dict."""

    def __call__(self, **fields: Any) -> Message: ...

    def FromString(self, data: bytes, /) -> Message: ...  # noqa: N802 (protobuf's name)

    def SerializeToString(self, message: Message, /) -> bytes: ...  # noqa: N802 (protobuf's name)


class Messages:
    """The message classes of a dialect, as attributes: `messages.HistoryEvent`."""

    def __init__(self, pool: descriptor_pool.DescriptorPool) -> None:
        self._pool = pool

    def __getattr__(self, name: str) -> MessageClass:
        full_name = f"{_WELL_KNOWN}.Empty" if name == "Empty" else name
        try:
            descriptor = self._pool.FindMessageTypeByName(full_name)
        except KeyError:
            raise AttributeError(f"the protocol has no message {name}") from None
        made: MessageClass = message_factory.GetMessageClass(descriptor)
        setattr(self, name, made)
        return made


@dataclass(frozen=True, slots=True)
class Method:
    """A method of the service: what it takes, and what it returns, once or as a stream."""

    name: str
    streams: bool
    _messages: Messages
    _request: str
    _response: str

    @property
    def path(self) -> str:
        return f"/{table.SERVICE}/{self.name}"

    @property
    def request(self) -> MessageClass:
        kind: MessageClass = getattr(self._messages, self._request)
        return kind

    @property
    def response(self) -> MessageClass:
        kind: MessageClass = getattr(self._messages, self._response)
        return kind


@dataclass(frozen=True, slots=True)
class Dialect:
    """The messages and methods of one kind of server.

    A method that it lacks is not in `methods`.
    """

    messages: Messages
    methods: Mapping[str, Method]


@cache
def durable_task() -> Dialect:
    """The protocol as Azure's scheduler, its emulator, the Functions host and the SDKs speak it."""
    return _dialect("durable_task", _lines(table.MESSAGES), table.STATUSES, table.METHODS)


@cache
def dapr() -> Dialect:
    """The protocol as Dapr's sidecar speaks it."""
    lines = _lines(table.MESSAGES) | _lines(dapr_table.CHANGED)
    return _dialect(
        "dapr", _reachable(lines, dapr_table.METHODS), dapr_table.STATUSES, dapr_table.METHODS
    )


def parse(kind: MessageClass, data: bytes) -> Message:
    """The message in `data`; `MalformedMessage` when there is none."""
    try:
        return kind.FromString(data)
    # the latter from protobuf's implementation in Python
    except (DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"not a message of the Durable Task protocol: {error}") from error


_WELL_KNOWN = "google.protobuf"
_SHORT = {
    "text": "StringValue",
    "count": "Int32Value",
    "flag": "BoolValue",
    "time": "Timestamp",
    "span": "Duration",
    "json": "Value",
}
_Proto = descriptor_pb2.FieldDescriptorProto
_SCALARS = {
    "string": _Proto.TYPE_STRING,
    "bool": _Proto.TYPE_BOOL,
    "int32": _Proto.TYPE_INT32,
    "int64": _Proto.TYPE_INT64,
    "uint32": _Proto.TYPE_UINT32,
    "double": _Proto.TYPE_DOUBLE,
}
_ENUMS = ("OrchestrationStatus", "NullValue")
_FIELD = re.compile(r"(\d+) (?:(\w+)/)?(\w+)(?: (\w+)([*?]|\{\})?)?")


def _lines(text: str) -> dict[str, str]:
    """The lines of a table: each message's fields by its name."""
    parts = (line.partition(":") for line in text.replace("\n  ", " ").splitlines() if line)
    return {name: fields.strip() for name, _, fields in parts}


def _fields(line: str) -> Iterator[tuple[str, ...]]:
    """The number, oneof, name, type and suffix of each field; "" for what is not there."""
    for field in line.split(", ") if line else ():
        found = _FIELD.fullmatch(field.strip())
        if found is None:
            raise ValueError(f"the table has a field that cannot be read: {field}")
        yield tuple(part or "" for part in found.groups())


def _reachable(lines: Mapping[str, str], methods: str) -> dict[str, str]:
    """The messages that the methods use, directly or in others."""
    wanted = [name for types in _lines(methods).values() for name in types.replace("*", "").split()]
    found: dict[str, str] = {}
    while wanted:
        name = wanted.pop()
        if name in lines and name not in found:
            found[name] = lines[name]
            wanted += [kind for _, _, _, kind, _ in _fields(lines[name])]
    return found


def _dialect(name: str, lines: Mapping[str, str], statuses: str, methods: str) -> Dialect:
    well_known = _file(
        "google/protobuf/well_known.proto", _lines(table.WELL_KNOWN), "NullValue", ["NULL_VALUE"]
    )
    well_known.package = _WELL_KNOWN
    members = [f"ORCHESTRATION_STATUS_{status}" for status in statuses.split()]
    file = _file(f"durablectl/{name}.proto", lines, "OrchestrationStatus", members)
    file.dependency.append(well_known.name)
    pool = descriptor_pool.DescriptorPool()
    for each in (well_known, file):
        pool.AddSerializedFile(each.SerializeToString())
    messages = Messages(pool)
    return Dialect(
        messages,
        {method: _method(messages, method, types) for method, types in _lines(methods).items()},
    )


def _method(messages: Messages, name: str, types: str) -> Method:
    request, response = types.split()
    return Method(name, response.endswith("*"), messages, request, response.removesuffix("*"))


def _file(name: str, lines: Mapping[str, str], enum: str, members: Iterable[str]) -> Any:
    file = descriptor_pb2.FileDescriptorProto(name=name, syntax="proto3")
    listed = file.enum_type.add(name=enum)
    for number, member in enumerate(members):
        listed.value.add(name=member, number=number)
    for message, line in lines.items():
        _add_message(file.message_type.add(name=message), line)
    return file


def _add_message(message: Any, line: str) -> None:
    oneofs: list[str] = []
    optional = []
    for number, oneof, name, kind, suffix in _fields(line):
        field = message.field.add(name=name, number=int(number), label=_Proto.LABEL_OPTIONAL)
        _set_type(field, kind or "string")
        if suffix == "{}":
            _make_map(message, field)
        elif suffix == "*":
            field.label = _Proto.LABEL_REPEATED
        elif suffix == "?":
            optional.append(field)
        elif oneof:
            if oneof not in oneofs:
                oneofs.append(oneof)
            field.oneof_index = oneofs.index(oneof)
    for field in optional:  # each has a oneof of its own, after the real ones
        field.proto3_optional, field.oneof_index = True, len(oneofs)
        oneofs.append(f"_{field.name}")
    for oneof in oneofs:
        message.oneof_decl.add(name=oneof)


def _set_type(field: Any, kind: str) -> None:
    if kind in _SCALARS:
        field.type = _SCALARS[kind]
    else:
        field.type = _Proto.TYPE_ENUM if kind in _ENUMS else _Proto.TYPE_MESSAGE
        field.type_name = f"{_WELL_KNOWN}.{_SHORT[kind]}" if kind in _SHORT else kind


def _make_map(message: Any, field: Any) -> None:
    """A map is a repeated message of its own with a key and a value."""
    entry = message.nested_type.add(name=f"{field.name[0].upper()}{field.name[1:]}Entry")
    entry.options.map_entry = True
    key, value = (
        entry.field.add(name=name, label=_Proto.LABEL_OPTIONAL) for name in ("key", "value")
    )
    key.number, key.type = 1, _Proto.TYPE_STRING
    value.number, value.type = 2, field.type
    if field.type_name:
        value.type_name = field.type_name
    field.label, field.type, field.type_name = (
        _Proto.LABEL_REPEATED,
        _Proto.TYPE_MESSAGE,
        entry.name,
    )
