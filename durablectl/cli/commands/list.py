"""`durablectl list`: list the instances of the task hub, page by page as they come."""

from __future__ import annotations

import sys
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace
from functools import partial
from itertools import chain, islice
from operator import attrgetter
from typing import Annotated

import typer

from durablectl import wire
from durablectl.causes import CauseGroup, grouped_causes
from durablectl.cli.arguments.filters import Filters, Selection
from durablectl.cli.arguments.sorting import Order, Sort, parse_order
from durablectl.cli.framework.completers import choices
from durablectl.cli.session import Session
from durablectl.cli.wait.waiting_for import with_waiting
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, InstanceStatus, RuntimeStatus, utc_now
from durablectl.render import views
from durablectl.render.ci import short
from durablectl.render.output import OutputFormat
from durablectl.render.terminal.tables import draw_table, show_items, show_table

MakeTable = Callable[[Iterable[InstanceStatus]], views.Table]
AROUND, HEADER, FEWEST = 4, 1, 5
WAITING = "waiting"
"""A column that needs the hub: what an unfinished instance waits for."""
KNOWN_COLUMNS = (*views.COLUMNS, WAITING)
COUNTED = 10_000
LONGEST_CAUSE = 200  # on a terminal
CAUSE = "cause"
NONE_FOUND = "no instances found"
FAILED = frozenset({RuntimeStatus.FAILED})
GROUPS: dict[str, Callable[[InstanceStatus], str]] = {
    "status": lambda status: status.runtime_status.value,
    "name": lambda status: status.name,
}


def list(
    session: Session,
    filters: Filters,
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit",
            "-n",
            metavar="N",
            min=1,
            help="At most N (default: what fits, on a terminal).",
        ),
    ] = None,
    columns: Annotated[
        str | None,
        typer.Option(
            metavar="NAMES",
            help=f"What to show: {','.join(KNOWN_COLUMNS)}.",
            autocompletion=choices(KNOWN_COLUMNS),
        ),
    ] = None,
    sort: Sort = None,
    count: Annotated[bool, typer.Option("--count", help="Print how many there are.")] = False,
    by: Annotated[
        str | None,
        typer.Option(
            metavar="status|name|cause",
            help="Count each; by cause: the failed ones, by what made them fail.",
            autocompletion=choices((*GROUPS, CAUSE)),
        ),
    ] = None,
    show_input: Annotated[
        bool, typer.Option("--show-input/--no-show-input", help="Fetch the inputs for JSON output.")
    ] = True,
) -> None:
    """List the instances of the task hub.

    On a terminal the newest come first, as many as fit; of a remote hub the last hour, day or week
    is read until the screen is full. Through a pipe all come in the hub's own order; with -o json
    as the service's status objects. On a terminal sub-orchestrations that got their ids from the
    service are marked, and with --stuck a column shows what each instance waits for. A narrow
    terminal shows long ids shortened: status, history, why, links and diff take them as they are
    there; -o id prints whole ones.

    Examples:
      durablectl list --status Failed --created-after 1d
      durablectl list --name order --sort -updated --limit 5
      durablectl list --stuck=2h --columns id,status,updated
      durablectl list --where "customStatus.stage=='approval'" -o id
      durablectl list --count --by status
      durablectl list --count --by cause --created-after 1d
    """
    selection = filters.selection(session.out.detail)
    if count or by is not None:
        if (limit, columns, sort) != (None, None, None):
            raise UsageError(
                "--limit, --columns and --sort are for rows, and --count and --by print numbers",
                hint="leave them out",
            )
        _show_counts(session, selection, by)
        return
    shown, order = _columns(columns), None if sort is None else parse_order(sort)
    wants_input = "input" in shown if session.out.is_text else show_input
    make = partial(_table, session, columns=shown)
    if columns is None and session.out.is_rich:
        make = partial(_listing, session, is_of_stuck=filters.stuck is not None)
    if session.out.is_rich and order is None and selection.where is None and not wants_input:
        _show_newest(session, selection.filter, make, limit)
        return
    found = selection.find(
        session.hub, show_input=wants_input and session.out.format is not OutputFormat.ID
    )
    _show(session, found, make, order, limit)


def _columns(text: str | None) -> tuple[str, ...]:
    if text is None:
        return views.DEFAULT_COLUMNS
    columns = tuple(word.strip().lower() for word in text.split(","))
    if unknown := [column for column in columns if column not in KNOWN_COLUMNS]:
        raise UsageError(
            f"no column '{unknown[0]}'", hint=f"the columns are {', '.join(KNOWN_COLUMNS)}"
        )
    return columns


