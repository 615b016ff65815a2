"""Whatever a message holds, reading it gives a value or a `MalformedMessage`, and a value that was
read can be written.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import cache
from typing import Any, NamedTuple

import pytest
from generated import events, instances
from hypothesis import given
from hypothesis import strategies as st
from message_classes import PROPERTY, T0

from durablectl.protocol import entities, entity_batch, history, orchestrator, requests
from durablectl.protocol import instances as inst
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.history import Execution, event_fields
from durablectl.protocol.messages import dapr, durable_task, parse

MESSAGES = durable_task().messages
OWNER = Execution("order-1", "e1")
NUMBERS = {"int32": 31, "int64": 63, "uint32": 32}
STRANGE = [
    "",
    "0",
    "@",
    "@a@",
    "@a@1",
    "\x00",
    "null",
    "[",
    '{"ClassName":1}',
    "NaN",
    "1e999",
    '{"a":' * 50,
    "é" * 30,
]


class Reader(NamedTuple):
    """A message, how it is read, and how what was read is written; None where it is only read."""

    name: str
    read: Callable[[Any], Any]
    write: Callable[[Any], Any] | None = None


def write_response(instance: Any) -> Any:
    return inst.response_fields(instance, payloads=True)


def write_event(event: Any) -> Any:
    return {} if event is None else event_fields(event, OWNER)


READERS = [
    Reader("HistoryEvent", history.read_event, write_event),
    Reader("HistoryChunk", lambda chunk: history.read_history(chunk.events)),
    Reader("OrchestrationState", inst.read_instance, inst.instance_fields),
    Reader("GetInstanceResponse", inst.read_response, write_response),
    Reader(
        "QueryInstancesResponse", inst.read_page, lambda page: inst.page_fields(page, payloads=True)
    ),
    Reader("CreateInstanceRequest", requests.read_start, requests.start_fields),
    Reader("QueryInstancesRequest", requests.read_instance_query, requests.instance_query_fields),
    Reader("ListInstanceIdsRequest", requests.read_id_query),
    Reader("PurgeInstancesRequest", requests.read_purge, requests.purge_fields),
    Reader("PurgeInstancesResponse", requests.read_purged, requests.purged_fields),
    Reader("EntityMetadata", entities.read_entity, entities.entity_fields),
    Reader("QueryEntitiesResponse", entities.read_entities, entities.entities_fields),
    Reader("QueryEntitiesRequest", entities.read_entity_query, entities.entity_query_fields),
    Reader("EntityBatchResult", lambda result: entity_batch.read_batch(result, 1)),
    Reader("OrchestratorResponse", lambda response: orchestrator.read_response(response, T0)),
]


@cache
def members(descriptor: Any, levels: int) -> Any:
    """Fields for a message of that kind: any of them, with any value that the wire can carry."""
    fields = {
        field.name: values(field, levels)
        for field in descriptor.fields
        if levels or not field.message_type
    }
    return st.fixed_dictionaries({}, optional=fields)


def values(field: Any, levels: int) -> Any:
    if field.message_type and field.message_type.GetOptions().map_entry:
        value = field.message_type.fields_by_name["value"]
        return st.dictionaries(st.sampled_from(STRANGE), values(value, levels), max_size=2)
    one = value_of(field, levels)
    return st.lists(one, max_size=3) if field.is_repeated else one


def value_of(field: Any, levels: int) -> Any:
    if field.message_type:
        return (
            any_json(field)
            if field.message_type.full_name == "google.protobuf.Value"
            else members(field.message_type, levels - 1)
        )
    kind = {field.TYPE_STRING: "text", field.TYPE_BOOL: "flag", field.TYPE_INT64: 63}.get(
        field.type, 31
    )
    if kind == "text":
        return st.sampled_from(STRANGE) | st.text(max_size=6)
    return (
        st.booleans()
        if kind == "flag"
        else st.integers(-(2**kind), 2**kind - 1) | st.integers(-2, 10)
    )


def any_json(_field: Any) -> Any:
    scalar = st.one_of(
        st.just({}),
        st.floats().map(lambda number: {"number_value": number}),
        st.sampled_from(STRANGE).map(lambda text: {"string_value": text}),
        st.just({"null_value": 0}),
    )
    return (
        scalar
        | st.just({"list_value": [[[[None, 1e300]]]]})
        | st.just({"struct_value": {"a": {"b": {}}}})
    )


def check(kind: Any, reader: Reader, message: Any) -> None:
    with suppress(MalformedMessage):
        value = reader.read(message)
        if reader.write is not None:
            kind(**reader.write(value)).SerializeToString()


@pytest.mark.parametrize("reader", READERS, ids=[reader.name for reader in READERS])
@PROPERTY
@given(data=st.data())
def test_any_message_is_read_or_malformed(reader, data):
    kind = getattr(MESSAGES, reader.name)
    fields = data.draw(members(kind.DESCRIPTOR, 4))
    check(kind, reader, parse(kind, kind(**fields).SerializeToString()))


@PROPERTY
@given(data=st.data())
def test_any_event_of_dapr_is_read_or_malformed(data):
    kind = dapr().messages.HistoryEvent
    fields = data.draw(members(kind.DESCRIPTOR, 4))
    check(kind, READERS[0], parse(kind, kind(**fields).SerializeToString()))


@pytest.mark.parametrize("reader", READERS, ids=[reader.name for reader in READERS])
@PROPERTY
@given(data=st.binary(max_size=64))
def test_any_bytes_are_read_or_malformed(reader, data):
    kind = getattr(MESSAGES, reader.name)
    with suppress(MalformedMessage):
        check(kind, reader, parse(kind, data))


@PROPERTY
@given(
    event=events,
    instance=instances(),
    at=st.integers(0, 400),
    byte=st.integers(0, 255),
    cut=st.booleans(),
)
def test_a_damaged_message_is_read_or_malformed(event, instance, at, byte, cut):
    for reader, fields in (
        (READERS[0], event_fields(event, OWNER)),
        (READERS[2], inst.instance_fields(instance)),
    ):
        kind = getattr(MESSAGES, reader.name)
        whole = bytearray(kind(**fields).SerializeToString())
        at %= max(1, len(whole))
        damaged = whole[:at] if cut else whole[:at] + bytes([byte]) + whole[at + 1 :]
        with suppress(MalformedMessage):
            check(kind, reader, parse(kind, bytes(damaged)))


def test_a_message_of_too_many_levels_is_malformed():
    failure = b""
    for _ in range(200):
        size = len(failure)
        failure = (
            b"\x22"
            + (bytes([size]) if size < 128 else bytes([size & 127 | 128, size >> 7]))
            + failure
        )
    with pytest.raises(MalformedMessage, match="not a message of the Durable Task protocol"):
        parse(MESSAGES.TaskFailureDetails, failure)
