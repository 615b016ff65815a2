"""The lines of the tables, and descriptors made of them; bytes in protobuf's own format, no
protobuf.

Importing protobuf's classes for descriptors takes longer than all that a status asks for.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import NamedTuple

WELL_KNOWN = "google.protobuf"
_SHORT = {
    "text": "StringValue",
    "count": "Int32Value",
    "flag": "BoolValue",
    "time": "Timestamp",
    "span": "Duration",
    "json": "Value",
}
_SCALARS = {"double": 1, "int64": 3, "int32": 5, "bool": 8, "string": 9, "uint32": 13}
_MESSAGE, _ENUM = 11, 14
_ENUMS = ("OrchestrationStatus", "NullValue")
_OPTIONAL, _REPEATED = 1, 3


class _Field(NamedTuple):
    """A field of a message. `suffix` is `*`, `?`, `{}` or nothing; see `table`."""

    number: int
    oneof: str
    name: str
    kind: str
    suffix: str


def lines_of(text: str) -> dict[str, str]:
    """The lines of a table: each message's fields by its name."""
    parts = (line.partition(":") for line in text.replace("\n  ", " ").splitlines() if line)
    return {name: fields.strip() for name, _, fields in parts}


def changed(lines: Mapping[str, str], changes: Mapping[str, str]) -> dict[str, str]:
    """The lines of a dialect: a field takes the place of the one with its number, which is gone
    where the number is all there is.
    """
    made = dict(lines)
    for name, line in changes.items():
        fields = [*made.get(name, "").split(", "), *line.split(", ")]
        by_number = {field.partition(" ")[0]: field for field in fields}
        made[name] = ", ".join(field for field in by_number.values() if " " in field)
    return made


def reachable(lines: Mapping[str, str], names: Iterable[str]) -> dict[str, str]:
    """The lines of those messages, and of the messages that are in them."""
    wanted, found = list(names), dict[str, str]()
    while wanted:
        name = wanted.pop()
        if name in lines and name not in found:
            found[name] = lines[name]
            wanted += [field.kind for field in _fields(lines[name])]
    return found


def file_descriptor(
    name: str,
    lines: Mapping[str, str],
    *,
    package: str = "",
    dependencies: Iterable[str] = (),
    enums: Mapping[str, Iterable[str]] | None = None,
) -> bytes:
    """A FileDescriptorProto with these messages and enums, in proto3."""
    return b"".join(
        [
            _text(1, name),
            _text(2, package) if package else b"",
            *(_text(3, each) for each in dependencies),
            *(_part(4, _message(message, line)) for message, line in lines.items()),
            *(_part(5, _enum(enum, members)) for enum, members in (enums or {}).items()),
            _text(12, "proto3"),
        ]
    )


def _fields(line: str) -> Iterator[_Field]:
    for field in line.split(", ") if line else ():
        number, name, *rest = field.split()
        kind = rest[0] if rest else "string"
        bare = kind.rstrip("*?{}")
        oneof, _, name = name.rpartition("/")
        yield _Field(int(number), oneof, name, bare, kind[len(bare) :])


def _message(name: str, line: str) -> bytes:
    """A DescriptorProto. An optional field has a oneof of its own, after the real ones."""
    fields = list(_fields(line))
    oneofs = list(dict.fromkeys(field.oneof for field in fields if field.oneof))
    oneofs += [f"_{field.name}" for field in fields if field.suffix == "?"]
    parts = [_text(1, name)]
    for field in fields:
        is_optional = field.suffix == "?"
        oneof = f"_{field.name}" if is_optional else field.oneof
        index = _number(9, oneofs.index(oneof)) if oneof else b""
        proto3_optional = _number(17, 1) if is_optional else b""
        if field.suffix == "{}":
            entry = f"{field.name[0].upper()}{field.name[1:]}Entry"
            parts.append(_part(3, _map_entry(entry, field.kind)))
            field = field._replace(kind=entry)
        label = _REPEATED if field.suffix in ("*", "{}") else _OPTIONAL
        parts.append(_part(2, _field(field, label) + index + proto3_optional))
    return b"".join([*parts, *(_part(8, _text(1, oneof)) for oneof in oneofs)])


def _map_entry(name: str, kind: str) -> bytes:
    """A map is a repeated message of its own with a key and a value."""
    key, value = _Field(1, "", "key", "string", ""), _Field(2, "", "value", kind, "")
    fields = (_part(2, _field(each, _OPTIONAL)) for each in (key, value))
    return b"".join([_text(1, name), *fields, _part(7, _number(7, 1))])


def _field(field: _Field, label: int) -> bytes:
    """A FieldDescriptorProto."""
    head = _text(1, field.name) + _number(3, field.number) + _number(4, label)
    if field.kind in _SCALARS:
        return head + _number(5, _SCALARS[field.kind])
    kind = f"{WELL_KNOWN}.{_SHORT[field.kind]}" if field.kind in _SHORT else field.kind
    return head + _number(5, _ENUM if kind in _ENUMS else _MESSAGE) + _text(6, kind)


def _enum(name: str, members: Iterable[str]) -> bytes:
    values = (_text(1, each) + _number(2, number) for number, each in enumerate(members))
    return b"".join([_text(1, name), *(_part(2, value) for value in values)])


def _text(number: int, text: str) -> bytes:
    return _part(number, text.encode())


def _part(number: int, data: bytes) -> bytes:
    """A field with its length before it: text, or a message."""
    return _varint(number << 3 | 2) + _varint(len(data)) + data


def _number(number: int, value: int) -> bytes:
    return _varint(number << 3) + _varint(value)


def _varint(value: int) -> bytes:
    """Seven bits a byte, the lowest first; all bytes but the last have the eighth bit."""
    data = bytearray()
    while value > 0x7F:
        data.append(value & 0x7F | 0x80)
        value >>= 7
    data.append(value)
    return bytes(data)
