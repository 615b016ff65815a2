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
from typing import Any

from durablectl.history import events as e
from durablectl.history.columns import micros, moment
from durablectl.history.saved import ServiceHistory
from durablectl.history.service import PLAIN, service_name
from durablectl.json_values import text_in
from durablectl.model import HistoryEvent
from durablectl.wire import runtime_status, time_from_text

_HTTP = "BuiltIn::HttpActivity"
_BLOB = ".blob.core.windows.net/"
_PLAIN = {service_name(kind): kind for kind in PLAIN}


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
    match kind:
        case "ExecutionStarted":
            started = e.ExecutionStarted(
                _time(members),
                text_in(members, "FunctionName") or text_in(members, "Name"),
                _optional(members, "Input"),
                text_in(members, "Version"),
                members.get("Generation"),
            )
            _arrive(timeline, number, members, started)
        case "TaskScheduled" | "SubOrchestrationInstanceCreated":
            call = _call(kind, members["Name"], _time(members), members)
            _prove(timeline, number, call, members["Timestamp"])
        case (
            "TaskCompleted"
            | "TaskFailed"
            | "SubOrchestrationInstanceCompleted"
            | "SubOrchestrationInstanceFailed"
        ):
            _answer(timeline, number, kind, members)
        case "TimerFired":
            _fire(timeline, number, members)
        case "ExecutionCompleted" | "ContinueAsNew":
            _end(timeline, number, kind, members)
        case "GenericEvent":
            timeline.caveats.append("it was rewound, which leaves events without their content")
        case "OrchestratorStarted" | "OrchestratorCompleted" | "HistoryState":
            pass
        case _ if kind not in _PLAIN:
            timeline.doubts.append(f"event {number} has the unknown type '{kind}'")
        case _ if isinstance(made := _plain(_PLAIN[kind], members), e.Decision):
            _prove(timeline, number, made, members["Timestamp"])
        case _:
            _arrive(timeline, number, members, made)


def _arrive(
    timeline: Timeline, number: int, members: Mapping[str, Any], inbound: e.Inbound
) -> None:
    timeline.arrivals.append(Arrival(number, inbound))
    if isinstance(inbound, e.ExecutionStarted | e.EventRaised) and "Input" not in members:
        kind = type(inbound).__name__
        timeline.doubts.append(f"event {number} ({kind}) comes without its input")
    if isinstance(inbound, e.ExecutionRewound):
        timeline.caveats.append("it was rewound, which rewrites a history")


def _prove(
    timeline: Timeline, number: int, decision: e.Decision, at: str, *, in_order: bool = True
) -> Proof:
    proof = Proof(number, decision, ticks(at), in_order)
    timeline.proofs.append(proof)
    if isinstance(decision, e.TimerCreated):
        timeline.timers.setdefault(decision.fire_at.isoformat(), []).append(proof)
    return proof


def _call(kind: str, name: str, at: datetime, members: Mapping[str, Any]) -> e.Decision:
    """The call that an event of this kind is of."""
    input = _optional(members, "Input")
    if kind.startswith("Task"):
        return e.TaskScheduled(at, -1, name, input)
    return e.SubOrchestrationCreated(at, -1, name, text_in(members, "InstanceId"), input)


def _answer(timeline: Timeline, number: int, kind: str, members: Mapping[str, Any]) -> None:
    inbound = _answered(kind, members)
    name, at = members["FunctionName"], members["ScheduledTime"]
    if not isinstance(name, str) or not isinstance(at, str):
        timeline.doubts.append(f"event {number} ({kind}) does not say what it answers")
        return
    call = _call(kind, name, time_from_text(at), members)
    proof = _prove(timeline, number, call, at, in_order=False)
    timeline.arrivals.append(Arrival(number, inbound, proof))
    if kind.endswith("Completed"):
        if "Result" not in members:
            timeline.doubts.append("the results are not in it: ask with --history-output")
        elif _is_blob(members["Result"]):
            timeline.doubts.append(f"the result in event {number} is kept in a blob")
        elif name == _HTTP and _is_polled(members["Result"]):
            timeline.caveats.append("its host polls an HTTP address, which the code does not do")


def _answered(kind: str, members: Mapping[str, Any]) -> e.Inbound:
    is_task, time = kind.startswith("Task"), _time(members)
    if kind.endswith("Completed"):
        # the JSON text of a result, which the service shows decoded
        value = members.get("Result")
        result = None if value is None else json.dumps(value)
        completed = e.TaskCompleted if is_task else e.SubOrchestrationCompleted
        return completed(time, -1, result)
    failed = e.TaskFailed if is_task else e.SubOrchestrationFailed
    return failed(time, -1, text_in(members, "Reason"), _optional(members, "Details"))


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


def _optional(members: Mapping[str, Any], name: str) -> str | None:
    """Text as it is; a value that is not text as its JSON."""
    value = members.get(name)
    return value if value is None or isinstance(value, str) else json.dumps(value)


def _plain(kind: type[Any], members: Mapping[str, Any]) -> e.Decision | e.Inbound:
    """An event that stands for itself; TypeError where it lacks a member that is needed."""
    fields: dict[str, Any] = {
        field: time_from_text(members[name]) if field == "fire_at" else _optional(members, name)
        for name, field in PLAIN[kind].items()
        if field is not None and members.get(name) is not None
    }
    if issubclass(kind, e.Decision):
        fields["task_id"] = -1
    event: e.Decision | e.Inbound = kind(_time(members), **fields)
    return event
