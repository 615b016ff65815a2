"""DFApp and Blueprint of our own, for apps without the azure packages; they collect functions and
run none.
"""

from __future__ import annotations

import functools
from collections.abc import Callable, Iterable
from dataclasses import replace
from enum import Enum
from typing import Any, NoReturn

from durablectl.functionapp.bindings import HTTP_OUTPUT, Binding
from durablectl.functionapp.declared import (
    ACTIVITY,
    ENTITY,
    HTTP,
    ORCHESTRATION,
    Declared,
    Registered,
)

# ruff: noqa: ARG002 - parameters of the SDK that say nothing about what runs here

UserFunction = Callable[..., Any]
Decorator = Callable[["UserFunction | FunctionBuilder"], "FunctionBuilder"]
Change = Callable[[Declared], Declared]
"""What a decorator adds to a function."""


class FunctionBuilder:
    """A user's function with what its decorators said. Calling it calls the user's function.

    `context.call_activity(fn)` takes it in place of a name.
    """

    def __init__(self, function: UserFunction) -> None:
        functools.update_wrapper(self, function)
        self.declared = Declared(function.__name__, "", function, code_name=function.__name__)

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.declared.function(*args, **kwargs)

    @functools.cached_property
    def durablectl_function(self) -> Registered:
        """What the engine knows of this function; AppError while it has no trigger.

        Kept: an orchestrator asks at every call.
        """
        return self.declared.resolve()

    def apply(self, change: Change) -> None:
        """Let a decorator say something more."""
        self.__dict__.pop("durablectl_function", None)
        self.declared = change(self.declared)

    def build(self) -> FunctionBuilder:
        """This function; unit tests in the SDK's manner say `fn.build().get_user_function()`."""
        return self

    def get_function_name(self) -> str:
        return self.declared.name

    def get_user_function(self) -> UserFunction:
        """The function, with the attribute by which such tests reach the user's own:
        `orchestrator_function` and so on.
        """
        function = self.declared.function
        if self.declared.trigger == ORCHESTRATION:
            return Orchestrator.create(function)
        if self.declared.trigger == ENTITY:
            return Entity.create(function)
        if any(each.is_client for each in self.declared.bindings):
            return _handle(function, "client_function")
        return function


