"""Whether a replay decides what history says it decided; no I/O."""

from __future__ import annotations

from durablectl.history.events import (
    Decision,
    EventSent,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)


def difference(recorded: Decision, decided: Decision | None, where: str) -> str | None:
    """What to tell when the orchestrator's code does not match its history; None when it does.

    Kind and name are compared, without regard to case, inputs are not. `decided` is what this run
    decided with the same sequence number, None when it has not come to it. `where` is the place in
    the orchestrator function.
    """
    if decided is not None and identity(recorded) == identity(decided):
        return None
    did = "has not (yet) decided anything" if decided is None else f"decides to {act(decided)}"
    return (
        f"Non-Deterministic workflow detected: history has {type(recorded).__name__} number "
        f"{recorded.task_id}, "
        f"to {act(recorded)}, but the orchestrator's code {did} with this number {where}. "
        "Was the code changed after this instance was started, or does it depend on something "
        "that changes from run to run?"
    )


def identity(decision: Decision) -> tuple[type, str]:
    """What two decisions have in common that are the same: kind and name."""
    match decision:
        case TaskScheduled() | SubOrchestrationCreated():
            return type(decision), decision.name.lower()
        case EventSent():
            return EventSent, decision.instance_id.lower()
        case TimerCreated():
            return TimerCreated, ""


def act(decision: Decision) -> str:
    """What a decision does, for people: `call activity 'charge'`."""
    match decision:
        case TaskScheduled():
            return f"call activity '{decision.name}'"
        case SubOrchestrationCreated():
            return f"call sub-orchestrator '{decision.name}'"
        case EventSent():
            return f"send a message to '{decision.instance_id}'"
        case TimerCreated():
            return "create a timer"
