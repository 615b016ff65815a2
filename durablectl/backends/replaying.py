"""Replays an instance's history with the app at hand, to see what its code waits for; changes
nothing, and is bounded in time.
"""

from __future__ import annotations

import io
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, redirect_stderr, redirect_stdout
from dataclasses import dataclass, replace
from typing import Any

from durablectl.engine.registry import Orchestrator, Registry
from durablectl.engine.replay.awaited import AwaitedTask, TaskPlaces, awaited_by, waits_for_any
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.engine.replay.guided import cannot_judge, follow_history
from durablectl.engine.worker.app_output import CURRENT_INSTANCE, REPEATING, AppOutput
from durablectl.explanation.model import Progress, StepKind, Wait
from durablectl.history.events import (
    Decision,
    EventSent,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)
from durablectl.history.exported import RawHistory
from durablectl.history.saved import History
from durablectl.polling.threads import in_thread

LONGEST = 10.0
"""Seconds that a replay may take."""


class CannotReplay(Exception):
    """What the code waits for cannot be known, with the reason; `mismatch` says where the code at
    hand does not make the decisions of the history, if that is it.
    """

    mismatch = ""


@dataclass(frozen=True, slots=True)
class Replayed:
    """What the code waits for, each with the decision that asked for it (None for an event).

    With `only_events` nothing is known of the calls and timers. `unused` are the names of events
    that have come and that it has not taken.
    """

    awaited: tuple[tuple[AwaitedTask, Decision | None], ...]
    called: dict[int, Decision]
    is_any: bool = False
    only_events: bool = False
    unused: tuple[str, ...] = ()


def replayed(registry: Registry, history: History, *, longest: float = LONGEST) -> Replayed:
    """Run the orchestrator's code along a history, for `longest` seconds at most; `CannotReplay`
    where that says nothing.
    """
    orchestrator = registry.orchestrators.get(history.name)
    if orchestrator is None:
        raise CannotReplay(f"{registry.app} has no orchestrator '{history.name}'")
    if (reason := cannot_judge(history)) is not None:
        raise CannotReplay(reason)
    with _silence():
        found = in_thread(_followed, orchestrator, history, name="replay")
        try:
            error = found.exception(longest)
        except TimeoutError:
            raise CannotReplay(f"the replay of its code takes longer than {longest:g} s") from None
    if error is None or isinstance(error, CannotReplay):
        return found.result()
    raise CannotReplay(f"the replay of its code failed: {error!r}")


@contextmanager
def _silence() -> Iterator[None]:
    """What the app prints in a replay has been printed before."""
    if isinstance(sys.stdout, AppOutput):  # of a server: what else runs in it is heard
        yield
        return
    with redirect_stdout(_Silent()), redirect_stderr(_Silent()):
        yield


def _followed(orchestrator: Orchestrator, history: History) -> Replayed:
    CURRENT_INSTANCE.set(REPEATING)
    if orchestrator.begin is not None:
        return _events_of(orchestrator.begin, history)
    with TaskPlaces() as places:
        followed = follow_history(history, orchestrator)
    execution = followed.execution
    try:
        if not isinstance(execution, OrchestratorExecutor):
            raise CannotReplay("an orchestrator of this SDK does not show its tasks")
        if not followed.verdict.fits:
            sentence = followed.verdict.sentence
            error = CannotReplay(f"the app here does not match the history: {sentence}")
            error.mismatch = sentence
            raise error
        decisions = {
            event.task_id: event for event in followed.events if isinstance(event, Decision)
        }
        awaited = awaited_by(execution, places)
        return Replayed(
            tuple(
                (each, decisions.get(-1 if each.task_id is None else each.task_id))
                for each in awaited
            ),
            decisions,
            waits_for_any(execution),
            unused=(*execution.unused_events(), *followed.not_taken),
        )
    finally:
        execution.close()


def _events_of(begin: Callable[[str, str], Any], history: History) -> Replayed:
    """The events that code of another SDK waits for: its tasks are that SDK's own."""
    if not isinstance(history, RawHistory):
        raise CannotReplay(
            "the history of a remote hub is replayed only with apps on version 1 of the SDK"
        )
    execution = begin(history.instance_id, history.execution_id)
    try:
        execution.rebuild(history.events)
        place = execution.where()
        names, unused = execution.awaited_events(), execution.unused_events()
    finally:
        execution.close()
    if not place and not names:
        raise CannotReplay("the app's SDK does not show what its code waits for")
    events = tuple((AwaitedTask(None, name, place), None) for name in names)
    return Replayed(events, {}, only_events=True, unused=tuple(unused))


def merged(waits: Sequence[Wait], found: Replayed) -> tuple[Wait, ...]:
    """What the code waits for, with what the hub knows of each, then what else is open."""
    left = [wait for wait in waits if wait.kind is not StepKind.EVENT]
    if found.only_events:
        return (*_awaited([], found), *left)
    awaited = tuple(_awaited(left, found))
    # A timer that nothing waits for was cancelled, unless the code has ended: then it keeps the
    # instance from being finished.
    open_ = (
        left if not found.awaited else [each for each in left if each.kind is not StepKind.TIMER]
    )
    return (*awaited, *(replace(wait, is_awaited=False) for wait in open_))


def _awaited(left: list[Wait], found: Replayed) -> Iterator[Wait]:
    """The awaited ones, in the order of the code; they are taken out of what is left."""
    for awaited, decision in found.awaited:
        if decision is None:
            if awaited.event:
                yield Wait(StepKind.EVENT, awaited.event, place=awaited.place, is_awaited=True)
            continue
        wait = next((each for each in left if _is_of(each, decision)), None)
        if wait is None:
            continue
        left.remove(wait)
        made = replace(wait, place=awaited.place, is_awaited=True, attempts=awaited.attempts)
        if awaited.attempts is not None:
            made = replace(made, attempt=awaited.attempt)
        yield made if awaited.called is None else _retried(made, found.called[awaited.called])


def _retried(timer: Wait, called: Decision) -> Wait:
    """The timer before the next attempt, as the call that is tried again."""
    is_child = isinstance(called, SubOrchestrationCreated)
    return replace(
        timer,
        kind=StepKind.CHILD if is_child else StepKind.ACTIVITY,
        name=getattr(called, "name", timer.name),
        progress=Progress.RETRYING,
    )


def _is_of(wait: Wait, decision: Decision) -> bool:
    match decision:
        case TaskScheduled():
            return wait.kind is StepKind.ACTIVITY and wait.name.lower() == decision.name.lower()
        case SubOrchestrationCreated():
            return wait.kind is StepKind.CHILD and wait.name.lower() == decision.name.lower()
        case TimerCreated():
            return wait.kind is StepKind.TIMER and (
                wait.until is None
                or abs((wait.until - decision.fire_at).total_seconds()) < TIMERS_APART
            )
        case EventSent():
            return wait.kind is StepKind.ENTITY and wait.instance_id == decision.instance_id


TIMERS_APART = 1.0
"""Seconds that a timer of a reconstructed history may be off: its code's clock is guessed."""


class _Silent(io.TextIOBase):
    """Takes what is written, and forgets it."""

    def write(self, text: str) -> int:
        return len(text)
