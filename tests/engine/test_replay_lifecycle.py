"""Events, continue-as-new, terminate, suspend and the context's own values: literal history in,
decisions out.
"""

import uuid
from datetime import timedelta

import pytest

from durablectl.engine.replay.executor import OrchestratorExecutor
from durablectl.history.events import (
    ContinueAsNew,
    EventRaised,
    EventSent,
    ExecutionCompleted,
    ExecutionResumed,
    ExecutionRewound,
    ExecutionStarted,
    ExecutionSuspended,
    ExecutionTerminated,
    OrchestratorCompleted,
    OrchestratorStarted,
    ParentInstance,
    TaskCompleted,
    TaskFailed,
    TaskScheduled,
    TimerCreated,
)
from durablectl.model import RuntimeStatus
from tests.engine.histories import (
    STARTED,
    T0,
    T1,
    T2,
    T3,
    T4,
    first,
    orchestrator,
    replay,
    running,
    then,
)


class Id:
    def __init__(self, name, key):
        self.name, self.key = name, key


def two_events(context):
    return [
        (yield context.wait_for_external_event("X")),
        (yield context.wait_for_external_event("x")),
    ]


def raised(value, at=T1, name="X"):
    return EventRaised(at, name, value)


def test_events_that_come_early_are_kept_in_order_and_used_once():
    """44, 46: names without regard to case"""
    assert (
        first(two_events, new=[raised("1"), raised("2", name="x"), raised("3")]).ending.result
        == "[1,2]"
    )


def test_the_newest_waiter_gets_the_event():
    """45"""

    def waiters(context):
        return (
            yield context.task_all(
                [context.wait_for_external_event("X"), context.wait_for_external_event("X")]
            )
        )

    assert then(waiters, [STARTED], raised("1"), raised("2")).ending.result == "[2,1]"


def test_an_event_without_data_is_none_and_one_nobody_waits_for_does_nothing():
    """49"""

    def waiter(context):
        return [(yield context.wait_for_external_event("X"))]

    assert (
        then(waiter, [STARTED], raised("1", name="other"), raised(None)).ending.result == "[null]"
    )


def counting(context):
    seen = yield context.wait_for_external_event("Tick")
    context.continue_as_new(context.get_input() + seen)


def test_continue_as_new_carries_the_events_over_that_nobody_has_seen():
    """55, 57"""
    early = raised("7", name="Tock")
    later = [raised("8", name="Tick"), raised("9", name="Tock")]
    episode = first(counting, "1", [early, raised("2", name="Tick"), *later])
    assert episode.ending == ContinueAsNew(T0, "3")
    assert (episode.status, episode.carried_over) == (
        RuntimeStatus.CONTINUED_AS_NEW,
        [early, *later],
    )


def test_continue_as_new_does_not_wait_for_what_is_open():
    """58"""

    def restless(context):
        yield context.task_any(
            [context.call_activity("slow"), context.wait_for_external_event("Go")]
        )
        context.continue_as_new(None)
        yield context.call_activity("too late")

    episode = then(restless, [STARTED, TaskScheduled(T0, 0, "slow")], raised(None, name="Go"))
    assert (episode.ending, episode.decisions) == (ContinueAsNew(T1, None), [])


def test_an_error_after_continue_as_new_fails_the_instance():
    """56"""

    def wrong(context):
        context.continue_as_new(1)
        raise ValueError("too early")
        yield

    assert first(wrong).ending.result == "Orchestrator function 'o' failed: too early"


def test_signals_before_continue_as_new_are_sent_and_those_after_it_are_not():
    """56"""

    def signalling(context):
        context.signal_entity(Id("Counter", "A"), "add", 1)
        context.continue_as_new(1)
        context.signal_entity(Id("Counter", "A"), "add", 2)
        yield context.task_all([])

    episode = first(signalling)
    assert [(sent.instance_id, sent.name) for sent in episode.decisions] == [("@counter@A", "op")]
    assert episode.ending == ContinueAsNew(T0, "1")


def test_a_plain_function_returns_or_continues_as_new():
    """14"""
    assert first(lambda context: context.get_input() + 1, "1").ending.result == "2"
    assert first(lambda context: context.continue_as_new(5)).ending == ContinueAsNew(T0, "5")


def waiting(context):
    yield context.call_activity("a")
    yield context.call_activity("b")


WAITING = [STARTED, TaskScheduled(T0, 0, "a")]


def test_terminate_ends_at_once_with_its_reason():
    """60"""
    episode = then(waiting, WAITING, ExecutionTerminated(T1, "enough"), TaskCompleted(T1, 0))
    assert episode.ending == ExecutionCompleted(T1, RuntimeStatus.TERMINATED, "enough")
    assert episode.decisions == []


