"""What must be true of a hub file after every step of a simulation, and at its end; reads the file
only.
"""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from durablectl.engine.registry import Registry
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import WorkerLease
from durablectl.engine.store.work_items import ActivityItem, LoadedInstance, WorkerFilter
from durablectl.engine.worker.activity_pool import Item
from durablectl.history.columns import moment
from durablectl.history.events import (
    EventSent,
    ExecutionCompleted,
    ExecutionRewound,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)
from durablectl.history.stored import encode_episode

FINAL = {1, 3, 4, 5}
FAILED = 3
RAISED = 15
TASK, CHILD, TIMER = {5, 6}, {8, 9}, {11}
_MADE = (
    EventSent,
    ExecutionCompleted,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)


class Broken(AssertionError):
    """A promise does not hold."""


class Watch:
    """Looks at a hub file and remembers what it saw: what has to stay true is compared with
    that."""

    def __init__(self, path: Path, registry: Registry) -> None:
        self.database = Database(path, durable=False)
        self._registry = registry
        self._version = -1
        self._ended: dict[int, tuple[Any, ...]] = {}
        self._histories: dict[int, tuple[str, list[str]]] = {}
        self._completed: set[tuple[int, str, int]] = set()

    def look(self, acknowledged: Sequence[str]) -> None:
        """Check the hub, if anybody has committed."""
        version = self.database.data_version()
        if version == self._version:
            return
        self._version = version
        rows = self.database.query(
            "SELECT key, id, status, output, execution_id, worker FROM instances"
        )
        self._check_instances(rows, acknowledged)
        self._check_histories({key: execution_id for key, _, _, _, execution_id, _ in rows})
        self._check_sections()

    def expect_rewound(self) -> None:
        """Failed instances may go on, with the failed steps cut out of their histories."""
        for key in [key for key, (status, *_) in self._ended.items() if status == FAILED]:
            del self._ended[key]
            self._histories.pop(key, None)
            self._completed = {each for each in self._completed if each[0] != key}

    def _check_instances(
        self, rows: Sequence[tuple[Any, ...]], acknowledged: Sequence[str]
    ) -> None:
        ids, keys = {row[1] for row in rows}, {row[0] for row in rows}
        _expect(not set(acknowledged) - ids, f"acknowledged, and gone: {set(acknowledged) - ids}")
        sessions = {key for (key,) in self.database.query("SELECT key FROM workers")}
        for key, id_, status, output, execution_id, worker in rows:
            _expect(
                worker is None or worker in sessions, f"{id_} is leased to a session that has ended"
            )
            if status in FINAL:
                seen = self._ended.setdefault(key, (status, output, execution_id))
                _expect(worker is None, f"{id_} has ended and is leased")
                _expect(
                    seen == (status, output, execution_id),
                    f"{id_} had ended as {seen} and is now {status} {output}",
                )
            else:
                _expect(
                    key not in self._ended,
                    f"{id_} had ended as {self._ended.get(key)} and runs again",
                )
        for instance, task_id, worker in self.database.query(
            "SELECT instance, task_id, worker FROM activities"
        ):
            _expect(
                worker is None or worker in sessions,
                f"activity {task_id} of {instance} is leased to a session that has ended",
            )
            _expect(instance in keys, f"activity {task_id} of an instance that is gone")

    def _check_histories(self, executions: dict[int, str]) -> None:
        now: dict[int, list[str]] = {}
        for instance, sequence, events in self.database.query(
            "SELECT instance, sequence, events FROM history ORDER BY instance, sequence"
        ):
            _expect(instance in executions, f"history of an instance {instance} that is gone")
            texts = now.setdefault(instance, [])
            _expect(
                sequence == len(texts),
                f"instance {instance} has a gap in its history before {sequence}",
            )
            texts.append(events)
        for instance, (execution_id, before) in self._histories.items():
            if executions.get(instance) == execution_id:
                _expect(
                    now.get(instance, [])[: len(before)] == before,
                    f"the history of instance {instance} was rewritten",
                )
        for instance, texts in now.items():
            seen = self._histories.get(instance)
            if seen is None or seen != (executions[instance], texts):
                self._histories[instance] = (executions[instance], texts)
                self._check_once(instance, executions[instance], texts)

    def _check_sections(self) -> None:
        """Nobody else has written between the read and the write of a critical section: no such
        operation has failed.
        """
        failed = self.database.query(
            "SELECT i.id, h.events FROM history h JOIN instances i ON i.key = h.instance WHERE "
            "i.id LIKE '@account@%'"
        )
        _expect(not failed, f"a section was not alone with its entities: {failed}")

    def _check_once(self, instance: int, execution_id: str, texts: Sequence[str]) -> None:
        counts: Counter[tuple[str, int]] = Counter()
        for kind, _, *fields in (event for text in texts for event in json.loads(text)):
            for name, kinds in (("task", TASK), ("child", CHILD), ("timer", TIMER)):
                if kind in kinds:
                    counts[name, fields[0]] += 1
            if kind in TASK:
                self._completed.add((instance, execution_id, fields[0]))
        twice = [what for what, count in counts.items() if count > 1]
        _expect(not twice, f"instance {instance} saw the end of {twice} twice: {texts}")

    def events_seen(self, instance_id: str, name: str) -> list[Any]:
        """What the current execution has been sent under a name, in order."""
        texts = self.database.query(
            "SELECT h.events FROM history h JOIN instances i ON i.key = h.instance WHERE i.id = ? "
            "ORDER BY h.sequence",
            (instance_id,),
        )
        raised = (event for (text,) in texts for event in json.loads(text) if event[0] == RAISED)
        return [json.loads(data) for _, _, of, data in raised if of.lower() == name]

    def check_dispatch(self, items: Sequence[Item]) -> None:
        """What a commit has dispatched must not be known as done."""
        for item in items:
            if not isinstance(item, ActivityItem):
                continue
            key = (item.instance, item.execution_id, item.task_id)
            rows = self.database.query(
                "SELECT event FROM inbox WHERE instance = ? AND execution_id = ? AND event IS NOT "
                "NULL",
                (item.instance, item.execution_id),
            )
            done = {
                (item.instance, item.execution_id, event[2])
                for (text,) in rows
                if (event := json.loads(text))[0] in TASK
            }
            _expect(
                key not in self._completed | done,
                f"activity {item.name} {item.task_id} of {item.instance} is done, and runs again",
            )

    def check_end(self) -> None:
        """Nothing is left behind, and every history gives the same decisions again."""
        left = self.database.query(
            "SELECT i.id, m.event FROM inbox m LEFT JOIN instances i ON i.key = m.instance WHERE "
            "i.id IS NULL OR i.status IN (1, 3, 4, 5)"
        )
        _expect(not left, f"messages that nobody will take: {left}")
        left = self.database.query(
            "SELECT i.id, m.event FROM inbox m JOIN instances i ON i.key = m.instance WHERE "
            "i.id LIKE '@%'"
        )
        _expect(not left, f"messages that entities did not take: {left}")
        left = self.database.query(
            "SELECT i.id, e.locked_by FROM entities e JOIN instances i ON i.key = e.instance "
            "WHERE e.locked_by IS NOT NULL"
        )
        _expect(not left, f"entities that stay locked: {left}")
        left = self.database.query(
            "SELECT i.id, a.name FROM activities a LEFT JOIN instances i ON i.key = a.instance"
        )
        _expect(not left, f"activities that nobody will run: {left}")
        keys = [
            key
            for (key,) in self.database.query("SELECT key FROM instances WHERE id NOT LIKE '@%'")
        ]
        for loaded in WorkerLease(self.database, WorkerFilter(None, ())).load(keys).values():
            self._check_replay(loaded)

    def _check_replay(self, loaded: LoadedInstance) -> None:
        orchestrator = self._registry.orchestrators.get(loaded.started.name)
        assert orchestrator is not None
        execution = OrchestratorExecutor(orchestrator, loaded.instance_id, loaded.execution_id)
        # steps were cut out: what follows decides them anew
        if any(isinstance(event, ExecutionRewound) for event in loaded.past):
            execution.rebuild(loaded.past)
            _expect(
                execution._fault is None,
                f"{loaded.instance_id} no longer matches its history: {execution._fault}",
            )
            return
        rows = self.database.query(
            "SELECT at, events FROM history WHERE instance = ? ORDER BY sequence", (loaded.key,)
        )
        past = iter(loaded.past)
        for at, events in rows:
            inbound = []
            for event in past:
                if not isinstance(event, _MADE):
                    inbound.append(event)
                if isinstance(event, OrchestratorCompleted):
                    break
            again = encode_episode(execution.run(inbound, moment(at)).history, moment(at))
            _expect(
                again == events,
                f"{loaded.instance_id} would now decide {again} instead of {events}",
            )
        execution.close()

    def close(self) -> None:
        self.database.close()


def _expect(holds: bool, otherwise: str) -> None:
    if not holds:
        raise Broken(otherwise)
