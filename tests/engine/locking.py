"""Critical sections for orchestrators on this engine's own context, which has none: the messages
are those of the SDK's.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from durablectl.df import EntityId
from durablectl.engine.registry import Registry
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import EntityCallTask
from durablectl.history.events import EventSent


class LockTask(EntityCallTask):
    """A request for the locks of some entities; its result is the section."""

    __slots__ = ("_all",)

    def __init__(self, entities: Sequence[EntityId]) -> None:
        self._all = sorted(entities, key=str)
        super().__init__(str(self._all[0]), "", None)

    def schedule(self, execution: ExecutionState) -> None:
        if self._scheduled:
            return
        self._scheduled = True
        self.id = number = execution.next_number()
        request = {
            "op": None,
            "id": execution.request_id(number),
            "parent": execution.instance_id,
            "lockset": [{"name": each.name, "key": each.key} for each in self._all],
            "pos": 0,
        }
        execution.pending[number] = EventSent(
            execution.now, number, self._entity, "op", json.dumps(request)
        )
        execution.replies[execution.request_id(number)] = self

    @contextmanager
    def section(self, context: Any) -> Iterator[None]:
        """Release the entities at the end, or when the code of the section raises."""
        try:
            yield
        except GeneratorExit:
            raise  # the execution is dropped, not ended
        except BaseException:
            self._release(context)
            raise
        self._release(context)

    def _release(self, context: Any) -> None:
        execution = context._execution
        for each in self._all:
            number = execution.next_number()
            request = {"parent": execution.instance_id, "id": self.id}
            execution.pending[number] = EventSent(
                execution.now, number, str(each), "release", json.dumps(request)
            )


def add_account(registry: Registry) -> None:
    """An entity `account` that says when somebody has changed it between a read and the write that
    follows: its state is `[version, amount]`.
    """

    @registry.entity  # type: ignore[attr-defined]
    def account(context: Any) -> None:
        version, amount = context.get_state(lambda: [0, 0])
        match context.operation_name, context.get_input():
            case "read", _:
                context.set_result([version, amount])
            case "add", added:
                context.set_state([version + 1, amount + added])
            case "write", (read, written):
                if read != version:
                    raise ValueError(f"version {read} was read, and it is {version} now")
                context.set_state([version + 1, written])


def transfer(
    context: Any, source: EntityId, target: EntityId, amount: int, between: Any = None
) -> Iterator[Any]:
    """Read two accounts and write them, in one section; in between wait for the task `between`."""
    lock = LockTask([source, target])
    yield lock
    with lock.section(context):
        read = []
        for each in (source, target):
            read.append((yield context.call_entity(each, "read")))
        if between is not None:
            yield between
        for each, (version, had), change in zip(
            (source, target), read, (-amount, amount), strict=True
        ):
            yield context.call_entity(each, "write", [version, had + change])
    return "moved"
