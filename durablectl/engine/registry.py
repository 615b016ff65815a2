"""Names to user functions: what an app registers; loads nothing and calls nothing."""

from __future__ import annotations

from collections.abc import Callable, Coroutine, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from durablectl.errors import FunctionNotFound
from durablectl.quoting import did_you_mean


@dataclass(frozen=True, slots=True)
class Orchestrator:
    """An orchestrator: `function(context)` is a generator function or returns its output at once.

    `input_type` decodes its input. `begin(instance id, execution id)` makes the execution (see
    `engine.replay.executor`) of a function that this engine's own context cannot run.
    """

    name: str
    function: Callable[..., Any]
    input_type: Any = None
    begin: Callable[[str, str], Any] | None = None


@dataclass(frozen=True, slots=True)
class Activity:
    """An activity: called as `function(**{parameter: input})`, awaited when `is_async`.

    `failure` gives the reason and the details (JSON text) of what it raised, where they are not
    those of `engine.replay.failures`.
    """

    name: str
    function: Callable[..., Any]
    parameter: str
    is_async: bool = False
    failure: Callable[[BaseException], tuple[str, str | None]] | None = None


@dataclass(frozen=True, slots=True)
class Entity:
    """An entity: `function(context)` runs one operation. Its name is in lower case.

    `run_batch(instance id, state, operations)` runs several (see `engine.worker.entities`) where
    this engine's own context cannot.
    """

    name: str
    function: Callable[..., Any]
    run_batch: Callable[[str, str | None, Any], Any] | None = None


@dataclass(frozen=True, slots=True)
class OtherFunction:
    """A function of the app that the engine does not run by itself: an HTTP starter, a timer, a
    queue trigger…

    `trigger` is the binding's name (`httpTrigger`, `timerTrigger`); `settings` what its decorator
    said (`route`, `methods`, `auth_level`); `clients` are the names of the parameters that a
    durable client is bound to, each with whether it is given as JSON text. `is_grpc` clients talk
    gRPC to the host.
    """

    name: str
    trigger: str
    function: Callable[..., Any]
    parameter: str = ""
    settings: dict[str, Any] = field(default_factory=dict)
    clients: dict[str, bool] = field(default_factory=dict)
    is_grpc: bool = False


BUILT_IN = ("BuiltIn::", "BuiltIn__")
"""What the names of functions begin with that no app has written; they are not listed."""


@dataclass(slots=True)
class ClientSource:
    """Where functions that the engine runs get the text of their durable client's binding from;
    None while there is no such place.
    """

    text: Callable[[], str] | None = None


Function = TypeVar("Function", Orchestrator, Activity, Entity)


class Functions(Generic[Function]):
    """The functions of one kind, looked up without regard to case.

    A function may have several names; `names` has the first of each.
    """

    def __init__(self) -> None:
        self._by_name: dict[str, Function] = {}
        self.names: list[str] = []

    def add(self, function: Function, aliases: Iterable[str] = ()) -> None:
        if not function.name.startswith(BUILT_IN):
            self.names.append(function.name)
        for name in (function.name, *aliases):
            self._by_name[name.lower()] = function

    def put(self, function: Function) -> None:
        """Register `function` in the place of the one that has its name, under all names of that
        one; else as a new one.
        """
        before = self.get(function.name)
        if before is None:
            self.add(function)
            return
        for name in [name for name, known in self._by_name.items() if known is before]:
            self._by_name[name] = function

    def get(self, name: str) -> Function | None:
        return self._by_name.get(name) or self._by_name.get(name.lower())

    def keys(self) -> list[str]:
        """All names and aliases, in lower case, sorted."""
        return sorted(self._by_name)

    def take_in(self, others: Functions[Function]) -> None:
        """Register all of `others`, each in the place of what has its name."""
        for function in dict.fromkeys(others._by_name.values()):
            self.put(function)
            for alias, other in others._by_name.items():
                if other is function:
                    self._by_name[alias] = function

    def __len__(self) -> int:
        return len(self.names)


def unknown_function(name: str, kind: str, known: Iterable[str]) -> str:
    """The service's text for a function that the app does not have (DurableTaskExtension.cs,
    ThrowIfFunctionDoesNotExist).

    A lone surrogate in the name is written as an escape: the text is stored, and UTF-8 cannot hold
    it.
    """
    name = name.encode("utf-8", "backslashreplace").decode("utf-8")
    listed = ", ".join(f"'{each}'" for each in sorted(known))
    known_text = (
        f"The following are the known {kind} functions: {listed}."
        if listed
        else f"No {kind} functions are currently registered!"
    )
    article = "a" if kind[0] not in "aeio" else "an"
    return (
        f"The function '{name}' doesn't exist, is disabled, or is not {article} {kind} "
        f"function. Additional info: {known_text}"
    )


class Registry:
    """All functions of an app.

    `app` names its file, for messages; `warnings` are what its author should hear.

    What is `disabled` is not there for anybody who calls it; it is only shown. `endings` are
    awaited by who has hosted the app's others. `client_sources` are filled by who can give
    activities a durable client.

    `default_version` is the version of instances that are started without one (host.json,
    extensions.durableTask.defaultVersion), `activity_timeout` the seconds after which an activity
    has failed, None for no limit (host.json, functionTimeout).
    """

    def __init__(self, app: str = "") -> None:
        self.app = app
        self.orchestrators: Functions[Orchestrator] = Functions()
        self.activities: Functions[Activity] = Functions()
        self.entities: Functions[Entity] = Functions()
        self.others: list[OtherFunction] = []
        self.disabled: list[OtherFunction] = []
        self.endings: list[Callable[[], Coroutine[Any, Any, None]]] = []
        self.warnings: list[str] = []
        self.client_sources: list[ClientSource] = []
        self.default_version = ""
        self.activity_timeout: float | None = None

    def require_orchestrator(self, name: str) -> None:
        """`FunctionNotFound` when the app has no such orchestrator."""
        if self.orchestrators.get(name) is None:
            known = ", ".join(sorted(self.orchestrators.names)) or "none"
            raise FunctionNotFound(
                f"no orchestrator '{name}' in {self.app}; available: {known}",
                hint=did_you_mean(name, self.orchestrators.names) or "durablectl functions",
            )

    def require_entity(self, name: str) -> None:
        """`FunctionNotFound` when the app has no such entity."""
        if self.entities.get(name) is None:
            raise FunctionNotFound(
                unknown_function(name, "entity", self.entities.names),
                hint=did_you_mean(name, self.entities.names) or "durablectl functions",
            )

    def take_in(self, other: Registry) -> None:
        """Register all functions of another app, each in the place of what has its name."""
        self.orchestrators.take_in(other.orchestrators)
        self.activities.take_in(other.activities)
        self.entities.take_in(other.entities)
        self.others.extend(other.others)
        self.disabled.extend(other.disabled)
        self.endings.extend(other.endings)
        self.warnings.extend(other.warnings)
        self.client_sources.extend(other.client_sources)
        self.default_version = other.default_version or self.default_version
        self.activity_timeout = other.activity_timeout or self.activity_timeout
