"""Short names for literal histories: times, the opening of an execution, one event of each kind, and
an orchestrator made of a function.
"""

from datetime import UTC, datetime, timedelta

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.history import events as e
from durablectl.history.events import ExecutionStarted, OrchestratorCompleted, OrchestratorStarted
from durablectl.model import RuntimeStatus

T0, T1, T2, T3, T4 = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(5))
STARTED = ExecutionStarted(T0, "o")

ONE_OF_EACH = [
    e.ExecutionStarted(T0, "o", '"in"', "1", None, e.ParentInstance("p", "x", 3)),
    e.ExecutionCompleted(T1, RuntimeStatus.FAILED, "why"),
    e.ExecutionTerminated(T1, "reason"),
    e.ContinueAsNew(T1, "2"),
    e.TaskScheduled(T1, 0, "a", "[1]"),
    e.TaskCompleted(T1, 0, None),
    e.TaskFailed(T1, 0, "reason", "{}"),
    e.SubOrchestrationCreated(T1, 1, "o", "x:1", None, "2"),
    e.SubOrchestrationCompleted(T1, 1, '"\\ud83d"'),
    e.SubOrchestrationFailed(T1, 1, "reason", None),
    e.TimerCreated(T1, 2, T1 + timedelta(microseconds=1)),
    e.TimerFired(T1, 2, T1),
    e.EventSent(T1, 3, "@counter@k", "op", "{}"),
    e.EventRaised(T1, "Go", "null"),
    e.ExecutionSuspended(T1, "a break"),
    e.ExecutionResumed(T1, None),
    e.ExecutionRewound(T1, "again", "x"),
    e.OrchestratorStarted(T1),
    e.OrchestratorCompleted(T1),
]


def replay(orchestrator, instance_id, execution_id, past, new, now):
    """One episode from history alone: what the orchestrator decides when `new` arrives after
    `past`.
    """
    execution = OrchestratorExecutor(orchestrator, instance_id, execution_id)
    execution.rebuild(past)
    episode = execution.run(new, now)
    execution.close()
    return episode


def first(function, input=None, new=()):
    """The first episode of an orchestrator at T0."""
    return replay(
        orchestrator(function), "id", "x", [], [ExecutionStarted(T0, "o", input), *new], T0
    )


def then(function, past, *new, now=T1):
    """The episode at T1 that follows `past`, which is given without the bookends of its only
    episode.
    """
    closed = [OrchestratorStarted(T0), *past, OrchestratorCompleted(T0)]
    return replay(orchestrator(function), "id", "x", closed, list(new), now)


def orchestrator(function):
    return Orchestrator("o", function)


def running(function, input=None):
    """An execution that has had its first episode at T0."""
    execution = OrchestratorExecutor(orchestrator(function), "id", "x")
    execution.run([ExecutionStarted(T0, "o", input)], T0)
    return execution
