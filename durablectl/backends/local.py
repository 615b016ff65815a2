"""The local hub: the verbs of TaskHub over the engine's store; knows no worker, no HTTP and no
console.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable, Collection, Iterable, Sequence
from contextlib import AbstractContextManager, ExitStack
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from durablectl.backends.local_address import LiveAddress
from durablectl.backends.local_commits import Commits
from durablectl.backends.local_start import new_instance, replace
from durablectl.backends.local_status import status_of, statuses_of
from durablectl.backends.start_once import check_same
from durablectl.engine.store.database import Database
from durablectl.engine.store.instances import NewInstance, refuse_entity
from durablectl.engine.store.queries import Queries
from durablectl.errors import (
    AlreadyExists,
    DurablectlError,
    EntityNotFound,
    FunctionNotFound,
    WrongState,
)
from durablectl.history.columns import micros
from durablectl.listing import Newest
from durablectl.model import (
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    IfExists,
    InstanceDetails,
    InstanceFilter,
    InstanceStart,
    InstanceStatus,
    Page,
    PageRequest,
    RuntimeStatus,
    StatusParts,
    utc_now,
)
from durablectl.new_ids import random_id
from durablectl.payload import dumps
from durablectl.polling.loop import wait_for_completion
from durablectl.quoting import command, did_you_mean
from durablectl.taskhub import TaskHub
from durablectl.wire import HubAddress, json_value

if TYPE_CHECKING:
    from durablectl.backends.importing import Bundle, Imported
    from durablectl.backends.local_engine import Engine
    from durablectl.engine.registry import Registry
    from durablectl.engine.store.client import Store
    from durablectl.engine.store.leases import LiveWorker
    from durablectl.history.restart import RestartPlan
    from durablectl.history.saved import AnyHistory


class LocalTaskHub(TaskHub):
    """A hub in an SQLite file, which `create` makes when it is missing.

    With a `registry`, `start` refuses what is not an orchestrator of it.

    `late` and `durable`: see `Database`.
    """

    commits_together = purges_together = tells_more_than_history = True

    def __init__(
        self,
        path: Path | str,
        *,
        registry: Registry | None = None,
        create: bool = False,
        late: bool = False,
        durable: bool = True,
        now: Callable[[], datetime] = utc_now,
    ) -> None:
        self._database = Database(Path(path), create=create, late=late, durable=durable)
        self._queries = Queries(self._database)
        self._registry, self._now = self.registry, self.now = registry, now
        self._commits = Commits(self._database)
        self._address = LiveAddress(self._queries, self._live_workers)

    @cached_property
    def _store(self) -> Store:
        # deferred: reading a status needs no events
        from durablectl.engine.store.client import Store

        return Store(self._database)

    @cached_property
    def _engine(self) -> Engine:
        # deferred: what reads and steers needs no code that replays
        from durablectl.backends.local_engine import Engine

        return Engine(self._database, self._registry, self._now)

    @property
    def name(self) -> str:
        return ""

    @property
    def address(self) -> str:
        return str(self._database.path)

    def _text(self, value: Any) -> str | None:
        return None if value is None else dumps(value)

    def _kept(self, text: str | None) -> str | None:
        return text

    def _start(self, new: InstanceStart) -> CheckStatusPayload:
        instance = new_instance(self._registry, new, self._now())
        match new.if_exists:
            case IfExists.FAIL:
                self._store.start([instance], replaces=False)
            case IfExists.ATTACH:
                try:
                    self._store.start([instance], replaces=False)
                except AlreadyExists:
                    found = self.get_status(instance.instance_id)
                    check_same(found, new)
                    return dataclasses.replace(self.check_status(found.instance_id), attached=found)
            case IfExists.REPLACE:
                replace(self._store, instance, self._now, self.pause)
        return self.check_status(instance.instance_id)

    def _begin(self, new: InstanceStart) -> str:
        instance = new_instance(self._registry, new, self._now())
        self._store.start([instance])
        return instance.instance_id

    def start_many(self, starts: Iterable[tuple[str, Any, str | None]]) -> list[str]:
        """Start instances of (orchestrator, input, id or None) in one transaction: all of them or
        none; their ids.

        `AlreadyExists` when one of the ids is taken.
        """
        news = [InstanceStart(name, self._text(input), id_) for name, input, id_ in starts]
        instances = [new_instance(self._registry, new, self._now()) for new in news]
        self._store.start(instances, replaces=False)
        return [each.instance_id for each in instances]

    def _status(self, instance_id: str, parts: StatusParts) -> InstanceStatus:
        row = self._queries.get(instance_id, with_input=parts.show_input)
        details, view = self._queries.failure_details(row), None
        if parts.show_history and row.status is not RuntimeStatus.PENDING:
            view = self._store.shown_history(
                instance_id, show_input=parts.show_input, show_output=parts.show_history_output
            )
        return status_of(row, view, details)

    def details(self, status: InstanceStatus) -> InstanceDetails:
        return self._queries.details(status.instance_id)

    def raw_history(self, instance_id: str) -> dict[str, Any]:
        status = self.get_status(instance_id, show_input=False)
        return self._store.raw_history(instance_id).document(status)

    def _page(self, filter: InstanceFilter, page: PageRequest) -> Page[InstanceStatus]:
        rows, token = self._queries.page(
            filter, with_input=page.has_payloads, top=page.top, after=page.token
        )
        return Page(statuses_of(self._queries, rows), token)

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        self.raise_event_text(instance_id, event_name, dumps(data))

    def raise_event_text(self, instance_id: str, event_name: str, text: str) -> None:
        self._store.raise_event(instance_id, event_name, text, self._now())

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        terminate = self._store.terminate_family if recursive else self._store.terminate
        terminate(instance_id, reason, self._now())

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        self._store.suspend(instance_id, reason, self._now())

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        self._store.resume(instance_id, reason, self._now())

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        self._store.rewind(instance_id, reason, self._now())

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        row = self._queries.get(instance_id)
        refuse_entity(instance_id)
        new = NewInstance(
            random_id() if new_id else instance_id,
            row.name,
            row.input,
            row.version,
            micros(self._now()),
        )
        try:
            self._store.start([new], replaces=not new_id)
        except AlreadyExists as error:
            raise WrongState(
                f"instance '{instance_id}' is {row.status.value}; under the same id only a "
                "finished one can be restarted",
                hint=command("restart", instance_id, options=("--new-id",)),
            ) from error
        return self.check_status(new.instance_id)

    def restart_from(self, instance_id: str, step: int | str | None = None) -> CheckStatusPayload:
        """Start a new instance that keeps the results of another one up to a step, and runs that
        step and what follows again.

        `step` is its number in the first column of `durablectl history` (from 1), the name of an
        activity or sub-orchestrator that is called once, or None for the first that failed. The
        instance itself stays as it is. `UsageError` for a step that is not there; `WrongState` for
        a sub-orchestration, and where the history cannot be cut.
        """
        return self.check_status(self._engine.restart_from(instance_id, step))

    def plan_restart(self, instance_id: str, step: int | str | None = None) -> RestartPlan:
        """What `restart_from` would keep and repeat; changes nothing."""
        return self._engine.plan_restart(instance_id, step)

    def import_history(
        self, history: AnyHistory, *, instance_id: str | None = None, force: bool = False
    ) -> str:
        """Create an instance with a saved history, and return its id; it arrives Suspended, or as
        it ended.

        `history` is a file's path, the text or JSON of a history, or a status that was asked for
        with its history and results; a file may hold those of its sub-orchestrations too. What is
        not our raw form needs the app's code: open the hub with `app`. `AlreadyExists` when the id
        is taken (`instance_id` gives another), `UsageError` for what is not a history, does not
        fit the code, or, unless `force`, proves too little.
        """
        bundle = self._engine.bundle(history, force=force)
        return self.import_bundle(bundle, instance_id).instances[0].instance_id

    def import_bundle(self, bundle: Bundle, instance_id: str | None = None) -> Imported:
        """Create the instances and entities of a bundle, all of them or none; see
        `import_history`.
        """
        return self._engine.import_bundle(bundle, instance_id)

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        (outcome,) = self.purge_many([instance_id], recursive=recursive)
        if isinstance(outcome, DurablectlError):
            raise outcome
        return outcome

    def purge_many(
        self, instance_ids: Sequence[str], *, recursive: bool = False
    ) -> list[int | DurablectlError]:
        """`purge` each in one transaction: of each how many were deleted, or the error."""
        return self._store.purge(instance_ids, recursive=recursive)

    def _purge_by(self, wanted: InstanceFilter) -> int:
        return self._store.purge_by(wanted)

    def get_entity(self, entity_id: EntityId) -> Any:
        state = self._queries.entity_state(entity_id)
        if state is None:
            raise EntityNotFound(
                f"no entity '{entity_id}' in the hub {self.address}", hint="durablectl entity list"
            )
        return json_value(state)

    def _entities(self, name: str | None, page: PageRequest) -> Page[EntityStatus]:
        rows, token = self._queries.entities(name, top=page.top, after=page.token)
        return Page(
            tuple(
                EntityStatus(
                    EntityId.parse(id_), time, json_value(state) if page.has_payloads else None
                )
                for id_, time, state in rows
            ),
            token,
        )

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        self._signal(entity_id, operation, self._text(input))

    def delete_entity(self, entity_id: EntityId) -> None:
        self._signal(entity_id, "delete", None)

    def _signal(self, entity_id: EntityId, operation: str, text: str | None) -> None:
        if self._registry is not None:
            self._registry.require_entity(entity_id.name)
        self._store.signal(entity_id, operation, text, self._now())

    def _at(self) -> HubAddress:
        return self._address.now()

    @property
    def connection(self) -> str:
        """What this hub's addresses name as their connection: its file."""
        return self._address.connection

    def newest(self, filter: InstanceFilter, *, top: int) -> Newest:
        rows = self._queries.newest(filter, top=top)
        counts = self._queries.counts(filter, by_name=False)
        return Newest(statuses_of(self._queries, rows), sum(counts.values()))

    def is_served(self) -> bool:
        return self._address.is_served()

    def wrote(self, address: HubAddress) -> bool:
        return self._address.is_own(address)

    def orchestrators(self) -> tuple[str, ...] | None:
        """From the app, else from the live workers."""
        if self._registry is not None:
            return tuple(sorted(self._registry.orchestrators.names))
        told = (each.about.get("orchestrators", ()) for each in self._live_workers())
        return tuple(sorted(set(chain.from_iterable(told)))) or None

    def require_orchestrator(self, name: str) -> None:
        if self._registry is not None:
            self._registry.require_orchestrator(name)
        elif (known := self.orchestrators()) and name.lower() not in map(str.lower, known):
            raise FunctionNotFound(
                f"no orchestrator '{name}'; available: {', '.join(known)}",
                hint=did_you_mean(name, known),
            )

    def has_worker(self) -> bool:
        """Whether a live worker takes on every instance of the hub."""
        return bool(self._live_workers())

    def _live_workers(self) -> list[LiveWorker]:
        """Those that take on every instance."""
        found = self._store.workers(self._now())
        return [worker for worker in found if worker.is_live and worker.is_for_all]

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        with ExitStack() as stack:
            if (registry := self._registry) is not None:
                stack.enter_context(self._engine.working_for(registry, instance_id))
            return wait_for_completion(self, instance_id, timeout=timeout, interval=interval)

    def within(self, seconds: float) -> Self:  # noqa: ARG002 - nothing here waits for an answer
        return self

    def pause(self, seconds: float) -> None:
        """Sleep until somebody has committed to the file, at most `seconds`.

        `HubLost` when it is not there any more, as none will come.
        """
        self._commits.wait(seconds)

    @property
    def database(self) -> Database:
        """The hub's file, for a worker in the same process."""
        return self._database

    def group(self) -> AbstractContextManager[None]:
        return self._database.group()

    def changes(self) -> int:
        return self._database.data_version()

    def ended(self, instance_ids: Collection[str]) -> set[str]:
        return set(instance_ids) - self._store.unfinished(instance_ids)

    def counts(
        self, filter: InstanceFilter | None = None, *, by_name: bool = False
    ) -> dict[str, int]:
        """How many instances match, of each state or of each orchestrator."""
        return self._queries.counts(filter or InstanceFilter(), by_name=by_name)

    def close(self) -> None:
        self._database.close()