class Blueprint:
    """Functions that a DFApp takes in with `register_functions`.

    The decorators have the SDK's names and parameters.
    """

    def __init__(self, http_auth_level: Enum | str = "function") -> None:
        self.auth_level = _level(http_auth_level)
        self.builders: list[FunctionBuilder] = []

    def orchestration_trigger(
        self, context_name: str, orchestration: str | None = None, input_type: type | None = None
    ) -> Decorator:
        """Register an orchestrator. `input_type` decodes what `context.get_input()` returns."""
        change = _trigger(ORCHESTRATION, context_name, orchestration=orchestration)
        return self._decorator(lambda one: replace(change(one), input_type=input_type))

    def activity_trigger(self, input_name: str, activity: str | None = None) -> Decorator:
        """Register an activity, whose input comes in the parameter `input_name`."""
        return self._trigger(ACTIVITY, input_name, activity=activity)

    def entity_trigger(self, context_name: str, entity_name: str | None = None) -> Decorator:
        """Register an entity function."""
        return self._trigger(ENTITY, context_name, entity_name=entity_name)

    def durable_client_input(
        self, client_name: str, task_hub: str | None = None, connection_name: str | None = None
    ) -> Decorator:
        """Bind a durable client to the parameter `client_name`, where the function is hosted.

        The app's own hub is used here.
        """
        return self._binding(Binding(client_name, "durableClient"))

    def generic_input_binding(
        self, arg_name: str, type: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Bind an input.

        A durable client is handed over as JSON text; an app with any other input is not loaded
        here.
        """
        return self._binding(Binding(arg_name, type, settings=kwargs, is_text=True))

    def generic_output_binding(
        self, arg_name: str, type: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Bind an output. What is set is logged here, not sent."""
        return self._binding(
            Binding(
                arg_name,
                type,
                is_output=True,
                settings={_camel(key): value for key, value in kwargs.items()},
            )
        )

    def queue_output(
        self, arg_name: str, queue_name: str, connection: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Bind an output to a queue, as `generic_output_binding` does."""
        return self.generic_output_binding(
            arg_name, "queue", data_type, queue_name=queue_name, connection=connection, **kwargs
        )

    def blob_output(
        self, arg_name: str, path: str, connection: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Bind an output to a blob, as `generic_output_binding` does."""
        return self.generic_output_binding(
            arg_name, "blob", data_type, path=path, connection=connection, **kwargs
        )

    def blob_input(
        self, arg_name: str, path: str, connection: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Bind an input to a blob: an app with one is not loaded here, and told what to do."""
        return self.generic_input_binding(
            arg_name, "blob", data_type, path=path, connection=connection, **kwargs
        )

    def function_name(
        self, name: str, setting_extra_fields: dict[str, Any] | None = None
    ) -> Decorator:
        """Give the function a name other than its Python one."""
        return self._decorator(lambda one: replace(one, name=name))

    def route(
        self,
        route: str | None = None,
        trigger_arg_name: str = "req",
        binding_arg_name: str = "$return",
        methods: Iterable[str] | Iterable[Enum] | None = None,
        auth_level: Enum | str | None = None,
        trigger_extra_fields: dict[str, Any] | None = None,
        binding_extra_fields: dict[str, Any] | None = None,
    ) -> Decorator:
        """Register an HTTP function.

        The worker does not run it; it is listed, and hosted by `serve`.
        """
        names = tuple(
            str(_plain(method)).upper()
            for method in ([methods] if isinstance(methods, str) else methods or ())
        )
        change = _trigger(
            HTTP, trigger_arg_name, route=route, methods=names, auth_level=_level(auth_level)
        )
        response = Binding(binding_arg_name, HTTP_OUTPUT, is_output=True)
        return self._decorator(lambda one: _bound(change(one), response))

    def timer_trigger(
        self,
        arg_name: str,
        schedule: str,
        run_on_startup: bool | None = None,
        use_monitor: bool | None = None,
        data_type: Any = None,
        **kwargs: Any,
    ) -> Decorator:
        """Collect a timer function; it is listed, not run."""
        return self._trigger(
            "timerTrigger",
            arg_name,
            schedule=schedule,
            run_on_startup=run_on_startup,
            use_monitor=use_monitor,
            **kwargs,
        )

    schedule = timer_trigger

    def queue_trigger(
        self, arg_name: str, queue_name: str, connection: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Collect a queue function; it is listed, not run."""
        return self._trigger(
            "queueTrigger", arg_name, queue_name=queue_name, connection=connection, **kwargs
        )

    def blob_trigger(
        self,
        arg_name: str,
        path: str,
        connection: str,
        source: Any = None,
        data_type: Any = None,
        **kwargs: Any,
    ) -> Decorator:
        """Collect a blob function; it is listed, not run."""
        return self._trigger(
            "blobTrigger", arg_name, path=path, connection=connection, source=source, **kwargs
        )

    def service_bus_queue_trigger(
        self, arg_name: str, connection: str, queue_name: str, **kwargs: Any
    ) -> Decorator:
        """Collect a Service Bus queue function; it is listed, not run."""
        return self._trigger(
            "serviceBusTrigger", arg_name, connection=connection, queue_name=queue_name, **kwargs
        )

    def service_bus_topic_trigger(
        self, arg_name: str, connection: str, topic_name: str, subscription_name: str, **kwargs: Any
    ) -> Decorator:
        """Collect a Service Bus topic function; it is listed, not run."""
        names = {"topic_name": topic_name, "subscription_name": subscription_name}
        return self._trigger(
            "serviceBusTrigger", arg_name, connection=connection, **names, **kwargs
        )

    def event_hub_message_trigger(
        self, arg_name: str, connection: str, event_hub_name: str, **kwargs: Any
    ) -> Decorator:
        """Collect an Event Hubs function; it is listed, not run."""
        return self._trigger(
            "eventHubTrigger",
            arg_name,
            connection=connection,
            event_hub_name=event_hub_name,
            **kwargs,
        )

    def event_grid_trigger(self, arg_name: str, data_type: Any = None, **kwargs: Any) -> Decorator:
        """Collect an Event Grid function; it is listed, not run."""
        return self._trigger("eventGridTrigger", arg_name, **kwargs)

    def cosmos_db_trigger(
        self, arg_name: str, connection: str, database_name: str, container_name: str, **kwargs: Any
    ) -> Decorator:
        """Collect a Cosmos DB function; it is listed, not run."""
        names = {"database_name": database_name, "container_name": container_name}
        return self._trigger("cosmosDBTrigger", arg_name, connection=connection, **names, **kwargs)

    def generic_trigger(
        self, arg_name: str, type: str, data_type: Any = None, **kwargs: Any
    ) -> Decorator:
        """Collect a function of any other trigger; it is listed, not run."""
        return self._trigger(type, arg_name, **kwargs)

    def __getattr__(self, name: str) -> NoReturn:
        if name.startswith("_"):
            raise AttributeError(f"'{type(self).__name__}' object has no attribute '{name}'")
        raise AttributeError(
            f"durablectl.df has no '{name}'; an app that needs it imports azure.durable_functions "
            "(pip install azure-functions-durable)"
        )

    def _trigger(self, trigger: str, parameter: str, **settings: Any) -> Decorator:
        return self._decorator(_trigger(trigger, parameter, **settings))

    def _binding(self, binding: Binding) -> Decorator:
        return self._decorator(lambda one: _bound(one, binding))

    def _decorator(self, change: Change) -> Decorator:
        def decorate(function: UserFunction | FunctionBuilder) -> FunctionBuilder:
            builder = (
                function if isinstance(function, FunctionBuilder) else FunctionBuilder(function)
            )
            if builder not in self.builders:
                self.builders.append(builder)
            builder.apply(change)
            return builder

        return decorate


class DFApp(Blueprint):
    """A durable function app: what `durablectl` and the Functions host look for in a
    function_app.py.
    """

    def register_functions(self, function_container: Blueprint) -> None:
        """Take in a blueprint's functions; TypeError for another app."""
        if isinstance(function_container, DFApp):
            raise TypeError(
                "an app cannot be registered in an app; put its functions into a Blueprint"
            )
        self.builders.extend(function_container.builders)

    register_blueprint = register_functions

    def declared(self) -> list[Declared]:
        """The app's functions in order; HTTP ones with the app's own level and a route where they
        have none.
        """
        return [self._with_defaults(builder.declared) for builder in self.builders]

    def _with_defaults(self, one: Declared) -> Declared:
        if one.trigger != HTTP:
            return one
        return replace(
            one, settings={"route": one.name, "auth_level": self.auth_level} | dict(one.settings)
        )


class Orchestrator:
    """The function.json way to declare an orchestrator: `main = df.Orchestrator.create(fn)`."""

    @classmethod
    def create(cls, fn: UserFunction) -> UserFunction:
        """A handle that keeps `fn` as its `orchestrator_function`."""
        return _handle(fn, "orchestrator_function")


class Entity:
    """The function.json way to declare an entity: `main = df.Entity.create(fn)`."""

    @classmethod
    def create(cls, fn: UserFunction) -> UserFunction:
        """A handle that keeps `fn` as its `entity_function`."""
        return _handle(fn, "entity_function")


def _trigger(trigger: str, parameter: str, **settings: Any) -> Change:
    """Gives a function its one trigger; ValueError when it has one."""
    given = {name: _plain(value) for name, value in settings.items() if value is not None}

    def change(one: Declared) -> Declared:
        if one.trigger:
            raise ValueError(
                f"function '{one.name}' has a trigger already ({one.trigger}); a "
                "function can have only one"
            )
        return replace(one, trigger=trigger, parameter=parameter, settings=given)

    return change


def _bound(one: Declared, binding: Binding) -> Declared:
    return replace(one, bindings=(*one.bindings, binding))


def _handle(function: UserFunction, attribute: str) -> UserFunction:
    @functools.wraps(function)
    def handle(*args: Any, **kwargs: Any) -> Any:
        return function(*args, **kwargs)

    setattr(handle, attribute, function)
    return handle


def _plain(value: Any) -> Any:
    return value.value if isinstance(value, Enum) else value


def _camel(name: str) -> str:
    first, *rest = name.split("_")
    return first + "".join(part.capitalize() for part in rest)


def _level(value: Enum | str | None) -> str | None:
    return None if value is None else str(_plain(value)).lower()
