"""A failure with its structure, and the forms in which it is written; no protobuf.

The forms: a message TaskFailureDetails; the JSON of an exception (`ClassName`, `Message`,
`StackTraceString`), which a history event keeps in `details`; the JSON of DurableTask.Core
(`ErrorType`, `ErrorMessage`), which an entity replies with; and `ErrorType: ErrorMessage`, the
output of a failed instance.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any, NamedTuple

from durablectl.protocol.fields import Fields, Message, plain, read_text, text_field
from durablectl.wire import json_text, json_value

MOST_LEVELS = 16
"""How deep inner failures, and the values of their properties, are read and written.

The SDKs write 10 inner failures at most, and protobuf itself refuses messages of 100 levels.
"""


class FailureDetails(NamedTuple):
    """Why something failed. `error_type` is the exception's class, "" where it is not known.

    `properties` are JSON values that the app attached. `is_non_retriable` asks not to try again.
    """

    message: str
    error_type: str = ""
    stack_trace: str | None = None
    inner: FailureDetails | None = None
    is_non_retriable: bool = False
    properties: Mapping[str, Any] | None = None

    @property
    def text(self) -> str:
        """The output of an instance that failed with this."""
        return f"{self.error_type}: {self.message}" if self.error_type else self.message


def failure_of(reason: str, details: str | None) -> FailureDetails:
    """The failure that a history event tells as a reason and details.

    What the details say goes before the reason, in which the engine has the same with words around
    it. Details in another form than JSON are taken as the stack trace.
    """
    if details is None:
        return FailureDetails(reason)
    try:
        document = json_value(details)
    except ValueError:
        document = None
    failure = failure_from_json(document)
    return failure if failure is not None else FailureDetails(reason, stack_trace=details)


def reason_and_details(failure: FailureDetails) -> tuple[str, str | None]:
    """How a history event tells a failure; no details when the message is all there is."""
    if failure == FailureDetails(failure.message):
        return failure.message, None
    return failure.message, exception_text(failure)


def failure_of_output(output: str) -> FailureDetails:
    """The failure that the output of a failed instance tells."""
    found = re.match(r"([\w.+`]{1,300}): ", output)
    return FailureDetails(output[found.end() :], found[1]) if found else FailureDetails(output)


def exception_text(failure: FailureDetails) -> str:
    """The JSON of an exception, with the names of .NET's members."""
    return json_text(_written(failure, _EXCEPTION))


def core_json(failure: FailureDetails) -> dict[str, Any]:
    """The JSON of DurableTask.Core's FailureDetails."""
    return _written(failure, _CORE)


def failure_from_json(document: Any) -> FailureDetails | None:
    """A failure in either JSON form; None when it is neither."""
    for names in (_CORE, _EXCEPTION):
        if isinstance(document, dict) and (names.kind in document or names.message in document):
            return _read(document, names)
    return None


class _Names(NamedTuple):
    """The members of a JSON form."""

    kind: str
    message: str
    stack: str
    inner: str
    properties: str
    non_retriable: str = "IsNonRetriable"


_CORE = _Names("ErrorType", "ErrorMessage", "StackTrace", "InnerFailure", "Properties")
_EXCEPTION = _Names("ClassName", "Message", "StackTraceString", "InnerException", "Data")


def _written(
    failure: FailureDetails | None, names: _Names, levels: int = MOST_LEVELS
) -> dict[str, Any]:
    if failure is None or not levels:
        return {}
    written: dict[str, Any] = {
        names.kind: failure.error_type,
        names.message: failure.message,
        names.stack: failure.stack_trace,
        names.inner: _written(failure.inner, names, levels - 1) or None,
    }
    if failure.is_non_retriable:
        written[names.non_retriable] = True
    if failure.properties:
        written[names.properties] = dict(failure.properties)
    return written


