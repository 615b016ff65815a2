"""What the service's `historyEvents` prove: what arrived, in order, and which decisions must have
been made; no I/O.

The HTTP API leaves out task ids and episodes. A completion still proves its call (name and
ScheduledTime), and a pending call, a timer and a message prove themselves.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from functools import partial
from typing import Any

from durablectl.history import events as e
from durablectl.history.columns import micros, moment
from durablectl.history.saved import ServiceHistory
from durablectl.history.service import PLAIN
from durablectl.model import HistoryEvent
from durablectl.wire import runtime_status, time_from_text

_HTTP = "BuiltIn::HttpActivity"
_BLOB = ".blob.core.windows.net/"
_IGNORED = frozenset(
    {"OrchestratorStarted", "OrchestratorCompleted", "HistoryState", "ExecutionCompleted"}
)


@dataclass(eq=False, slots=True)
class Proof:
    """A decision that was made: `event` proves it, `at` is when (units of 100 ns since 1970).

    The `decision` has no number. `is_in_order` tells of one that stands where it was made, not
    where it was answered. `made` is the number that the code gives it.
    """

    event: int
    decision: e.Decision
    at: int
    is_in_order: bool
    made: int | None = None

    @property
    def moment(self) -> datetime:
        return moment(self.at // 10)


@dataclass(frozen=True, slots=True)
class Arrival:
    """Something that reached the instance, and the decision that it answers."""

    event: int
    inbound: e.Inbound
    answers: Proof | None = None


@dataclass(slots=True)
class Timeline:
    """What one execution's history proves, in its order.

    `doubts` say why it cannot be judged at all, `caveats` why a break would not be certain.
    `has_one_clock` when all its times are of one machine: only this engine writes times in whole
    microseconds.
    """

    arrivals: list[Arrival] = field(default_factory=list)
    proofs: list[Proof] = field(default_factory=list)
    ending: e.ExecutionCompleted | e.ContinueAsNew | None = None
    ending_event: int | None = None
    shows_result: bool = False
    doubts: list[str] = field(default_factory=list)
    caveats: list[str] = field(default_factory=list)
    has_one_clock: bool = True
    timers: dict[str, list[Proof]] = field(default_factory=dict)
    """The timers that have not fired, by the text of FireAt."""


def timeline_of(history: ServiceHistory) -> Timeline:
    """Read the events; what cannot be read is a doubt."""
    timeline = Timeline()
    for number, event in enumerate(history.events):
        try:
            _take(timeline, number, event)
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            timeline.doubts.append(f"event {number} ({event.event_type}) is damaged: {error!r}")
    started = any(isinstance(each.inbound, e.ExecutionStarted) for each in timeline.arrivals)
    if not started and not timeline.doubts:
        timeline.doubts.append("its history is empty: it has not started yet")
    return timeline


def ticks(text: str) -> int:
    """A time in units of 100 ns since 1970, which is how exact the service's are."""
    fraction = _fraction(text)
    return micros(time_from_text(text)) * 10 + (int(fraction[6]) if len(fraction) > 6 else 0)


def _fraction(text: str) -> str:
    rest = text.partition(".")[2]
    return rest[: next((n for n, sign in enumerate(rest) if not sign.isdecimal()), len(rest))]


def _take(timeline: Timeline, number: int, event: HistoryEvent) -> None:
    members, kind = event.members, event.event_type
    for name in ("Timestamp", "ScheduledTime"):
        if isinstance(text := members.get(name), str) and len(_fraction(text)) > 6:
            timeline.has_one_clock = False
    if kind in ("ExecutionCompleted", "ContinueAsNew"):
        _end(timeline, number, kind, members)
    elif (decided := _DECIDED.get(kind)) is not None:
        _prove(timeline, number, decided(_time(members), members), members["Timestamp"])
    elif (answered := _ANSWERED.get(kind)) is not None:
        _answer(timeline, number, kind, members, answered(_time(members), members))
    elif kind == "TimerFired":
        _fire(timeline, number, members)
    elif (arrived := _ARRIVED.get(kind)) is not None:
        timeline.arrivals.append(Arrival(number, arrived(_time(members), members)))
        if kind in ("ExecutionStarted", "EventRaised") and "Input" not in members:
            timeline.doubts.append(f"event {number} ({kind}) comes without its input")
        if kind == "ExecutionRewound":
            timeline.caveats.append("it was rewound, which rewrites a history")
    elif kind == "GenericEvent":
        timeline.caveats.append("it was rewound, which leaves events without their content")
    elif kind not in _IGNORED:
        timeline.doubts.append(f"event {number} has the unknown type '{kind}'")


def _prove(
    timeline: Timeline, number: int, decision: e.Decision, at: str, *, in_order: bool = True
) -> Proof:
    proof = Proof(number, decision, ticks(at), in_order)
    timeline.proofs.append(proof)
    if isinstance(decision, e.TimerCreated):
        timeline.timers.setdefault(decision.fire_at.isoformat(), []).append(proof)
    return proof


