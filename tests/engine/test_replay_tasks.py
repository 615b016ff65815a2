"""Sequences, fan-outs, races, timers and failures: literal history in, decisions out.

Numbers are those of the semantics checklist.
"""

import json
from datetime import datetime, timedelta, timezone

import pytest

from durablectl.df import RetryOptions
from durablectl.engine.replay.episode import Episode
from durablectl.history.events import (
    ExecutionCompleted,
    OrchestratorCompleted,
    OrchestratorStarted,
    SubOrchestrationCompleted,
    SubOrchestrationCreated,
    SubOrchestrationFailed,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
    TimerFired,
)
from durablectl.model import RuntimeStatus
from tests.engine.histories import STARTED, T0, T1, T2, T3, first, running, then

COMPLETED, FAILED = RuntimeStatus.COMPLETED, RuntimeStatus.FAILED


def hello(context):
    return (yield context.call_activity("greet", context.get_input()))


def test_the_first_episode_schedules_what_is_yielded():
    """88: history in the order started, inbound, decisions, completed."""
    scheduled = TaskScheduled(T0, 0, "greet", '"Ada"')
    started = STARTED.__class__(T0, "o", '"Ada"')
    history = [OrchestratorStarted(T0), started, scheduled, OrchestratorCompleted(T0)]
    assert first(hello, '"Ada"') == Episode(history, [scheduled], RuntimeStatus.RUNNING)


def test_a_completed_activity_resumes_the_orchestrator():
    episode = then(
        hello, [STARTED, TaskScheduled(T0, 0, "greet")], TaskCompleted(T1, 0, '"Hello Ada"')
    )
    assert episode.ending == ExecutionCompleted(T1, COMPLETED, '"Hello Ada"')
    assert episode.history[-2:] == [episode.ending, OrchestratorCompleted(T1)]


def test_a_failed_activity_raises_its_reason_and_details():
    """22, 24"""
    episode = then(
        hello,
        [STARTED, TaskScheduled(T0, 0, "greet")],
        TaskFailed(T1, 0, "Activity function 'greet' failed:  ValueError: m", "{}"),
    )
    text = (
        "Orchestrator function 'o' failed: Activity function 'greet' failed:  ValueError: m \n {}"
    )
    assert episode.ending == ExecutionCompleted(T1, FAILED, text)


def test_a_failure_can_be_caught():
    def catching(context):
        try:
            yield context.call_activity("a")
        except Exception as error:
            return f"caught {error}"

    episode = then(catching, [STARTED, TaskScheduled(T0, 0, "a")], TaskFailed(T1, 0, "r", "d"))
    assert episode.ending.result == '"caught r \\n d"'


def test_a_task_that_is_not_yielded_is_not_scheduled():
    """10"""

    def forgetful(context):
        context.call_activity("never")
        yield context.call_activity("a")

    assert first(forgetful).decisions == [TaskScheduled(T0, 0, "a")]


def test_a_task_yielded_twice_gives_its_result_twice():
    """10"""

    def twice(context):
        task = context.call_activity("a")
        return [(yield task), (yield task)]

    episode = then(twice, [STARTED, TaskScheduled(T0, 0, "a")], TaskCompleted(T1, 0, "7"))
    assert episode.ending.result == "[7,7]"


def test_numbers_are_given_depth_first():
    """11 and the sequence rule: an event takes no number"""

    def nested(context):
        inner = context.task_any(
            [
                context.call_activity("b"),
                context.wait_for_external_event("E"),
                context.call_activity("c"),
            ]
        )
        yield context.task_all(
            [context.call_activity("a"), inner, context.call_sub_orchestrator("d")]
        )

    assert first(nested).decisions == [
        TaskScheduled(T0, 0, "a"),
        TaskScheduled(T0, 1, "b"),
        TaskScheduled(T0, 2, "c"),
        SubOrchestrationCreated(T0, 3, "d", "x:3"),
    ]


