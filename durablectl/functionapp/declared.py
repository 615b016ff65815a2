"""One function as its app declares it, and the registry of all of them; imports no app and knows no
SDK.
"""

from __future__ import annotations

import inspect
import os
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TypeAlias

from durablectl.engine.registry import (
    BUILT_IN,
    Activity,
    ClientSource,
    Entity,
    Orchestrator,
    OtherFunction,
    Registry,
)
from durablectl.engine.replay.places import first_line_of
from durablectl.errors import AppError
from durablectl.functionapp.bindings import RETURN, Binding
from durablectl.functionapp.invocation import CONTEXT, Target
from durablectl.functionapp.sdk2.recognise import MARK, of_sdk2, refuse_mixture

Registered: TypeAlias = Orchestrator | Activity | Entity | OtherFunction

ORCHESTRATION, ACTIVITY, ENTITY, HTTP = (
    "orchestrationTrigger",
    "activityTrigger",
    "entityTrigger",
    "httpTrigger",
)

_KINDS = {
    ORCHESTRATION: "orchestrator",
    ACTIVITY: "activity",
    ENTITY: "entity",
    HTTP: "HTTP function",
}
# Where each durable trigger keeps the name that replaces the function's own.
_ALIASES = {ORCHESTRATION: "orchestration", ACTIVITY: "activity", ENTITY: "entity_name"}


@dataclass(frozen=True, slots=True)
class Declared:
    """A function under its own `name`, with what its decorators (or its function.json) said.

    `trigger` is the binding's name, "" when there is none; `bindings` are the others. `function` is
    the user's own, without any wrapper; `code_name` is the name that the SDK sends when the
    function itself is handed to `call_activity`; `folder` is that of its function.json.
    """

    name: str
    trigger: str
    function: Callable[..., Any]
    parameter: str = ""
    settings: Mapping[str, Any] = field(default_factory=dict)
    bindings: tuple[Binding, ...] = ()
    input_type: Any = None
    code_name: str = ""
    folder: str = ""
    is_disabled: bool = False
    client_source: ClientSource = field(default_factory=ClientSource, compare=False)

    @property
    def is_grpc(self) -> bool:
        """Whether it is for azure-functions-durable 2.x."""
        return bool(self.settings.get(MARK))

    @property
    def durable_name(self) -> str:
        """The name that orchestrations use: the trigger's alias if it has one, else the function's
        own.
        """
        return self.settings.get(_ALIASES.get(self.trigger, "")) or self.name

    @property
    def where(self) -> str:
        """The function's file and line, for messages."""
        file, line = first_line_of(self.function) or ("", 0)
        return f"{shown(Path(file))}:{line}" if line else "unknown place"

    @property
    def bound(self) -> list[str]:
        """The parameters that bindings fill, that of the trigger first."""
        return [self.parameter, *(each.name for each in self.bindings if each.name != RETURN)]

    @property
    def title(self) -> str:
        """The function in messages: "activity 'charge'"."""
        return f"{_KINDS.get(self.trigger, 'function')} '{self.durable_name}'"

    def resolve(self) -> Registered:
        """What the engine runs, or an OtherFunction for what it does not run; AppError when the
        declaration cannot work.
        """
        if not self.trigger:
            raise AppError(
                f"function '{self.name}' has no trigger ({self.where})",
                hint="give it one, or take its decorators away",
            )
        if self.trigger not in (*_ALIASES, HTTP):
            return self._other(self.function)
        _refuse_bindings(self)
        if self.is_grpc and self.trigger != HTTP:
            return self._of_sdk2()
        if self.trigger == ORCHESTRATION:
            return Orchestrator(self.durable_name, self.function, self.input_type)
        if self.trigger == ENTITY:
            return Entity(self.durable_name.lower(), self.function)
        function = self._callable()
        if self.trigger == HTTP:
            return self._other(function)
        is_async = inspect.iscoroutinefunction(function)
        return Activity(self.durable_name, function, self.parameter, is_async=is_async)

    def _of_sdk2(self) -> Registered:
        if self.trigger == ACTIVITY:
            clients = [each.name for each in self.bindings if each.is_client]
            function = self._callable()
            return of_sdk2().activity(
                self.durable_name, function, self.parameter, clients, self.client_source
            )
        if self.trigger == ENTITY:
            return of_sdk2().entity(self.durable_name.lower(), self.function)
        return of_sdk2().orchestrator(self.durable_name, self.function)

    def _callable(self) -> Callable[..., Any]:
        """What is called with the trigger's value and the clients alone."""
        parameters = inspect.signature(self.function).parameters
        _refuse_parameters(self, parameters)
        file, _ = first_line_of(self.function) or ("", 0)
        return Target(
            self.name,
            self.folder or str(Path(file).parent),
            self.function,
            self.parameter,
            [each for each in self.bindings if each.is_output],
            takes_context=CONTEXT in parameters and CONTEXT not in self.bound,
            is_http=self.trigger == HTTP,
        ).callable()

    def _other(self, function: Callable[..., Any]) -> OtherFunction:
        clients = {each.name: each.is_text for each in self.bindings if each.is_client}
        return OtherFunction(
            self.name,
            self.trigger,
            function,
            self.parameter,
            dict(self.settings),
            clients,
            any(each.is_grpc for each in self.bindings if each.is_client),
        )


