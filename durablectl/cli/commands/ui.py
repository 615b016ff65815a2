"""`durablectl ui`: a page for the hub, in a browser."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.local.servers import servers
from durablectl.cli.session import Session
from durablectl.cli.session.at import page_of


def ui(
    session: Session,
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="Listen on this port; 0 takes a free one."
        ),
    ] = 0,
    no_open: Annotated[
        bool, typer.Option("--no-open", help="Print the address and do not open a browser.")
    ] = False,
) -> None:
    """Show the task hub in a browser: its instances, their steps and their payloads.

    The page is served on this machine only. Anyone with the printed address can use it; the address
    is valid until the command ends. A hub's key stays in this process and never reaches the
    browser. What a read-only or protected context forbids is refused here, too.

    Examples:

      durablectl ui
      durablectl ui --context prod --no-open --port 8080
    """
    serve_page = servers("ui").serve_page
    hub = session.hub
    of = page_of(session, session.app_of(hub))
    serve_page(session.out, hub, of, port=port, opens=not no_open, debug=session.options.debug)
