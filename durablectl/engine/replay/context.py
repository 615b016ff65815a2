"""The context of an orchestrator function, with the surface of the Azure SDK's; no clock, no
I/O."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from datetime import datetime
from functools import partial
from types import SimpleNamespace
from typing import Any, Protocol
from uuid import NAMESPACE_OID, NAMESPACE_URL, UUID, uuid5

from durablectl.engine.replay.callees import resolve, text
from durablectl.engine.replay.retry import RetryableTask, RetryOptions
from durablectl.engine.replay.state import ExecutionState
from durablectl.engine.replay.tasks import (
    ActivityTask,
    EntityCallTask,
    EventTask,
    SignalTask,
    SubOrchestrationTask,
    Task,
    TimerTask,
    WhenAllTask,
    WhenAnyTask,
)
from durablectl.history.events import Event, EventSent, ExecutionStarted
from durablectl.history.sdk import SdkEvent, sdk_events
from durablectl.model import utc
from durablectl.payload import dumps, loads

HTTP_ACTIVITY = "BuiltIn::HttpActivity"
"""The reserved name of the activity that `call_http` calls. Its input is the request, its result
`{"statusCode", "headers", "content"}`."""

_UUID_NAMESPACE = uuid5(NAMESPACE_OID, "9e952958-5e33-4daf-827f-2fa12937b875")


class AnyEntityId(Protocol):
    """What is read of an entity id: the Azure SDK's has it, and ours."""

    @property
    def name(self) -> str: ...
    @property
    def key(self) -> str: ...


