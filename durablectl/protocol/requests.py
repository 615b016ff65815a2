"""What clients ask for, as values: starts, queries and purges, read by a server and written by a
hub.

Requests that are an id and a text alone (raise, suspend, signal...) need no value of their own.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from types import MappingProxyType
from typing import NamedTuple

from durablectl.model import InstanceFilter, Page, RuntimeStatus
from durablectl.protocol.fields import (
    Fields,
    Message,
    malformed,
    plain,
    read_count,
    read_needed,
    read_span,
    read_statuses,
    read_text,
    read_time,
    read_token,
    span_field,
    status_fields,
    tag_fields,
    text_field,
    time_field,
)

MOST_IN_BATCH = 500
"""Ids that one purge may name (the scheduler's own limit)."""
_MOST_ON_PAGE = 2**31 - 1
_LAST_MOMENT = datetime.max.replace(tzinfo=UTC)


class StartRequest(NamedTuple):
    """A new instance. `input` is JSON text. Without an `instance_id` the server makes one.

    `replaceable` are the statuses of an instance of the same id that this one may replace.
    """

    name: str
    instance_id: str = ""
    input: str | None = None
    version: str | None = None
    scheduled_start: datetime | None = None
    replaceable: frozenset[RuntimeStatus] = frozenset()
    execution_id: str | None = None
    tags: Mapping[str, str] = MappingProxyType({})


class InstanceQuery(NamedTuple):
    """One page of a listing: of what `filter` and with how much.

    `top` is None where the server decides.

    The protocol has no place for the filter's name, its times of the last update and its entities:
    a client looks itself whether each instance matches.
    """

    filter: InstanceFilter = InstanceFilter()
    top: int | None = None
    continuation_token: str | None = None
    show_payloads: bool = False


class IdQuery(NamedTuple):
    """One page of the ids of finished instances, by the time when they finished."""

    statuses: frozenset[RuntimeStatus] = frozenset()
    completed_from: datetime | None = None
    completed_to: datetime | None = None
    top: int | None = None
    continuation_token: str | None = None


class PurgeFilter(NamedTuple):
    """The finished instances created in a time. With a `timeout` the purge stops, and says so."""

    created_from: datetime | None = None
    created_to: datetime | None = None
    statuses: frozenset[RuntimeStatus] = frozenset()
    timeout: timedelta | None = None


class PurgeRequest(NamedTuple):
    """What to purge: one id, several, or what a filter matches; with `recursive` its children
    too."""

    target: str | tuple[str, ...] | PurgeFilter
    recursive: bool = False


class Purged(NamedTuple):
    """How many instances were deleted, and whether that was all; None where the server does not
    say.
    """

    deleted: int
    is_complete: bool | None = None


def read_start(message: Message) -> StartRequest:
    """The start in a CreateInstanceRequest."""
    policy = message.orchestrationIdReusePolicy
    return StartRequest(
        read_needed(message, "name"),
        message.instanceId,
        read_text(message, "input"),
        read_text(message, "version"),
        read_time(message, "scheduledStartTimestamp"),
        read_statuses(policy, "replaceableStatus"),
        read_text(message, "executionId"),
        dict(message.tags),
    )


def start_fields(start: StartRequest) -> Fields:
    """The fields of a CreateInstanceRequest. Without `replaceable` it has no policy."""
    fields: Fields = {
        "instanceId": plain(start.instance_id),
        "name": plain(start.name),
        "version": text_field(start.version),
        "input": text_field(start.input),
        "scheduledStartTimestamp": time_field(start.scheduled_start),
        "executionId": text_field(start.execution_id),
        "tags": tag_fields(start.tags),
    }
    if start.replaceable:
        fields["orchestrationIdReusePolicy"] = {
            "replaceableStatus": status_fields(start.replaceable)
        }
    return fields


def read_instance_query(message: Message) -> InstanceQuery:
    """The query in a QueryInstancesRequest. Times are inclusive."""
    query = message.query
    wanted = InstanceFilter(
        statuses=read_statuses(query, "runtimeStatus"),
        prefix=read_text(query, "instanceIdPrefix") or "",
        created_from=read_time(query, "createdTimeFrom"),
        created_to=read_time(query, "createdTimeTo"),
    )
    top = read_count(query, "maxInstanceCount") or None
    return InstanceQuery(
        wanted, top, read_token(query, "continuationToken"), query.fetchInputsAndOutputs
    )


def instance_query_fields(query: InstanceQuery) -> Fields:
    """The fields of a QueryInstancesRequest.

    The end of the time is one microsecond later than the filter's: some servers leave out what was
    created at that very time. So the client has to drop what does not match the filter.
    """
    wanted, end = query.filter, query.filter.created_to
    if end is not None and end < _LAST_MOMENT:
        end += timedelta(microseconds=1)
    fields: Fields = {
        "runtimeStatus": status_fields(wanted.statuses),
        "createdTimeFrom": time_field(wanted.created_from),
        "createdTimeTo": time_field(end),
        "instanceIdPrefix": text_field(wanted.prefix or None),
        "maxInstanceCount": _top(query.top),
        "continuationToken": text_field(query.continuation_token),
        "fetchInputsAndOutputs": query.show_payloads,
    }
    return {"query": fields}


def read_id_query(message: Message) -> IdQuery:
    """The query in a ListInstanceIdsRequest."""
    return IdQuery(
        read_statuses(message, "runtimeStatus"),
        read_time(message, "completedTimeFrom"),
        read_time(message, "completedTimeTo"),
        read_count(message, "pageSize") or None,
        read_token(message, "lastInstanceKey"),
    )


def ids_fields(page: Page[str]) -> Fields:
    """The fields of a ListInstanceIdsResponse."""
    token = text_field(page.continuation_token)
    return {"instanceIds": [plain(id) for id in page], "lastInstanceKey": token}


def read_purge(message: Message) -> PurgeRequest:
    """What a PurgeInstancesRequest asks for; refused when it names nothing, or too many ids."""
    kind = message.WhichOneof("request")
    target: str | tuple[str, ...] | PurgeFilter
    if kind == "purgeInstanceFilter":
        target = _read_purge_filter(message.purgeInstanceFilter)
    elif kind == "instanceBatch":
        target = tuple(message.instanceBatch.instanceIds)
        if len(target) > MOST_IN_BATCH:
            raise malformed(
                message, f"{len(target)} ids are too many ({MOST_IN_BATCH} are allowed)"
            )
    else:
        target = read_needed(message, "instanceId")
    return PurgeRequest(target, message.recursive)


def purge_fields(purge: PurgeRequest) -> Fields:
    """The fields of a PurgeInstancesRequest."""
    fields: Fields = {"recursive": purge.recursive}
    match purge.target:
        case PurgeFilter() as wanted:
            fields["purgeInstanceFilter"] = {
                "createdTimeFrom": time_field(wanted.created_from),
                "createdTimeTo": time_field(wanted.created_to),
                "runtimeStatus": status_fields(wanted.statuses),
                "timeout": span_field(wanted.timeout),
            }
        case str() as instance_id:
            fields |= {"instanceId": plain(instance_id), "isOrchestration": True}
        case ids:
            fields["instanceBatch"] = {"instanceIds": [plain(id) for id in ids]}
    return fields


def read_purged(response: Message) -> Purged:
    """The answer in a PurgeInstancesResponse."""
    is_complete = response.isComplete.value if response.HasField("isComplete") else None
    return Purged(read_count(response, "deletedInstanceCount"), is_complete)


def purged_fields(purged: Purged) -> Fields:
    """The fields of a PurgeInstancesResponse."""
    complete = None if purged.is_complete is None else {"value": purged.is_complete}
    return {"deletedInstanceCount": min(purged.deleted, _MOST_ON_PAGE), "isComplete": complete}


def _read_purge_filter(message: Message) -> PurgeFilter:
    return PurgeFilter(
        read_time(message, "createdTimeFrom"),
        read_time(message, "createdTimeTo"),
        read_statuses(message, "runtimeStatus"),
        read_span(message, "timeout"),
    )


def _top(top: int | None) -> int:
    return min(top or 0, _MOST_ON_PAGE)
