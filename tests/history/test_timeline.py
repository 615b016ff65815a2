"""A history becomes steps that a person can read; literal events in, steps out."""

import json
from datetime import UTC, datetime, timedelta

import pytest

from durablectl.history import events as e
from durablectl.history.service import history_view
from durablectl.history.steps import Kind, State, Step
from durablectl.history.timeline import steps, with_children
from durablectl.model import HistoryEvent, InstanceStatus, RuntimeStatus
from durablectl.render.gantt import bars, cells, fitted, row, ruler, span_text, timetable, title
from durablectl.wire import exact_time_to_text

T0 = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)


def at(seconds):
    return T0 + timedelta(seconds=seconds)


def event(kind, seconds, *, scheduled=None, fire=None, **members):
    times = {"ScheduledTime": scheduled, "FireAt": fire}
    members |= {
        name: exact_time_to_text(at(time)) for name, time in times.items() if time is not None
    }
    return HistoryEvent(kind, at(seconds), {"EventType": kind, **members})


def told(*events, state=RuntimeStatus.RUNNING, output=None):
    """The steps of an instance that started at 0 with these events."""
    started = event("ExecutionStarted", 0, FunctionName="order")
    status = InstanceStatus(
        "order", "o-1", state, T0, T0, output=output, history=(started, *events)
    )
    return [step for step in steps(status) if step.kind is not Kind.STARTED]


def done(name, begin, end, result=None):
    return event("TaskCompleted", end, scheduled=begin, FunctionName=name, Result=result)


def failed(name, begin, end, why="no luck"):
    return event(
        "TaskFailed",
        end,
        scheduled=begin,
        FunctionName=name,
        Reason=f"Activity function '{name}' failed: {why}",
    )


def timer(begin, fire, fired=None):
    return [event("TimerCreated", begin, fire=fire)] + (
        [event("TimerFired", fired, fire=fire)] if fired is not None else []
    )


def test_a_call_is_a_step_from_its_scheduling_to_its_answer():
    assert told(done("pay", 1, 3, {"ok": True}), state=RuntimeStatus.COMPLETED) == [
        Step(Kind.ACTIVITY, "pay", at(1), at(3), State.DONE, '{"ok": true}')
    ]


def test_a_call_without_an_answer_goes_on():
    assert told(event("TaskScheduled", 2, Name="pay")) == [
        Step(Kind.ACTIVITY, "pay", at(2), None, State.OPEN)
    ]


def test_a_failure_tells_its_innermost_cause():
    (step,) = told(failed("pay", 1, 2, "card refused"), state=RuntimeStatus.COMPLETED)
    assert (step.state, step.detail) == (State.FAILED, "card refused")


def test_attempts_of_a_retry_are_one_step():
    events = [
        failed("pay", 0, 1),
        *timer(1, 3, 3),
        failed("pay", 3, 4),
        *timer(4, 8, 8),
        done("pay", 8, 9, "paid"),
    ]
    assert told(*events, state=RuntimeStatus.COMPLETED) == [
        Step(Kind.ACTIVITY, "pay", at(0), at(9), State.DONE, "paid", attempts=3)
    ]


def test_a_retry_that_gives_up_is_one_step_that_failed():
    events = [failed("pay", 0, 1), *timer(1, 3, 3), failed("pay", 3, 4), *timer(4, 4, 4)]
    assert told(*events, state=RuntimeStatus.FAILED) == [
        Step(Kind.ACTIVITY, "pay", at(0), at(4), State.FAILED, "no luck", attempts=2)
    ]


def test_retries_side_by_side_keep_apart():
    events = [
        failed("pay", 0, 1),
        failed("pay", 0, 1),
        *timer(1, 3, 3),
        *timer(1, 4, 4),
        done("pay", 3, 5),
        done("pay", 4, 6),
    ]
    found = told(*events, state=RuntimeStatus.COMPLETED)
    assert [(step.attempts, step.end) for step in found] == [(2, at(5)), (2, at(6))]


def test_a_timer_that_no_retry_explains_is_a_step():
    events = [failed("pay", 0, 1), *timer(1, 3, 3), done("refund", 3, 4)]
    assert [(step.kind, step.name) for step in told(*events)][:3] == [
        (Kind.ACTIVITY, "pay"),
        (Kind.TIMER, "timer"),
        (Kind.ACTIVITY, "refund"),
    ]


def test_a_timer_that_was_not_needed_is_cancelled_when_the_instance_ends():
    events = [
        *timer(0, 60),
        event("EventRaised", 5, Name="Approve", Input="true"),
        event("ExecutionCompleted", 6, OrchestrationStatus="Completed"),
    ]
    (wait, approved, ended) = told(*events, state=RuntimeStatus.COMPLETED)
    assert (wait.state, wait.detail, wait.end) == (State.DROPPED, "cancelled", at(5))
    assert (approved.name, approved.begin, approved.end, approved.detail) == (
        "Approve",
        at(0),
        at(5),
        "true",
    )
    assert (ended.kind, ended.name) == (Kind.ENDED, "Completed")


