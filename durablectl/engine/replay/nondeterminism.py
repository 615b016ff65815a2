"""Whether a replay decides what history says it decided; no I/O."""

from __future__ import annotations

from durablectl.history.events import (
    Decision,
    EventSent,
    SubOrchestrationCreated,
    TaskScheduled,
    TimerCreated,
)


def difference(recorded: Decision, decided: Decision | None, where: str) -> str:
    """What to tell when the orchestrator's code does not match its history.

    `decided` is what this run decided with the same sequence number, None when it has not come to
    it. `where` is the place in the orchestrator function.
    """
    did = "has not (yet) decided anything" if decided is None else f"decides to {_act(decided)}"
    return (
        f"Non-Deterministic workflow detected: history has {type(recorded).__name__} number "
        f"{recorded.task_id}, "
        f"to {_act(recorded)}, but the orchestrator's code {did} with this number {where}. "
        "Was the code changed after this instance was started, or does it depend on something "
        "that changes from run to run?"
    )


def identity(decision: Decision) -> tuple[type, str]:
    """What two decisions have in common that are the same: kind and name, without regard to case;
    inputs are not compared.
    """
    match decision:
        case TaskScheduled() | SubOrchestrationCreated():
            return type(decision), decision.name.lower()
        case EventSent():
            return EventSent, decision.instance_id.lower()
        case TimerCreated():
            return TimerCreated, ""


def described(decision: Decision, *, with_input: bool = False) -> str:
    """A decision for people, without its number: `activity 'charge'`."""
    match decision:
        case TaskScheduled():
            what = f"activity '{decision.name}'"
        case SubOrchestrationCreated():
            what = f"sub-orchestrator '{decision.name}'"
            if with_input:
                what += f" as '{decision.instance_id}'"
        case TimerCreated():
            return f"a timer for {decision.fire_at.isoformat()}" if with_input else "a timer"
        case EventSent():
            what = f"a message to '{decision.instance_id}'"
    if with_input and decision.input is not None:
        what += f" with {short(decision.input)}"
    return what


def short(text: str) -> str:
    """The first line of a text, or what fits of it."""
    line = text.partition("\n")[0]
    return line if len(line) <= 120 else line[:117] + "..."


def _act(decision: Decision) -> str:
    return f"{_VERBS[type(decision)]} {described(decision)}"


_VERBS: dict[type, str] = {
    TaskScheduled: "call",
    SubOrchestrationCreated: "call",
    EventSent: "send",
    TimerCreated: "create",
}