def test_terminate_wins_over_continue_as_new_in_one_batch():
    """59"""
    episode = then(
        counting,
        [ExecutionStarted(T0, "o", "1")],
        raised("1", name="Tick"),
        ExecutionTerminated(T1, "enough"),
    )
    assert episode.ending.status is RuntimeStatus.TERMINATED


def test_a_suspended_instance_can_be_terminated():
    """61"""
    execution = running(waiting)
    execution.run([ExecutionSuspended(T1)], T1)
    assert execution.run([ExecutionTerminated(T2, "enough")], T2).status is RuntimeStatus.TERMINATED


def test_what_comes_while_suspended_is_done_after_the_resume():
    """62, 63"""
    execution = running(waiting)
    assert execution.run([ExecutionSuspended(T1, "lunch")], T1).status is RuntimeStatus.SUSPENDED
    assert execution.run([TaskCompleted(T2, 0)], T2).decisions == []
    resumed = execution.run([ExecutionResumed(T3)], T3)
    assert (resumed.status, resumed.decisions) == (
        RuntimeStatus.RUNNING,
        [TaskScheduled(T3, 1, "b")],
    )


def test_what_was_decided_in_the_episode_of_a_suspend_is_held_back():
    """63"""
    execution = running(waiting)
    assert execution.run([TaskCompleted(T1, 0), ExecutionSuspended(T1)], T1).decisions == []
    assert execution.run([ExecutionResumed(T2)], T2).decisions == [TaskScheduled(T2, 1, "b")]


def test_a_rewound_history_decides_again_what_it_lacks():
    """64"""
    history = [
        OrchestratorStarted(T0),
        STARTED,
        OrchestratorCompleted(T0),
        OrchestratorStarted(T1),
        OrchestratorCompleted(T1),
    ]
    episode = replay(orchestrator(waiting), "id", "y", history, [ExecutionRewound(T2, "again")], T2)
    assert episode.decisions == [TaskScheduled(T2, 0, "a")]


def test_time_is_that_of_the_episode_and_never_goes_backwards():
    """7"""

    def clock(context):
        before = context.current_utc_datetime
        yield context.call_activity("a")
        return [before.isoformat(), context.current_utc_datetime.isoformat()]

    def end(now):
        return then(clock, [STARTED, TaskScheduled(T0, 0, "a")], TaskCompleted(now, 0), now=now)

    assert end(T1).ending.result == '["2026-01-01T00:00:00+00:00","2026-01-01T00:00:01+00:00"]'
    assert end(T0 - timedelta(hours=1)).ending.timestamp == T0


def test_uuids_follow_the_sdks_formulas():
    """8"""

    def unique(context):
        return [context.new_uuid(), str(context.new_guid())]

    space = uuid.uuid5(uuid.NAMESPACE_OID, "9e952958-5e33-4daf-827f-2fa12937b875")
    expected = [
        uuid.uuid5(space, "id_2026-01-01T00:00:00.000000Z_0"),
        uuid.uuid5(uuid.NAMESPACE_URL, "id_2026-01-01 00:00:00+00:00_1"),
    ]
    assert first(unique).ending.result == f'["{expected[0]}","{expected[1]}"]'


def test_is_replaying_until_the_newest_events_resume_the_code():
    """13"""

    def watcher(context):
        seen = [context.is_replaying]
        yield context.call_activity("a")
        return [*seen, context.is_replaying]

    assert then(watcher, WAITING, TaskCompleted(T1, 0)).ending.result == "[true,false]"
    assert running(watcher).run([TaskCompleted(T1, 0)], T1).ending.result == "[false,false]"


def test_the_context_knows_its_place():
    def curious(context):
        return [
            context.instance_id,
            context.parent_instance_id,
            context.version,
            context.function_context is not None,
        ]

    started = ExecutionStarted(T0, "o", None, "1.0", None, ParentInstance("above", "y", 3))
    episode = OrchestratorExecutor(orchestrator(curious), "id", "x").run([started], T0)
    assert episode.ending.result == '["id","above","1.0",true]'


@pytest.mark.parametrize(
    ("input", "generation", "seen"),
    [
        ('"{\\"a\\":1}"', 0, '{"a":1}'),
        ('"Ada"', 0, '"Ada"'),
        ('"5"', None, '"5"'),
        ("[1]", 0, "[1]"),
        (None, 0, None),
    ],
    ids=["JSON in a client's string", "a plain string", "a parent's string", "an array", "nothing"],
)
def test_a_clients_string_that_holds_json_is_decoded(input, generation, seen):
    """80"""
    started = ExecutionStarted(T0, "o", input, "", generation)
    assert (
        OrchestratorExecutor(orchestrator(lambda context: context.get_input()), "id", "x")
        .run([started], T0)
        .ending.result
        == seen
    )