def fan(context):
    return (yield context.task_all([context.call_activity("f", n) for n in range(3)]))


FANNED = [STARTED, *(TaskScheduled(T0, n, "f") for n in range(3))]


def test_task_all_keeps_the_order_of_its_arguments():
    """27"""
    episode = then(
        fan, FANNED, TaskCompleted(T1, 2, "2"), TaskCompleted(T1, 0, "0"), TaskCompleted(T1, 1)
    )
    assert episode.ending.result == "[0,null,2]"


def test_an_empty_task_all_or_any_is_done_at_once_with_none():
    """27"""

    def empty(context):
        return [(yield context.task_all([])), (yield context.task_any([]))]

    assert first(empty).ending.result == "[null,null]"


def test_a_duplicate_or_unknown_answer_is_ignored():
    """30"""
    again = TaskCompleted(T1, 0, "9")
    episode = then(fan, FANNED, again, again, TaskFailed(T1, 0), TimerFired(T1, 77, T1))
    assert (episode.ending, episode.decisions) == (None, [])


def test_task_all_fails_at_once_but_the_instance_waits_for_the_siblings():
    """17, 26"""
    execution = running(fan)
    assert execution.run([TaskFailed(T1, 1, "r", "d")], T1).ending is None
    assert execution.run([TaskCompleted(T2, 0)], T2).ending is None
    assert execution.run([TaskFailed(T3, 2, "later")], T3).ending == ExecutionCompleted(
        T3, FAILED, "Orchestrator function 'o' failed: r \n d"
    )


def test_what_follows_a_failed_task_all_is_handed_out_when_all_siblings_are_done():
    """26"""

    def catching(context):
        try:
            yield context.task_all([context.call_activity("a"), context.call_activity("b")])
        except Exception:
            yield context.call_activity("clean")

    execution = running(catching)
    assert execution.run([TaskFailed(T1, 0, "r")], T1).decisions == []
    assert execution.run([TaskCompleted(T2, 1)], T2).decisions == [TaskScheduled(T2, 2, "clean")]


def test_a_sibling_that_is_tried_again_goes_on_while_a_failed_task_all_waits_for_it():
    """26, 37: its timers and attempts are handed out, or the instance would wait for ever."""

    def retrying(context):
        calls = [
            context.call_activity_with_retry("fail", RetryOptions(1000, attempts), attempts)
            for attempts in (1, 2)
        ]
        yield context.task_all(calls)

    execution = running(retrying)
    execution.run([TaskFailed(T1, 0, "r")], T1)
    execution.run([TimerFired(T1, 2, T1)], T1)
    later = T2 + timedelta(seconds=1)
    assert execution.run([TaskFailed(T2, 1, "r")], T2).decisions == [TimerCreated(T2, 3, later)]
    assert execution.run([TimerFired(later, 3, later)], later).decisions == [
        TaskScheduled(later, 4, "fail", "2")
    ]
    assert execution.run([TaskCompleted(T3, 4)], T3 + timedelta(seconds=1)).ending.status is FAILED


def test_task_any_gives_the_first_answer_in_history_and_never_raises():
    """28, 29"""

    def race(context):
        tasks = [context.call_activity("a"), context.call_activity("b")]
        winner = yield context.task_any(tasks)
        return [tasks.index(winner), winner == tasks[1], str(winner.result)]

    past = [STARTED, TaskScheduled(T0, 0, "a"), TaskScheduled(T0, 1, "b")]
    assert (
        then(race, past, TaskFailed(T1, 1, "r", "d"), TaskCompleted(T1, 0)).ending.result
        == '[1,true,"r \\n d"]'
    )


