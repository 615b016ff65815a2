"""A history up to one of its steps, so that the steps from there run again in a new instance; pure.

The history is cut where the step was decided. Answers that came later to what was decided before
are still to be delivered. What was decided before and never answered is taken out: the code decides
it again, as after a rewind.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from durablectl.errors import UsageError, WrongState
from durablectl.history import events as e
from durablectl.history.account import status_of
from durablectl.history.exported import RawHistory
from durablectl.history.steps import Kind, State, Step
from durablectl.history.timeline import steps
from durablectl.json_values import json_object
from durablectl.model import RuntimeStatus
from durablectl.quoting import command

LateAnswer = e.Answer | e.EventRaised
_CALLS = (Kind.ACTIVITY, Kind.CHILD)
_ENDINGS_TO_REPEAT = (RuntimeStatus.COMPLETED.value, RuntimeStatus.FAILED.value)

RESTARTED = "restarted from step"
"""What the reason of a restart begins with."""


@dataclass(frozen=True, slots=True)
class RestartPlan:
    """What a restart of an instance from `step` keeps and repeats, and the `notes` beside these
    steps, in which nothing runs.

    `episodes` are the history of the new instance, each with its time; empty when it starts from
    the beginning. `late` are answers that it still has to see. `children` are the ids that the app
    gave to sub-orchestrations which are called again.
    """

    instance_id: str
    name: str
    step: Step
    kept: tuple[Step, ...]
    repeated: tuple[Step, ...]
    episodes: tuple[tuple[datetime, tuple[e.Event, ...]], ...] = field(repr=False)
    late: tuple[LateAnswer, ...] = field(repr=False)
    children: tuple[str, ...] = ()
    notes: tuple[Step, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """`instanceId`, `name`, `from` (the number of the step), `kept` and `repeated` steps."""
        return {
            "instanceId": self.instance_id,
            "name": self.name,
            "from": self.step.number,
            "kept": [_step_to_json(step) for step in self.kept],
            "repeated": [_step_to_json(step) for step in self.repeated],
        }


def plan_restart(history: RawHistory, step: int | str | None) -> RestartPlan:
    """What is kept of `history` and what runs again from `step`: its number in `history ID`, the
    name of an activity or sub-orchestrator that is called once, or None for the first that failed.

    `UsageError` for a step that is not there, `WrongState` where the history cannot be cut.
    """
    _check_instance(history)
    found = steps(status_of(history))
    chosen = _chosen(history, found, step)
    events = history.events
    place = len(events) if chosen.first is None else chosen.first.position
    _check_siblings(history, found, chosen, place)
    late = tuple(_late_answers(events, place))
    again = set(unanswered(events, place, late))
    gone = again | set(still_suspended(events, place))
    # a timer that is created again is due when it was, so it counts as kept
    lost = {at for at in again if not isinstance(events[at], e.TimerCreated)}
    kept, repeated, notes = list[Step](), list[Step](), list[Step]()
    for each in found:
        at = len(events) if each.first is None else each.first.position
        is_lost = at >= place or at in lost
        (notes if each.kind is Kind.NOTE else repeated if is_lost else kept).append(each)
    left = [event for at, event in enumerate(events[:place]) if at not in gone]
    episodes = tuple(episodes_of(left))
    dropped = [*events[place:], *(events[at] for at in again)]
    return RestartPlan(
        history.instance_id,
        history.name,
        chosen,
        tuple(kept),
        tuple(repeated),
        () if _is_only_started(episodes) else episodes,
        late,
        tuple(_named_children(history.execution_id, dropped)),
        tuple(notes),
    )


def _check_instance(history: RawHistory) -> None:
    started = next((each for each in history.events if isinstance(each, e.ExecutionStarted)), None)
    if started is None:
        raise WrongState(
            f"instance '{history.instance_id}' has not started: it has no steps",
            hint=command("restart", history.instance_id),
        )
    if started.parent is not None:
        parent = started.parent.instance_id
        raise WrongState(
            f"instance '{history.instance_id}' is a sub-orchestration, and the instance that "
            "called it would not see the new result",
            hint=f"restart its caller from the step that calls it: {command('history', parent)}",
        )


def _chosen(history: RawHistory, found: Sequence[Step], step: int | str | None) -> Step:
    if step is None:
        failed = [each for each in found if each.state is State.FAILED]
        if not failed:
            raise UsageError(
                f"no step of instance '{history.instance_id}' has failed",
                hint="name a step: --from NUMBER, as `durablectl history` shows it",
            )
        return failed[0]
    if isinstance(step, str) and step.isascii() and step.isdigit():
        step = int(step)
    hint = command("history", history.instance_id)
    if isinstance(step, int):
        if not 1 <= step <= len(found):
            raise UsageError(
                f"instance '{history.instance_id}' has no step {step}: it has {len(found)}",
                hint=hint,
            )
        return _checked(history, found[step - 1])
    named = [each for each in found if each.kind in _CALLS and each.name.lower() == step.lower()]
    if not named:
        raise UsageError(f"instance '{history.instance_id}' has no step '{step}'", hint=hint)
    if len(named) > 1:
        numbers = ", ".join(str(each.number) for each in named)
        raise UsageError(
            f"'{step}' is called {len(named)} times, in steps {numbers}",
            hint=f"name one: --from {named[0].number}",
        )
    return named[0]


def _checked(history: RawHistory, step: Step) -> Step:
    """The step, unless nothing runs in it."""
    is_no_end = step.kind is Kind.ENDED and step.name not in _ENDINGS_TO_REPEAT
    if step.kind is Kind.NOTE or is_no_end:
        raise WrongState(
            f"step {step.number} of instance '{history.instance_id}' ({step.name.lower()}) runs "
            "nothing: it cannot be restarted from there",
            hint=command("history", history.instance_id),
        )
    return step


def _check_siblings(history: RawHistory, found: Sequence[Step], chosen: Step, place: int) -> None:
    """Refuse to cut between the attempts of a call that runs beside the step: its result belongs to
    an attempt after the cut.
    """
    for each in found:
        if each is chosen or each.kind not in _CALLS or each.attempts == 1:
            continue
        first, last = each.first, each.last
        if first is not None and last is not None and first.position < place <= last.position:
            raise WrongState(
                f"step {each.number} ('{each.name}') was tried again after step {chosen.number} "
                f"of instance '{history.instance_id}' began, so its result cannot be kept",
                hint=command("restart", history.instance_id, options=("--from", str(each.number))),
            )


def _late_answers(events: Sequence[e.Event], place: int) -> Iterator[LateAnswer]:
    """What came after the cut and answers a call from before it, each answer once."""
    before, after = events[:place], events[place:]
    calls = {event.task_id for event in before if isinstance(event, e.Decision)}
    calls -= {event.task_id for event in before if isinstance(event, e.Answer | e.TimerFired)}
    requests = {_request_id(event) for event in before if isinstance(event, e.EventSent)}
    requests -= {event.name for event in before if isinstance(event, e.EventRaised)}
    for event in after:
        if isinstance(event, e.Answer) and event.task_id in calls:
            calls.discard(event.task_id)
            yield event
        elif isinstance(event, e.EventRaised) and event.name in requests:
            requests.discard(event.name)
            yield event


def unanswered(events: Sequence[e.Event], place: int, late: Sequence[LateAnswer]) -> Iterator[int]:
    """Where in the history what was decided before the cut has no answer.

    Of timers also one that fired later: it is created again with the time at which it is due.
    """
    before = [*events[:place], *late]
    answered = {each.task_id for each in before if isinstance(each, e.Answer | e.TimerFired)}
    replies = {each.name for each in before if isinstance(each, e.EventRaised)}
    for at, event in enumerate(events[:place]):
        if isinstance(event, e.EventSent):
            request_id = _request_id(event)
            if request_id is not None and request_id not in replies:
                yield at
        elif isinstance(event, e.Decision) and event.task_id not in answered:
            yield at


def _request_id(event: e.EventSent) -> str | None:
    """What the answer of an entity will be named; None for a signal, which has no answer."""
    request = json_object(event.input)
    given = request.get("id")
    return given if isinstance(given, str) and not request.get("signal") else None


def still_suspended(events: Sequence[e.Event], place: int) -> list[int]:
    """Where the suspensions are that no resumption has ended: the new instance runs."""
    open_: list[int] = []
    for at, event in enumerate(events[:place]):
        if isinstance(event, e.ExecutionSuspended):
            open_.append(at)
        elif isinstance(event, e.ExecutionResumed):
            open_ = []
    return open_


def episodes_of(events: Sequence[e.Event]) -> Iterator[tuple[datetime, tuple[e.Event, ...]]]:
    """The episodes that events with bookends make, each with its time and without its bookends."""
    if not events:
        return
    time, episode = events[0].timestamp, list[e.Event]()
    for event in events:
        if isinstance(event, e.OrchestratorStarted):
            if episode:
                yield time, tuple(episode)
            time, episode = event.timestamp, []
        elif not isinstance(event, e.OrchestratorCompleted):
            episode.append(event)
    if episode:
        yield time, tuple(episode)


def _is_only_started(episodes: Sequence[tuple[datetime, Sequence[e.Event]]]) -> bool:
    return all(isinstance(each, e.ExecutionStarted) for _, episode in episodes for each in episode)


def _named_children(execution_id: str, dropped: Sequence[e.Event]) -> Iterator[str]:
    for event in dropped:
        if isinstance(event, e.SubOrchestrationCreated) and not event.instance_id.startswith(
            f"{execution_id}:"
        ):
            yield event.instance_id


def _step_to_json(step: Step) -> dict[str, Any]:
    return {
        "step": step.number,
        "kind": step.kind.value,
        "name": step.name,
        "outcome": step.state.value,
        "attempts": step.attempts,
    }
