"""`durablectl links`: the addresses of an instance, once more."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.parameters import Instance, Last
from durablectl.cli.session import Session
from durablectl.cli.session.at import at
from durablectl.cli.session.choosing import wanted_one
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.redaction import redact
from durablectl.render.views import Details


def links(
    session: Session,
    instance: Instance = None,
    management: Annotated[
        bool,
        typer.Option("--management", help="Also include the rewind URL."),
    ] = False,
    creation: Annotated[
        bool, typer.Option("--creation", help="The addresses that start instances; takes no id.")
    ] = False,
    last: Last = False,
) -> None:
    """Show the addresses that inspect and control an instance.

    They are the check-status payload that `start` returns. The key in them is shown as *** unless
    --show-secrets is given.

    Example:

      durablectl links order-7 -o json
    """
    if creation:
        if instance is not None or last or management:
            raise UsageError(
                "--creation takes neither an instance nor --management",
                hint="durablectl links --creation",
            )
        _show_creation(session)
        return
    hub, name = wanted_one(session, instance, "links are those of one instance", last=last)
    payload = hub.management(name) if management else hub.check_status(name)
    if not session.out.is_text:
        session.out.show("", at(session, hub).payload_json(payload), id=name)
        return
    try:
        state = hub.get_status(name, show_input=False).runtime_status
    except InstanceNotFound:
        state = None
        session.out.warn(f"there is no instance '{name}' in the {session.settings.label}")
    at(session, hub).show_payload(payload, state, whole=True)
    if not hub.is_served():
        serve = session.command_line("serve", hub=hub)
        session.out.note(f"nothing answers at these addresses now; `{serve}` does")


def _show_creation(session: Session) -> None:
    shown = {
        name: address if session.options.show_secrets else redact(address)
        for name, address in session.hub.creation().items()
    }
    session.out.show(Details(tuple(shown.items())).text(), shown)