class OrchestrationContext:
    """What an orchestrator function sees of its execution."""

    __slots__ = (
        "__dict__",
        "_current_utc_datetime",
        "_execution",
        "_history",
        "_input_type",
        "_started",
        "_uuids",
        "custom_status",
        "next_input",
        "will_continue_as_new",
    )

    def __init__(
        self,
        execution: ExecutionState,
        started: ExecutionStarted,
        input_type: Any,
        history: Sequence[Event],
    ) -> None:
        self._execution = execution
        self._started = started
        self._input_type = input_type
        self._history = history
        self._uuids = 0
        self._current_utc_datetime = execution.now
        self.custom_status: Any = None
        self.will_continue_as_new = False
        self.next_input: str | None = None

    @property
    def instance_id(self) -> str:
        return self._execution.instance_id

    @property
    def parent_instance_id(self) -> str | None:
        return self._started.parent.instance_id if self._started.parent is not None else None

    @property
    def version(self) -> str:
        return self._started.version

    @property
    def is_replaying(self) -> bool:
        """Whether what runs now has already run once: false as soon as the newest events resume the
        orchestrator.

        An orchestrator that is kept in memory is not replayed: its code has run once, and saw false
        (docs/fidelity.md, point 13).
        """
        return self._execution.is_replaying

    @property
    def current_utc_datetime(self) -> datetime:
        """The time of the episode: the same in every replay, and it never goes backwards."""
        return self._current_utc_datetime

    @current_utc_datetime.setter
    def current_utc_datetime(self, value: datetime) -> None:
        self._current_utc_datetime = value

    @property
    def histories(self) -> list[SdkEvent]:
        """The history so far, as the Azure SDK shows it."""
        return sdk_events(self._history, self._execution.instance_id, self._execution.execution_id)

    @property
    def function_context(self) -> SimpleNamespace:
        return SimpleNamespace(defaultHttpAsyncRequestSleepTimeMillseconds=30_000)

    def get_input(self, expected_type: Any = None) -> Any:
        """The input.

        JSON inside a string that a client sent is decoded, as on Azure, whose client sends every
        input so.
        """
        source = self._started
        if source.input is None:
            return None
        kind = expected_type or self._input_type
        # an expected type is that of the inner value, where there is one
        value = loads(source.input, None if source.input.startswith('"') else kind)
        # Only a client's start has a generation: what a parent or continue_as_new gave is encoded
        # once.
        if isinstance(value, str) and source.parent is None and source.generation is not None:
            try:
                return loads(value, kind)
            except ValueError:
                return value
        return value

    def call_activity(self, name: Any, input_: Any = None, expected_type: Any = None) -> Task:
        name, returned = resolve(name, "call_activity")
        return ActivityTask(name, _encoded(input_), expected_type or returned)

    def call_activity_with_retry(
        self, name: Any, retry_options: RetryOptions, input_: Any = None, expected_type: Any = None
    ) -> Task:
        name, returned = resolve(name, "call_activity_with_retry")
        input = _encoded(input_)
        attempt = partial(ActivityTask, name, input, expected_type or returned)
        return RetryableTask(self._execution, attempt, retry_options)

    def call_sub_orchestrator(
        self,
        name: Any,
        input_: Any = None,
        instance_id: str | None = None,
        version: str | None = None,
        expected_type: Any = None,
    ) -> Task:
        name, returned = resolve(name, "call_sub_orchestrator")
        input = _encoded(input_)
        return SubOrchestrationTask(
            name, input, self._child_id(instance_id), version, expected_type or returned
        )

    def call_sub_orchestrator_with_retry(
        self,
        name: Any,
        retry_options: RetryOptions,
        input_: Any = None,
        instance_id: str | None = None,
        version: str | None = None,
        expected_type: Any = None,
    ) -> Task:
        name, returned = resolve(name, "call_sub_orchestrator_with_retry")
        # Every attempt runs under the id that the app gives: it takes the place of the failed one.
        input, child = _encoded(input_), self._child_id(instance_id)
        attempt = partial(
            SubOrchestrationTask, name, input, child, version, expected_type or returned
        )
        return RetryableTask(self._execution, attempt, retry_options)

    def call_http(
        self,
        method: str,
        uri: str,
        content: Any = None,
        headers: dict[str, str] | None = None,
        token_source: Any = None,
        is_raw_str: bool = False,
    ) -> Task:
        """Call an HTTP address durably.

        Content that is not raw is sent as plain JSON, a string too, in the very bytes of the SDK.
        """
        if is_raw_str and not isinstance(content, str):
            raise TypeError(
                f"is_raw_str requires a string as content, not {type(content).__name__}"
            )
        body = content if is_raw_str or content is None else json.dumps(content, allow_nan=False)
        token = None if token_source is None else token_source.to_json()
        request = {
            "method": method,
            "uri": uri,
            "content": body,
            "headers": headers,
            "tokenSource": token,
        }
        return ActivityTask(
            HTTP_ACTIVITY,
            dumps({key: value for key, value in request.items() if value is not None}),
        )

    def call_entity(
        self,
        entityId: AnyEntityId,  # noqa: N803 - the SDK's names, here and below
        operationName: str,  # noqa: N803
        operationInput: Any = None,  # noqa: N803
        expected_type: Any = None,
    ) -> Task:
        target, input = _entity_instance(entityId), _encoded(operationInput)
        return EntityCallTask(target, operationName, input, expected_type)

    def signal_entity(
        self,
        entityId: AnyEntityId,  # noqa: N803
        operationName: str,  # noqa: N803
        operationInput: Any = None,  # noqa: N803
    ) -> Task:
        """Send a message to an entity at once; there is nothing to wait for."""
        execution, target = self._execution, _entity_instance(entityId)
        input = _encoded(operationInput)
        # after continue_as_new nothing new is scheduled, messages included
        if not self.will_continue_as_new:
            number = execution.next_number()
            request = {
                "op": operationName,
                "signal": True,
                "input": input,
                "id": execution.request_id(number),
                "parent": execution.instance_id,
            }
            execution.pending[number] = EventSent(
                execution.now, number, target, "op", dumps(request)
            )
        return SignalTask()

    def create_timer(self, fire_at: datetime) -> TimerTask:
        """A timer. A time without a zone is UTC."""
        if not isinstance(fire_at, datetime):
            raise TypeError(f"create_timer takes a datetime, not {type(fire_at).__name__}")
        return TimerTask(utc(fire_at))

    def wait_for_external_event(self, name: str, expected_type: Any = None) -> Task:
        return EventTask(text(name, "the name of an event"), expected_type)

    def continue_as_new(self, input_: Any) -> None:
        """Start over with a new input and an empty history once this run yields or returns.

        The first call of a run counts.
        """
        input = _encoded(input_)
        if not self.will_continue_as_new:
            self.will_continue_as_new = True
            self.next_input = input

    def set_custom_status(self, status: Any) -> None:
        """Show `status` with the instance; at most 16 KB.

        Values that are false are not sent: the shown one stays, as on Azure.
        """
        self.custom_status = status

    def new_uuid(self) -> str:
        """A UUID that is the same in every replay."""
        # The SDK's own formula: an app may have stored ids that were made on Azure.
        moment = self._current_utc_datetime.strftime("%Y-%m-%dT%H:%M:%S.%fZ")
        name = f"{self.instance_id}_{moment}_{self._uuids}"
        self._uuids += 1
        return str(uuid5(_UUID_NAMESPACE, name))

    def new_guid(self) -> UUID:
        """A UUID that is the same in every replay, by another formula than `new_uuid`, from the
        same counter.
        """
        self._uuids += 1
        return uuid5(
            NAMESPACE_URL, f"{self.instance_id}_{self._current_utc_datetime}_{self._uuids - 1}"
        )

    def task_all(self, activities: Iterable[Task]) -> WhenAllTask:
        """A task that waits for all: their results in the order given; the first failure is raised
        at once.
        """
        return WhenAllTask(self._execution, activities)

    def task_any(self, activities: Iterable[Task]) -> WhenAnyTask:
        """A task that waits for the first to be done, and whose result is that task."""
        return WhenAnyTask(self._execution, activities)

    def _child_id(self, instance_id: str | None) -> str | None:
        if not instance_id:
            return None
        text(instance_id, "the instance id of a sub-orchestration")
        if instance_id.startswith("@"):
            raise ValueError(
                f"a sub-orchestration cannot have the id '{instance_id}': ids with "
                "'@' in front are entities'"
            )
        if instance_id in (self.instance_id, self.parent_instance_id):
            raise ValueError(
                f"a sub-orchestration cannot have the id '{instance_id}' of its own ancestor"
            )
        return instance_id


def _encoded(value: Any) -> str | None:
    """The JSON text of what is handed over; None when nothing is."""
    return None if value is None else dumps(value)


def _entity_instance(entity_id: AnyEntityId) -> str:
    name = text(entity_id.name, "the name of an entity").lower()
    return f"@{name}@{text(entity_id.key, 'the key of an entity')}"
