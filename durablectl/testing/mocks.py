"""Functions of a test in the place of an app's."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from durablectl.engine.registry import Activity, Entity, Orchestrator, Registry


@dataclass(frozen=True, slots=True)
class Mock:
    """One function that is replaced. `record` hears of each call's input."""

    name: str
    kind: str
    record: Callable[[Any], None]
    returns: Any
    raises: BaseException | type[BaseException] | None
    calls: Callable[..., Any] | None

    def put_into(self, registry: Registry) -> None:
        match self.kind:
            case "activity":
                is_async = inspect.iscoroutinefunction(self.calls)
                registry.activities.put(
                    Activity(
                        self.name,
                        self._answer_later if is_async else self._answer,
                        "value",
                        is_async=is_async,
                    )
                )
            case "orchestrator":
                registry.orchestrators.put(Orchestrator(self.name, self._orchestrate))
            case _:
                registry.entities.put(Entity(self.name.lower(), self._operate))

    def _answer(self, value: Any) -> Any:
        return self._outcome(value)

    async def _answer_later(self, value: Any) -> Any:
        return await self._outcome(value)

    def _orchestrate(self, context: Any) -> Any:
        value = context.get_input()
        self.record(value)
        return self._outcome(value)

    def _operate(self, context: Any) -> None:
        operation, value = context.operation_name, context.get_input()
        self.record((operation, value))
        context.set_result(self._outcome(operation, value))

    def _outcome(self, *arguments: Any) -> Any:
        if self.raises is not None:
            raise self.raises
        return self.returns if self.calls is None else self.calls(*arguments)
