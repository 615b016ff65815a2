"""What one execution did, as steps with the JSON values that went in and came out; pure."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from durablectl.history.columns import EPOCH
from durablectl.history.events import Call
from durablectl.history.exported import RawHistory
from durablectl.history.json_difference import MISSING
from durablectl.history.saved import History
from durablectl.history.service import history_view
from durablectl.history.steps import Kind, State, Step
from durablectl.history.timeline import steps, time_in
from durablectl.json_values import json_object, value_from_text
from durablectl.model import HistoryEvent, InstanceStatus, RuntimeStatus
from durablectl.wire import runtime_status


class Account:
    """One execution: its `steps`, and the values of each.

    A value is MISSING where the history does not have it: the HTTP API shows no inputs of calls,
    and results only where they were asked for. `is_exact` when the history is complete.
    """

    def __init__(self, history: History) -> None:
        self.is_exact = isinstance(history, RawHistory)
        self._events = history.events if isinstance(history, RawHistory) else ()
        self.status = status_of(history)
        self.steps = tuple(step for step in steps(self.status) if step.kind is not Kind.NOTE)

    def input(self, step: Step) -> Any:
        """What a step was given; of a timer, its seconds."""
        if step.first is None:
            return MISSING
        members = step.first.members
        match step.kind:
            case Kind.ACTIVITY | Kind.CHILD:
                return self._input_of_call(step.first)
            case Kind.STARTED:
                return _read(members.get("Input", MISSING))
            case Kind.ENTITY:
                return _read(json_object(members.get("Input")).get("input"))
            case Kind.TIMER:
                return _seconds(members)
        return MISSING

    def result(self, step: Step) -> Any:
        """What came of a step: its result, the data of an event, the cause of a failure."""
        last = step.last
        if last is None or step.state in (State.OPEN, State.DROPPED):
            return MISSING
        if step.state is State.FAILED:
            return step.detail
        match step.kind:
            case Kind.ACTIVITY | Kind.CHILD:
                return last.members.get("Result", MISSING)
            case Kind.ENDED:
                result = last.members.get("Result", MISSING)
                return _read(result) if last.event_type == "ContinueAsNew" else result
            case Kind.EVENT:
                return _read(last.members.get("Input", MISSING))
            case Kind.ENTITY if last.event_type == "EventRaised":
                return _read(json_object(last.members.get("Input")).get("result"))
            case _:
                return MISSING

    @property
    def seconds(self) -> float | None:
        """How long the execution took; None while it runs."""
        ends = [step.end for step in self.steps if step.kind is Kind.ENDED and step.end is not None]
        begins = [step.begin for step in self.steps]
        return (ends[-1] - begins[0]).total_seconds() if ends and begins else None

    def _input_of_call(self, called: HistoryEvent) -> Any:
        if not self.is_exact:
            given = called.members.get("Input")
            return MISSING if given is None else _read(given)
        call = self._events[called.position]
        if not isinstance(call, Call):
            return MISSING
        return value_from_text(call.input)


def status_of(history: History) -> InstanceStatus:
    """A status with the history as the service shows it, as far as the history tells it."""
    events = (
        history_view(history.events, show_input=True, show_output=True)
        if isinstance(history, RawHistory)
        else history.events
    )
    times = [event.timestamp for event in events if event.timestamp is not None]
    ended = next((each for each in events if each.event_type == "ExecutionCompleted"), None)
    status = RuntimeStatus.PENDING if not events else RuntimeStatus.RUNNING
    if ended is not None:
        status = _ended(ended.members.get("OrchestrationStatus"))
    return InstanceStatus(
        history.name,
        history.instance_id,
        status,
        min(times, default=EPOCH),
        max(times, default=EPOCH),
        output=ended.members.get("Result") if ended else None,
        history=events,
    )


def _ended(word: object) -> RuntimeStatus:
    try:
        return runtime_status(str(word))
    except ValueError:
        return RuntimeStatus.UNKNOWN


def _read(value: Any) -> Any:
    return value_from_text(value) if isinstance(value, str) else value


def _seconds(members: Mapping[str, Any]) -> Any:
    created, fires = time_in(members, "Timestamp"), time_in(members, "FireAt")
    if created is None or fires is None:
        return MISSING
    return round((fires - created).total_seconds(), 3)
