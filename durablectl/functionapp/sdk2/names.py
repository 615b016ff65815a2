"""What of azure-functions-durable 2.x and durabletask is used here; the only module that imports
them.

`has_internals` tells whether the SDK has the private parts that keep an execution in memory; where
a newer version has changed them, executions are replayed through the Functions host's own contract.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from importlib import metadata
from typing import Any

from azure.durable_functions.worker import DurableFunctionsWorker
from azure.functions._durable_functions import df_loads
from durabletask import worker as _worker
from durabletask.internal import helpers, tracing
from durabletask.internal import orchestrator_service_pb2 as pb

__all__ = ["DurableFunctionsWorker", "helpers", "pb", "tracing"]

OrchestrationExecutor: Any = getattr(_worker, "_OrchestrationExecutor", None)
RuntimeContext: Any = getattr(_worker, "_RuntimeOrchestrationContext", None)

_OF_WORKER = ("_registry", "_data_converter", "_logger", "_register_orchestrator_once")
_OF_CONTEXT = (
    "_pending_tasks",
    "_pending_actions",
    "_is_replaying",
    "_is_complete",
    "_encoded_custom_status",
)


def has_internals() -> bool:
    """Whether the SDK's executor can be kept alive between episodes."""
    if OrchestrationExecutor is None or RuntimeContext is None:
        return False
    worker = DurableFunctionsWorker()
    try:
        context = new_context(worker, "probe")
        new_executor(worker, "probe")
    except (TypeError, AttributeError):
        return False
    return all(hasattr(worker, name) for name in _OF_WORKER) and all(
        hasattr(context, name) for name in (*_OF_CONTEXT, "_generator", "get_actions", "set_failed")
    )


def version() -> str:
    """The version of the SDK."""
    return metadata.version("azure-functions-durable")


def new_worker(name: str, function: Any) -> Any:
    """A worker with one orchestrator, whose executions are kept alive."""
    worker = DurableFunctionsWorker()
    worker._register_orchestrator_once(name, function)  # noqa: SLF001 - see `has_internals`
    worker._data_converter = _with_short_cuts(worker._data_converter)  # noqa: SLF001
    return worker


def new_executor(worker: Any, name: str) -> Any:
    executor = OrchestrationExecutor(
        worker._registry,  # noqa: SLF001 - guarded by `has_internals`, here and below
        worker._logger,  # noqa: SLF001
        data_converter=worker._data_converter,  # noqa: SLF001
        maximum_timer_interval=worker.maximum_timer_interval,
    )
    executor._orchestration_name = name  # noqa: SLF001
    return executor


def new_context(worker: Any, instance_id: str) -> Any:
    return RuntimeContext(
        instance_id,
        worker._registry,  # noqa: SLF001
        data_converter=worker._data_converter,  # noqa: SLF001
        maximum_timer_interval=worker.maximum_timer_interval,
    )


def _with_short_cuts(converter: Any) -> Any:
    """The SDK's converter of payloads, quicker for those that have only one form.

    For each payload it makes an encoder or decoder that can hold objects, and reads in the
    environment whether it may: most of the time of a small one.
    """

    encode, decode = json.JSONEncoder().encode, json.JSONDecoder().decode

    class ShortCuts(type(converter)):  # type: ignore[misc]
        def serialize(self, value: Any) -> Any:
            return encode(value) if type(value) is str else super().serialize(value)

        def deserialize(self, data: str | None, target_type: Any = None) -> Any:
            if target_type is None and data and "{" not in data:
                return decode(data)
            return super().deserialize(data, target_type)

    quick = copy.copy(converter)
    quick.__class__ = ShortCuts
    return quick


# Failures are told by the log of the worker here, and each step by the history.
for _name, _level in (("", logging.WARNING), (".worker", logging.CRITICAL)):
    _logger = logging.getLogger(f"azure.durable_functions{_name}")
    if _logger.level == logging.NOTSET:
        _logger.setLevel(_level)
with warnings.catch_warnings():
    # It warns once in a process that types are not checked, which is its own doing.
    warnings.simplefilter("ignore", DeprecationWarning)
    df_loads("null")
