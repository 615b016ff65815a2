"""`durablectl watch`: a listing that stays current."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated

import typer

from durablectl import wire
from durablectl.cli.arguments.filters import Filters, Narrowing
from durablectl.cli.arguments.sorting import Sort, parse_order
from durablectl.cli.framework.keyboard import keyboard
from durablectl.cli.local.signals import stop_signals
from durablectl.cli.session import Session
from durablectl.cli.wait.waiting_for import Glances
from durablectl.config.quantities import parse_interval
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter, InstanceStatus
from durablectl.polling.listing_poller import Listing, ListingPoller, look
from durablectl.polling.loop import is_passing
from durablectl.polling.threads import start_thread
from durablectl.render.output import OutputFormat
from durablectl.render.terminal.tables import show_items
from durablectl.render.terminal.watch_table import Change, WatchTable, change_line, counted
from durablectl.taskhub import TaskHub

SCREENFUL = 50
INTERVAL = 2.0
REDRAW, TICK = 0.25, 0.1
Sorted = Callable[[Sequence[InstanceStatus]], list[InstanceStatus]]


def watch(
    session: Session,
    narrowing: Narrowing = Narrowing(),
    sort: Sort = "-updated",
    limit: Annotated[
        int | None,
        typer.Option(
            "--limit", "-n", metavar="N", min=1, help="Show at most N (default: what fits)."
        ),
    ] = None,
    interval: Annotated[
        float | None,
        typer.Option(
            metavar="DURATION",
            parser=parse_interval,
            help="Polling interval (default: 2s).",
        ),
    ] = None,
    until_empty: Annotated[
        bool, typer.Option("--until-empty", help="End when no instance matches any more.")
    ] = False,
) -> None:
    """Watch the instances that match: a table that stays current, with what has changed marked.

    Press q or Ctrl-C to stop. Where stdout is not a terminal it prints one line for each change
    instead: the time, the id, the name, the status and the progress; or, with -o jsonl, one status
    object for each.

    Examples:

      durablectl watch --status Running,Failed --created-after 1h

      durablectl watch --name order --status Running --until-empty
    """
    if session.out.format is OutputFormat.JSON:
        raise UsageError("watch does not end, so it cannot print a JSON array", hint="use -o jsonl")
    by = parse_order(sort or "-updated")
    order: Sorted = lambda found: sorted(found, key=by.key, reverse=by.is_backwards)  # noqa: E731
    filter = Filters(*narrowing).selection(session.out.detail).filter
    table = WatchTable(f"{session.hub_label} · every {interval or INTERVAL:g} s", limit)
    show = _show_screen if session.out.is_rich else _show_lines
    show(session, table, filter, order, interval or INTERVAL, until_empty)


def _show_screen(
    session: Session,
    table: WatchTable,
    filter: InstanceFilter,
    order: Sorted,
    interval: float,
    until_empty: bool,
) -> None:
    hub = session.hub
    before = look(hub, filter)
    _take(table, before, order)  # what is wrong from the first is told on the screen that stays
    glances = Glances(hub)
    table.waiting = glances.line

    def once() -> Listing:
        found = look(hub, filter)
        glances.look(order(found.found)[: min(table.limit or SCREENFUL, SCREENFUL)])
        return found

    poller = ListingPoller(once, interval)
    with (
        stop_signals(session.out) as stopping,
        keyboard(session.stdin, stopping) as key,
        session.out.live.screen() as show,
    ):
        poller.start()
        try:
            while not (stopping.is_set() or (until_empty and not table.shown)):
                show(table, datetime.now(UTC))
                if key(REDRAW) in ("q", "Q"):
                    break
                if (found := poller.news()) is not None:
                    _take(table, found, order, before)
                    before = found
        finally:
            poller.stop()
    session.out.note(counted(table.shown, more=table.more))


def _show_lines(
    session: Session,
    table: WatchTable,
    filter: InstanceFilter,
    order: Sorted,
    interval: float,
    until_empty: bool,
) -> None:
    out, before = session.out, None
    with stop_signals(out) as stopping:
        while (found := _looked(session.hub, filter, stopping)) is not None:
            is_first, had_trouble = table.looked is None, bool(table.trouble)
            changes = _take(table, found, order, before)
            before = found
            if is_first:
                out.note(counted(table.shown, more=table.more))
            if table.trouble and not had_trouble:
                out.warn(table.trouble)
            _print(session, changes)
            if (until_empty and not table.shown) or stopping.wait(interval):
                return


def _looked(hub: TaskHub, filter: InstanceFilter, stopping: threading.Event) -> Listing | None:
    """A look, in a thread so that a signal ends it; None once there was one."""
    found: list[Listing] = []
    thread = start_thread(lambda: found.append(look(hub, filter)), name="look")
    while thread.is_alive() and not stopping.is_set():
        thread.join(TICK)
    return found[0] if found else None


def _print(session: Session, changes: Sequence[Change]) -> None:
    now = datetime.now(UTC)
    show_items(
        session.out,
        changes,
        text=lambda found: session.out.lines(change_line(each, now) for each in found),
        json=lambda change: wire.status_to_json(change.status),
        id=lambda change: change.status.instance_id,
    )


def _take(
    table: WatchTable, found: Listing, order: Sorted, before: Listing | None = None
) -> list[Change]:
    """Take in a look.

    One that failed leaves the table as it is and is tried again, unless it is the first or will
    never work.
    """
    if found.trouble is None:
        return table.take(order(found.found), datetime.now(UTC), more=found.more)
    if table.looked is None or not is_passing(
        found.trouble, before.trouble if before else None, has_seen=True
    ):
        raise found.trouble
    table.trouble = f"{found.trouble.message}; trying again"
    return []
