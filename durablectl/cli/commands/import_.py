"""`durablectl import`: bring an instance of another hub into the local one."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl import config
from durablectl.cli.framework.completers import contexts
from durablectl.cli.local.importing import bundle_of, check_target, show
from durablectl.cli.session import Session


def import_(
    ctx: typer.Context,
    source: Annotated[
        str,
        typer.Argument(
            metavar="FILE|ID", help="A saved history, or an instance's id.", show_default=False
        ),
    ],
    from_context: Annotated[
        str | None,
        typer.Option(
            "--from-context",
            metavar="NAME",
            help="The context of the hub that has the instance; it is only read.",
            autocompletion=contexts,
        ),
    ] = None,
    instance_id: Annotated[
        str | None,
        typer.Option(
            "--instance-id", metavar="ID", help="The id that it gets here (default: its own)."
        ),
    ] = None,
    force: Annotated[
        bool,
        typer.Option("--force", help="Import also what the history does not prove completely."),
    ] = False,
) -> None:
    """Import an instance into the local hub.

    Its sub-orchestrations, its custom status and the states of the entities that it calls come
    along. It arrives Suspended, or as it ended: `resume` continues it, `restart --from` or `rewind`
    runs a failed one again, with the activities of the app. What was open there is called again
    here. A history from the HTTP API is completed by running the app's code along it, so the app
    must be the one that ran it. The other hub is never changed. A file holds one instance; its
    sub-orchestrations may stand in it as further JSON lines.

    Examples:
      durablectl import order-7 --from-context prod
      durablectl import order-7.json --instance-id order-7-copy
    """
    session: Session = ctx.obj
    check_target(session)
    bundle = bundle_of(session, source, from_context, force=force)
    session.begin_change(controls=False)
    hub = session.opened(config.open_local_hub(session.settings, create=True))
    show(session, hub.import_bundle(bundle, instance_id), bundle)
