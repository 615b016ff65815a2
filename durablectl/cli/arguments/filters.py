"""The options that say which instances are meant, as `list` and the batches take them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from typing import Annotated, Any, NamedTuple

import typer

from durablectl import wire
from durablectl.cli.framework.app_completers import orchestrators
from durablectl.cli.framework.global_options import STUCK_FOR
from durablectl.config.quantities import parse_duration, parse_moment
from durablectl.errors import UsageError
from durablectl.model import (
    FINAL_STATUSES,
    UNDER_WAY,
    InstanceFilter,
    InstanceStatus,
    RuntimeStatus,
)
from durablectl.render.query import compiled, holds
from durablectl.taskhub import TaskHub, list_instances

NAMES = {
    status.value.lower(): status for status in RuntimeStatus if status is not RuntimeStatus.UNKNOWN
}


def complete_status(incomplete: str) -> list[str]:
    """The statuses that continue as typed so far; after a comma the next one."""
    before, comma, last = incomplete.rpartition(",")
    return [
        before + comma + status.value
        for name, status in NAMES.items()
        if name.startswith(last.lower())
    ]


MOMENT = "MOMENT"
Statuses = Annotated[
    list[str] | None,
    typer.Option(
        "--status",
        "-s",
        metavar="STATUS",
        help="Only these statuses, separated by commas.",
        autocompletion=complete_status,
    ),
]
Name = Annotated[
    str | None,
    typer.Option(
        "--name",
        metavar="ORCHESTRATOR",
        help="Only instances of this orchestrator.",
        autocompletion=orchestrators,
    ),
]
Prefix = Annotated[
    str,
    typer.Option("--prefix", metavar="TEXT", help="Only ids that start with TEXT."),
]
CreatedAfter = Annotated[
    str | None,
    typer.Option(
        "--created-after",
        metavar=MOMENT,
        help="Created then or later: a time or date (UTC without a zone), or 2h for 2 hours ago.",
    ),
]
CreatedBefore = Annotated[
    str | None,
    typer.Option(
        "--created-before", metavar=MOMENT, help="Created then or earlier (UTC without a zone)."
    ),
]
UpdatedAfter = Annotated[
    str | None,
    typer.Option(
        "--updated-after", metavar=MOMENT, help="Changed then or later (UTC without a zone)."
    ),
]
UpdatedBefore = Annotated[
    str | None,
    typer.Option(
        "--updated-before", metavar=MOMENT, help="Changed then or earlier (UTC without a zone)."
    ),
]
Where = Annotated[
    str | None,
    typer.Option(
        "--where",
        metavar="JMESPATH",
        help="Only those whose status object it holds for: \"customStatus.stage=='approval'\".",
    ),
]
Stuck = Annotated[
    str | None,
    typer.Option(
        "--stuck",
        metavar="[DURATION]",
        help=f"Only those pending, or running and unchanged, for longer (default: {STUCK_FOR}).",
    ),
]
IncludeEntities = Annotated[bool, typer.Option("--include-entities", help="Include entities.")]

MOMENTS = ("created_after", "created_before", "updated_after", "updated_before")


class Filters(NamedTuple):
    """The options of a filter as they were given."""

    status: Statuses = None
    name: Name = None
    prefix: Prefix = ""
    created_after: CreatedAfter = None
    created_before: CreatedBefore = None
    updated_after: UpdatedAfter = None
    updated_before: UpdatedBefore = None
    where: Where = None
    stuck: Stuck = None
    include_entities: IncludeEntities = False

    @property
    def are_given(self) -> bool:
        """Whether anything narrows down what is selected."""
        return self._replace(include_entities=False) != Filters()

    def selection(self, detail: Callable[[str], None]) -> Selection:
        """What they mean now, which `detail` is told; `UsageError` when they make no sense."""
        now = datetime.now(UTC)
        moments = {name: self._moment(name, now, detail) for name in MOMENTS}
        for kind in ("created", "updated"):
            after, before = moments[f"{kind}_after"], moments[f"{kind}_before"]
            if after and before and after > before:
                raise UsageError(
                    f"--{kind}-after is later than --{kind}-before: nothing can match",
                    hint="exchange them",
                )
        filter = InstanceFilter(
            statuses=parse_statuses(self.status),
            name=self.name,
            prefix=self.prefix,
            created_from=moments["created_after"],
            created_to=moments["created_before"],
            updated_from=moments["updated_after"],
            updated_to=moments["updated_before"],
            include_entities=self.include_entities,
        )
        return Selection(
            filter if self.stuck is None else _stuck(filter, self.stuck),
            None if self.where is None else compiled(self.where),
        )

    def _moment(self, name: str, now: datetime, detail: Callable[[str], None]) -> datetime | None:
        text = getattr(self, name)
        if text is None:
            return None
        moment = parse_moment(text, now)
        detail(f"--{name.replace('_', '-')} {text} is {wire.time_to_text(moment)}")
        return moment


class Narrowing(NamedTuple):
    """The options of a filter that only names what a hub can look for itself."""

    status: Statuses = None
    name: Name = None
    prefix: Prefix = ""
    created_after: CreatedAfter = None
    created_before: CreatedBefore = None
    updated_after: UpdatedAfter = None
    updated_before: UpdatedBefore = None


@dataclass(frozen=True, slots=True)
class Selection:
    """Which instances are meant: a filter, and a compiled JMESPath expression that holds for their
    status objects, if there is one.
    """

    filter: InstanceFilter
    where: Any = None

    @property
    def needs_input(self) -> bool:
        """Whether the expression may ask for the input, which a listing leaves out otherwise."""
        return self.where is not None and "input" in self.where.expression

    def find(self, hub: TaskHub, *, show_input: bool = False) -> Iterator[InstanceStatus]:
        """Those in the hub, page by page as they are asked for."""
        found = list_instances(hub, self.filter, show_input=show_input or self.needs_input)
        if self.where is None:
            return found
        needs_tags = "tags" in self.where.expression
        return (
            each
            for each in found
            if holds(
                self.where, wire.condition_json(each, hub.details(each) if needs_tags else None)
            )
        )


def _stuck(filter: InstanceFilter, text: str) -> InstanceFilter:
    statuses = filter.statuses & UNDER_WAY if filter.statuses else UNDER_WAY
    if not statuses:
        raise UsageError(
            "--stuck is about instances that are pending or running",
            hint="leave out --status, or name Pending or Running",
        )
    latest = datetime.now(UTC) - timedelta(seconds=parse_duration(text))
    return replace(filter, statuses=statuses, updated_to=min(latest, filter.updated_to or latest))


def parse_statuses(texts: Sequence[str] | None) -> frozenset[RuntimeStatus]:
    """The states that were named, in any case, each option one or several with commas."""
    words = [word.strip() for text in texts or () for word in text.split(",")]
    unknown = [word for word in words if word.lower() not in NAMES]
    if unknown:
        raise UsageError(
            f"unknown status '{unknown[0]}'",
            hint=f"valid: {', '.join(each.value for each in NAMES.values())}",
        )
    return frozenset(NAMES[word.lower()] for word in words)


def final_only(statuses: frozenset[RuntimeStatus]) -> frozenset[RuntimeStatus]:
    """The states that a purge may name: all final ones when none is named, others are refused."""
    unfinished = [status.value for status in RuntimeStatus if status in statuses - FINAL_STATUSES]
    if unfinished:
        names = ", ".join(sorted(status.value for status in FINAL_STATUSES))
        # Asked for no final state, the service drops the condition and deletes all that the time
        # range holds.
        raise UsageError(
            f"purge deletes finished instances only, and {unfinished[0]} ones are not: the "
            "service would delete everything in range",
            hint=f"name one of {names}, or end them first with `durablectl terminate`",
        )
    return statuses or FINAL_STATUSES
