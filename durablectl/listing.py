"""Listings page by page, and the newest instances of a hub that cannot sort."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import datetime, timedelta
from typing import NamedTuple, TypeVar

from durablectl.errors import NotATaskHub
from durablectl.model import InstanceFilter, InstanceStatus, Page

Item = TypeVar("Item")
PAGE, MOST_PAGES = 200, 20  # of a listing that is read to fill a screen
WINDOWS = (("hour", 3600), ("day", 86_400), ("week", 604_800), ("", None))


class Newest(NamedTuple):
    """The newest instances, newest first, and how many match in all; None when that is not known,
    and then `window` is the time that was read, as in "the last day".
    """

    items: tuple[InstanceStatus, ...]
    total: int | None
    window: str = ""


def newest_by_time(
    list_page: Callable[..., Page[InstanceStatus]], filter: InstanceFilter, top: int, now: datetime
) -> Newest:
    found: dict[str, InstanceStatus] = {}
    pages, window, is_complete = 0, "", False
    for name, seconds in WINDOWS:
        start = None if seconds is None else now - timedelta(seconds=seconds)
        earliest = filter.created_from
        is_last = start is None or (earliest is not None and start < earliest)
        within = filter if is_last else replace(filter, created_from=start)
        token, window, is_complete = None, "" if is_last else f"the last {name}", False
        while pages < MOST_PAGES and not is_complete:
            page = list_page(within, top=PAGE, continuation_token=token)
            found |= {status.instance_id: status for status in page}
            token, pages = page.continuation_token, pages + 1
            is_complete = token is None
        if is_last or not is_complete or len(found) >= top:
            break
    newest = sorted(found.values(), key=lambda each: each.created_time, reverse=True)
    total = len(found) if is_complete and not window else None
    return Newest(tuple(newest[:top]), total, window)


def each_of_pages(page_after: Callable[[str | None], Page[Item]]) -> Iterator[Item]:
    """What is on the pages of a listing, each asked for when it is needed; `NotATaskHub` when they
    go in circles.
    """
    token: str | None = None
    seen: set[str] = set()
    while True:
        page = page_after(token)
        yield from page
        if (token := page.continuation_token) is None:
            return
        if token in seen:
            raise NotATaskHub(
                "the task hub lists its pages in circles: it sent the same continuation token twice"
            )
        seen.add(token)