def build_registry(
    app: Path, functions: Iterable[Declared], environ: Mapping[str, str] = os.environ
) -> Registry:
    """All functions of an app, with what its author should hear; AppError when two have the same
    name.

    What `environ` switches off is only kept to be shown.
    """
    declared = list(functions)
    refuse_mixture(declared)
    _refuse_doubles(declared)
    registry = Registry(str(app))
    taken = {(one.trigger, one.durable_name.lower()) for one in declared}
    for one in declared:
        if one.is_disabled or is_disabled(one.name, environ):
            registry.disabled.append(OtherFunction(one.durable_name, one.trigger, one.function))
            continue
        names = (one.name, one.code_name or one.name)
        _add(registry, one, [name for name in names if (one.trigger, name.lower()) not in taken])
    return registry


def is_disabled(name: str, environ: Mapping[str, str], declared: object = None) -> bool:
    """Whether `AzureWebJobs.NAME.Disabled` switches a function off, or the `disabled` that its
    function.json declared.

    The latter is true or names an app setting. Names of settings have no case; a shell that cannot
    export a dot has `_` instead (HostListenerFactory.cs).
    """
    names = {f"azurewebjobs{mark}{name}{mark}disabled".lower() for mark in "._"}
    if isinstance(declared, str):
        names.add(declared.strip("%").lower())
    values = (value for key, value in environ.items() if key.lower() in names)
    return declared is True or any(value.strip().lower() in ("1", "true") for value in values)


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
            if any(each.is_client for each in one.bindings):
                registry.client_sources.append(one.client_source)
        case Entity() as entity:
            registry.entities.add(entity, aliases)
        case other:
            registry.others.append(other)
    registry.warnings.extend(_warnings(one))


def _warnings(one: Declared) -> Iterable[str]:
    if (
        one.trigger in (ORCHESTRATION, ACTIVITY)
        and one.durable_name.lower() != (one.code_name or one.name).lower()
    ):
        yield (
            f"'{one.durable_name}' is the function {one.code_name or one.name} ({one.where}): "
            "on Azure call it by its name in quotes; handing over the function itself works here "
            "only"
        )
    if one.trigger in (ACTIVITY, HTTP):
        for name in _unbound(one, inspect.signature(one.function).parameters):
            yield (
                f"no binding fills the parameter '{name}' of {one.title} ({one.where}); on "
                "Azure the app does not load"
            )


def _refuse_bindings(one: Declared) -> None:
    """AppError for a binding that cannot be had here: on Azure the host fills it or sends it on."""
    for each in one.bindings:
        if each.is_client and (one.trigger == HTTP or (one.trigger == ACTIVITY and one.is_grpc)):
            continue
        if each.is_output and one.trigger in (ACTIVITY, HTTP):
            continue
        instead = (
            "only HTTP functions are given a durable client here"
            if each.is_client
            else "use the service's own package in its code"
        )
        raise AppError(
            f"{one.title} has the {'output' if each.is_output else 'input'} binding '{each.name}' "
            f"({each.target}),"
            f" which is not available here ({one.where})",
            hint=f'{instead}; or switch the function off: "AzureWebJobs.{one.name}.Disabled": '
            '"true" in local.settings.json',
        )


def _refuse_parameters(one: Declared, parameters: Mapping[str, inspect.Parameter]) -> None:
    """AppError when the parameters are not those of the bindings; Azure does not load such an app
    either.
    """
    takes_any = any(each.kind is each.VAR_KEYWORD for each in parameters.values())
    for name in one.bound:
        if name not in parameters and not takes_any:
            first = next(iter(parameters), "input")
            rename = f'name the parameter in the trigger: activity_trigger(input_name="{first}")'
            raise AppError(
                f"{one.title} has no parameter '{name}' ({one.where})",
                hint=rename
                if one.trigger == ACTIVITY and name == one.parameter
                else "a binding has that name; give the function that parameter",
            )
    for name in _unbound(one, parameters):
        if parameters[name].default is inspect.Parameter.empty:
            raise AppError(
                f"no binding fills the parameter '{name}' of {one.title} ({one.where})",
                hint=f"a parameter named '{CONTEXT}' gets the context of the call, and no other"
                if _is_context(parameters[name])
                else None,
            )


def _unbound(one: Declared, parameters: Mapping[str, inspect.Parameter]) -> list[str]:
    named = (inspect.Parameter.POSITIONAL_OR_KEYWORD, inspect.Parameter.KEYWORD_ONLY)
    return [
        name
        for name, each in parameters.items()
        if each.kind in named and name not in (*one.bound, CONTEXT)
    ]


def _is_context(parameter: inspect.Parameter) -> bool:
    return "Context" in str(parameter.annotation)


def _refuse_doubles(functions: list[Declared]) -> None:
    seen: dict[tuple[str, str], Declared] = {}
    for one in functions:
        if one.name.startswith(BUILT_IN):
            continue  # each blueprint brings the same ones
        # Own names are unique in the app, durable names among their kind; the host compares both
        # without regard to case.
        for key in {("", one.name.lower()), (one.trigger, one.durable_name.lower())}:
            other = seen.setdefault(key, one)
            if other is not one:
                raise AppError(
                    f"two functions have the name '{one.durable_name}': {other.where} and "
                    f"{one.where}",
                    hint="rename one of them; names are compared without regard to case",
                )
