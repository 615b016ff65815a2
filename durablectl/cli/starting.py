"""Starting an instance: what `start` and `run` have in common."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.session import Session
from durablectl.errors import FunctionNotFound
from durablectl.model import CheckStatusPayload, IfExists
from durablectl.taskhub import TaskHub, check_new_instance_id, instance_id_warnings

IfExistsOption = Annotated[IfExists, typer.Option("--if-exists", help="What to do when any instance, finished or not, has the id.")]


def start_instance(
    session: Session, name: str, input: object, *, instance_id: str | None, if_exists: IfExists, version: str | None
) -> tuple[TaskHub, CheckStatusPayload]:
    """Start it once, on a hub that is made if it is a local one; says on stderr which hub that is."""
    if instance_id is not None:
        check_new_instance_id(instance_id)
        for warning in instance_id_warnings(instance_id):
            session.out.warn(warning)
    session.begin_change(controls=if_exists is IfExists.REPLACE)
    hub = session.open(create=True)
    try:
        return hub, hub.start(name, input, instance_id=instance_id, version=version, if_exists=if_exists)
    except FunctionNotFound as error:
        raise FunctionNotFound(error.message, hint=_nearest(name, hub.orchestrators()) or error.hint) from error


def _nearest(name: str, known: tuple[str, ...] | None) -> str | None:
    from difflib import get_close_matches  # deferred: only a mistake needs it

    by_lower = {each.lower(): each for each in known or ()}
    near = get_close_matches(name.lower(), list(by_lower), 1)
    return f"did you mean '{by_lower[near[0]]}'?" if near else None


def is_local_hub(session: Session, hub: TaskHub) -> bool:
    """Whether a hub is the session's own local one: a payload may have led to another."""
    if not session.is_local:
        return False
    from durablectl.backends.local import LocalTaskHub  # deferred: a remote command needs no engine

    return isinstance(hub, LocalTaskHub)


def has_nobody(session: Session, hub: TaskHub) -> bool:
    """Whether it is a local hub that no worker holds: what is started there waits until somebody does."""
    if not session.is_local:
        return False
    from durablectl.backends.local import LocalTaskHub  # deferred, as above

    return isinstance(hub, LocalTaskHub) and not hub.has_worker()
