"""`durablectl serve`: a local hub behind the service's own HTTP API."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.arguments.parameters import CheckReplay, Log, SkipTimers
from durablectl.cli.local.servers import servers
from durablectl.cli.session import Session
from durablectl.cli.session.at import page_of


def serve(
    session: Session,
    host: Annotated[
        str,
        typer.Option(
            metavar="ADDRESS", help="Listen on this address; one that others reach needs a key."
        ),
    ] = "127.0.0.1",
    port: Annotated[
        int,
        typer.Option(
            metavar="PORT", min=0, max=65535, help="Listen on this port; 0 takes a free one."
        ),
    ] = 7071,
    key_file: Annotated[
        Path | None,
        typer.Option(metavar="FILE", help="Ask clients for the key in this file."),
    ] = None,
    concurrency: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=1024, help="Maximum number of parallel activities."),
    ] = 32,
    log: Annotated[Log, typer.Option(help="Format of the request log on stderr.")] = Log.TEXT,
    reload: Annotated[
        bool, typer.Option("--reload", help="Reload the app when its files change.")
    ] = False,
    grpc: Annotated[
        int | None,
        typer.Option(
            metavar="PORT",
            min=0,
            max=65535,
            help="Answer gRPC clients of the Durable Task protocol on this port, too.",
            show_default=False,
        ),
    ] = None,
    skip_timers: SkipTimers = False,
    replay_check: CheckReplay = None,
) -> None:
    """Serve the local hub over HTTP as a Durable Functions app does, run its functions, and host
    the app's HTTP functions.

    Clients of the real service work against it unchanged. No key is needed on 127.0.0.1. Any other
    --host requires one: from --key-env, from --key-file, or generated and stored in your state
    folder, whose path is printed.

    With --grpc, clients of the Durable Task SDKs work against it too, on 127.0.0.1 only, with the
    same key as the metadata x-functions-key.

    Example:

      durablectl serve --port 7071

      durablectl serve --grpc 4001
    """
    session.require_local("is served already", "serve is for a local hub: --hub PATH")
    local = servers("serve")
    registry = session.registry()
    session.out.notes_with_json()
    session.open(create=True)
    session.announce()
    served = local.Served(
        page_of(session),
        registry,
        session.app_output,
        session.options.key_env,
        session.options.debug,
    )
    checks = replay_check is not False
    serving = local.Serving(
        host, port, key_file, concurrency, log, reload, skip_timers, grpc, replay_check=checks
    )
    local.serve_hub(session.out, served, serving)
