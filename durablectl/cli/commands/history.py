"""`durablectl history`: what happened in an instance."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl import wire
from durablectl.cli.names import instances
from durablectl.cli.session import Session
from durablectl.cli.targets import required
from durablectl.errors import Unsupported, UsageError
from durablectl.model import InstanceStatus
from durablectl.render import views
from durablectl.render.tables import show_table
from durablectl.taskhub import TaskHub


def history(
    ctx: typer.Context,
    instance: Annotated[
        str | None, typer.Argument(metavar="[ID|@FILE|-]", help="The instance.", show_default=False, autocompletion=instances)
    ] = None,
    raw: Annotated[bool, typer.Option("--raw", help="The complete events as JSON, to be replayed later (local hub).")] = False,
) -> None:
    """Show what happened in an instance.

    With -o json it is the service's historyEvents. With --raw it is everything that a local hub knows, payloads included, in a form that
    durablectl.testing.assert_replays reads.

    Examples:

      durablectl history order-7

      durablectl history order-7 --raw > order-7.json
    """
    session: Session = ctx.obj
    targets = required(session, [] if instance is None else [instance])
    if len(targets.ids) > 1:
        raise UsageError("a history is that of one instance", hint="name one id")
    if raw:
        _show_raw(session, targets.hub, targets.ids[0])
    else:
        _show(session, targets.hub.get_status(targets.ids[0], show_history=True, show_history_output=True))


def _show(session: Session, status: InstanceStatus) -> None:
    events = status.history or ()
    if session.out.is_text:
        show_table(session.out, views.history(events))
    else:
        session.out.show("", [wire.history_event_to_json(event) for event in events], id=status.instance_id)


def _show_raw(session: Session, hub: TaskHub, instance_id: str) -> None:
    from durablectl.backends.local import LocalTaskHub  # deferred: the plain history of a remote hub needs no engine

    if not isinstance(hub, LocalTaskHub):
        raise Unsupported(f"the {session.hub_label} shows no complete events", hint=f"durablectl status {instance_id} --history -o json")
    session.out.json(hub.raw_history(instance_id))