def _answer(
    timeline: Timeline, number: int, kind: str, members: Mapping[str, Any], inbound: e.Inbound
) -> None:
    name, at = members["FunctionName"], members["ScheduledTime"]
    if not isinstance(name, str) or not isinstance(at, str):
        timeline.doubts.append(f"event {number} ({kind}) does not say what it answers")
        return
    called, input = time_from_text(at), _optional(members, "Input")
    call: e.Decision = (
        e.TaskScheduled(called, -1, name, input)
        if kind.startswith("Task")
        else e.SubOrchestrationCreated(called, -1, name, _text(members, "InstanceId"), input)
    )
    proof = _prove(timeline, number, call, at, in_order=False)
    timeline.arrivals.append(Arrival(number, inbound, proof))
    if kind.endswith("Completed"):
        if "Result" not in members:
            timeline.doubts.append("the results are not in it: ask with --history-output")
        elif _is_blob(members["Result"]):
            timeline.doubts.append(f"the result in event {number} is kept in a blob")
        elif name == _HTTP and _is_polled(members["Result"]):
            timeline.caveats.append("its host polls an HTTP address, which the code does not do")


def _is_polled(result: Any) -> bool:
    """Whether an HTTP answer makes the service's host ask again, with calls and timers of its
    own."""
    return isinstance(result, dict) and result.get("statusCode") == 202


def _fire(timeline: Timeline, number: int, members: Mapping[str, Any]) -> None:
    fire_at = time_from_text(members["FireAt"])
    open_ones = timeline.timers.get(fire_at.isoformat())
    if not open_ones:
        timeline.doubts.append(f"event {number} is of a timer that the history does not have")
        return
    fired = e.TimerFired(_time(members), -1, fire_at)
    timeline.arrivals.append(Arrival(number, fired, open_ones.pop(0)))


def _end(timeline: Timeline, number: int, kind: str, members: Mapping[str, Any]) -> None:
    time, result = _time(members), members.get("Result")
    timeline.ending_event, timeline.shows_result = number, "Result" in members
    if kind == "ContinueAsNew":
        timeline.ending = e.ContinueAsNew(time, _optional(members, "Result"))
        return
    status = runtime_status(str(members["OrchestrationStatus"]))
    text = result if isinstance(result, str) else json.dumps(result)
    if status.value == "Completed":
        text = json.dumps(result)
        timeline.shows_result = timeline.shows_result and not _is_blob(result)
    elif "Non-Deterministic workflow detected" in text or "Non-Deterministic" in text[:200]:
        timeline.caveats.append("it has failed because its code did not match its history")
    timeline.ending = e.ExecutionCompleted(time, status, text)


def _is_blob(value: Any) -> bool:
    return isinstance(value, str) and value.startswith("https://") and _BLOB in value[:200]


def _time(members: Mapping[str, Any]) -> datetime:
    return time_from_text(members["Timestamp"])


def _text(members: Mapping[str, Any], name: str) -> str:
    value = members.get(name)
    return value if isinstance(value, str) else ""


def _optional(members: Mapping[str, Any], name: str) -> str | None:
    """Text as it is; a value that is not text as its JSON."""
    value = members.get(name)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _result(members: Mapping[str, Any]) -> str | None:
    """The JSON text of a result, which the service shows decoded."""
    value = members.get("Result")
    return None if value is None else json.dumps(value)


def _plain(kind: type[Any], time: datetime, members: Mapping[str, Any]) -> e.Event:
    """An event that stands for itself; TypeError where it lacks a member that is needed."""
    fields: dict[str, Any] = {
        field: time_from_text(members[name]) if field == "fire_at" else _optional(members, name)
        for name, field in PLAIN[kind].items()
        if field is not None and members.get(name) is not None
    }
    event: e.Event = (
        kind(time, -1, **fields) if issubclass(kind, e.Decision) else kind(time, **fields)
    )
    return event


_DECIDED: dict[str, Any] = {
    "TaskScheduled": lambda time, members: e.TaskScheduled(
        time, -1, members["Name"], _optional(members, "Input")
    ),
    "SubOrchestrationInstanceCreated": lambda time, members: e.SubOrchestrationCreated(
        time, -1, members["Name"], _text(members, "InstanceId"), _optional(members, "Input")
    ),
    "TimerCreated": partial(_plain, e.TimerCreated),
    "EventSent": partial(_plain, e.EventSent),
}
_ANSWERED: dict[str, Any] = {
    "TaskCompleted": lambda time, members: e.TaskCompleted(time, -1, _result(members)),
    "TaskFailed": lambda time, members: e.TaskFailed(
        time, -1, _text(members, "Reason"), _optional(members, "Details")
    ),
    "SubOrchestrationInstanceCompleted": lambda time, members: e.SubOrchestrationCompleted(
        time, -1, _result(members)
    ),
    "SubOrchestrationInstanceFailed": lambda time, members: e.SubOrchestrationFailed(
        time, -1, _text(members, "Reason"), _optional(members, "Details")
    ),
}
_ARRIVED: dict[str, Any] = {
    "ExecutionStarted": lambda time, members: e.ExecutionStarted(
        time,
        _text(members, "FunctionName") or _text(members, "Name"),
        _optional(members, "Input"),
        _text(members, "Version"),
        members.get("Generation"),
    ),
    **{kind.__name__: partial(_plain, kind) for kind in PLAIN if issubclass(kind, e.Inbound)},
}
