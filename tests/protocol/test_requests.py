"""What clients ask for survives the way through the protocol's messages, and is read with care."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from generated import filters, names, some_text, some_time, statuses, tags, texts
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, PROPERTY, T0, sent

from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, Page, RuntimeStatus
from durablectl.protocol import requests as r
from durablectl.protocol.fields import MalformedMessage, time_field
from durablectl.protocol.messages import durable_task

MESSAGES = durable_task().messages
MICROSECOND = timedelta(microseconds=1)
tops = st.none() | st.integers(1, 2**31 - 1)
tokens = st.none() | st.text(min_size=2)
sets = st.frozensets(statuses)
spans = st.timedeltas(timedelta(0), timedelta(days=3_000_000))
purge_filters = st.builds(r.PurgeFilter, some_time, some_time, sets, st.none() | spans)
targets = names | st.lists(names, max_size=5).map(tuple) | purge_filters


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(
    start=st.builds(
        r.StartRequest, names, texts, some_text, some_text, some_time, sets, some_text, tags
    )
)
def test_a_start_survives(kinds, start):
    assert r.read_start(sent(kinds.CreateInstanceRequest, r.start_fields(start))) == start


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(query=st.builds(r.InstanceQuery, filters, tops, tokens, st.booleans()))
def test_a_query_survives_but_for_one_microsecond(kinds, query):
    read = r.read_instance_query(sent(kinds.QueryInstancesRequest, r.instance_query_fields(query)))
    end = query.filter.created_to
    assert read.filter.created_to == (None if end is None else end + MICROSECOND)
    assert (read.top, read.continuation_token, read.show_payloads) == (
        query.top,
        query.continuation_token,
        query.show_payloads,
    )
    assert (read.filter.statuses, read.filter.prefix, read.filter.created_from) == (
        query.filter.statuses,
        query.filter.prefix,
        query.filter.created_from,
    )


def test_a_query_for_ids_is_read():
    second = time_field(T0)
    fields = {"runtimeStatus": [1, 3], "completedTimeFrom": second, "completedTimeTo": second}
    message = MESSAGES.ListInstanceIdsRequest(
        **fields, pageSize=5, lastInstanceKey={"value": "next"}
    )
    ended = frozenset({RuntimeStatus.COMPLETED, RuntimeStatus.FAILED})
    assert r.read_id_query(message) == r.IdQuery(ended, T0, T0, 5, "next")


@PROPERTY
@given(page=st.builds(Page, st.lists(texts, max_size=4).map(tuple), tokens))
def test_a_page_of_ids_is_written(page):
    message = sent(MESSAGES.ListInstanceIdsResponse, r.ids_fields(page))
    assert tuple(message.instanceIds) == page.items
    assert message.HasField("lastInstanceKey") == (page.continuation_token is not None)


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(purge=st.builds(r.PurgeRequest, targets, st.booleans()))
def test_a_purge_survives(kinds, purge):
    assert r.read_purge(sent(kinds.PurgeInstancesRequest, r.purge_fields(purge))) == purge


@PROPERTY
@given(purged=st.builds(r.Purged, st.integers(0, 2**31 - 1), st.none() | st.booleans()))
def test_the_answer_to_a_purge_survives(purged):
    assert r.read_purged(sent(MESSAGES.PurgeInstancesResponse, r.purged_fields(purged))) == purged


def test_the_last_moment_has_no_later_one():
    last = datetime.max.replace(tzinfo=UTC)
    fields = r.instance_query_fields(r.InstanceQuery(InstanceFilter(created_to=last)))
    assert (
        r.read_instance_query(sent(MESSAGES.QueryInstancesRequest, fields)).filter.created_to
        == last
    )


def test_the_status_unknown_cannot_be_asked_for():
    with pytest.raises(UsageError, match="the status Unknown cannot be asked for"):
        r.instance_query_fields(
            r.InstanceQuery(InstanceFilter(statuses=frozenset({RuntimeStatus.UNKNOWN})))
        )


def purge(**fields):
    return sent(MESSAGES.PurgeInstancesRequest, fields)


def query(**fields):
    return sent(MESSAGES.QueryInstancesRequest, {"query": fields})


BROKEN = {
    "a purge of nothing": (r.read_purge, purge(recursive=True), "'instanceId' is missing"),
    "a purge of an unknown status": (
        r.read_purge,
        purge(purgeInstanceFilter={"runtimeStatus": [1, 99]}),
        "'runtimeStatus' has the unknown status 99",
    ),
    "a purge of too many ids": (
        r.read_purge,
        purge(instanceBatch={"instanceIds": ["a"] * 501}),
        "501 ids are too many (500 are allowed)",
    ),
    "a purge with no time": (
        r.read_purge,
        purge(purgeInstanceFilter={"createdTimeTo": {"seconds": 2**60}}),
        "'createdTimeTo' is not a time",
    ),
    "a purge that takes less than no time": (
        r.read_purge,
        purge(purgeInstanceFilter={"timeout": {"seconds": -1}}),
        "'timeout' is not a duration",
    ),
    "a purge of less than none": (
        r.read_purged,
        MESSAGES.PurgeInstancesResponse(deletedInstanceCount=-1),
        "'deletedInstanceCount' is negative",
    ),
    "a query for an unknown status": (
        r.read_instance_query,
        query(runtimeStatus=[-5]),
        "'runtimeStatus' has the unknown status -5",
    ),
    "a page of less than none": (
        r.read_instance_query,
        query(maxInstanceCount=-1),
        "'maxInstanceCount' is negative (-1)",
    ),
    "ids of an unknown status": (
        r.read_id_query,
        MESSAGES.ListInstanceIdsRequest(runtimeStatus=[8]),
        "'runtimeStatus' has the unknown status 8",
    ),
    "a start of nothing": (
        r.read_start,
        MESSAGES.CreateInstanceRequest(instanceId="a"),
        "'name' is missing",
    ),
    "a start at no time": (
        r.read_start,
        MESSAGES.CreateInstanceRequest(name="F", scheduledStartTimestamp={"nanos": 2**31 - 1}),
        "'scheduledStartTimestamp' is not a time",
    ),
}


@pytest.mark.parametrize(("read", "message", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_request_that_makes_no_sense_is_malformed(read, message, problem):
    with pytest.raises(MalformedMessage) as raised:
        read(message)
    assert problem in raised.value.message


def test_a_start_without_a_policy_replaces_nothing():
    assert r.read_start(MESSAGES.CreateInstanceRequest(name="F")) == r.StartRequest("F")
    assert "orchestrationIdReusePolicy" not in r.start_fields(
        r.StartRequest("F", scheduled_start=T0)
    )