def _read(document: Any, names: _Names, levels: int = MOST_LEVELS) -> FailureDetails | None:
    if not isinstance(document, dict) or not levels:
        return None
    properties = document.get(names.properties)
    return FailureDetails(
        _text(document, names.message) or "",
        _text(document, names.kind) or "",
        _text(document, names.stack),
        _read(document.get(names.inner), names, levels - 1),
        document.get(names.non_retriable) is True,
        {name: _bounded(value) for name, value in properties.items()}
        if isinstance(properties, dict) and properties
        else None,
    )


def _bounded(value: Any, levels: int = MOST_LEVELS) -> Any:
    """A JSON value with None for what is nested too deep."""
    if not isinstance(value, dict | list):
        return value
    if not levels:
        return None
    if isinstance(value, dict):
        return {name: _bounded(each, levels - 1) for name, each in value.items()}
    return [_bounded(each, levels - 1) for each in value]


def _text(members: Mapping[str, Any], name: str) -> str | None:
    value = members.get(name)
    return value if isinstance(value, str) else None


def read_failure(
    message: Message, name: str = "failureDetails", levels: int = MOST_LEVELS
) -> FailureDetails | None:
    """The failure in a field; None when it is not set."""
    if not levels or not message.HasField(name):
        return None
    part = getattr(message, name)
    return FailureDetails(
        part.errorMessage,
        part.errorType,
        read_text(part, "stackTrace"),
        read_failure(part, "innerFailure", levels - 1),
        part.isNonRetriable,
        _read_properties(part) or None,
    )


def failure_fields(failure: FailureDetails | None, levels: int = MOST_LEVELS) -> Fields | None:
    """The fields of a TaskFailureDetails."""
    if failure is None or not levels:
        return None
    fields: Fields = {
        "errorType": plain(failure.error_type),
        "errorMessage": plain(failure.message),
        "stackTrace": text_field(failure.stack_trace),
        "innerFailure": failure_fields(failure.inner, levels - 1),
        "isNonRetriable": failure.is_non_retriable,
    }
    if failure.properties:
        fields["properties"] = {
            plain(key): _value_fields(value) for key, value in failure.properties.items()
        }
    return fields


def _read_properties(message: Message) -> dict[str, Any]:
    """The properties of a failure; in Dapr's dialect there are none."""
    return _read_members(getattr(message, "properties", {}), MOST_LEVELS)


def _read_members(members: Any, levels: int) -> dict[str, Any]:
    """The JSON values of a map, whose order on the wire means nothing."""
    return {name: _read_value(members[name], levels) for name in sorted(members)}


def _read_value(value: Any, levels: int) -> Any:
    """The JSON value of a protobuf Value; what is nested too deep is None."""
    kind = value.WhichOneof("kind")
    if kind == "number_value":
        return _number(value.number_value)
    if kind == "struct_value" and levels:
        return _read_members(value.struct_value.fields, levels - 1)
    if kind == "list_value" and levels:
        return [_read_value(each, levels - 1) for each in value.list_value.values]
    return getattr(value, kind) if kind in ("string_value", "bool_value") else None


def _number(number: float) -> int | float | str:
    """A number as JSON has it: whole ones without a fraction, and "nan" or "inf" as text."""
    if number.is_integer() and abs(number) < 2**53:
        return int(number)
    return number if abs(number) < float("inf") else str(number)


def _value_fields(value: Any) -> Fields:
    """The fields of a protobuf Value. Struct and ListValue take JSON values as they are."""
    match _storable(_bounded(value)):
        case None:
            return {"null_value": 0}
        case bool() as flag:
            return {"bool_value": flag}
        case float() as number:
            return {"number_value": number}
        case dict() as members:
            return {"struct_value": members}
        case list() as items:
            return {"list_value": items}
        case text:
            return {"string_value": text}


def _storable(value: Any) -> Any:
    """A JSON value that a protobuf Value can hold: its numbers are doubles."""
    if isinstance(value, str):
        return plain(value)
    if value is None or isinstance(value, bool):
        return value
    if isinstance(value, dict):
        return {plain(name): _storable(each) for name, each in value.items()}
    if isinstance(value, list):
        return [_storable(each) for each in value]
    try:
        return float(value)
    except OverflowError:
        return str(value)
