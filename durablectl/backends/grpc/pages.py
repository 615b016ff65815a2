"""Pages of instances: filtered where the server does not, and as large as a message can be."""

from __future__ import annotations

from dataclasses import replace

from durablectl.backends.grpc.calls import Calls
from durablectl.backends.grpc.failures import TooLarge
from durablectl.errors import NotATaskHub, UsageError
from durablectl.model import InstanceStatus, Page
from durablectl.protocol.instances import Instance
from durablectl.protocol.requests import InstanceQuery

LARGEST_PAGE = 1000
MOST_EMPTY_PAGES = 1000


def filled_page(calls: Calls, query: InstanceQuery) -> Page[InstanceStatus]:
    """The next page that has something that matches, or the last one."""
    seen = {query.continuation_token}
    for _ in range(MOST_EMPTY_PAGES):
        page = _page(calls, query)
        found = (each.status for each in page)
        kept = tuple(status for status in found if query.filter.matches(status))
        token = page.continuation_token
        if kept or token is None:
            return Page(kept, token)
        if token in seen:
            raise NotATaskHub(f"{calls.place.label} lists its pages in circles")
        seen.add(token)
        query = replace(query, continuation_token=token)
    raise NotATaskHub(f"{calls.place.label} has sent {MOST_EMPTY_PAGES} empty pages in a row")


def page_size(top: int) -> int:
    """The size to ask for; `UsageError` when it is not one."""
    if top < 1:
        raise UsageError(f"a page of {top} is too small")
    return min(top, LARGEST_PAGE)


def _page(calls: Calls, query: InstanceQuery) -> Page[Instance]:
    """A page; a smaller one than asked for where that is more than a message holds."""
    while True:
        try:
            return calls.page(query)
        except TooLarge:
            if query.top == 1:
                raise
            query = replace(query, top=max((query.top or LARGEST_PAGE) // 2, 1))
