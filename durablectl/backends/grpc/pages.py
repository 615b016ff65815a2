"""Pages of instances: filtered where the server does not, and as large as a message can be."""

from __future__ import annotations

from collections import Counter

from durablectl.backends.grpc.calls import Calls
from durablectl.backends.grpc.entities import page_of_statuses
from durablectl.backends.grpc.failures import TooLarge
from durablectl.backends.remote import LARGEST_PAGE, filled_page
from durablectl.errors import Unsupported
from durablectl.listing import each_of_pages
from durablectl.model import InstanceFilter, InstanceStatus, Page, RuntimeStatus
from durablectl.protocol.instances import read_page
from durablectl.protocol.messages import dapr
from durablectl.protocol.requests import InstanceQuery, instance_query_fields

ENTITIES = "entities:"  # before the token of a page of them: they come after the instances
MOST_IDS = 100  # on a page of Dapr's, whose instances are asked for one by one


def matching_page(calls: Calls, query: InstanceQuery) -> Page[InstanceStatus]:
    """The next page that has something that matches, or the last one."""
    adds_entities = _may_be_entities(query.filter) and calls.has_entities
    page_of = _page_with_entities if adds_entities else _page

    def page_after(token: str | None) -> Page[InstanceStatus]:
        page = page_of(calls, query._replace(continuation_token=token))
        kept = tuple(status for status in page if query.filter.matches(status))
        return Page(kept, page.continuation_token)

    return filled_page(calls.place, query.continuation_token, page_after)


def counts(calls: Calls, filter: InstanceFilter, *, by_name: bool) -> dict[str, int]:
    """How many instances match, of each status or of each orchestrator; no payloads are fetched."""
    query = InstanceQuery(filter, LARGEST_PAGE)
    found = each_of_pages(
        lambda token: matching_page(calls, query._replace(continuation_token=token))
    )
    return Counter(each.name if by_name else each.runtime_status.value for each in found)


def _may_be_entities(filter: InstanceFilter) -> bool:
    is_running = not filter.statuses or RuntimeStatus.RUNNING in filter.statuses
    is_begun = not filter.prefix or filter.prefix.startswith("@")
    return filter.include_entities and is_running and is_begun


def _page_with_entities(calls: Calls, query: InstanceQuery) -> Page[InstanceStatus]:
    """A page of the instances, and behind their last one those of the entities, which the protocol
    lists apart; some servers list them in both places.
    """
    token = query.continuation_token
    if token is not None and token.startswith(ENTITIES):
        of_entities = token.removeprefix(ENTITIES) or None
        page = page_of_statuses(calls, query.top or LARGEST_PAGE, of_entities)
        return Page(page.items, page.continuation_token and ENTITIES + page.continuation_token)
    page = _page(calls, query)
    instances = tuple(each for each in page if not each.is_entity)
    return Page(instances, page.continuation_token or ENTITIES)


def _page(calls: Calls, query: InstanceQuery) -> Page[InstanceStatus]:
    """A page; a smaller one than asked for where that is more than a message holds."""
    while True:
        try:
            answer = calls.call("QueryInstances", instance_query_fields(query))
            return read_page(answer.message)
        except TooLarge:
            if query.top == 1:
                raise
            query = query._replace(top=max((query.top or LARGEST_PAGE) // 2, 1))
        except Unsupported as error:
            return _page_of_ids(calls, query, error)


def _page_of_ids(calls: Calls, query: InstanceQuery, lacking: Unsupported) -> Page[InstanceStatus]:
    """A page as Dapr has it: it lists ids alone, so that each instance is asked for."""
    size = min(query.top or LARGEST_PAGE, MOST_IDS)
    fields = {"continuationToken": query.continuation_token, "pageSize": size}
    try:
        answer = calls.call("ListInstanceIDs", fields, dialect=dapr()).message
    except Unsupported:
        raise lacking from None
    found = (calls.instance(each, payloads=query.show_payloads) for each in answer.instanceIds)
    token = answer.continuationToken if answer.HasField("continuationToken") else ""
    return Page(tuple(each for each in found if each is not None), token or None)
