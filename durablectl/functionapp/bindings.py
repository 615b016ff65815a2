"""What a function is bound to beside its trigger: a durable client, inputs, outputs; reaches no
service.
"""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

RETURN = "$return"
HTTP_OUTPUT = "http"
_CLIENTS = frozenset({"durableClient", "orchestrationClient"})
# The member of a binding that says where its output goes, whatever its type.
_TARGETS = (
    "queueName",
    "topicName",
    "eventHubName",
    "path",
    "containerName",
    "collectionName",
    "tableName",
    "hubName",
    "topic",
    "to",
)
_LONGEST = 500

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Binding:
    """One binding, under the names of function.json. `name` is that of a parameter, or `$return`.

    `is_text` is for a durable client that the function makes by itself, from JSON text; `is_grpc`
    for one that talks gRPC to the host.
    """

    name: str
    type: str
    is_output: bool = False
    settings: Mapping[str, Any] = field(default_factory=dict)
    is_text: bool = False
    is_grpc: bool = False

    @property
    def is_client(self) -> bool:
        return self.type in _CLIENTS and not self.is_output

    @property
    def target(self) -> str:
        """What it is bound to, for messages: `queue 'orders'`."""
        named = next((self.settings[key] for key in _TARGETS if self.settings.get(key)), None)
        return self.type if named is None else f"{self.type} '{named}'"

    def log(self, function: str, value: Any) -> None:
        """Log what Azure would send; here nothing is sent."""
        name = "" if self.name == RETURN else f" '{self.name}'"
        logging.getLogger("durablectl.bindings").warning(
            "%s: output%s would be sent to %s: %s", function, name, self.target, _text(value)
        )


class Out(Generic[T]):
    """Where a function puts a value for one of its output bindings."""

    def __init__(self) -> None:
        self._value: T | None = None

    def set(self, val: T) -> None:
        """Give the output a value; the last one counts."""
        self._value = val

    def get(self) -> T | None:
        return self._value


def _text(value: Any) -> str:
    """A value on one line."""
    plain = value if isinstance(value, list | dict | None) else _plain(value)
    try:
        text = plain if isinstance(plain, str) else json.dumps(plain, default=_plain)
    except (TypeError, ValueError, RecursionError):
        text = str(plain)
    return " ".join((f"{text[:_LONGEST]}…" if len(text) > _LONGEST else text).split())


def _plain(value: Any) -> Any:
    """A value as JSON can hold it: messages and events of the azure packages by what is in them."""
    for method in ("get_body", "get_json"):
        if callable(content := getattr(value, method, None)):
            value = content()
    if isinstance(value, bytes | bytearray):
        return value.decode("utf-8", "replace")
    if isinstance(value, Mapping):
        return dict(value)
    return value if isinstance(value, str | int | float | list) else str(value)
