"""The order of a listing, as `list` and `watch` take it."""

from __future__ import annotations

import heapq
from collections.abc import Callable, Iterable
from typing import Annotated, Any, NamedTuple

import typer

from durablectl.cli.framework.completers import choices
from durablectl.errors import UsageError
from durablectl.model import InstanceStatus

SORTS: dict[str, Callable[[InstanceStatus], Any]] = {
    "id": lambda status: status.instance_id,
    "name": lambda status: status.name.lower(),
    "status": lambda status: status.runtime_status.value,
    "created": lambda status: status.created_time,
    "updated": lambda status: status.last_updated_time,
}
Sort = Annotated[
    str | None,
    typer.Option(
        "--sort",
        metavar="COLUMN",
        help=f"Sort by {', '.join(SORTS)}; -COLUMN reverses the order.",
        autocompletion=choices(SORTS),
    ),
]


class Order(NamedTuple):
    """The column to sort by, as a key, and whether the largest comes first."""

    key: Callable[[InstanceStatus], Any]
    is_backwards: bool

    def first(self, found: Iterable[InstanceStatus], limit: int | None) -> list[InstanceStatus]:
        """At most `limit` of them, sorted."""
        if limit is None:
            return sorted(found, key=self.key, reverse=self.is_backwards)
        first = heapq.nlargest if self.is_backwards else heapq.nsmallest
        return first(limit, found, key=self.key)


def parse_order(text: str) -> Order:
    """The order that --sort names; `UsageError` when there is no such column."""
    if (name := text.removeprefix("-").lower()) not in SORTS:
        raise UsageError(
            f"cannot sort by '{text}'",
            hint=f"sort by one of {', '.join(SORTS)}; -created reverses the order",
        )
    return Order(SORTS[name], text.startswith("-"))
