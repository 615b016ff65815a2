"""Orchestrators made at random, run on our replay core and on the official SDK's, episode by
episode.
"""

import json
import random
from dataclasses import dataclass, field
from datetime import timedelta

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.history.events import (
    ContinueAsNew,
    Decision,
    EventRaised,
    EventSent,
    ExecutionResumed,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    SubOrchestrationCompleted,
    SubOrchestrationCreated,
    SubOrchestrationFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from tests.engine.histories import T0, orchestrator, replay
from tests.engine.oracle import NestedFailure, official, ours
from tests.engine.programs import TIMER_MARK, function_of, programs

EPISODES = 25


@dataclass
class World:
    """What answers the decisions of one execution, in an order drawn at random."""

    chance: random.Random
    events: list
    open: list = field(default_factory=list)
    answered: list = field(default_factory=list)

    def take(self, episode):
        asked = [
            made
            for made in episode.decisions
            if not (isinstance(made, EventSent) and '"signal":' in made.input)
        ]
        self.open = [
            made for made in [*self.open, *asked] if made.task_id not in episode.cancelled_timers
        ]

    def answers(self, now):
        """Some of what is due, in any order: now and then an answer comes twice."""
        batch = []
        for _ in range(self.chance.randint(1, 4)):
            if self.open and self.chance.random() < 0.8:
                batch.append(
                    self._answer(self.open.pop(self.chance.randrange(len(self.open))), now)
                )
            elif self.events:
                name = self.events.pop(self.chance.randrange(len(self.events)))
                batch.append(EventRaised(now, name, json.dumps([name])))
        if self.answered and self.chance.random() < 0.1:
            batch.append(self.chance.choice(self.answered))
        self.answered += [answer for answer in batch if not isinstance(answer, EventRaised)]
        return batch

    def _answer(self, asked, now):
        fails, number = self.chance.random() < 0.35, asked.task_id
        match asked:
            case TaskScheduled():
                return (
                    TaskFailed(now, number, f"reason {number}", "{}")
                    if fails
                    else TaskCompleted(now, number, f'{{"result":{number}}}')
                )
            case SubOrchestrationCreated():
                return (
                    SubOrchestrationFailed(now, number, "child", None)
                    if fails
                    else SubOrchestrationCompleted(now, number, f"[{number}]")
                )
            case TimerCreated():
                return TimerFired(now, number, asked.fire_at)
        reply = {"result": json.dumps(number)} | ({"exceptionType": "ValueError"} if fails else {})
        return EventRaised(now, json.loads(asked.input)["id"], json.dumps(reply))


def disturbed(batch, chance, now):
    """The batch with suspends, resumes and now and then a terminate in between."""
    control = [
        ExecutionSuspended(now),
        ExecutionResumed(now),
        ExecutionResumed(now),
        ExecutionSuspended(now),
    ]
    for _ in range(chance.randint(0, 2)):
        event = (
            ExecutionTerminated(now, "enough") if chance.random() < 0.05 else chance.choice(control)
        )
        batch.insert(chance.randint(0, len(batch)), event)
    return batch


def play(program, seed, *, is_disturbed=False):
    """Run the program to its end.

    Every episode must be the same from history alone, and is judged unless it is disturbed.
    """
    function, now = function_of(program), T0
    chance = random.Random(seed)
    input, carried, generation = "2", [], 0
    while True:
        names = sorted(
            {name for step in program for name in step.node.waits()}
            - {event.name for event in carried}
        )
        world, past = World(chance, names), []
        judge = Judge()
        execution = OrchestratorExecutor(orchestrator(function), "id", f"x{generation}")
        new = [ExecutionStarted(now, "o", input), *carried]
        for _ in range(EPISODES):
            episode = execution.run(new, now)
            assert replay(orchestrator(function), "id", f"x{generation}", past, new, now) == episode
            if not is_disturbed:
                judge(function, execution, past, new, episode)
            past += episode.history
            world.take(episode)
            now += timedelta(milliseconds=chance.randrange(1, 5000))
            new = disturbed(world.answers(now), chance, now) if is_disturbed else world.answers(now)
            if episode.ending is not None or not new:
                break
        # all is answered: only what waits for an event may be held back
        if not new and not world.open and not is_disturbed:
            assert not execution.state.pending or execution.state._waiters
        if not isinstance(episode.ending, ContinueAsNew):
            return episode
        input, carried, generation = episode.ending.input, episode.carried_over, generation + 1


class Judge:
    """Compares each episode of one execution with the SDK's view of the same history."""

    def __init__(self):
        self.cancelled = set()

    def __call__(self, function, execution, past, new, episode):
        run, state = execution.function, execution.state
        try:
            verdict = official(function, [*past, episode.history[0], *new], state.execution_id)
        except NestedFailure:
            return
        self.cancelled |= {*episode.cancelled_timers, *state.cancelled}
        made = [
            event
            for event in [*past, *episode.decisions, *state.pending.values()]
            if isinstance(event, Decision)
        ]
        assert ours(_without_follow_ups(made), self.cancelled) == verdict.actions
        assert run.has_ended == verdict.ended
        # details that are not there
        assert _without_prefix(run.failure) == (
            verdict.error and verdict.error.removesuffix(" \n None")
        )
        assert _value(run.output) == verdict.output
        assert _value(execution._shown_status) == verdict.custom_status
        if isinstance(episode.ending, ContinueAsNew):
            assert _value(episode.ending.input) == _value(verdict.next_input)


def _without_follow_ups(made):
    """Drop the timers and attempts that retries add: the SDK tells them once, as the first
    attempt."""
    kept, names = [], set()
    for decision in made:
        name = getattr(decision, "name", None) if not isinstance(decision, EventSent) else None
        of_a_retry = (
            isinstance(decision, TimerCreated)
            and decision.fire_at.microsecond % 1000 != TIMER_MARK.microseconds
        )
        if not of_a_retry and (name is None or name not in names):
            kept.append(decision)
        names.add(name)
    return kept


def _without_prefix(failure):
    return None if failure is None else failure.removeprefix("Orchestrator function 'o' failed: ")


def _value(text):
    return None if text is None else json.loads(text)


@settings(max_examples=300, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs, seed=st.integers(0, 2**32))
def test_every_orchestrator_decides_what_it_decides_on_the_official_sdk(program, seed):
    """Actions, output, error and custom status; and a rebuilt execution has the same episodes as
    one that was kept.
    """
    play(program, seed)


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(program=programs, seed=st.integers(0, 2**32))
def test_a_rebuilt_execution_goes_on_like_a_kept_one_whatever_comes(program, seed):
    """Suspends, resumes and terminates included."""
    play(program, seed, is_disturbed=True)
