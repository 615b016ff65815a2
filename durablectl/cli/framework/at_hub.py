"""One hub at the command line: what a helper uses of an invocation that has opened it, and no way
to open another.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

from durablectl import wire
from durablectl.errors import DurablectlError
from durablectl.model import CheckStatusPayload, InstanceStatus, RuntimeStatus
from durablectl.render import views
from durablectl.render.output import Output
from durablectl.render.terminal.tables import show_details
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.config import Settings
    from durablectl.engine.registry import Registry

STATUS_ADDRESS = "statusQueryGetUri"


class AtHub(NamedTuple):
    """An open hub, and what goes with it.

    `command` writes a command that works on the same hub, `working` lets this process work for
    instances while it waits for them, `loaded_app` tells how to get the app that it has run.
    """

    hub: TaskHub
    out: Output
    environ: Mapping[str, str]
    cwd: Path
    command: Callable[..., str]
    working: Callable[[Sequence[str]], AbstractContextManager[None]]
    loaded_app: Callable[[], Callable[[], Registry] | None]
    show_secrets: bool = False

    def payload_json(self, payload: CheckStatusPayload) -> dict[str, str]:
        """The service's JSON of a payload, with `code=***` unless --show-secrets."""
        return wire.payload_to_json(payload if self.show_secrets else wire.redacted(payload))

    def show_payload(
        self,
        payload: CheckStatusPayload,
        state: RuntimeStatus | None,
        *,
        asked: RuntimeStatus | None = None,
        whole: bool = False,
    ) -> None:
        """Print a payload in the wanted form; for people with all addresses if it is `whole`, and
        with what to do next in the state that was `asked` for, else in that which it has.
        """
        if not self.out.is_text:
            self.out.show("", self.payload_json(payload), id=payload.id)
            return
        commands = [
            self.command(verb, payload.id, hub=self.hub) for verb in next_verbs(asked or state)
        ]
        shown = payload if whole or self.out.verbose else self._with_live_address(payload)
        details = views.payload(shown, state, commands, show_secrets=self.show_secrets)
        show_details(self.out, details)

    def show_new_payload(self, payload: CheckStatusPayload) -> None:
        """Print the payload of an instance that was just started; for people with its status, the
        time that it is to start at, and why it failed if it did at once.
        """
        status = self._status(payload.id) if self.out.is_text else None
        self.show_payload(payload, status.runtime_status if status else RuntimeStatus.PENDING)
        start = None if status is None else self.hub.details(status).scheduled_start
        if start is not None:
            self.out.note(f"it starts at {views.time_text(start)}")
        if status is not None and status.runtime_status is RuntimeStatus.FAILED:
            self.out.warn(f"the instance has failed already: {views.ending_line(status)}")

    def _with_live_address(self, payload: CheckStatusPayload) -> CheckStatusPayload:
        """The payload with the one address that a person needs: that of the status, if a server
        answers there; `links` shows all.
        """
        kept = {STATUS_ADDRESS} if self.hub.is_served() else set[str]()
        entries = {name: value for name, value in payload.entries.items() if name in kept}
        return replace(payload, entries=entries)

    def _status(self, instance_id: str) -> InstanceStatus | None:
        try:
            return self.hub.get_status(instance_id, show_input=False)
        except DurablectlError:
            return None  # the start is done; that its status cannot be told yet is not a failure


def tell_without_worker(out: Output, hub: TaskHub) -> None:
    """Say that no worker will take up what was asked for, if none is running."""
    if not hub.has_worker():
        out.note("no worker is running on this hub; start one with `durablectl worker`")


class PageOf(NamedTuple):
    """What a page is made for: a hub and its settings, the app of its instances if it is known, and
    how to write a command for the same hub.
    """

    settings: Settings
    environ: Mapping[str, str]
    command: Callable[..., str]
    app_hint: str
    load_app: Callable[[], Registry] | None = None


def next_verbs(state: RuntimeStatus | None) -> tuple[str, ...]:
    """What a person may want to do next with an instance in this state."""
    if state is not None and state.is_final:
        return ("status", "restart", "purge")
    first = "resume" if state is RuntimeStatus.SUSPENDED else "wait"
    return (first, "status", "terminate")
