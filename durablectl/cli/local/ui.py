"""Run `ui` for the command line: the page of a hub on this machine's own address."""

from __future__ import annotations

import threading
import traceback
import webbrowser
from collections.abc import Callable, Mapping
from socket import socket
from typing import Any

from durablectl.backends.explaining import explain_instance
from durablectl.cli.arguments.reason import default_reason
from durablectl.cli.framework.at_hub import PageOf
from durablectl.cli.local.signals import stop_signals
from durablectl.config import Settings
from durablectl.engine.store.overview import Overview
from durablectl.errors import DurablectlError, UsageError
from durablectl.explanation.model import Next
from durablectl.history import timeline
from durablectl.history.steps import Step
from durablectl.model import InstanceStatus
from durablectl.render.gantt import title
from durablectl.render.output import Output
from durablectl.server import uvicorn_server
from durablectl.server.api import Api
from durablectl.server.async_hub import Gate
from durablectl.server.page_app import Page, PageServer
from durablectl.server.page_door import Door, Permission
from durablectl.server.page_listing import Listing, LocalListing, RemoteListing
from durablectl.server.page_reads import Explainers, HubCard, Reads
from durablectl.server.place import Place
from durablectl.taskhub import TaskHub
from durablectl.wire import exact_time_to_text

HOST = "127.0.0.1"
LONGEST_DETAIL = 2000


def serve_page(
    out: Output, hub: TaskHub, of: PageOf, *, port: int, opens: bool, debug: bool
) -> None:
    """Serve the page of a hub until a signal comes."""
    settings, permission = of.settings, permission_of(of.settings)
    bound = _bound(port)
    gate, door = Gate(hub), Door(bound.getsockname()[1])
    with bound, stop_signals(out) as stopping:
        place = Place(hub.name or settings.label, settings.connection or "Storage")
        app = PageServer(
            build_page(gate, _card(gate.hub, of, permission), of),
            Api(gate, place),
            door,
            permission,
            on_error=tell_error(out, debug=debug),
        )
        address = f"http://{HOST}:{door.port}/ui/?token={door.token}"
        out.show(address, {"url": address}, id=address)
        out.flush()
        out.note("anyone with this address can use the page; stop it with Ctrl-C")
        if opens:
            webbrowser.open(address)
        try:
            uvicorn_server.run(app, bound, stopping, on_exit=gate.stop_waiting, warn=out.warn)
        finally:
            gate.close()


def build_page(gate: Gate, card: HubCard, of: PageOf) -> Page:
    """The page of a hub; with an app it names the events and lines that are waited for."""
    explain = Explainers(steps_json, _why(gate.hub, of))
    return Page(gate, Reads(gate.hub, card, _listing(gate), explain))


def _why(hub: TaskHub, of: PageOf) -> Callable[[str], Mapping[str, Any]]:
    # One at a time: what the app's code prints while it is replayed is held back for the process.
    lock = threading.Lock()

    def line(command: Next) -> str:
        return of.command(*command.words, options=command.options)

    def why(instance_id: str) -> Mapping[str, Any]:
        with lock:
            made = explain_instance(hub, instance_id, of.load_app, app_hint=of.app_hint)
        return made.to_json(line)

    return why


def permission_of(settings: Settings) -> Permission:
    """What the contexts of the user allow at the hub of the settings."""
    guards = settings.guards
    if any(each.read_only for each in guards):
        return Permission(read_only=True)
    return Permission(confirm=(guards[0].task_hub or guards[0].name) if guards else None)


def _card(hub: TaskHub, of: PageOf, permission: Permission) -> HubCard:
    """What the page of `ui` says of its hub."""
    settings = of.settings
    return HubCard(
        settings.label,
        hub.address,
        settings.path is not None,
        permission,
        default_reason(of.environ),
        settings.encode,
        hub.has_worker,
    )


def served_card(hub: TaskHub, of: PageOf) -> HubCard:
    """What the page of `serve` says of the hub that it serves."""
    return HubCard(
        of.settings.label,
        hub.address,
        is_local=True,
        reason=default_reason(of.environ),
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
    database = getattr(gate.hub, "database", None)
    return RemoteListing(gate.hub) if database is None else LocalListing(Overview(database))


def _bound(port: int) -> socket:
    try:
        return uvicorn_server.bind(HOST, port)
    except UsageError as error:  # the address is ours; the port is taken
        raise DurablectlError(error.message, hint=error.hint) from error


def tell_error(out: Output, *, debug: bool) -> Callable[[Exception], None]:
    """Warn of a request that has failed, with its traceback for `debug`."""

    def tell(error: Exception) -> None:
        out.warn(f"a request failed: {type(error).__name__}: {error}")
        if debug:
            out.talk("".join(traceback.format_exception(error)))

    return tell
