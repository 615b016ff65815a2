"""What a local hub does with the engine's replay: it restarts an instance from one of its steps,
imports instances of other hubs, and works for an instance that is waited for.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from datetime import datetime

from durablectl.backends.importing import Bundle, Imported, bundle_of_histories
from durablectl.engine.registry import Registry
from durablectl.engine.store.database import Database
from durablectl.engine.store.importing import import_instances
from durablectl.engine.store.restart import planned_restart, restart_from
from durablectl.engine.worker.embedded import embedded_worker
from durablectl.history.columns import micros
from durablectl.history.importing import imported
from durablectl.history.restart import RestartPlan
from durablectl.history.saved import AnyHistory, histories_of
from durablectl.new_ids import random_id, random_uuid


class Engine:
    """The verbs of `LocalTaskHub` that need the engine; it says what each does."""

    def __init__(
        self, database: Database, registry: Registry | None, now: Callable[[], datetime]
    ) -> None:
        self._database, self._registry, self._now = database, registry, now

    def working_for(self, registry: Registry, instance_id: str) -> AbstractContextManager[object]:
        """While inside, this process works for the instance, if no live worker holds the hub."""
        return embedded_worker(self._database.path, lambda: registry, [instance_id])

    def restart_from(self, instance_id: str, step: int | str | None) -> str:
        """The id of the new instance."""
        new_id = random_id()
        restart_from(self._database, instance_id, step, new_id, self._now())
        return new_id

    def plan_restart(self, instance_id: str, step: int | str | None) -> RestartPlan:
        return planned_restart(self._database, instance_id, step)

    def bundle(self, history: AnyHistory, *, force: bool) -> Bundle:
        return bundle_of_histories(histories_of(history), self._registry, force=force)

    def import_bundle(self, bundle: Bundle, instance_id: str | None) -> Imported:
        now = self._now()
        instances = imported(bundle.gathered, instance_id, now, random_uuid)
        kept = import_instances(self._database, instances, bundle.entities, micros(now))
        return Imported(tuple(instances), frozenset(kept))
