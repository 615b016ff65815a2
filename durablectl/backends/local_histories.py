"""What a local hub does with complete histories: restart an instance from one of its steps, and
import instances of other hubs.
"""

from __future__ import annotations

from collections.abc import Callable
from datetime import datetime
from typing import TYPE_CHECKING, Protocol

from durablectl.engine.store.database import Database
from durablectl.history.columns import micros
from durablectl.model import CheckStatusPayload
from durablectl.new_ids import random_id, random_uuid

if TYPE_CHECKING:
    from durablectl.backends.importing import Bundle, Imported
    from durablectl.engine.registry import Registry
    from durablectl.history.restart import RestartPlan
    from durablectl.history.saved import AnyHistory


class _LocalHub(Protocol):
    """What is used of the hub itself."""

    _now: Callable[[], datetime]
    _registry: Registry | None

    @property
    def database(self) -> Database: ...

    def check_status(self, instance_id: str) -> CheckStatusPayload: ...

    def import_bundle(self, bundle: Bundle, instance_id: str | None = None) -> Imported: ...


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

        new_id = random_id()
        restart_from(self.database, instance_id, step, new_id, self._now())
        return self.check_status(new_id)

    def plan_restart(
        self: _LocalHub, instance_id: str, step: int | str | None = None
    ) -> RestartPlan:
        """What `restart_from` would keep and repeat; changes nothing."""
        from durablectl.engine.store.restart import planned_restart  # deferred, as above

        return planned_restart(self.database, instance_id, step)

    def import_history(
        self: _LocalHub,
        history: AnyHistory,
        *,
        instance_id: str | None = None,
        force: bool = False,
    ) -> str:
        """Create an instance with a saved history, and return its id; it arrives Suspended, or as
        it ended.

        `history` is a file's path, the text or JSON of a history, or a status that was asked for
        with its history and results; a file may hold those of its sub-orchestrations too. What is
        not our raw form needs the app's code: open the hub with `app`. `AlreadyExists` when the id
        is taken (`instance_id` gives another), `UsageError` for what is not a history, does not
        fit the code, or, unless `force`, proves too little.
        """
        # deferred: few import histories
        from durablectl.backends.importing import bundle_of_histories
        from durablectl.history.saved import histories_of

        bundle = bundle_of_histories(histories_of(history), self._registry, force=force)
        return self.import_bundle(bundle, instance_id).instances[0].instance_id

    def import_bundle(self: _LocalHub, bundle: Bundle, instance_id: str | None = None) -> Imported:
        """Create the instances and entities of a bundle, all of them or none; see
        `import_history`.
        """
        # deferred, as above
        from durablectl.backends.importing import Imported
        from durablectl.engine.store.importing import import_instances
        from durablectl.history.importing import imported

        now = self._now()
        instances = imported(bundle.gathered, instance_id, now, random_uuid())
        kept = import_instances(self.database, instances, bundle.entities, micros(now))
        return Imported(tuple(instances), frozenset(kept))
