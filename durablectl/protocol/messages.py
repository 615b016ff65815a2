"""The protocol's tables as message classes and methods; the only module that imports protobuf.

The classes live in descriptor pools of their own: the generated modules of the `durabletask`
package and those of Dapr register the same names in protobuf's default pool, and a process may have
either.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from functools import cache
from typing import Any, NamedTuple, Protocol

from google.protobuf import message

from durablectl.protocol import dapr as dapr_table
from durablectl.protocol import table
from durablectl.protocol.descriptors import (
    WELL_KNOWN,
    changed,
    file_descriptor,
    lines_of,
    reachable,
)
from durablectl.protocol.fields import MalformedMessage, Message

try:
    # Private. Where protobuf's compiled part is what runs, it is asked directly: the modules in
    # front of it take longer to import than a status over gRPC needs for the rest.
    if os.environ.get("PROTOCOL_BUFFERS_PYTHON_IMPLEMENTATION", "upb") != "upb":
        raise ImportError
    from google._upb._message import DescriptorPool, MessageMeta

    message_factory: Any = None
except ImportError:
    from google.protobuf import message_factory  # type: ignore[no-redef]
    from google.protobuf.descriptor_pool import DescriptorPool


class MessageClass(Protocol):
    """Makes a message of its fields; the value of a field that is a message may be a dict."""

    def __call__(self, **fields: Any) -> Message: ...

    def FromString(self, data: bytes, /) -> Message: ...  # noqa: N802 (protobuf's name)

    def SerializeToString(self, message: Message, /) -> bytes: ...  # noqa: N802 (protobuf's name)


class Messages:
    """The message classes of a dialect, as attributes: `messages.HistoryEvent`.

    A class is made, with those of the messages in it, when it is first asked for. Any number of
    threads may ask.
    """

    def __init__(self, name: str, lines: Mapping[str, str], statuses: str) -> None:
        self._name, self._lines = name, lines
        self._pool = DescriptorPool()
        self._lock = threading.Lock()
        self._loaded: set[str] = set()
        self._files = [f"{WELL_KNOWN}.proto", f"{name}.proto"]
        members = [f"ORCHESTRATION_STATUS_{status}" for status in statuses.split()]
        for file in (
            file_descriptor(
                self._files[0],
                lines_of(table.WELL_KNOWN),
                package=WELL_KNOWN,
                enums={"NullValue": ["NULL_VALUE"]},
            ),
            file_descriptor(self._files[1], {}, enums={"OrchestrationStatus": members}),
        ):
            self._pool.AddSerializedFile(file)

    @property
    def names(self) -> list[str]:
        return list(self._lines)

    def __getattr__(self, name: str) -> MessageClass:
        if name not in self._lines and name != "Empty":
            raise AttributeError(f"the protocol has no message {name}")
        with self._lock:  # protobuf must not make one class twice at the same time
            if name not in self.__dict__:
                self.__dict__[name] = self._made(name)
        made: MessageClass = self.__dict__[name]
        return made

    def _made(self, name: str) -> MessageClass:
        """The class of a message; a file with what is in it and new is added to the pool first."""
        lines = reachable(self._lines, [name])
        new = {each: line for each, line in lines.items() if each not in self._loaded}
        if new:
            file = f"{self._name}/{name}.proto"
            self._pool.AddSerializedFile(file_descriptor(file, new, dependencies=self._files))
            self._files.append(file)
            self._loaded |= new.keys()
        full_name = name if name in lines else f"{WELL_KNOWN}.{name}"
        return _class_of(self._pool.FindMessageTypeByName(full_name))


class Method(NamedTuple):
    """A method of the service: what it takes, and what it returns, once or as a stream."""

    name: str
    streams: bool
    messages: Messages
    request_name: str
    response_name: str

    @property
    def path(self) -> str:
        return f"/{table.SERVICE}/{self.name}"

    @property
    def request(self) -> MessageClass:
        kind: MessageClass = getattr(self.messages, self.request_name)
        return kind

    @property
    def response(self) -> MessageClass:
        kind: MessageClass = getattr(self.messages, self.response_name)
        return kind


class Dialect(NamedTuple):
    """The messages and methods of one kind of server.

    A method that it lacks is not in `methods`.
    """

    messages: Messages
    methods: Mapping[str, Method]


@cache
def durable_task() -> Dialect:
    """The protocol as Azure's scheduler, its emulator, the Functions host and the SDKs speak it."""
    messages = Messages("durable_task", lines_of(table.MESSAGES), table.STATUSES)
    return Dialect(messages, _methods(messages, lines_of(table.METHODS)))


@cache
def dapr() -> Dialect:
    """The protocol as Dapr's sidecar speaks it."""
    lines = changed(lines_of(table.MESSAGES), lines_of(dapr_table.CHANGED))
    shared = lines_of(table.METHODS)
    methods = {name: shared[name] for name in dapr_table.SHARED_METHODS.split()}
    methods |= lines_of(dapr_table.METHODS)
    used = reachable(lines, " ".join(methods.values()).split())
    messages = Messages("dapr", used, dapr_table.STATUSES)
    return Dialect(messages, _methods(messages, methods))


def parse(kind: MessageClass, data: bytes) -> Message:
    """The message in `data`; `MalformedMessage` when there is none."""
    try:
        return kind.FromString(data)
    # the latter from protobuf's implementation in Python
    except (message.DecodeError, UnicodeDecodeError) as error:
        raise MalformedMessage(f"not a message of the Durable Task protocol: {error}") from error


def _methods(messages: Messages, methods: Mapping[str, str]) -> dict[str, Method]:
    found = {}
    for name, types in methods.items():
        request, response = types.split()
        is_stream = response.endswith("*")
        found[name] = Method(name, is_stream, messages, request, response.removesuffix("*"))
    return found


def _class_of(descriptor: Any) -> MessageClass:
    """The class of a descriptor. The compiled part finds those of its fields by itself once they
    are made.
    """
    if message_factory is not None:
        public: MessageClass = message_factory.GetMessageClass(descriptor)
        return public
    made: dict[str, MessageClass] = {}
    wanted = [descriptor]
    while wanted:
        each = wanted.pop()
        if each.full_name not in made:
            members = {"DESCRIPTOR": each, "__module__": None}
            made[each.full_name] = MessageMeta(each.name, (message.Message,), members)
            wanted += [field.message_type for field in each.fields if field.message_type]
    return made[descriptor.full_name]
