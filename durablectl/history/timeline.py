"""What happened in an instance, step by step: the service's history events in, steps out.

Pure: no clock, no hub, no console.

A call is one step with all its attempts; a timer, a wait for an event, an operation of an entity
are one step each.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import deque
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from heapq import heappop, heappush
from typing import Any

from durablectl.causes import cause_of, cause_of_event
from durablectl.history.step_times import with_times
from durablectl.history.steps import Call, Kind, State, Step, Timer
from durablectl.json_values import json_object, line_text, text_in
from durablectl.model import HistoryEvent, InstanceStatus, RuntimeStatus
from durablectl.wire import time_from_text


@dataclass(slots=True)
class _Reader:
    """The steps so far, in the order in which the events came."""

    status: InstanceStatus
    depth: int
    event: HistoryEvent | None = None
    calls: list[Call] = field(default_factory=list)
    timers: list[Timer] = field(default_factory=list)
    others: list[Step] = field(default_factory=list)
    # an entity call's id -> its place in `others`
    requests: dict[str, int] = field(default_factory=dict)
    # by the time at which they fire
    unfired: dict[datetime, deque[Timer]] = field(default_factory=dict)
    first_unfired: int = 0
    suspended: int | None = None

    def found(self) -> list[Step]:
        return (
            [call.step for call in self.calls]
            + [timer.step for timer in self.timers if not timer.retries]
            + self.others
        )

    def step(
        self,
        kind: Kind,
        name: str,
        begin: datetime,
        end: datetime | None,
        state: State,
        detail: str,
        child: str | None = None,
    ) -> Step:
        """A step that the event of now tells of."""
        event = self.event
        return Step(
            kind, name, begin, end, state, detail, 1, child, self.depth, first=event, last=event
        )

    def add(
        self, kind: Kind, name: str, time: datetime, detail: str = "", state: State = State.DONE
    ) -> None:
        """Add what is not a call and not a timer; unless it is open, it is over at once."""
        end = None if state is State.OPEN else time
        self.others.append(self.step(kind, name, time, end, state, detail))

    def take(self, event: HistoryEvent, time: datetime) -> None:
        members, self.event = event.members, event
        match event.event_type:
            case "ExecutionStarted":
                name = text_in(members, "FunctionName") or self.status.name
                self.add(Kind.STARTED, name, time, _value(members, "Input"))
            case "TaskScheduled" | "TaskCompleted" | "TaskFailed":
                self.call(Kind.ACTIVITY, event, time)
            case (
                "SubOrchestrationInstanceCreated"
                | "SubOrchestrationInstanceCompleted"
                | "SubOrchestrationInstanceFailed"
            ):
                self.call(Kind.CHILD, event, time)
            case "TimerCreated":
                self.set_timer(members, time)
            case "TimerFired":
                self.fire(time_in(members, "FireAt"), time)
            case "EventSent":
                self.send(members, time)
            case "EventRaised":
                self.receive(members, time)
            case _:
                self.turn(event, time)

    def call(self, kind: Kind, event: HistoryEvent, time: datetime) -> None:
        members = event.members
        begin = time_in(members, "ScheduledTime") or time
        name = text_in(members, "FunctionName") or text_in(members, "Name") or "?"
        if event.event_type.endswith("Failed"):
            end, state, detail = time, State.FAILED, cause_of_event(members).line
        elif event.event_type.endswith("Completed"):
            end, state, detail = time, State.DONE, _value(members, "Result")
        else:
            end, state, detail = None, State.OPEN, ""
        child = text_in(members, "InstanceId") or None
        self.calls.append(Call(self.step(kind, name, begin, end, state, detail, child)))

    def set_timer(self, members: Mapping[str, Any], time: datetime) -> None:
        fire_at = time_in(members, "FireAt") or time
        until = f"until {_clock(fire_at)}"
        step = self.step(Kind.TIMER, "timer", time, None, State.OPEN, until)
        self.timers.append(Timer(step, fire_at))
        self.unfired.setdefault(fire_at, deque()).append(self.timers[-1])

    def fire(self, fire_at: datetime | None, time: datetime) -> None:
        """End the oldest timer of that time, or of any where the event does not say."""
        due = (
            self.unfired.get(fire_at, deque())
            if fire_at is not None
            else deque(self._oldest_unfired())
        )
        while due and due[0].step.end is not None:
            due.popleft()
        if due:
            timer = due.popleft()
            timer.step = replace(timer.step, end=time, state=State.DONE, detail="", last=self.event)

    def _oldest_unfired(self) -> Sequence[Timer]:
        while (
            self.first_unfired < len(self.timers)
            and self.timers[self.first_unfired].step.end is not None
        ):
            self.first_unfired += 1
        return self.timers[self.first_unfired : self.first_unfired + 1]

    def send(self, members: Mapping[str, Any], time: datetime) -> None:
        request = json_object(members.get("Input"))
        target, operation = text_in(members, "InstanceId"), request.get("op")
        name = f"{target} {operation}" if isinstance(operation, str) else target
        is_call = (
            isinstance(request.get("id"), str)
            and not request.get("signal")
            and isinstance(operation, str)
        )
        if is_call:
            self.requests[request["id"].lower()] = len(self.others)
            self.add(Kind.ENTITY, name, time, state=State.OPEN)
        else:
            self.add(Kind.ENTITY, name, time, "sent")

    def receive(self, members: Mapping[str, Any], time: datetime) -> None:
        name = text_in(members, "Name")
        place = self.requests.pop(name.lower(), None)
        if place is None:
            self.add(Kind.EVENT, name, time, _value(members, "Input"))
            return
        answer = json_object(members.get("Input"))
        state, detail = State.DONE, line_text(answer.get("result"))
        if answer.get("exceptionType"):
            state = State.FAILED
            detail = cause_of_event(answer).line if answer.get("failureDetails") else detail
        asked = self.others[place]
        self.others[place] = replace(asked, end=time, state=state, detail=detail, last=self.event)

    def turn(self, event: HistoryEvent, time: datetime) -> None:
        """What happens to the instance as a whole."""
        members = event.members
        match event.event_type:
            case "ExecutionSuspended":
                self.suspended = len(self.others)
                self.add(Kind.NOTE, "suspended", time, _value(members, "Reason"), State.OPEN)
            case "ExecutionResumed":
                if self.suspended is not None:
                    self.others[self.suspended] = replace(
                        self.others[self.suspended], end=time, state=State.DONE
                    )
                    self.suspended = None
            case "ExecutionRewound":
                self.add(Kind.NOTE, "rewound", time, _value(members, "Reason"))
            case (
                "ExecutionTerminated"
                | "GenericEvent"
                | "OrchestratorStarted"
                | "OrchestratorCompleted"
            ):
                # the first is told by its ExecutionCompleted; the others say nothing to people
                pass
            case "ExecutionCompleted" | "ContinueAsNew":
                self.end(members, time)
            case _:
                self.add(Kind.NOTE, event.event_type, time)

    def end(self, members: Mapping[str, Any], time: datetime) -> None:
        given, result = members.get("OrchestrationStatus"), members.get("Result")
        word = given if isinstance(given, str) else "ContinuedAsNew"
        state, detail = State.DONE, line_text(result)
        if word == RuntimeStatus.FAILED.value:
            output = self.status.output if result is None else result
            state, detail = State.FAILED, cause_of(output, self.status.failure_details).line
        self.add(Kind.ENDED, word or self.status.runtime_status.value, time, detail, state)


def steps(status: InstanceStatus, depth: int = 0) -> tuple[Step, ...]:
    """The steps of a status with its history, in the order of their beginnings."""
    events = status.history or ()
    reader = _Reader(status, depth)
    last = status.created_time
    for event in events:
        last = event.timestamp or last
        reader.take(event, last)
    reader.calls = list(_folded(reader.calls, reader.timers))
    _close(reader, last)
    found = with_times(reader.found())
    if depth:
        return tuple(found)
    return tuple(replace(step, number=number) for number, step in enumerate(found, 1))


def step_names(status: InstanceStatus) -> list[str]:
    """What a step may be called by: the numbers of the steps of a status with its history, and the
    names of the activities and sub-orchestrators that are called once.
    """
    found = steps(status)
    names = [each.name for each in found if each.kind in (Kind.ACTIVITY, Kind.CHILD)]
    return [str(each.number) for each in found] + [name for name in names if names.count(name) == 1]


def with_children(own: Sequence[Step], children: Mapping[str, Sequence[Step]]) -> tuple[Step, ...]:
    """The steps with those of each child, by its instance id, below the step that called it."""
    found: list[Step] = []
    for step in own:
        found.append(step)
        if step.child is not None:
            found += [
                each
                for each in children.get(step.child, ())
                if each.kind not in (Kind.STARTED, Kind.ENDED)
            ]
    return tuple(found)


def _folded(calls: Iterable[Call], timers: Sequence[Timer]) -> Iterator[Call]:
    """Calls of which each attempt that failed was followed by a timer and another call of the same
    function, as one.
    """
    waiting: dict[tuple[Kind, str], _Waiting] = {}
    free = _FreeTimers(timers)
    for call in sorted(calls, key=lambda call: call.step.begin):
        same = waiting.setdefault((call.step.kind, call.step.name), _Waiting())
        before = same.take(call.step.begin)
        if before is None:
            before = call
            yield call
        else:
            step = call.step
            before.step = replace(
                before.step,
                end=step.end,
                state=step.state,
                detail=step.detail,
                attempts=before.step.attempts + 1,
                last=step.last,
            )
        if call.step.state is State.FAILED and call.step.end is not None:
            timer = free.take(call.step.end)
            if timer is not None and timer.fire_at <= timer.step.begin:
                timer.retries = True  # the last attempt is followed by a timer that fires at once
            elif timer is not None:
                same.add(before, timer)


class _Waiting:
    """The calls of one function that failed and whose timer has fired, in the order in which they
    failed.
    """

    def __init__(self) -> None:
        self._count = 0
        self._later: list[tuple[datetime, int, Call, Timer]] = []
        self._due: list[tuple[int, Call, Timer]] = []

    def add(self, call: Call, timer: Timer) -> None:
        if timer.step.end is not None:
            self._count += 1
            heappush(self._later, (timer.step.end, self._count, call, timer))

    def take(self, time: datetime) -> Call | None:
        """The first whose timer had fired at that time; its timer was one of a retry."""
        while self._later and self._later[0][0] <= time:
            heappush(self._due, heappop(self._later)[1:])
        if not self._due:
            return None
        _, call, timer = heappop(self._due)
        timer.retries = True
        return call


class _FreeTimers:
    """The timers that belong to no call yet."""

    def __init__(self, timers: Sequence[Timer]) -> None:
        self._timers = sorted(timers, key=lambda timer: timer.step.begin)
        # of each place: a free one there or behind it, as far as it is known
        self._next = list(range(len(timers) + 1))

    def take(self, time: datetime) -> Timer | None:
        """The first timer that was created at that time or later."""
        place = self._free(bisect_left(self._timers, time, key=lambda timer: timer.step.begin))
        if place == len(self._timers):
            return None
        self._next[place] = place + 1
        return self._timers[place]

    def _free(self, place: int) -> int:
        while self._next[place] != place:
            self._next[place] = place = self._next[self._next[place]]
        return place


def _close(reader: _Reader, last: datetime) -> None:
    """Say of what is open what became of it: nothing continues in an instance that has ended, and
    one that does nothing waits.
    """
    status = reader.status
    for call in reader.calls:
        if status.is_final and call.step.end is None:
            call.step = replace(call.step, end=last, state=State.DROPPED, detail="not awaited")
    for timer in reader.timers:
        if timer.step.end is None and (status.is_final or timer.fire_at < last):
            timer.step = replace(
                timer.step,
                end=last if status.is_final else timer.fire_at,
                state=State.DROPPED,
                detail="cancelled",
            )
    if status.is_final:
        reader.others = [
            replace(each, end=last, state=State.DROPPED) if each.end is None else each
            for each in reader.others
        ]
        return
    is_open = any(each.end is None for each in reader.found())
    if reader.others and not is_open and status.runtime_status is RuntimeStatus.RUNNING:
        reader.event = None  # no event tells of it
        reader.add(Kind.EVENT, "an event", last, state=State.OPEN)


def _value(members: Mapping[str, Any], name: str) -> str:
    return line_text(members.get(name))


def time_in(members: Mapping[str, Any], name: str) -> datetime | None:
    """The time of a member; None where there is none."""
    try:
        return time_from_text(text_in(members, name))
    except ValueError:
        return None


def _clock(time: datetime) -> str:
    return time.astimezone().isoformat(" ", "seconds").replace("+00:00", "Z")