def test_task_any_over_a_shrinking_list_schedules_nothing_again():
    """11"""

    def drain(context):
        pending, order = [context.call_activity("a", n) for n in range(3)], []
        while pending:
            winner = yield context.task_any(pending)
            pending.remove(winner)
            order.append(winner.result)
        return order

    execution = running(drain)
    assert execution.run([TaskCompleted(T1, 1, "1")], T1).decisions == []
    assert (
        execution.run([TaskCompleted(T2, 2, "2"), TaskCompleted(T2, 0, "0")], T2).ending.result
        == "[1,2,0]"
    )


def test_a_task_may_be_part_of_two_compounds():
    """12: there it never completes; here it does"""

    def shared(context):
        a, b = context.call_activity("a"), context.call_activity("b")
        both, either = context.task_all([a, b]), context.task_any([a])
        yield either
        return (yield both)

    execution = running(shared)
    assert execution.run([TaskCompleted(T1, 0, "1")], T1).decisions == [TaskScheduled(T1, 1, "b")]
    assert execution.run([TaskCompleted(T2, 1, "2")], T2).ending.result == "[1,2]"


def test_a_lost_race_keeps_the_instance_running_until_the_loser_is_done():
    """17"""

    def race(context):
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        winner = yield context.task_any([timer, context.call_activity("slow")])
        return "timer" if winner == timer else "work"

    execution = running(race)
    lost = execution.run([TimerFired(T1, 0, T1)], T1)
    assert (lost.ending, lost.status) == (None, RuntimeStatus.RUNNING)
    assert execution.run([TaskCompleted(T2, 1)], T2).ending == ExecutionCompleted(
        T2, COMPLETED, '"timer"'
    )


def test_a_cancelled_timer_keeps_nothing_running():
    """18"""

    def race(context):
        timer = context.create_timer(T3)
        yield context.task_any([timer, context.call_activity("quick")])
        timer.cancel()
        return timer.is_cancelled

    episode = then(
        race,
        [STARTED, TimerCreated(T0, 0, T3), TaskScheduled(T0, 1, "quick")],
        TaskCompleted(T1, 1),
    )
    assert (episode.cancelled_timers, episode.ending.result) == ([0], "true")


def test_a_completed_timer_cannot_be_cancelled():
    """20"""

    def late(context):
        timer = context.create_timer(T1)
        yield timer
        timer.cancel()

    episode = then(late, [STARTED, TimerCreated(T0, 0, T1)], TimerFired(T1, 0, T1))
    assert episode.ending.result == (
        "Orchestrator function 'o' failed: Cannot cancel a completed task."
    )


@pytest.mark.parametrize(
    "fire_at",
    [
        datetime(2026, 1, 1, 0, 0, 2),
        datetime(2026, 1, 1, 2, 0, 2, tzinfo=timezone(timedelta(hours=2))),
    ],
    ids=["without a zone", "another zone"],
)
def test_a_timer_is_kept_in_utc(fire_at):
    """42"""

    def sleeper(context):
        yield context.create_timer(fire_at)

    assert first(sleeper).decisions == [TimerCreated(T0, 0, T2)]


def test_what_is_no_moment_is_refused_for_a_timer():
    def sleeper(context):
        yield context.create_timer(timedelta(seconds=1))

    assert first(sleeper).ending.result.endswith("create_timer takes a datetime, not timedelta")


def test_a_child_gets_an_id_from_its_parents_execution_or_the_one_given():
    """50"""

    def parent(context):
        yield context.task_all(
            [
                context.call_sub_orchestrator("c", 1),
                context.call_sub_orchestrator("c", instance_id="mine", version="2"),
            ]
        )

    assert first(parent).decisions == [
        SubOrchestrationCreated(T0, 0, "c", "x:0", "1"),
        SubOrchestrationCreated(T0, 1, "c", "mine", None, "2"),
    ]


@pytest.mark.parametrize("child", ["id", "@counter@a"], ids=["its own", "an entity"])
def test_an_impossible_id_of_a_child_is_refused(child):
    """50"""

    def parent(context):
        yield context.call_sub_orchestrator("c", instance_id=child)

    assert f"a sub-orchestration cannot have the id '{child}'" in first(parent).ending.result


