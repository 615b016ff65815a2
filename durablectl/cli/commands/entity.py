"""`durablectl entity`: read, signal and list entities."""

from __future__ import annotations

import sys
from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from itertools import islice
from typing import Annotated

import typer

from durablectl import wire
from durablectl.cli.arguments.new_instance import Input
from durablectl.cli.arguments.parameters import Confirm, Yes
from durablectl.cli.framework.groups import Commands
from durablectl.cli.session import Session
from durablectl.cli.session.targets import input_of
from durablectl.cli.start.instance import told_if_cut_off
from durablectl.errors import UsageError
from durablectl.listing import each_of_pages
from durablectl.model import EntityId, EntityStatus
from durablectl.quoting import command
from durablectl.render import views
from durablectl.render.terminal.tables import show_items
from durablectl.taskhub import TaskHub

app = Commands(
    """Read, signal and list entities.

    Examples:
      durablectl entity list counter --state
      durablectl entity signal @counter@orders add --input-json 1
    """
)

EntityArgument = Annotated[str, typer.Argument(metavar="@NAME@KEY", help="The entity's id.")]


@app.command()
def get(session: Session, entity: EntityArgument) -> None:
    """Print the state of an entity.

    Example:
      durablectl entity get @counter@orders
    """
    entity_id = _entity_id(entity)
    state = session.hub.get_entity(entity_id)
    session.out.show(views.value_text(state) or "null", state, id=str(entity_id))


@app.command("list")
def list_(
    session: Session,
    name: Annotated[
        str | None,
        typer.Argument(metavar="[NAME]", help="Only entities of this name."),
    ] = None,
    show_state: Annotated[bool, typer.Option("--state", help="Show their states too.")] = False,
    limit: Annotated[
        int | None, typer.Option("--limit", metavar="N", min=1, help="Show at most N.")
    ] = None,
) -> None:
    """List entities.

    Example:
      durablectl entity list counter --state
    """
    listed: Iterable[EntityStatus] = _listed(session.hub, name, show_state, limit)
    if session.out.is_rich and not (listed := list(listed)):
        session.out.note("no entities found")
        return
    show_items(
        session.out,
        listed,
        table=lambda items: views.entities(items, states=show_state),
        json=wire.entity_to_json,
        id=lambda each: str(each.entity_id),
    )


@app.command()
def signal(
    session: Session,
    entity: EntityArgument,
    operation: Annotated[str, typer.Argument(metavar="OPERATION", help="The operation's name.")],
    given: Input = Input(),
    yes: Yes = False,
    confirm: Confirm = None,
) -> None:
    """Send an operation to an entity, which need not exist yet.

    Input options are the same as for `durablectl start`. The command does not wait for the
    operation.

    Example:
      durablectl entity signal @counter@orders add --input-json 3
    """
    entity_id = _entity_id(entity)
    value = input_of(session, given)
    session.begin_change(yes=yes, confirm=confirm)
    hub = session.open(create=True)
    with _told_if_cut_off(session, entity_id, f"operation '{operation}'"):
        hub.signal_entity(entity_id, operation, value)
    _tell(session, entity_id, f"operation '{operation}' sent")


@app.command()
def delete(
    session: Session, entity: EntityArgument, yes: Yes = False, confirm: Confirm = None
) -> None:
    """Send an entity the operation `delete`; its code decides whether to delete itself.

    Example:
      durablectl entity delete @counter@orders
    """
    entity_id = _entity_id(entity)
    session.begin_change(yes=yes, confirm=confirm)
    hub = session.hub
    with _told_if_cut_off(session, entity_id, "operation 'delete'"):
        hub.delete_entity(entity_id)
    _tell(session, entity_id, "deletion requested")


def _told_if_cut_off(
    session: Session, entity_id: EntityId, what: str
) -> AbstractContextManager[None]:
    look = f"{command('entity get', str(entity_id))} shows the entity's state"
    return told_if_cut_off(session.out, f"{what} may have been sent to {entity_id}", look)


def _entity_id(text: str) -> EntityId:
    try:
        return EntityId.parse(text)
    except ValueError as error:
        raise UsageError(str(error), hint="write @name@key, as @counter@orders") from error


def _listed(
    hub: TaskHub, name: str | None, states: bool, limit: int | None
) -> Iterator[EntityStatus]:
    found = each_of_pages(
        lambda token: hub.list_entities(
            name, fetch_state=states, top=min(limit or 100, 100), continuation_token=token
        )
    )
    return islice(found, limit and min(limit, sys.maxsize))


def _tell(session: Session, entity_id: EntityId, told: str) -> None:
    if session.out.is_text:
        session.out.note(f"{told}: {entity_id}")
    else:
        session.out.show("", [{"instanceId": str(entity_id), "result": told}], id=str(entity_id))
