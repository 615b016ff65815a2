"""Pages of instances: filtered where the server does not, and as large as a message can be."""

from __future__ import annotations

from collections import Counter

from durablectl.backends.grpc.calls import Calls
from durablectl.backends.grpc.failures import TooLarge
from durablectl.backends.remote import LARGEST_PAGE, filled_page
from durablectl.errors import Unsupported
from durablectl.listing import each_of_pages
from durablectl.model import InstanceFilter, InstanceStatus, Page
from durablectl.protocol.instances import read_page
from durablectl.protocol.messages import dapr
from durablectl.protocol.requests import InstanceQuery, instance_query_fields

MOST_IDS = 100  # on a page of Dapr's, whose instances are asked for one by one


def matching_page(calls: Calls, query: InstanceQuery) -> Page[InstanceStatus]:
    """The next page that has something that matches, or the last one."""

    def page_after(token: str | None) -> Page[InstanceStatus]:
        page = _page(calls, query._replace(continuation_token=token))
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
