"""Short names for literal histories: times, the opening of an execution, and an orchestrator made
of a function.
"""

from datetime import UTC, datetime, timedelta

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.executor import OrchestratorExecutor, replay
from durablectl.history.events import ExecutionStarted, OrchestratorCompleted, OrchestratorStarted

T0, T1, T2, T3, T4 = (datetime(2026, 1, 1, tzinfo=UTC) + timedelta(seconds=n) for n in range(5))
STARTED = ExecutionStarted(T0, "o")


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
