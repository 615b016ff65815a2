"""`durablectl watch`: a listing that stays current."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import partial
from typing import Annotated

import typer

from durablectl import wire
from durablectl.cli.arguments.filters import Filters, Narrowing
from durablectl.cli.arguments.sorting import Order, Sort, parse_order
from durablectl.cli.framework.keyboard import keyboard
from durablectl.cli.local.signals import stop_signals
from durablectl.cli.session import Session
from durablectl.cli.wait.waiting_for import Glances
from durablectl.config.quantities import parse_interval
from durablectl.errors import UsageError
from durablectl.model import InstanceFilter
from durablectl.polling.listing_poller import Listing, ListingPoller, look
from durablectl.polling.loop import is_passing
from durablectl.render.output import Output, OutputFormat
from durablectl.render.terminal.tables import show_items
from durablectl.render.terminal.watch_table import Change, WatchTable, change_line, counted

SCREENFUL = 50
INTERVAL = 2.0
REDRAW, TICK = 0.25, 0.1


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
    table = WatchTable(f"{session.settings.label} · every {interval or INTERVAL:g} s", limit)
    order = parse_order(sort or "-updated")
    filter = Filters(*narrowing).selection(session.out.detail).filter
    watching = _Watch(session, table, filter, order, interval or INTERVAL, until_empty)
    if session.out.is_rich:
        watching.show_screen()
    else:
        watching.show_lines()


@dataclass(slots=True)
class _Watch:
    """What is watched, how it is shown, and the last look."""

    session: Session
    table: WatchTable
    filter: InstanceFilter
    order: Order
    interval: float
    until_empty: bool
    before: Listing | None = None

    @property
    def is_over(self) -> bool:
        return self.until_empty and not self.table.shown

    def show_screen(self) -> None:
        session, table, hub = self.session, self.table, self.session.hub
        self.take(look(hub, self.filter))  # its trouble is told on the screen that stays
        glances = Glances(hub)
        table.waiting = glances.line

        def once() -> Listing:
            found = look(hub, self.filter)
            glances.look(self.order.first(found.found, min(table.limit or SCREENFUL, SCREENFUL)))
            return found

        with (
            stop_signals(session.out) as stopping,
            keyboard(session.stdin, stopping) as key,
            session.out.live.screen() as show,
            ListingPoller(once, self.interval) as poller,
        ):
            while not (stopping.is_set() or self.is_over):
                show(table, datetime.now(UTC))
                if key(REDRAW) in ("q", "Q"):
                    break
                if (found := poller.news()) is not None:
                    self.take(found)
        session.out.note(counted(table.shown, more=table.more))

    def show_lines(self) -> None:
        out, table = self.session.out, self.table
        once = partial(look, self.session.hub, self.filter)
        with stop_signals(out) as stopping, ListingPoller(once, self.interval) as poller:
            while not stopping.is_set():
                if (found := poller.news(TICK)) is None:
                    continue
                is_first, had_trouble = table.looked is None, bool(table.trouble)
                changes = self.take(found)
                if is_first:
                    out.note(counted(table.shown, more=table.more))
                if table.trouble and not had_trouble:
                    out.warn(table.trouble)
                _print(out, changes)
                if self.is_over:
                    return

    def take(self, found: Listing) -> list[Change]:
        """Take in a look.

        One that failed leaves the table as it is and is tried again, unless it is the first or will
        never work.
        """
        before, self.before = self.before, found
        if found.trouble is None:
            shown = self.order.first(found.found, None)
            return self.table.take(shown, datetime.now(UTC), more=found.more)
        if self.table.looked is None or not is_passing(
            found.trouble, before.trouble if before else None, has_seen=True
        ):
            raise found.trouble
        self.table.trouble = f"{found.trouble.message}; trying again"
        return []


def _print(out: Output, changes: Sequence[Change]) -> None:
    now = datetime.now(UTC)
    show_items(
        out,
        changes,
        text=lambda found: out.lines(change_line(each, now) for each in found),
        json=lambda change: wire.status_to_json(change.status),
        id=lambda change: change.status.instance_id,
    )