def test_an_event_that_came_while_something_ran_has_no_wait():
    (_, raised) = told(event("TaskScheduled", 1, Name="pay"), event("EventRaised", 5, Name="Hurry"))
    assert raised.begin == raised.end == at(5)


def raised(name, seconds):
    return event("EventRaised", seconds, Name=name, Input="1")


ENDED = event("ExecutionCompleted", 20, OrchestrationStatus="Completed")


def spans(*events):
    """When each event and timer began and ended, by its name, in the order of the steps."""
    found = told(*events, ENDED, state=RuntimeStatus.COMPLETED)
    return [
        (step.name, (step.begin - T0).seconds, (step.end - T0).seconds)
        for step in found
        if step.kind in (Kind.EVENT, Kind.TIMER)
    ]


def test_an_event_that_came_before_it_was_awaited_is_a_moment_in_its_place():
    events = [raised("Go", 2), done("pay", 1, 5), *timer(5, 60), done("ship", 5, 9)]
    assert [step.name for step in told(*events, state=RuntimeStatus.COMPLETED)][:2] == ["pay", "Go"]
    assert spans(*events)[0] == ("Go", 2, 2)


def test_an_event_that_nothing_waits_for_is_a_moment():
    assert spans(*timer(1, 10, 10), raised("Ping", 4), done("pay", 10, 19)) == [
        ("timer", 1, 10),
        ("Ping", 4, 4),
    ]


def test_an_event_that_was_raised_again_with_the_right_name_is_a_moment():
    events = [raised("order-approved", 3), raised("OrderApproved", 8), done("pay", 8, 9)]
    assert spans(*events) == [("OrderApproved", 0, 8), ("order-approved", 3, 3)]


def test_a_wait_for_an_event_stands_where_it_began():
    events = [
        e.ExecutionStarted(T0, "order", None),
        e.TimerCreated(at(1), 0, at(60)),
        e.ExecutionSuspended(at(3), "audit"),
        e.ExecutionResumed(at(5), "audit"),
        e.EventRaised(at(7), "Approve", "1"),
        e.TaskScheduled(at(7), 1, "pay"),
    ]
    history = history_view(events, show_input=True, show_output=True)
    status = InstanceStatus("order", "o-1", RuntimeStatus.RUNNING, T0, T0, history=history)
    assert [step.name for step in steps(status)][1:] == ["timer", "Approve", "suspended", "pay"]


def test_events_that_are_awaited_in_turn_follow_each_other():
    assert spans(raised("First", 3), raised("Second", 8), done("pay", 8, 9)) == [
        ("First", 0, 3),
        ("Second", 3, 8),
    ]


def test_a_cancelled_timer_ends_when_the_other_branch_won():
    assert spans(*timer(1, 60), raised("Approve", 4), done("pay", 4, 19)) == [
        ("timer", 1, 4),
        ("Approve", 1, 4),
    ]
    assert spans(*timer(1, 60), done("quick", 1, 3), done("pay", 3, 19)) == [("timer", 1, 3)]


def test_a_deadline_that_is_kept_over_a_loop_ends_with_the_loop():
    polls = [done("poll", 1, 2), *timer(2, 4, 4), done("poll", 4, 6), done("report", 6, 19)]
    assert spans(*timer(1, 60), *polls) == [("timer", 1, 6), ("timer", 2, 4)]


def test_a_timer_that_was_open_when_the_instance_was_terminated_ends_there():
    events = [*timer(1, 60), raised("Ping", 4)]
    ended = event("ExecutionCompleted", 9, OrchestrationStatus="Terminated")
    (wait, ping, _) = told(*events, ended, state=RuntimeStatus.TERMINATED)
    assert (wait.end, ping.begin) == (at(9), at(4))


def test_a_running_instance_that_does_nothing_waits_for_an_event():
    assert told(done("pay", 1, 2))[-1] == Step(Kind.EVENT, "an event", at(2), None, State.OPEN)


def test_an_entity_that_was_called_is_a_step_until_its_answer():
    request = json.dumps({"op": "add", "signal": False, "id": "8A3", "input": "1"})
    sent = event("EventSent", 1, InstanceId="@counter@a", Name="op", Input=request)
    answer = event("EventRaised", 2, Name="8a3", Input=json.dumps({"result": "7"}))
    assert told(sent, answer, state=RuntimeStatus.COMPLETED) == [
        Step(Kind.ENTITY, "@counter@a add", at(1), at(2), State.DONE, "7")
    ]


def test_a_suspension_lasts_until_the_instance_is_resumed():
    events = [
        *timer(0, 60),
        event("ExecutionSuspended", 1, Reason="audit"),
        event("ExecutionResumed", 4),
    ]
    assert told(*events)[1] == Step(Kind.NOTE, "suspended", at(1), at(4), State.DONE, "audit")


def test_the_end_of_a_failed_instance_tells_the_innermost_cause():
    inner = (
        "The activity function 'pay' failed: \"no luck\". See the function execution logs for "
        "additional details."
    )
    why = f"Orchestrator function 'order' failed: {inner}"
    (end,) = told(
        event("ExecutionCompleted", 2, OrchestrationStatus="Failed"),
        state=RuntimeStatus.FAILED,
        output=why,
    )
    assert (end.state, end.detail) == (State.FAILED, "no luck (in pay, order)")


