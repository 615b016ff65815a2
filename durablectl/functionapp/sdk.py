"""Recover the user's functions from app objects of the azure packages; imports none of them: an app
that uses them has.

The builders are read, not `get_functions()`, which fails when it is called a second time
(azure-functions 1.26, function_app.py).
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Coroutine, Iterable
from enum import Enum
from typing import Any

from durablectl.functionapp.bindings import Binding
from durablectl.functionapp.declared import ENTITY, HTTP, ORCHESTRATION, Declared
from durablectl.functionapp.sdk2.recognise import MARK

_OUT = 1  # azure.functions.decorators.core.BindingDirection
_HOME = "azure.functions.decorators.function_app"
# What every binding has, and what says nothing about the trigger.
_NOT_SETTINGS = frozenset({"name", "type", "init_params"})


def apps_in(values: Iterable[object]) -> list[Any]:
    """The app objects (DFApp, FunctionApp…) among a module's values, each once."""
    return _instances(values, "FunctionRegister")


def blueprints_in(values: Iterable[object]) -> list[Any]:
    """The blueprints among a module's values, which are of no use by themselves."""
    return [one for one in _instances(values, "DecoratorApi") if not apps_in([one])]


def declared_in(app: Any) -> list[Declared]:
    """The functions of an app object, in the order of the file."""
    builders = app._function_builders  # noqa: SLF001 - see above
    return [_declared(builder._function, app.auth_level) for builder in builders]  # noqa: SLF001


def ending_of(app: Any) -> Callable[[], Coroutine[Any, Any, None]] | None:
    """What ends the lifespan of an ASGI app, None for any other app.

    The app object itself would begin another event loop for it at the end of the process, and wait
    there without an end.
    """
    middleware = getattr(app, "middleware", None)
    if middleware is None or not hasattr(middleware, "notify_shutdown"):
        return None

    async def end() -> None:
        if app.startup_task_done:
            app.startup_task_done = False
            await middleware.notify_shutdown()

    return end


def declared_by(builder: Any) -> Declared | None:
    """What one decorated function declares; None when it is not a function builder of the SDK."""
    function = getattr(builder, "_function", None)
    return (
        None
        if function is None or not hasattr(function, "get_trigger")
        else _declared(function, None)
    )


def user_function(handle: Callable[..., Any]) -> Callable[..., Any]:
    """What the user wrote, from under the SDK's handles (`Orchestrator.create` and the like) and
    its client middleware.
    """
    for attribute in ("orchestrator_function", "entity_function", "client_function"):
        while (inner := getattr(handle, attribute, None)) is not None:
            handle = inner
    return handle


def _instances(values: Iterable[object], class_name: str) -> list[Any]:
    kind = getattr(sys.modules.get(_HOME), class_name, None)
    if kind is None:
        return []
    return list({id(value): value for value in values if isinstance(value, kind)}.values())


def _declared(function: Any, app_auth_level: Any) -> Declared:
    name, trigger, handle = (
        function.get_function_name(),
        function.get_trigger(),
        function.get_user_function(),
    )
    if trigger is None:
        return Declared(name, "", user_function(handle))
    settings = {
        key: _plain(value)
        for key, value in vars(trigger).items()
        if not key.startswith("_") and key not in _NOT_SETTINGS and value is not None
    }
    if trigger.type == HTTP:
        settings = {"route": name, "auth_level": _plain(app_auth_level), "methods": ()} | settings
    # A function of 2.x makes its durable client of the binding's text by itself, and an activity
    # takes in the SDK's wrapper what its context would be.
    keeps_handle = MARK in settings and trigger.type not in (ORCHESTRATION, ENTITY)
    bindings = [each for each in function.get_bindings() if each is not trigger]
    keeps_handle = keeps_handle or any(hasattr(each, MARK) for each in bindings)
    return Declared(
        name,
        trigger.type,
        handle if keeps_handle else user_function(handle),
        trigger.name,
        settings,
        tuple(map(_binding, bindings)),
        getattr(handle, "_df_input_type", None),
        function._name,  # noqa: SLF001
    )


def _binding(binding: Any) -> Binding:
    settings = {key: _plain(value) for key, value in binding.get_dict_repr().items()}
    # `durable_client_input` makes the client out of the text; a generic binding hands the text
    # over.
    is_grpc = hasattr(binding, MARK)
    is_text = is_grpc or type(binding).__name__ != "DurableClient"
    return Binding(
        binding.name, binding.type, binding.direction == _OUT, settings, is_text, is_grpc
    )


def _plain(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    return tuple(_plain(item) for item in value) if isinstance(value, (list, tuple)) else value
