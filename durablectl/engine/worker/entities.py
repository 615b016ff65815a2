"""One batch of operations on an entity: state and operations in, state and results out.

No store, no clock; user code runs here.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from durablectl.engine.registry import Entity
from durablectl.engine.replay.failures import details_of, encoded, message_of, reason_of
from durablectl.engine.replay.portability import Reliance, entity_reliance
from durablectl.engine.store.work_items import Operation
from durablectl.engine.worker.app_output import end_line
from durablectl.history.entity_actions import EntityAction
from durablectl.payload import dumps, loads

_NOTHING = object()
"""The result of an operation that has set none."""


@dataclass(frozen=True, slots=True)
class OperationResult:
    """JSON text of what the operation returned, or of the message of what it raised.

    Then `error` is the exception's type, `reason` what happened, `details` the exception as JSON
    text, and `failure` its FailureDetails for the caller where they say more than `details`.
    """

    result: str | None
    error: str | None = None
    reason: str = ""
    details: str | None = None
    failure: Mapping[str, Any] | None = field(default=None, hash=False)


@dataclass(frozen=True, slots=True)
class EntityBatchResult:
    """The state after the batch as JSON text, None when the entity does not exist; a result for
    each operation, in order; what the operations that succeeded have sent; and where the code
    relies on this engine.
    """

    state: str | None
    results: list[OperationResult] = field(default_factory=list)
    actions: list[EntityAction] = field(default_factory=list)
    reliances: list[Reliance] = field(default_factory=list)


class EntityContext:
    """What an entity function sees of one operation, with the surface of the Azure SDK's
    DurableEntityContext.
    """

    is_kept_apart: bool
    """Whether the code has seen that the operations of a batch are kept apart: the SDK leaves the
    result of one to the next, and cannot read an input that is missing (point 72)."""

    def __init__(self, name: str, key: str, state: str | None) -> None:
        self._name, self._key = name, key
        self._stored = state  # JSON text, until it is first read
        self._state: Any = None
        self._is_read = state is None
        self._operation: Operation | None = None
        self._result: Any = None
        self._has_result = False  # this operation, or one before it in the batch
        self.is_kept_apart = False
        self._exists = state is not None

    @property
    def entity_name(self) -> str:
        return self._name

    @property
    def entity_key(self) -> str:
        return self._key

    @property
    def operation_name(self) -> str | None:
        return self._operation.name if self._operation is not None else None

    @property
    def is_newly_constructed(self) -> bool:
        """Always False, as in the SDK."""
        return False

    def get_state(
        self, initializer: Callable[[], Any] | None = None, expected_type: Any = None
    ) -> Any:
        if not self._is_read:
            self._state, self._is_read = loads(self._stored or "null", expected_type), True
        if self._state is None and initializer is not None:
            if not callable(initializer):
                raise TypeError("initializer argument needs to be a callable function")
            return initializer()
        return self._state

    def set_state(self, state: Any) -> None:
        self._state, self._is_read, self._exists = state, True, True

    def get_input(self, expected_type: Any = None) -> Any:
        """The input.

        JSON inside a string is decoded once more, since the SDK's client sends every input so.
        """
        text = self._operation.input if self._operation is not None else None
        if text is None:
            self.is_kept_apart = True
            return None
        value = loads(text, None if text.startswith('"') else expected_type)
        if isinstance(value, str):
            try:
                return loads(value, expected_type)
            except ValueError:
                return value
        return value

    def set_result(self, result: Any) -> None:
        self._result, self._has_result, self._exists = result, True, True

    def destruct_on_exit(self) -> None:
        self._state, self._is_read, self._exists = None, True, False

    def perform(self, entity: Entity, operation: Operation) -> OperationResult:
        """Run one operation.

        State that was set before an exception is kept, as in 1.x; state that JSON cannot hold is
        refused.
        """
        self._operation, self._result = operation, _NOTHING
        before, existed = self._stored, self._exists
        try:
            entity.function(self)
            if self._result is _NOTHING:
                self._result = None
                self.is_kept_apart |= self._has_result and not operation.is_signal
            result = OperationResult(
                encoded(self._result, "result of entity", entity.name, entity.function)
            )
        except BaseException as error:  # user code, SystemExit included
            result = _failed(entity.name, error)
        try:
            if self._is_read:
                self._stored = (
                    encoded(self._state, "state of entity", entity.name, entity.function)
                    if self._exists
                    else None
                )
        except Exception as error:  # user code: to_json
            self._stored, self._is_read, self._exists = before, False, existed
            result = _failed(entity.name, error)
        return result

    def stored_state(self) -> str | None:
        return self._stored if self._exists else None


def _failed(name: str, error: BaseException) -> OperationResult:
    return OperationResult(
        dumps(message_of(error)),
        type(error).__name__,
        reason_of("Entity", name, error),
        details_of(error),
    )


def run_batch(
    entity: Entity, key: str, state: str | None, operations: Sequence[Operation]
) -> EntityBatchResult:
    """Run the operations one after the other on `state`."""
    if entity.run_batch is not None:
        batch: EntityBatchResult = entity.run_batch(f"@{entity.name}@{key}", state, operations)
        end_line()
        return batch
    context = EntityContext(entity.name, key, state)
    results = [context.perform(entity, operation) for operation in operations]
    end_line()
    reliances = [entity_reliance(entity.name, entity.function)] if context.is_kept_apart else []
    return EntityBatchResult(context.stored_state(), results, reliances=reliances)
