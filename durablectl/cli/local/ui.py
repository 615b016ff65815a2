"""Run `ui` for the command line: the page of a hub on this machine's own address."""

from __future__ import annotations

import threading
import traceback
import webbrowser
from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

from durablectl.backends.explaining import LoadApp, explain_instance
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.local.signals import stop_signals
from durablectl.cli.session import Session
from durablectl.cli.session.targets import command_line
from durablectl.config.settings import FOUND
from durablectl.errors import DurablectlError, UsageError
from durablectl.explanation.model import Next
from durablectl.history import timeline
from durablectl.history.steps import Step
from durablectl.model import InstanceStatus
from durablectl.render.gantt import title
from durablectl.wire import exact_time_to_text

if TYPE_CHECKING:
    from durablectl.server.async_hub import Gate
    from durablectl.server.page_app import Page
    from durablectl.server.page_door import Permission
    from durablectl.server.page_listing import Listing
    from durablectl.server.page_reads import HubCard
    from durablectl.taskhub import TaskHub

HOST = "127.0.0.1"
LONGEST_DETAIL = 2000


def serve_page(session: Session, *, port: int, opens: bool) -> None:
    """Serve the page of the session's hub until a signal comes."""
    try:
        from durablectl.server import uvicorn_server  # deferred: only this command needs it
        from durablectl.server.api import Api
        from durablectl.server.async_hub import Gate
        from durablectl.server.page_app import PageServer
        from durablectl.server.page_door import Door
        from durablectl.server.place import Place
    except ModuleNotFoundError as error:
        # deferred: only a missing package needs it
        from durablectl.installation import missing_extra

        raise missing_extra("serve", "ui", str(error.name)) from error
    hub, permission = session.hub, permission_of(session)
    session.announce()
    bound = _bound(uvicorn_server.bind, port)
    gate, door = Gate(hub), Door(bound.getsockname()[1])
    with bound, stop_signals() as stopping:
        place = Place(hub.name or session.hub_label, session.settings.connection or "Storage")
        app = PageServer(
            build_page(session, gate, card_of(session, permission), load_app=_app(session)),
            Api(gate, place),
            door,
            permission,
            on_error=_tell_error(session),
        )
        address = f"http://{HOST}:{door.port}/ui/?token={door.token}"
        session.out.show(address, {"url": address}, id=address)
        session.out.flush()
        session.out.note("this address lets in who has it; stop the page with Ctrl-C")
        if opens:
            webbrowser.open(address)
        try:
            uvicorn_server.run(
                app, bound, stopping, on_exit=gate.stop_waiting, warn=session.out.warn
            )
        finally:
            gate.close()


def build_page(
    session: Session, gate: Gate, card: HubCard, *, load_app: LoadApp | None = None
) -> Page:
    """The page of a hub; with `load_app` it names the events and lines that are waited for."""
    from durablectl.server.page_app import Page  # deferred, as above
    from durablectl.server.page_reads import Explainers, Reads

    explain = Explainers(steps_json, _why(session, gate.hub, load_app))
    return Page(gate, Reads(gate.hub, card, _listing(gate), explain))


def _app(session: Session) -> LoadApp | None:
    """How to load the app of the hub's instances: as for `why`, of a remote hub only one that was
    named, as it may run another version of the nearest one.
    """
    is_found = session.settings.sources.get("app") == FOUND
    if session.app_path is None or (is_found and not session.is_local):
        return None
    return session.registry


def _why(
    session: Session, hub: TaskHub, load_app: LoadApp | None
) -> Callable[[str], Mapping[str, Any]]:
    # One at a time: what the app's code prints while it is replayed is held back for the process.
    lock = threading.Lock()
    hint = "PATH" if session.app_path is None else str(session.app_path)

    def line(command: Next) -> str:
        return command_line(session, *command.words, options=command.options)

    def why(instance_id: str) -> Mapping[str, Any]:
        with lock:
            made = explain_instance(hub, instance_id, load_app, app_hint=hint)
        return made.to_json(line)

    return why


def permission_of(session: Session) -> Permission:
    """What the contexts of the user allow at the session's hub."""
    from durablectl.server.page_door import Permission  # deferred, as above

    settings = session.settings
    if settings.read_only:
        return Permission(read_only=True)
    if settings.protected:
        return Permission(confirm=settings.task_hub or settings.context or "")
    if settings.url is None or settings.is_own_context:
        return Permission()
    guards = settings.keys.guards_of(settings.url, settings.task_hub)
    if any(each.read_only for each in guards):
        return Permission(read_only=True)
    return Permission(confirm=(guards[0].task_hub or guards[0].name) if guards else None)


def card_of(session: Session, permission: Permission) -> HubCard:
    """What the page says of the session's hub."""
    from durablectl.server.page_reads import HubCard  # deferred, as above

    settings = session.settings
    return HubCard(
        session.hub_label,
        session.hub.address,
        session.is_local,
        permission,
        default_reason(session.environ),
        settings.encode,
        session.hub.has_worker,
    )


def served_card(session: Session, gate: Gate) -> HubCard:
    """What the page of `serve` says of the hub that it serves."""
    from durablectl.server.page_reads import HubCard  # deferred, as above

    return HubCard(
        session.hub_label,
        gate.hub.address,
        is_local=True,
        reason=default_reason(session.environ),
        has_worker=lambda: True,
    )


def steps_json(status: InstanceStatus) -> list[dict[str, Any]]:
    """The steps of a status with its history, for the page."""
    return [_step_json(step) for step in timeline.steps(status)]


def _step_json(step: Step) -> dict[str, Any]:
    return {
        "kind": step.kind.value,
        "name": step.name,
        "title": title(step),
        "begin": exact_time_to_text(step.begin),
        "end": None if step.end is None else exact_time_to_text(step.end),
        "state": step.state.value,
        "detail": step.detail[:LONGEST_DETAIL],
        "attempts": step.attempts,
        "child": step.child,
    }


def _listing(gate: Gate) -> Listing:
    # deferred, as above
    from durablectl.server.page_listing import LocalListing, RemoteListing

    database = getattr(gate.hub, "database", None)
    if database is None:
        return RemoteListing(gate.hub)
    from durablectl.engine.store.overview import Overview

    return LocalListing(Overview(database))


def _bound(bind: Callable[[str, int], Any], port: int) -> Any:
    try:
        return bind(HOST, port)
    except UsageError as error:  # the address is ours; the port is taken
        raise DurablectlError(error.message, hint=error.hint) from error


def _tell_error(session: Session) -> Callable[[Exception], None]:
    def tell(error: Exception) -> None:
        session.out.warn(f"a request failed: {type(error).__name__}: {error}")
        if session.options.debug:
            session.out.talk("".join(traceback.format_exception(error)))

    return tell
