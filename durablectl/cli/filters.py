"""The options that say which instances are meant, as `list` and the batches take them."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from durablectl.cli.session import Session
from durablectl.cli.times import parse_moment
from durablectl.errors import UsageError
from durablectl.model import FINAL_STATUSES, InstanceFilter, RuntimeStatus

NAMES = {status.value.lower(): status for status in RuntimeStatus if status is not RuntimeStatus.UNKNOWN}


def complete_status(incomplete: str) -> list[str]:
    """The statuses that go on as typed so far; after a comma the next one."""
    before, comma, last = incomplete.rpartition(",")
    return [before + comma + status.value for name, status in NAMES.items() if name.startswith(last.lower())]


MOMENT = "MOMENT"
Statuses = Annotated[
    list[str] | None,
    typer.Option("--status", "-s", metavar="STATUS", help="Only these states; several with commas.", autocompletion=complete_status),
]
Name = Annotated[str | None, typer.Option("--name", metavar="ORCHESTRATOR", help="Only instances of this orchestrator.")]
Prefix = Annotated[str, typer.Option("--prefix", metavar="TEXT", help="Only ids that begin so.", show_default=False)]
CreatedAfter = Annotated[
    str | None, typer.Option("--created-after", metavar=MOMENT, help="Created then or later: a time, a date, or 2h for two hours ago.")
]
CreatedBefore = Annotated[str | None, typer.Option("--created-before", metavar=MOMENT, help="Created then or earlier.")]
UpdatedAfter = Annotated[str | None, typer.Option("--updated-after", metavar=MOMENT, help="Changed then or later.")]
UpdatedBefore = Annotated[str | None, typer.Option("--updated-before", metavar=MOMENT, help="Changed then or earlier.")]


def parse_statuses(texts: Sequence[str] | None) -> frozenset[RuntimeStatus]:
    """The states that were named, in any case, each option one or several with commas."""
    words = [word.strip() for text in texts or () for word in text.split(",")]
    unknown = [word for word in words if word.lower() not in NAMES]
    if unknown:
        raise UsageError(
            f"'{unknown[0]}' is no state of an instance", hint=f"it is one of {', '.join(each.value for each in NAMES.values())}"
        )
    return frozenset(NAMES[word.lower()] for word in words)


def filter_of(
    session: Session,
    statuses: Sequence[str] | None,
    name: str | None,
    prefix: str,
    *,
    include_entities: bool = False,
    **moments: str | None,
) -> InstanceFilter:
    """The filter; `moments` are the texts of created_after, created_before, updated_after and updated_before."""
    now = datetime.now(UTC)
    read = {option: parse_moment(text, now) for option, text in moments.items() if text is not None}
    for option, moment in read.items():
        session.out.detail(f"--{option.replace('_', '-')} {moments[option]} is {moment.isoformat(timespec='seconds')}")
    for kind in ("created", "updated"):
        after, before = read.get(f"{kind}_after"), read.get(f"{kind}_before")
        if after and before and after > before:
            raise UsageError(f"--{kind}-after is later than --{kind}-before: nothing can match", hint="exchange them")
    return InstanceFilter(
        statuses=parse_statuses(statuses),
        name=name,
        prefix=prefix,
        created_from=read.get("created_after"),
        created_to=read.get("created_before"),
        updated_from=read.get("updated_after"),
        updated_to=read.get("updated_before"),
        include_entities=include_entities,
    )


def final_only(statuses: frozenset[RuntimeStatus]) -> frozenset[RuntimeStatus]:
    """The states that a purge may name: all final ones when none is named, others are refused."""
    unfinished = [status.value for status in RuntimeStatus if status in statuses - FINAL_STATUSES]
    if unfinished:
        names = ", ".join(sorted(status.value for status in FINAL_STATUSES))
        # Asked for no final state, the service drops the condition and deletes all that the time range holds.
        raise UsageError(
            f"purge deletes finished instances only, and {unfinished[0]} ones are not: the service would delete everything in range",
            hint=f"name one of {names}, or end them first with durablectl terminate",
        )
    return statuses or FINAL_STATUSES
