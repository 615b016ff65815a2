"""`durablectl serve`: a local hub behind the service's own HTTP API."""

from __future__ import annotations

from durablectl.cli.arguments.working import Serving
from durablectl.cli.local.servers import servers
from durablectl.cli.session import Session
from durablectl.cli.session.at import page_of


def serve(session: Session, serving: Serving = Serving()) -> None:
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
    session.begin_change(controls=False)
    registry = session.registry()
    session.out.notes_with_json()
    session.open(create=True)
    served = local.Served(
        page_of(session),
        registry,
        session.app.output,
        session.options.key_env,
        session.options.debug,
    )
    local.serve_hub(session.out, served, serving)