def _show_counts(session: Session, selection: Selection, by: str | None) -> None:
    if by == CAUSE:
        _show_causes(session, selection)
        return
    if by is not None and by not in GROUPS:
        raise UsageError(
            f"cannot count by '{by}'", hint=f"count by one of {', '.join((*GROUPS, CAUSE))}"
        )
    counted = _counts(session, selection, by or "status")
    if by is None:
        session.out.show(str(counted.total()), counted.total())
    elif session.out.is_text:
        show_table(session.out, views.counts(dict(counted.most_common()), by))
    elif session.out.format is OutputFormat.CSV:
        table = views.counts(dict(counted.most_common()), by)
        session.out.csv([table.columns, *table.rows])
    else:
        session.out.show("", dict(counted.most_common()))


def _show_causes(session: Session, selection: Selection) -> None:
    """Print each cause, its count and an instance that has it, the most frequent first."""
    if selection.filter.statuses - FAILED:
        raise UsageError(
            "only failed instances have a cause", hint="leave out --status, or name Failed"
        )
    failed = replace(selection, filter=replace(selection.filter, statuses=FAILED))
    groups = grouped_causes((each.instance_id, each.cause) for each in failed.find(session.hub))
    show_items(
        session.out,
        groups,
        table=lambda items: views.Table(
            ("cause", "count", "example"),
            [
                (
                    short(each.cause, LONGEST_CAUSE) if session.out.is_rich else each.cause,
                    str(each.count),
                    each.example,
                )
                for each in items
            ],
        ),
        json=CauseGroup.to_json,
        id=lambda each: each.example,
    )


def _counts(session: Session, selection: Selection, by: str) -> Counter[str]:
    if selection.where is not None:
        return Counter(GROUPS[by](status) for status in selection.find(session.hub))
    return Counter(session.hub.counts(selection.filter, by_name=by == "name"))


def _show(
    session: Session,
    found: Iterator[InstanceStatus],
    make: MakeTable,
    order: Order | None,
    limit: int | None,
) -> None:
    out, lines = session.out, None
    if limit is None and out.is_rich:
        limit = lines = _screenful(session)
    if out.is_rich and order is None and session.hub.commits_together:
        # a remote hub is not read to its end for a screen
        found = iter(sorted(found, key=attrgetter("created_time"), reverse=True))
    most = limit and min(limit, sys.maxsize)
    first = order.first(found, limit) if order else islice(found, most)
    if not out.is_rich:
        show_items(
            out,
            first,
            table=make,
            json=wire.status_to_json,
            id=lambda status: status.instance_id,
        )
        return
    if not (shown := [*first]):
        out.note(NONE_FOUND)
        return
    count = draw_table(out, make(shown), lines and lines + HEADER)
    if not order:
        _tell_rest(session, chain(shown[count:], found))


def _listing(
    session: Session, items: Iterable[InstanceStatus], *, is_of_stuck: bool
) -> views.Table:
    """What a screen shows where no columns were asked for."""
    shown = [*items]
    # a remote hub would be asked for each row
    asked = shown if is_of_stuck or session.hub.commits_together else ()
    lines = {each.instance_id: line for each, line in with_waiting(session.hub, asked)}
    return views.recent(shown, utc_now(), waiting=lines, is_of_stuck=is_of_stuck)


def _table(
    session: Session, items: Iterable[InstanceStatus], columns: tuple[str, ...]
) -> views.Table:
    marked = session.out.is_rich
    if WAITING not in columns:
        return views.instances(items, columns, marked=marked)
    place = columns.index(WAITING)
    others = tuple(column for column in columns if column != WAITING)

    def rows() -> Iterator[tuple[str, ...]]:
        for status, line in with_waiting(session.hub, items):
            (cells,) = views.instances([status], others, marked=marked).rows
            yield (*cells[:place], line, *cells[place:])

    return views.Table((*others[:place], "waiting for", *others[place:]), rows())


def _show_newest(
    session: Session, filter: InstanceFilter, make: MakeTable, limit: int | None
) -> None:
    """What fits a screen, newest first, and how much of the hub that is."""
    out, fitting = session.out, _screenful(session)
    top = min(limit or fitting, sys.maxsize - 1)
    newest = session.hub.newest(filter, top=top)
    if newest.total == 0:
        out.note(NONE_FOUND)
        return
    count = draw_table(out, make(newest.items), fitting + HEADER if limit is None else None)
    if newest.total is None:
        out.note(f"{count} newest of {newest.window or 'what was read'}; add a filter or --limit")
    elif newest.total > count:
        out.note(f"{count} of {newest.total:,}; --limit N shows more of them")


def _screenful(session: Session) -> int:
    """As many rows as fit with the header, the note below and the next prompt."""
    return max(session.out.height - AROUND, FEWEST)


def _tell_rest(session: Session, found: Iterator[InstanceStatus]) -> None:
    rest = sum(1 for _ in islice(found, COUNTED))
    if rest:
        more = f"more than {rest}" if rest == COUNTED else str(rest)
        session.out.note(f"and {more} more; --limit N shows more of them")
