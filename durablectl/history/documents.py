"""Saved histories in the forms that people have: our raw form, and the service's status object with
its history.
"""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from durablectl.errors import UsageError
from durablectl.history.exported import FORMAT, RawHistory, raw_from_json
from durablectl.json_values import json_value
from durablectl.model import InstanceStatus
from durablectl.wire import is_status, status_from_json

Document = RawHistory | InstanceStatus
"""A history: the complete events, or a status with what the HTTP API shows of them."""
Source = Document | Mapping[str, Any] | str | Path
"""What a history is read from: itself, its JSON, the text of that, or the path of a file."""

HINT = "durablectl history ID --raw writes one, or status ID --history-output -o json"


def document(source: Source) -> Document:
    """The history that `source` is or holds; `UsageError` when it is not a history, is damaged, or
    has a newer format.
    """
    match source:
        case RawHistory():
            return source
        case InstanceStatus():
            return _with_history(source)
        case Path():
            return document(source.read_text(encoding="utf-8-sig"))
        case str():
            return document_from_json(_decoded(source))
        case _:
            return document_from_json(source)


def document_from_json(value: Any) -> Document:
    """A history from decoded JSON; `UsageError` as above."""
    if isinstance(value, Mapping) and value.get("format") == FORMAT:
        return raw_from_json(value)
    if is_status(value):
        try:
            return _with_history(status_from_json(value))
        except ValueError as error:
            raise UsageError(f"the status object is damaged: {error}", hint=HINT) from error
    raise UsageError("this is not a history", hint=HINT)


def _decoded(text: str) -> Any:
    try:
        return json_value(text)
    except ValueError as error:
        raise UsageError(f"the history is not JSON: {error}", hint=HINT) from error


def _with_history(status: InstanceStatus) -> InstanceStatus:
    if status.history is None:
        raise UsageError(
            f"the status of instance '{status.instance_id}' has no history",
            hint="save it with: durablectl status ID --history-output -o json",
        )
    return status
