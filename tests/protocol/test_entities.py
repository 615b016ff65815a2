"""Entities survive the way through the protocol's messages."""

from __future__ import annotations

import pytest
from generated import entities, names, some_time, texts
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, PROPERTY, T0, sent

from durablectl.model import EntityId, EntityStatus, Page
from durablectl.protocol import entities as en
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.messages import durable_task

MESSAGES = durable_task().messages
known = st.builds(en.Entity, entities, st.integers(0, 2**31 - 1), st.none() | names)
tops = st.none() | st.integers(1, 2**31 - 1)
tokens = st.none() | st.text(min_size=2)
queries = st.builds(
    en.EntityQuery, texts, some_time, some_time, st.booleans(), st.booleans(), tops, tokens
)


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(entity=known)
def test_an_entity_survives(kinds, entity):
    assert en.read_entity(sent(kinds.EntityMetadata, en.entity_fields(entity))) == entity


@PROPERTY
@given(page=st.lists(known, max_size=3), token=tokens)
def test_a_page_survives(page, token):
    whole = Page(tuple(page), token)
    assert (
        en.read_entities(sent(MESSAGES.QueryEntitiesResponse, en.entities_fields(whole))) == whole
    )


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(query=queries)
def test_a_query_survives(kinds, query):
    assert (
        en.read_entity_query(sent(kinds.QueryEntitiesRequest, en.entity_query_fields(query)))
        == query
    )


def test_a_name_is_the_prefix_of_its_entities():
    assert (en.prefix_of(None), en.prefix_of("Counter")) == ("@", "@counter@")


METADATA = {"instanceId": "@a@1", "lastModifiedTime": {"seconds": 1}}
BROKEN = {
    "no entity id": (
        en.read_entity,
        MESSAGES.EntityMetadata(**METADATA | {"instanceId": "order-1"}),
        "'order-1' is",
    ),
    "no time": (
        en.read_entity,
        MESSAGES.EntityMetadata(instanceId="@a@1"),
        "'lastModifiedTime' is missing",
    ),
    "a negative backlog": (
        en.read_entity,
        MESSAGES.EntityMetadata(**METADATA, backlogQueueSize=-1),
        "'backlogQueueSize' is negative",
    ),
    "a negative page": (
        en.read_entity_query,
        MESSAGES.QueryEntitiesRequest(query={"pageSize": {"value": -1}}),
        "'pageSize' is negative (-1)",
    ),
}


@pytest.mark.parametrize(("read", "message", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_message_is_malformed(read, message, problem):
    with pytest.raises(MalformedMessage) as raised:
        read(message)
    assert problem in raised.value.message


def test_an_entity_has_its_state_as_value():
    message = sent(
        MESSAGES.EntityMetadata, {**METADATA, "serializedState": {"value": '{"count": 3}'}}
    )
    assert en.read_entity(message).status == EntityStatus(
        EntityId("a", "1"), T0.replace(1970, 1, 1, 0, 0, 1, 0), {"count": 3}
    )