def parent(context):
    return (yield context.call_sub_orchestrator("c"))


def test_a_childs_result_and_failure_reach_its_parent():
    """51"""
    past = [STARTED, SubOrchestrationCreated(T0, 0, "c", "x:0")]
    assert then(parent, past, SubOrchestrationCompleted(T1, 0, "[1]")).ending.result == "[1]"
    failed = then(parent, past, SubOrchestrationFailed(T1, 0, "enough", None)).ending
    assert failed.result == "Orchestrator function 'o' failed: enough"


def test_a_failure_without_details_reads_as_on_the_sdk_for_code_that_catches_it():
    def catching(context):
        try:
            yield context.call_sub_orchestrator("c")
        except Exception as error:
            return str(error)

    past = [STARTED, SubOrchestrationCreated(T0, 0, "c", "x:0")]
    assert then(
        catching, past, SubOrchestrationFailed(T1, 0, "enough", None)
    ).ending.result == json.dumps("enough \n None")


class Retry:
    """Options by the names of the Azure SDK's."""

    first_retry_interval_in_milliseconds = 1000

    def __init__(self, attempts):
        self.max_number_of_attempts = attempts


def retrying(context):
    return (yield context.call_activity_with_retry("r", Retry(2), 5))


def test_a_failed_attempt_is_tried_again_after_a_timer():
    """36, 38"""
    execution = running(retrying)
    assert execution.run([TaskFailed(T1, 0, "r1")], T1).decisions == [TimerCreated(T1, 1, T2)]
    assert execution.run([TimerFired(T2, 1, T2)], T2).decisions == [TaskScheduled(T2, 2, "r", "5")]
    assert execution.run([TaskCompleted(T3, 2, '"ok"')], T3).ending.result == '"ok"'


def test_the_last_failed_attempt_is_followed_by_a_timer_that_fires_at_once():
    """37, 40"""
    execution = running(retrying)
    execution.run([TaskFailed(T1, 0, "r1")], T1)
    execution.run([TimerFired(T2, 1, T2)], T2)
    assert execution.run([TaskFailed(T3, 2, "r2", "")], T3).decisions == [TimerCreated(T3, 3, T3)]
    assert execution.run([TimerFired(T3, 3, T3)], T3).ending.result == (
        "Orchestrator function 'o' failed: r2 \n "
    )


def test_a_retried_child_gets_a_new_id_each_time_unless_it_was_given_one():
    """40"""

    def parents(context):
        yield context.task_all(
            [
                context.call_sub_orchestrator_with_retry("c", Retry(2)),
                context.call_sub_orchestrator_with_retry("c", Retry(2), None, "mine"),
            ]
        )

    execution = running(parents)
    execution.run([SubOrchestrationFailed(T1, 0, "r"), SubOrchestrationFailed(T1, 1, "r")], T1)
    again = execution.run([TimerFired(T2, 2, T2), TimerFired(T2, 3, T2)], T2).decisions
    assert again == [
        SubOrchestrationCreated(T2, 4, "c", "x:4"),
        SubOrchestrationCreated(T2, 5, "c", "mine"),
    ]


def test_a_reserved_activity_carries_an_http_call():
    """89"""

    def caller(context):
        return (
            yield context.call_http("POST", "https://example.org", {"a": "ä", "n": 1}, {"X": "y"})
        )["statusCode"]

    execution = running(caller)
    input = (
        '{"method":"POST","uri":"https://example.org","content":"{\\"a\\": \\"\\\\u00e4\\", '
        '\\"n\\": 1}","headers":{"X":"y"}}'
    )
    assert first(caller).decisions == [TaskScheduled(T0, 0, "BuiltIn::HttpActivity", input)]
    assert (
        execution.run(
            [TaskCompleted(T1, 0, '{"statusCode":202,"headers":{},"content":""}')], T1
        ).ending.result
        == "202"
    )
