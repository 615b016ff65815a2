"""An execution that is kept alive decides what the Functions host's own contract decides, and what
one does that was made again from its history.
"""

from __future__ import annotations

import itertools
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durablectl.engine.registry import Registry
from durablectl.engine.replay.check import CheckResult, FinishedExecution, ReplayCheck, warning_of
from durablectl.engine.replay.episode import Episode
from durablectl.engine.replay.exact import follow_complete
from durablectl.engine.replay.guided import judge_history
from durablectl.functionapp.sdk2 import functions, names
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from tests.sdk2.programs import T0, World, endings, orchestrator, steps


def test_this_version_of_the_sdk_can_be_kept_alive() -> None:
    assert names.has_internals()


def made(episode: Episode) -> tuple[Any, ...]:
    return (
        episode.history,
        episode.decisions,
        episode.status,
        episode.custom_status,
        episode.ending,
        [(each.name, each.input) for each in episode.carried_over],
        episode.version,
    )


@settings(max_examples=60, deadline=None)
@given(program=steps, ending=endings, data=st.data())
def test_kept_alive_or_replayed_the_decisions_are_the_same(
    program: Any, ending: str, data: Any
) -> None:
    code = orchestrator(program, ending)
    kept = functions.orchestrator("program", code, keeps=True)
    wire = functions.orchestrator("program", code, keeps=False)
    assert kept.begin is not None
    assert wire.begin is not None
    alive, hosted, world = kept.begin("id", "x"), wire.begin("id", "x"), World(data.draw)
    new: list[e.Inbound] = [e.ExecutionStarted(T0, "PROGRAM", "null")]
    past: list[e.Event] = []
    while True:
        again = kept.begin("id", "x")
        again.rebuild(past)
        episodes = [each.run(new, world.now) for each in (alive, hosted, again)]
        assert made(episodes[1]) == made(episodes[0])
        assert made(episodes[2])[:3] == made(episodes[0])[:3]
        again.close()
        past += episodes[0].history
        if episodes[0].ending is not None or world.is_over:
            break
        world.hear(episodes[0])
        new = world.next()
    followed = follow_complete(
        RawHistory("id", "x", "program", tuple(past)), kept, with_inputs=True
    )
    assert followed.verdict.fits, followed.verdict


def test_an_input_that_differs_from_run_to_run_is_told() -> None:
    numbers = itertools.count()

    def drawn(ctx: Any, _input: Any) -> Any:
        yield ctx.call_activity("act", input=next(numbers))

    code = functions.orchestrator("drawn", drawn)
    assert code.begin is not None
    execution = code.begin("id", "x")
    history = execution.run([e.ExecutionStarted(T0, "drawn")], T0).history
    history += execution.run([e.TaskCompleted(T0, 1)], T0).history
    registry, found = Registry(), list[CheckResult]()
    registry.orchestrators.add(code)
    ReplayCheck(registry, found.append).check(FinishedExecution(1, "id", "x", "drawn", history))
    (told,) = map(warning_of, found)
    assert "it had activity 'act' with 0, and in a replay it has activity 'act' with 1" in told


def test_a_decision_with_another_number_is_not_the_same() -> None:
    def cancels(ctx: Any, _input: Any) -> Any:
        ctx.create_timer(timedelta(hours=1)).cancel()
        yield ctx.call_activity("act")

    def calls(ctx: Any, _input: Any) -> Any:
        yield ctx.call_activity("act")

    code, changed = (functions.orchestrator("o", each) for each in (cancels, calls))
    assert code.begin is not None
    episode = code.begin("id", "x").run([e.ExecutionStarted(T0, "o")], T0)
    history = RawHistory("id", "x", "o", tuple(episode.history))
    assert judge_history(history, code).fits
    assert not judge_history(history, changed).fits


@pytest.mark.parametrize("keeps", [True, False])
def test_code_that_decides_otherwise_than_its_history_fails(keeps: bool) -> None:
    def code(ctx: Any, _input: Any) -> Any:
        yield ctx.call_activity("other")

    begin = functions.orchestrator("o", code, keeps=keeps).begin
    assert begin is not None
    execution = begin("id", "x")
    started, scheduled = e.ExecutionStarted(T0, "o"), e.TaskScheduled(T0, 1, "act")
    execution.rebuild([e.OrchestratorStarted(T0), started, scheduled, e.OrchestratorCompleted(T0)])
    ending = execution.run([e.TaskCompleted(T0, 1)], T0).ending
    assert isinstance(ending, e.ExecutionCompleted)
    assert "NonDeterminismError" in (ending.result or "")
