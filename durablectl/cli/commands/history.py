"""`durablectl history`: what happened in an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl import wire
from durablectl.backends.saving import with_entities
from durablectl.cli.arguments.parameters import Instance, Interval, Last
from durablectl.cli.session import Session
from durablectl.cli.session.choosing import wanted_one
from durablectl.cli.wait.follow import DEEPEST, News, follow, steps_of, with_history
from durablectl.cli.wait.waiting_for import waiting_rows
from durablectl.errors import UsageError
from durablectl.history.steps import Step
from durablectl.model import HistoryEvent, InstanceStatus, utc_now
from durablectl.render.gantt import timetable
from durablectl.render.output import OutputFormat
from durablectl.render.terminal.history import show_gantt, show_head, show_rows
from durablectl.render.terminal.tables import show_table
from durablectl.taskhub import TaskHub


def history(
    session: Session,
    instance: Instance = None,
    follow: Annotated[
        bool,
        typer.Option("--follow", "-f", help="Follow the instance until it has finished."),
    ] = False,
    gantt: Annotated[bool, typer.Option("--gantt", help="Show bars along the time.")] = False,
    children: Annotated[
        bool | None,
        typer.Option(
            "--children/--no-children",
            help="Fold in the steps of all sub-orchestrations, or of none (default: one level).",
        ),
    ] = None,
    interval: Interval = None,
    raw: Annotated[
        bool,
        typer.Option(
            "--raw", help="The complete events as JSON, to be replayed later (not over HTTP)."
        ),
    ] = False,
    last: Last = False,
) -> None:
    """Show what happened in an instance.

    One line per step: its number, when it started, how long it took, the number of attempts, and
    the result. With -o json it prints the service's historyEvents. With --raw it prints everything
    that the hub has, payloads included, in a form that durablectl.testing.assert_replays reads.

    Examples:

      durablectl history order-7

      durablectl history order-7 --gantt

      durablectl history order-7 --follow

      durablectl history order-7 --raw > order-7.json
    """
    _check(session, follow, gantt, raw)
    hub, instance_id = wanted_one(session, instance, "a history is that of one instance", last=last)
    levels = {None: 1, True: DEEPEST, False: 0}[children]
    if raw:
        document = with_entities(hub, hub.raw_history(instance_id))
        if session.out.is_text:
            session.out.json(document)
        else:
            session.out.show("", document, id=instance_id)
    elif follow:
        _follow(session, hub, instance_id, levels, interval or 1.0)
    else:
        _show(session, hub, with_history(hub, instance_id), levels, gantt=gantt)


def _check(session: Session, follow: bool, gantt: bool, raw: bool) -> None:
    options = {"--raw": raw, "--follow": follow, "--gantt": gantt}
    given = [option for option, is_given in options.items() if is_given]
    if len(given) > 1:
        raise UsageError(
            f"{given[0]} and {given[1]} exclude each other", hint="give only one of them"
        )
    if gantt and not session.out.is_text:
        raise UsageError("--gantt draws text and has no JSON", hint="leave out -o, or --gantt")


def _show(
    session: Session, hub: TaskHub, status: InstanceStatus, levels: int, *, gantt: bool
) -> None:
    if not session.out.is_text:
        session.out.show("", _json(status.history or ()), id=status.instance_id)
        return
    waiting = waiting_rows(hub, status) if session.out.is_terminal else ()
    found, now = steps_of(hub, status, levels), utc_now()
    show_head(session.out, status, now, waiting)
    if gantt:
        show_gantt(session.out, found, now)
    else:
        show_table(session.out, timetable(found, now))


def _follow(session: Session, hub: TaskHub, instance_id: str, levels: int, interval: float) -> None:
    """Show what is new until the instance is finished.

    JSON is complete, and so comes at the end; JSON lines come one by one.
    """
    out, news = session.out, News()
    is_first = True

    def show(status: InstanceStatus, found: tuple[Step, ...]) -> None:
        nonlocal is_first
        anew, first_of_all, is_first = news.begins_anew(status), is_first, False
        if out.format is OutputFormat.JSONL:
            out.jsonl(_json(news.events(status)))
        elif out.is_text:
            if first_of_all:
                show_head(out, status, utc_now())
            if anew:
                out.note("continued as new: a new history begins")
            origin = found[0].begin if found else status.created_time
            show_rows(out, news.steps(found), origin, utc_now())

    last = follow(
        hub,
        instance_id,
        interval,
        levels if out.is_text else 0,
        show=show,
        on_trouble=lambda error: out.note(f"{error.message}; trying again"),
    )
    if out.format in (OutputFormat.JSON, OutputFormat.ID):
        out.show("", _json(last.history or ()), id=instance_id)


def _json(events: tuple[HistoryEvent, ...]) -> list[object]:
    return [wire.history_event_to_json(event) for event in events]
