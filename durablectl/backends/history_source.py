"""What the histories of any hub say of its instances, and what the code of the app adds, where that
is at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING

from durablectl.errors import DurablectlError, InstanceNotFound, ServiceError
from durablectl.explanation.building import Refined
from durablectl.explanation.model import Next, StepKind, Wait
from durablectl.explanation.steps import Execution
from durablectl.history.saved import History, ServiceHistory
from durablectl.model import InstanceDetails, InstanceStatus, RuntimeStatus, utc_now
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.engine.registry import Registry

LoadApp = Callable[[], "Registry"]
NO_NAME = (
    "the name of the external event, if it waits for one: it is not in the history before the "
    "event arrives"
)
MAYBE_CANCELLED = "whether the timer still counts: one that was cancelled looks the same here"
_STARTED = (RuntimeStatus.RUNNING, RuntimeStatus.SUSPENDED)


class HistorySource:
    """What the histories of a hub say, and the code of the app where one is given.

    `app_hint` is what a command would name as the app.
    """

    def __init__(self, hub: TaskHub, load_app: LoadApp | None, app_hint: str) -> None:
        self._hub, self._load_app, self._app_hint = hub, load_app, app_hint
        self._loaded: Registry | None = None
        self._trouble = ""

    def use_own_app(self) -> None:
        """Use the code that the hub was opened with, if any, where no other is given."""

    def find(self, instance_id: str) -> InstanceStatus | None:
        try:
            return self.get(instance_id)
        except (InstanceNotFound, ServiceError):
            return None

    def get(self, instance_id: str) -> InstanceStatus:
        """The status with its history; `InstanceNotFound` when there is none.

        The inputs are asked for: what an entity was called with, and why an instance was
        terminated, are inputs of history events. Results are needed only by the code.
        """
        return self._hub.get_status(
            instance_id, show_history=True, show_history_output=self._load_app is not None
        )

    def details(self, status: InstanceStatus) -> InstanceDetails:
        return self._hub.details(status)

    def has_changed(self, status: InstanceStatus) -> bool:
        """Whether an unfinished instance is no longer as it was read."""
        if status.is_final or status.is_entity:
            return False
        try:
            now = self._hub.get_status(status.instance_id, show_input=False)
        except (InstanceNotFound, ServiceError):
            return False
        return (now.runtime_status, now.last_updated_time, now.created_time) != (
            status.runtime_status,
            status.last_updated_time,
            status.created_time,
        )

    def refine(
        self,
        status: InstanceStatus,
        execution: Execution,  # noqa: ARG002 - for sources that know more
        waits: Sequence[Wait],
    ) -> Refined:
        if status.runtime_status is RuntimeStatus.PENDING:
            if status.details is not None and status.details.starts_after(utc_now()):
                return Refined(())
            may_be = f"the app may be stopped or busy, or have no orchestrator '{status.name}'"
            return Refined((), unknown=(f"why it has not started: {may_be}",))
        refined = self.with_code(status, waits)
        kinds = {each.kind for each in refined.waits if each.is_awaited is None}
        if StepKind.TIMER not in kinds or len(kinds) == 1:
            return refined
        return replace(refined, unknown=(*refined.unknown, MAYBE_CANCELLED))

    def with_code(self, status: InstanceStatus, waits: Sequence[Wait]) -> Refined:
        """The waits as the code has them, with their lines; as they are where there is no app, or
        it does not match the history.
        """
        if status.runtime_status not in _STARTED or status.is_entity or not waits:
            return Refined(tuple(waits))
        if self._load_app is None:
            return self._unnamed(status, waits)
        # deferred: only who has the app replays
        from durablectl.backends.replaying import CannotReplay, merged, replayed

        try:
            found = replayed(self._app(), self.history_of(status))
        except (CannotReplay, DurablectlError) as error:
            made = self._unnamed(status, waits)
            why = f"the lines of the code: {error}"
            mismatch = getattr(error, "mismatch", "")
            return Refined(made.waits, unknown=(*made.unknown, why), mismatch=mismatch)
        return Refined(merged(waits, found), found.is_any, unused=found.unused)

    def history_of(self, status: InstanceStatus) -> History:
        """The history to replay."""
        return ServiceHistory.of(status)

    def find_app(self) -> Registry | None:
        """The app, None where there is none or it cannot be loaded."""
        try:
            return self._app()
        except DurablectlError:
            return None

    def _app(self) -> Registry:
        if self._trouble or self._load_app is None:
            raise DurablectlError(self._trouble)
        if self._loaded is None:
            try:
                self._loaded = self._load_app()
            except DurablectlError as error:
                self._trouble = error.message
                raise
        return self._loaded

    def _unnamed(self, status: InstanceStatus, waits: Sequence[Wait]) -> Refined:
        """The waits where only the code could name an event that may be waited for."""
        if any(wait.kind not in (StepKind.EVENT, StepKind.TIMER) for wait in waits):
            return Refined(tuple(waits))
        if all(wait.last_failure for wait in waits):
            return Refined(tuple(waits))  # before another attempt
        note = "names the event, if it waits for one"
        command = Next(("why", status.instance_id), ("--app", self._app_hint), note)
        is_useful = self._load_app is None and status.runtime_status is RuntimeStatus.RUNNING
        # a timer explains why it waits; it may be the time-out of an event, which the command shows
        is_unknown = any(wait.kind is StepKind.EVENT for wait in waits)
        return Refined(
            tuple(waits),
            next=(command,) if is_useful else (),
            unknown=(NO_NAME,) if is_unknown else (),
        )
