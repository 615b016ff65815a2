"""A hub's instances for its clients: queries, and messages to inboxes; runs no user code."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterable, Sequence
from datetime import datetime

from durablectl.engine.store.database import Connection
from durablectl.engine.store.executions import (
    COLUMNS,
    JOINS,
    load_outline,
    loaded_instance,
    put_event,
)
from durablectl.engine.store.instances import (
    FINAL,
    NewInstance,
    create_instance,
    delete_instances,
    purge_instances,
    refuse_entity,
)
from durablectl.engine.store.leases import LiveWorker, workers
from durablectl.engine.store.locks import release_all
from durablectl.engine.store.messages import begin_now, end_family, send_request
from durablectl.engine.store.queries import Queries
from durablectl.engine.store.rewind import rewind_instance
from durablectl.engine.store.work_items import EntityRequest
from durablectl.errors import DurablectlError, WrongState
from durablectl.history.columns import STATUSES, micros, moment
from durablectl.history.events import (
    Event,
    EventRaised,
    ExecutionResumed,
    ExecutionSuspended,
    ExecutionTerminated,
)
from durablectl.history.exported import RawHistory
from durablectl.history.service import history_view
from durablectl.history.stored import Outline, decode_episode, decode_event
from durablectl.model import EntityId, HistoryEvent, InstanceFilter, RuntimeStatus
from durablectl.quoting import command

IN_A_PURGE = 500  # instances deleted in one transaction


class Store(Queries):
    """The instances of one hub, to steer as well as to read."""

    def unfinished(self, instance_ids: Collection[str]) -> set[str]:
        """Those of the instances that are there and have not ended."""
        rows = self._database.query(
            "SELECT id FROM instances WHERE id IN (SELECT value FROM json_each(?)) AND status "
            f"NOT IN {FINAL}",
            (json.dumps(list(instance_ids)),),
        )
        return {id_ for (id_,) in rows}

    def workers(self, now: datetime) -> list[LiveWorker]:
        """All workers that are registered, the dead ones included."""
        return workers(self._database, now)

    def history(self, instance_id: str) -> list[Event]:
        """The complete events of the current execution."""
        row = self._database.one(
            f"SELECT {COLUMNS}, i.output FROM instances i {JOINS} WHERE i.id = ?", (instance_id,)
        )
        if row is None:
            return []
        *columns, output = row
        loaded = loaded_instance(columns)
        outline = Outline(loaded.started, output)
        episodes = self._database.query(
            "SELECT at, events FROM history WHERE instance = ? ORDER BY sequence", (loaded.key,)
        )
        return [event for at, events in episodes for event in decode_episode(events, at, outline)]

    def shown_history(
        self, instance_id: str, *, show_input: bool, show_output: bool
    ) -> tuple[HistoryEvent, ...]:
        """The same as the service shows it."""
        events = self.history(instance_id)
        return history_view(events, show_input=show_input, show_output=show_output)

    def raw_history(self, instance_id: str) -> RawHistory:
        """The current execution with its complete events; `InstanceNotFound` when there is no such
        instance.
        """
        while True:
            name, execution_id = (
                self.get(instance_id, with_input=False).name,
                self._execution(instance_id),
            )
            events = tuple(self.history(instance_id))
            # else it has continued as new between the two reads
            if self._execution(instance_id) == execution_id:
                return RawHistory(instance_id, execution_id, name, events)

    def _execution(self, instance_id: str) -> str:
        row = self._database.one("SELECT execution_id FROM instances WHERE id = ?", (instance_id,))
        return "" if row is None else row[0]

    def start(self, news: Iterable[NewInstance], *, replaces: bool = True) -> None:
        """Create instances in one transaction.

        `AlreadyExists` when an unfinished one has an id, or any has and not `replaces`.
        """
        with self._database.transaction() as sql:
            for new in news:
                create_instance(sql, new, replaces=replaces)

    def raise_event(self, instance_id: str, name: str, data: str | None, now: datetime) -> None:
        self._send(instance_id, EventRaised(now, name, data), "no event can reach it")

    def terminate(self, instance_id: str, reason: str | None, now: datetime) -> None:
        self._send(instance_id, ExecutionTerminated(now, reason), "it cannot be terminated")

    def terminate_family(self, instance_id: str, reason: str | None, now: datetime) -> None:
        """Terminate what is unfinished of an instance and of those below it, in one transaction.

        `WrongState` when nothing is.
        """
        with self._database.transaction() as sql:
            key, number = self._locked(sql, instance_id)
            if not end_family(sql, key, ExecutionTerminated(now, reason, recurse=True)):
                raise WrongState(
                    f"instance '{instance_id}' is {STATUSES[number].value}, and nothing below it "
                    "is unfinished",
                    hint=command("status", instance_id),
                )

    def suspend(self, instance_id: str, reason: str | None, now: datetime) -> None:
        self._send(
            instance_id,
            ExecutionSuspended(now, reason),
            "it cannot be suspended",
            refused={RuntimeStatus.SUSPENDED},
        )

    def resume(self, instance_id: str, reason: str | None, now: datetime) -> None:
        others = set(RuntimeStatus) - {RuntimeStatus.SUSPENDED}
        self._send(
            instance_id,
            ExecutionResumed(now, reason),
            "only a suspended instance can be resumed",
            refused=others,
        )

    def rewind(self, instance_id: str, reason: str | None, now: datetime) -> None:
        with self._database.transaction() as sql:
            key, number = self._locked(sql, instance_id)
            if STATUSES[number] is not RuntimeStatus.FAILED:
                raise WrongState(
                    f"instance '{instance_id}' is {STATUSES[number].value}; only a "
                    "failed one can be rewound",
                    hint=command("status", instance_id),
                )
            rewind_instance(sql, load_outline(sql, key), reason, micros(now))

    def signal(
        self,
        entity_id: EntityId,
        operation: str,
        input: str | None,
        now: datetime,
        due: datetime | None = None,
    ) -> None:
        """Put an operation into an entity's inbox, visible from `due` on; `input` is JSON text."""
        request = json.dumps({"op": operation, "signal": True, "input": input})
        when = None if due is None else micros(due)
        with self._database.transaction() as sql:
            send_request(sql, EntityRequest(str(entity_id), request, micros(now), due=when))

    def entity_operated_at(self, entity_id: EntityId) -> datetime | None:
        """When an entity's last operation ran; None when there is no such entity."""
        at = self._of_entity(entity_id, "operated_at")
        return None if at is None else moment(at)

    def locked_by(self, entity_id: EntityId) -> str | None:
        """The instance that has locked an entity; None when there is none."""
        owner: str | None = self._of_entity(entity_id, "locked_by")
        return owner

    def backlog(self, entity_id: EntityId) -> int:
        """How many operations wait for an entity."""
        (count,) = self._database.query(
            "SELECT count(*) FROM inbox m JOIN instances i ON i.key = m.instance WHERE i.id = ?",
            (str(entity_id),),
        )
        return int(count[0])

    def purge(
        self, instance_ids: Sequence[str], *, recursive: bool = False
    ) -> list[int | DurablectlError]:
        """Delete finished instances, with `recursive` their sub-orchestrations too, in one
        transaction: of each how many, or why none.
        """
        with self._database.transaction() as sql:
            deleted = purge_instances(sql, instance_ids, recursive=recursive)
        return [
            count or self._missing(each) for each, count in zip(instance_ids, deleted, strict=True)
        ]

    def purge_by(self, filter: InstanceFilter) -> int:
        """Delete the instances that match, which must be finished ones, in batches, each a
        transaction of its own; how many.
        """
        deleted, after, is_over = 0, None, False
        while not is_over:
            with self._database.transaction() as sql:
                rows, after = self._rows("i.key, i.created_at", filter, IN_A_PURGE, after)
                delete_instances(sql, (key for key, _ in rows))
            deleted, is_over = deleted + len(rows), after is None
        return deleted

    def replace_unheld(self, new: NewInstance) -> bool:
        """Create an instance in the place of what has its id, if anything has; False when a worker
        holds that.
        """
        with self._database.transaction() as sql:
            row = sql.execute(
                "SELECT key, worker FROM instances WHERE id = ?", (new.instance_id,)
            ).fetchone()
            if row is not None and row[1] is not None:
                return False
            if row is not None:
                release_all(sql, new.instance_id)
                delete_instances(sql, [row[0]])
            create_instance(sql, new)
        return True

    def _send(
        self,
        instance_id: str,
        event: Event,
        refusal: str,
        *,
        refused: Collection[RuntimeStatus] = (),
    ) -> None:
        with self._database.transaction() as sql:
            key, number = self._locked(sql, instance_id)
            status, word = STATUSES[number], "is"
            # A worker may not have taken up the last suspend or resume yet.
            ahead = _status_ahead(sql, key) if refused else None
            if ahead is not None:
                status, word = ahead, "is about to be"
            if number in FINAL or status in refused:
                raise WrongState(
                    f"instance '{instance_id}' {word} {status.value}; {refusal}",
                    hint=command("status", instance_id),
                )
            put_event(sql, key, event)
            if isinstance(event, ExecutionTerminated):
                begin_now(sql, key)

    def _locked(self, sql: Connection, instance_id: str) -> tuple[int, int]:
        row: tuple[int, int] | None = sql.execute(
            "SELECT key, status FROM instances WHERE id = ?", (instance_id,)
        ).fetchone()
        if row is None:
            raise self._missing(instance_id)
        refuse_entity(instance_id)
        return row


def _status_ahead(sql: Connection, key: int) -> RuntimeStatus | None:
    """What the newest suspend or resume in an instance's inbox leads to; None without one."""
    row = sql.execute(
        "SELECT event FROM inbox WHERE instance = ? AND (event LIKE '[19,%' OR event LIKE '[20,%')"
        " ORDER BY key DESC LIMIT 1",
        (key,),
    ).fetchone()
    if row is None:
        return None
    suspends = isinstance(decode_event(row[0], 0), ExecutionSuspended)
    return RuntimeStatus.SUSPENDED if suspends else RuntimeStatus.RUNNING