def status_setter(*values):
    def setting(context):
        for value in values:
            context.set_custom_status(value)
            yield context.call_activity("a")

    return setting


def test_custom_status_is_told_when_it_changes():
    execution = running(status_setter("one", "one", {"percent": 50}))
    assert execution.run([TaskCompleted(T1, 0)], T1).custom_status is None
    assert execution.run([TaskCompleted(T2, 1)], T2).custom_status == '{"percent":50}'


@pytest.mark.parametrize("value", [0, "", {}, None, False])
def test_a_false_custom_status_leaves_the_old_one(value):
    """76"""
    assert (
        running(status_setter("one", value)).run([TaskCompleted(T1, 0)], T1).custom_status is None
    )


@pytest.mark.parametrize(("length", "fits"), [(8190, True), (8191, False)])
def test_a_custom_status_has_at_most_16_kb_in_utf_16(length, fits):
    """76"""
    episode = first(status_setter("é" * length))
    assert (episode.ending is None) is fits
    assert fits or "16 KB" in episode.ending.result


def test_a_custom_status_that_json_cannot_hold_fails_the_instance():
    assert "does not expose a `to_json`" in first(status_setter(object())).ending.result


def asking(context):
    return (yield context.call_entity(Id("Counter", "Key"), "get", {"n": 1}))


def request_of(episode):
    return episode.decisions[0].input.split('"id":"')[1].split('"')[0]


def test_an_entity_call_is_a_message_answered_by_an_event():
    """71"""
    execution = OrchestratorExecutor(orchestrator(asking), "id", "x")
    asked = execution.run([STARTED], T0)
    request = request_of(asked)
    input = f'{{"op":"get","input":"{{\\"n\\":1}}","id":"{request}","parent":"id","parentExecution":"x"}}'
    assert asked.decisions == [EventSent(T0, 0, "@counter@Key", "op", input)]
    assert execution.run([EventRaised(T1, request, '{"result":"41"}')], T1).ending.result == "41"


def test_a_failed_entity_operation_raises_what_it_said():
    """71"""
    asked = first(asking)
    reply = EventRaised(T1, request_of(asked), '{"result":"\\"no\\"","exceptionType":"ValueError"}')
    assert then(asking, asked.history[1:-1], reply).ending.result == (
        "Orchestrator function 'o' failed: no"
    )


def test_an_entity_call_is_answered_under_the_id_that_was_sent_before_a_rewind():
    """64, 71"""
    asked = first(asking)
    reply = EventRaised(T1, request_of(asked), '{"result":"1"}')
    assert (
        replay(orchestrator(asking), "id", "another", asked.history, [reply], T1).ending.result
        == "1"
    )


def test_histories_shows_the_events_as_the_sdk_does():
    def historian(context):
        yield context.call_activity("a")
        return [[event.event_type.value, event.event_id, event.Name] for event in context.histories]

    episode = then(historian, [STARTED, TaskScheduled(T0, 0, "a")], TaskCompleted(T1, 0))
    assert (
        episode.ending.result
        == '[[12,-1,null],[0,-1,"o"],[4,0,"a"],[13,-1,null],[12,-1,null],[5,-1,null]]'
    )


def test_closing_drops_what_finally_asks_for_and_swallows_what_it_raises():
    asked = []

    def tidy(context):
        try:
            yield context.call_activity("a")
        finally:
            context.signal_entity(Id("log", "1"), "add")
            asked.append(context.instance_id)
            raise RuntimeError("in finally")

    execution = running(tidy)
    execution.close()
    execution.close()
    assert asked == ["id"]


def test_an_interrupt_goes_through():
    def interrupted(context):
        raise KeyboardInterrupt
        yield

    with pytest.raises(KeyboardInterrupt):
        first(interrupted)


def test_where_names_the_line_that_waits():
    def inner(context):
        yield context.call_activity("a")

    def outer(context):
        yield from inner(context)

    line = inner.__code__.co_firstlineno + 1
    assert running(outer).where() == f"test_replay_lifecycle.py:{line}"


def test_a_failed_sibling_holds_nothing_back_when_only_an_event_is_missing():
    """26: there it would hang"""

    def catching(context):
        try:
            yield context.task_all(
                [context.call_activity("a"), context.wait_for_external_event("never")]
            )
        except Exception:
            yield context.create_timer(T4)

    assert then(catching, WAITING, TaskFailed(T1, 0, "r")).decisions == [TimerCreated(T1, 1, T4)]
