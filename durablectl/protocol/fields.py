"""How single fields of messages are read and written: texts, times, statuses, tags; no protobuf.

Reading takes what it gets: whatever cannot be read is a `MalformedMessage` that names the field.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Protocol

from durablectl.errors import NotATaskHub, UsageError
from durablectl.model import RuntimeStatus, utc
from durablectl.payload import storable
from durablectl.protocol.table import STATUSES

Fields = dict[str, Any]
"""The fields of a message to write, by name: plain values, and dicts for messages; None is
unset."""


class MalformedMessage(NotATaskHub):
    """The other side sent a message that cannot be read.

    From a server this is what it says: what answers is not a task hub. A server that gets one from
    a client answers INVALID_ARGUMENT.
    """


class Message(Protocol):
    """A protobuf message. Its fields are attributes that a type checker cannot know."""

    def HasField(self, name: str, /) -> bool: ...  # noqa: N802 (protobuf's name)

    def WhichOneof(self, name: str, /) -> str | None: ...  # noqa: N802 (protobuf's name)

    def __getattr__(self, name: str, /) -> Any: ...


plain = storable
"""Text that a message can hold."""
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
_FIRST_SECOND, _LAST_SECOND = -62_135_596_800, 253_402_300_799  # the years 1 to 9999
_UNKNOWN = -1
_NUMBERS = {RuntimeStatus[name]: number for number, name in enumerate(STATUSES.split())}
_BY_NUMBER = {number: status for status, number in _NUMBERS.items()}
_NUMBERS[RuntimeStatus.UNKNOWN] = _UNKNOWN


def malformed(message: Message, problem: str) -> MalformedMessage:
    return MalformedMessage(f"a message {message.DESCRIPTOR.name} cannot be read: {problem}")


def read_text(message: Message, name: str) -> str | None:
    """The text of a wrapped string (StringValue); None when it is not set."""
    return getattr(message, name).value if message.HasField(name) else None


def read_time(message: Message, name: str) -> datetime | None:
    """A time as aware UTC datetime, exact to the microsecond; None when it is not set."""
    if not message.HasField(name):
        return None
    stamp = getattr(message, name)
    seconds, nanos = stamp.seconds, stamp.nanos
    if not (_FIRST_SECOND <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000):
        raise malformed(message, f"'{name}' is not a time ({seconds} s and {nanos} ns since 1970)")
    return EPOCH + timedelta(seconds=seconds, microseconds=nanos // 1000)


def read_needed_time(message: Message, name: str) -> datetime:
    if (time := read_time(message, name)) is None:
        raise malformed(message, f"'{name}' is missing")
    return time


def read_span(message: Message, name: str) -> timedelta | None:
    """A span of time that is not negative; None when it is not set."""
    if not message.HasField(name):
        return None
    span = getattr(message, name)
    seconds, nanos = span.seconds, span.nanos
    if not (0 <= seconds <= _LAST_SECOND and 0 <= nanos < 1_000_000_000):
        raise malformed(message, f"'{name}' is not a duration ({seconds} s and {nanos} ns)")
    return timedelta(seconds=seconds, microseconds=nanos // 1000)


def read_needed(message: Message, name: str) -> str:
    """A plain string that must not be empty, such as an instance id."""
    text: str = getattr(message, name)
    if not text:
        raise malformed(message, f"'{name}' is missing")
    return text


def read_count(message: Message, name: str) -> int:
    number: int = getattr(message, name)
    if number < 0:
        raise malformed(message, f"'{name}' is negative ({number})")
    return number


def read_status(number: int) -> RuntimeStatus:
    """A status; UNKNOWN for a number without a meaning here, such as Dapr's STALLED."""
    return _BY_NUMBER.get(number, RuntimeStatus.UNKNOWN)


def read_statuses(message: Message, name: str) -> frozenset[RuntimeStatus]:
    """The statuses of a filter.

    An unknown one is refused: without it the filter would match more.
    """
    numbers = getattr(message, name)
    for number in numbers:
        if number not in _BY_NUMBER:
            raise malformed(message, f"'{name}' has the unknown status {number}")
    return frozenset(_BY_NUMBER[number] for number in numbers)


def read_token(message: Message, name: str) -> str | None:
    """A continuation token; None after the last page, where some servers send "" or "0"."""
    token = read_text(message, name)
    return None if token in (None, "", "0") else token


def text_field(text: str | None) -> Fields | None:
    """A wrapped string (StringValue)."""
    return None if text is None else {"value": plain(text)}


def time_field(time: datetime | None) -> Fields | None:
    if time is None:
        return None
    since = (time if time.tzinfo is UTC else utc(time)) - EPOCH
    return {"seconds": since.days * 86_400 + since.seconds, "nanos": since.microseconds * 1000}


def span_field(span: timedelta | None) -> Fields | None:
    if span is None:
        return None
    return {"seconds": span.days * 86_400 + span.seconds, "nanos": span.microseconds * 1000}


def status_field(status: RuntimeStatus) -> int:
    return _NUMBERS[status]


def status_fields(statuses: Iterable[RuntimeStatus]) -> list[int]:
    """The statuses of a filter, in the protocol's order; `UsageError` for UNKNOWN, which has no
    number.
    """
    numbers = sorted(_NUMBERS[status] for status in statuses)
    if numbers and numbers[0] == _UNKNOWN:
        raise UsageError(
            "the status Unknown cannot be asked for", hint="leave it out of the filter"
        )
    return numbers


def tag_fields(tags: Mapping[str, str]) -> Fields:
    return {plain(name): plain(value) for name, value in tags.items()}


def task_id_field(number: int) -> int:
    """A number of 32 bits; `UsageError` when it has more."""
    if not -(2**31) <= number < 2**31:
        raise UsageError(f"the task id {number} does not fit into a message (32 bits)")
    return number
