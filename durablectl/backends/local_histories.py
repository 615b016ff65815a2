"""What a local hub does with complete histories: restart an instance from one of its steps."""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol
from uuid import uuid4

from durablectl.engine.store.database import Database
from durablectl.model import CheckStatusPayload

if TYPE_CHECKING:
    from durablectl.history.restart import RestartPlan


class _LocalHub(Protocol):
    """What is used of the hub itself."""

    _now: Callable[[], datetime]

    @property
    def database(self) -> Database: ...

    def check_status(self, instance_id: str) -> CheckStatusPayload: ...


class LocalHistories:
    """The verbs that need complete histories, and import slowly what few commands need."""

    def restart_from(
        self: _LocalHub, instance_id: str, step: int | str | None = None
    ) -> CheckStatusPayload:
        """Start a new instance that keeps the results of another one up to a step, and runs that
        step and what follows again.

        `step` is its number in the first column of `durablectl history` (from 1), the name of an
        activity or sub-orchestrator that is called once, or None for the first that failed. The
        instance itself stays as it is. `UsageError` for a step that is not there; `WrongState` for
        a sub-orchestration, and where the history cannot be cut.
        """
        from durablectl.engine.store.restart import restart_from  # deferred: few ask for it

        new_id = uuid4().hex
        restart_from(self.database, instance_id, step, new_id, self._now())
        return self.check_status(new_id)

    def plan_restart(
        self: _LocalHub, instance_id: str, step: int | str | None = None
    ) -> RestartPlan:
        """What `restart_from` would keep and repeat; changes nothing."""
        from durablectl.engine.store.restart import planned_restart  # deferred, as above

        return planned_restart(self.database, instance_id, step)