def test_an_event_that_nobody_knows_yet_is_shown_by_its_name():
    assert told(event("Novelty", 2), state=RuntimeStatus.COMPLETED)[0].name == "Novelty"


def test_steps_of_a_child_stand_below_its_call():
    call = event(
        "SubOrchestrationInstanceCompleted", 5, scheduled=1, FunctionName="ship", InstanceId="o-1:0"
    )
    child = InstanceStatus(
        "ship",
        "o-1:0",
        RuntimeStatus.COMPLETED,
        T0,
        T0,
        history=(event("ExecutionStarted", 1), done("pack", 2, 3)),
    )
    own = told(call, state=RuntimeStatus.COMPLETED)
    assert [(each.depth, each.name) for each in with_children(own, {"o-1:0": steps(child, 1)})] == [
        (0, "ship"),
        (1, "pack"),
    ]


def test_a_child_is_told_with_the_id_that_shows_more_of_it():
    step = Step(Kind.CHILD, "ship", T0, at(2), State.DONE, "shipped", child="o-1:0")
    assert row(step, T0, at(9)) == ("", "+0 ms", "2.0 s", "ship", "o-1:0: shipped")


def test_a_table_counts_from_the_beginning():
    found = told(done("pay", 1, 3, "ok"), failed("ship", 3, 3.25), state=RuntimeStatus.COMPLETED)
    assert [row(step, T0, at(9)) for step in found] == [
        ("2", "+1.0 s", "2.0 s", "pay", "ok"),
        ("3", "+3.0 s", "250 ms", "ship", "failed: no luck"),
    ]
    assert timetable([], T0).columns == ("#", "at", "took", "step", "result")


@pytest.mark.parametrize(
    ("step", "words"),
    [
        (Step(Kind.ACTIVITY, "pay", T0, T0, attempts=3), "pay ×3"),
        (Step(Kind.EVENT, "Approve", T0, T0), "event Approve"),
        (Step(Kind.EVENT, "an event", T0, None), "waits for an event"),
        (Step(Kind.CHILD, "ship", T0, None, child="c"), "ship"),
        (Step(Kind.ENDED, "Completed", T0, T0), "completed"),
    ],
)
def test_a_step_is_told_in_a_few_words(step, words):
    assert title(step) == words


def test_bars_are_scaled_to_the_width():
    found = told(done("pay", 0, 5), done("ship", 5, 10), state=RuntimeStatus.COMPLETED)
    assert [bar.text() for bar in bars(found, at(10), 36, ascii_only=True)] == [
        "pay      " + "#" * 10 + " " * 12 + "5.0 s",
        "ship     " + " " * 10 + "#" * 11 + " 5.0 s",
    ]


def test_a_ruler_tells_where_the_bars_begin_and_end():
    found = told(done("pay", 0, 5), done("ship", 5, 10), state=RuntimeStatus.COMPLETED)
    line = ruler(found, at(10), 60)
    assert (line.split(), len(line), line.index("0")) == (["0", "5.0", "s", "10", "s"], 54, 9)


@pytest.mark.parametrize("width", [40, 80, 140])
def test_no_line_of_a_gantt_view_is_wider_than_the_terminal(width):
    found = told(done("活動" * 30, 0, 5), *timer(5, 60), event("TaskScheduled", 7, Name="x" * 90))
    assert max(cells(bar.text()) for bar in bars(found, at(70), width, ascii_only=False)) <= width


def test_a_text_is_cut_by_the_columns_that_it_takes():
    assert (fitted("日本語", 5), fitted("ab", 4), fitted("abcdef", 4, "~")) == (
        "日本…",
        "ab  ",
        "abc~",
    )


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.0, "0 ms"), (0.34, "340 ms"), (3.21, "3.2 s"), (185, "3 min 5 s"), (0.9999, "1.0 s")],
)
def test_a_short_duration_is_told_in_milliseconds(seconds, text):
    assert span_text(seconds) == text


def test_only_the_steps_of_the_instance_itself_are_numbered():
    history = (done("a", 0, 1), done("b", 1, 2))
    status = InstanceStatus("order", "o-1", RuntimeStatus.COMPLETED, T0, T0, history=history)
    assert [step.number for depth in (0, 1) for step in steps(status, depth)] == [1, 2, None, None]


def test_calls_of_one_episode_stand_in_the_order_of_the_code_where_it_is_known():
    events = [
        e.TaskScheduled(T0, 0, "slow"),
        e.EventSent(T0, 1, "@counter@a", "op", '{"op": "add", "signal": true}'),
        e.TaskScheduled(T0, 2, "quick"),
        e.TaskCompleted(at(1), 2),
        e.TaskCompleted(at(2), 0),
    ]
    history = history_view(events, show_input=True, show_output=True)
    status = InstanceStatus("order", "o-1", RuntimeStatus.COMPLETED, T0, T0, history=history)
    assert [step.name for step in steps(status)] == ["slow", "@counter@a add", "quick"]
