"""One function as its app declares it, and the registry of all of them; imports no app and knows no SDK."""

from __future__ import annotations

import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from durablectl.engine.registry import Activity, Entity, Functions, Orchestrator, OtherFunction, Registry
from durablectl.errors import AppError

Registered: TypeAlias = Orchestrator | Activity | Entity | OtherFunction

ORCHESTRATION, ACTIVITY, ENTITY, HTTP = "orchestrationTrigger", "activityTrigger", "entityTrigger", "httpTrigger"

# Where each durable trigger keeps the name that replaces the function's own.
_ALIASES = {ORCHESTRATION: "orchestration", ACTIVITY: "activity", ENTITY: "entity_name"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A function under its own `name`, with what its decorators (or its function.json) said.

    `trigger` is the binding's name, "" when there is none; `function` is the user's own, without any wrapper; `code_name` is the name
    that the SDK sends when the function itself is handed to `call_activity`.
    """

    name: str
    trigger: str
    function: Callable[..., Any]
    parameter: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    client_parameters: tuple[str, ...] = ()
    input_type: Any = None
    code_name: str = ""

    @property
    def durable_name(self) -> str:
        """The name that orchestrations use: the trigger's alias if it has one, else the function's own."""
        return self.settings.get(_ALIASES.get(self.trigger, "")) or self.name

    @property
    def where(self) -> str:
        """The function's file and line, for messages."""
        code = getattr(inspect.unwrap(self.function), "__code__", None)
        return f"{shown(Path(code.co_filename))}:{code.co_firstlineno}" if code else "unknown place"

    def resolve(self) -> Registered:
        """What the engine runs, or an OtherFunction for what it does not run; AppError when the declaration cannot work."""
        match self.trigger:
            case "":
                raise AppError(f"function '{self.name}' has no trigger ({self.where})", hint="give it one, or take its decorators away")
            case t if t == ORCHESTRATION:
                return Orchestrator(self.durable_name, self.function, self.input_type)
            case t if t == ENTITY:
                return Entity(self.durable_name.lower(), self.function)
            case t if t == ACTIVITY:
                return self._activity()
        return OtherFunction(self.name, self.trigger, self.function, self.parameter, dict(self.settings), self.client_parameters)

    def _activity(self) -> Activity:
        parameters = inspect.signature(self.function).parameters
        takes_any = any(p.kind is p.VAR_KEYWORD for p in parameters.values())
        if self.parameter not in parameters and not takes_any:
            raise AppError(
                f"activity '{self.durable_name}' has no parameter '{self.parameter}' ({self.where})",
                hint=f'name the parameter in the trigger: activity_trigger(input_name="{next(iter(parameters), "input")}")',
            )
        return Activity(
            self.durable_name,
            self.function,
            self.parameter,
            is_async=inspect.iscoroutinefunction(self.function),
            wants_context="context" in parameters and self.parameter != "context",
        )


def build_registry(app: Path, functions: Iterable[Declared]) -> Registry:
    """All functions of an app, with what its author should hear; AppError when two have the same name."""
    declared = list(functions)
    _refuse_doubles(declared)
    registry = Registry(str(app))
    taken = {(one.trigger, one.durable_name.lower()) for one in declared}
    for one in declared:
        names = (one.name, one.code_name or one.name)
        _add(registry, one, [name for name in names if (one.trigger, name.lower()) not in taken])
    return registry


def shown(path: Path) -> str:
    """A path as people want to read it: relative to the working directory when it lies below."""
    try:
        return str(path.relative_to(Path.cwd()))
    except (ValueError, OSError):
        return str(path)


def _add(registry: Registry, one: Declared, aliases: list[str]) -> None:
    match one.resolve():
        case Orchestrator() as orchestrator:
            registry.orchestrators.add(orchestrator, aliases)
        case Activity() as activity:
            registry.activities.add(activity, aliases)
        case Entity() as entity:
            registry.entities.add(entity, aliases)
        case other:
            registry.others.append(other)
            return
    registry.warnings.extend(_warnings(one))


def _warnings(one: Declared) -> Iterable[str]:
    if one.trigger != ENTITY and one.durable_name.lower() != (one.code_name or one.name).lower():
        yield (
            f"'{one.durable_name}' is the function {one.code_name or one.name} ({one.where}): "
            "on Azure call it by its name in quotes; handing over the function itself works here only"
        )
    if one.client_parameters:
        yield f"'{one.durable_name}' wants a durable client ({one.where}), which only HTTP functions are given here"


def _refuse_doubles(functions: list[Declared]) -> None:
    seen: dict[tuple[str, str], Declared] = {}
    for one in functions:
        # Own names are unique in the app, durable names among their kind; the host compares both without regard to case.
        for key in {("", one.name.lower()), (one.trigger, one.durable_name.lower())}:
            other = seen.setdefault(key, one)
            if other is not one:
                raise AppError(
                    f"two functions have the name '{one.durable_name}': {other.where} and {one.where}",
                    hint="rename one of them; names are compared without regard to case",
                )


def count(registry: Registry) -> int:
    """How many functions the app has, of all kinds."""
    kinds: tuple[Functions[Any], ...] = (registry.orchestrators, registry.activities, registry.entities)
    return sum(len(kind) for kind in kinds) + len(registry.others)
