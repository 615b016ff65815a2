"""What a function of a 2.x app is to the engine."""

from __future__ import annotations

import base64
import inspect
from collections.abc import Callable, Sequence
from typing import Any

from durablectl.engine.registry import Activity, ClientSource, Entity, Orchestrator
from durablectl.engine.replay.failures import without_engine_frames
from durablectl.engine.store.work_items import Operation
from durablectl.engine.worker.entities import EntityBatchResult, OperationResult
from durablectl.functionapp.invocation import called_with
from durablectl.functionapp.sdk2.execution import SdkExecution
from durablectl.functionapp.sdk2.names import (
    DurableFunctionsWorker,
    has_internals,
    helpers,
    new_worker,
    pb,
    version,
)
from durablectl.functionapp.sdk2.runs import KeptRun, WireRun
from durablectl.json_values import json_text
from durablectl.protocol.entity_batch import OperationRequest, batch_fields, read_batch
from durablectl.protocol.failures import (
    FailureDetails,
    core_json,
    exception_text,
    read_failure,
    reason_and_details,
)
from durablectl.protocol.history import Execution


def orchestrator(
    name: str, function: Callable[..., Any], *, keeps: bool | None = None
) -> Orchestrator:
    """An orchestrator, its code kept alive between episodes where the SDK can (or as `keeps`
    says).
    """
    if keeps is None:
        keeps = has_internals()
    worker = new_worker(name, function) if keeps else None

    def begin(instance_id: str, execution_id: str) -> SdkExecution:
        owner = Execution(instance_id, execution_id)
        return SdkExecution(
            KeptRun(name, worker, owner) if worker else WireRun(name, function, owner)
        )

    return Orchestrator(name, function, begin=begin)


def activity(
    name: str, function: Callable[..., Any], parameter: str, clients: Sequence[str], source: Any
) -> Activity:
    """An activity; `clients` are the parameters that get a durable client, from `source`."""
    if clients:
        function = _with_clients(name, function, clients, source)
    return Activity(
        name,
        function,
        parameter,
        is_async=inspect.iscoroutinefunction(function),
        failure=lambda error: reason_and_details(failure_of_error(error)),
    )


def entity(name: str, function: Callable[..., Any]) -> Entity:
    """An entity, a function or a class."""
    worker = DurableFunctionsWorker()

    def run_batch(
        instance_id: str, state: str | None, operations: Sequence[Operation]
    ) -> EntityBatchResult:
        try:
            return _run_batch(worker, function, instance_id, state, operations)
        except BaseException as error:  # user code, SystemExit included: nothing of it counts
            failed = _failed(failure_of_error(error))
            return EntityBatchResult(state, [failed] * len(operations))

    return Entity(name, function, run_batch)


def failure_of_error(error: BaseException) -> FailureDetails:
    """What the SDK tells of an exception."""
    told: Any = helpers.new_failure_details(without_engine_frames(error))  # type: ignore[arg-type]
    return read_failure(pb.TaskFailedEvent(failureDetails=told)) or FailureDetails(str(error))


def _run_batch(
    worker: Any,
    function: Any,
    instance_id: str,
    state: str | None,
    operations: Sequence[Operation],
) -> EntityBatchResult:
    requests = [
        OperationRequest(each.name, str(number), each.input)
        for number, each in enumerate(operations)
    ]
    request = pb.EntityBatchRequest(**batch_fields(instance_id, state, requests))
    text = base64.b64encode(request.SerializeToString()).decode()
    answer = base64.b64decode(worker.execute_entity_batch_request(function, text))
    batch = read_batch(pb.EntityBatchResult.FromString(answer), len(operations))
    if batch.failure is not None:
        return EntityBatchResult(state, [_failed(batch.failure)] * len(operations))
    results = [
        OperationResult(each.result) if each.failure is None else _failed(each.failure)
        for each in batch.results
    ]
    return EntityBatchResult(batch.state, results, list(batch.actions))


def _failed(failure: FailureDetails) -> OperationResult:
    return OperationResult(
        json_text(failure.message),
        failure.error_type or "Exception",
        failure._replace(error_type=failure.error_type.rpartition(".")[2]).text,
        exception_text(failure),
        core_json(failure),
    )


def _with_clients(
    name: str, function: Callable[..., Any], clients: Sequence[str], source: ClientSource
) -> Callable[..., Any]:
    def arguments(inputs: dict[str, Any]) -> dict[str, Any]:
        if source.text is None:
            raise RuntimeError(f"activity '{name}' is given no durable client here")
        return inputs | dict.fromkeys(clients, source.text())

    return called_with(arguments, function)


class Sdk2:
    """The same for modules that are loaded before there is such an app: see
    `recognise.of_sdk2`."""

    orchestrator = staticmethod(orchestrator)
    activity = staticmethod(activity)
    entity = staticmethod(entity)
    version = staticmethod(version)
    has_internals = staticmethod(has_internals)
