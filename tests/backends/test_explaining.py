"""What a local hub's rows and the app's code add to an explanation."""

from __future__ import annotations

import inspect
import threading
from collections.abc import Iterator
from datetime import datetime, timedelta
from typing import Any

import pytest

from durablectl.backends.explaining import explain_instance
from durablectl.backends.replaying import CannotReplay, replayed
from durablectl.df import EntityId, RetryOptions
from durablectl.engine.registry import Registry
from durablectl.engine.store.client import Store
from durablectl.engine.worker.app_output import AppOutput
from durablectl.engine.worker.dispatcher import Dispatcher
from durablectl.errors import AppError
from durablectl.explanation.model import Explanation, Progress, StepKind
from durablectl.model import EntityId as ModelEntityId
from durablectl.model import RuntimeStatus
from durablectl.polling.threads import start_thread
from durablectl.render.explanation import note, unused_events, wait_lines
from tests.engine.conftest import sample_app
from tests.engine.dispatching import Dispatching


@pytest.fixture
def dispatching(tmp_path) -> Iterator[Dispatching]:
    app = sample_app()

    @app.orchestrator
    def race(context: Any) -> Any:
        answer = context.wait_for_external_event("Approval")
        deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        yield context.task_any([answer, deadline])
        deadline.cancel()
        yield context.wait_for_external_event("Shipped")

    @app.orchestrator
    def retrying(context: Any) -> Any:
        yield context.call_activity_with_retry("fail", RetryOptions(60_000, 4), "the bank")

    @app.orchestrator
    def calling(context: Any) -> Any:
        yield context.call_entity(EntityId("gate", "k"), "open")

    dispatching = Dispatching(tmp_path / "hub.db", app)
    yield dispatching
    dispatching.close()


def explained(
    dispatching: Dispatching, instance_id: str, app: Registry | None = None
) -> Explanation:
    return explain_instance(dispatching.hub, instance_id, lambda: app or dispatching.app)


def lines_of(dispatching: Dispatching, name: str) -> int:
    orchestrator = dispatching.app.orchestrators.get(name)
    assert orchestrator is not None
    return inspect.getsourcelines(orchestrator.function)[1]


def held_activity(dispatching: Dispatching) -> tuple[threading.Event, Dispatcher]:
    """Start instance 'h', whose activity runs until the event is set."""
    release = threading.Event()

    @dispatching.app.activity
    def held(name: str) -> None:
        release.wait(20)

    @dispatching.app.orchestrator
    def holding(context: Any) -> Any:
        yield context.call_activity("held", "x")

    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("holding", instance_id="h")
    while not dispatcher.is_working:
        dispatcher.process_next(dispatching.now)
    return release, dispatcher


def test_an_event_and_its_time_out_are_named_with_the_lines_that_made_them(dispatching):
    dispatching.run(dispatching.dispatcher(), "race", instance_id="r")
    made = explained(dispatching, "r")
    first = lines_of(dispatching, "race")
    assert [(each.kind, each.name, each.place) for each in made.waiting_for] == [
        (StepKind.EVENT, "Approval", f"test_explaining.py:{first + 2}"),
        (StepKind.TIMER, "", f"test_explaining.py:{first + 3}"),
    ]
    assert (made.is_any, made.unknown, str(made.next[0])) == (
        True,
        (),
        "durablectl raise-event r Approval",
    )


def test_a_cancelled_timer_is_not_waited_for(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "race", instance_id="r")
    dispatching.hub.raise_event("r", "Approval", 1)
    dispatching.process_until_quiet(dispatcher)
    for load in (None, lambda: dispatching.app):
        waits = explain_instance(dispatching.hub, "r", load).waiting_for
        assert [each.kind for each in waits] == [StepKind.EVENT]
    assert waits[0].name == "Shipped"


def test_a_retry_is_shown_with_its_attempt_and_when_the_next_one_is(dispatching):
    dispatching.run(dispatching.dispatcher(), "retrying", instance_id="r")
    (wait,) = explained(dispatching, "r").waiting_for
    assert (wait.kind, wait.name, wait.progress) == (StepKind.ACTIVITY, "fail", Progress.RETRYING)
    assert (wait.attempt, wait.attempts, wait.last_failure) == (1, 4, "ValueError: the bank")
    assert wait.until == dispatching.now + timedelta(seconds=60)


def test_an_activity_at_work_is_running_since_it_was_leased(dispatching):
    release, first = held_activity(dispatching)
    (wait,) = explained(dispatching, "h").waiting_for
    assert (wait.progress, wait.since) == (Progress.RUNNING, dispatching.now)
    first.lease.abandon()  # as if its process had died
    dispatching.advance(5)
    made = explained(dispatching, "h")
    (wait,) = made.waiting_for
    assert (wait.progress, wait.until) == (Progress.LOST, None)
    assert wait.since == dispatching.now - timedelta(seconds=5)
    assert made.problems[-1] == "no worker is running on this hub, so it cannot continue"
    second = dispatching.dispatcher()
    dispatching.advance(5)
    second.process_next(dispatching.now)
    (wait,) = explained(dispatching, "h").waiting_for
    assert (wait.progress, wait.since) == (Progress.RUNNING, dispatching.now)
    release.set()


def test_a_pending_one_without_a_worker_says_so_first(dispatching):
    dispatching.hub.start("sequence", instance_id="s")
    made = explained(dispatching, "s")
    assert made.problems == ("no worker is running on this hub, so it cannot continue",)
    assert [str(each) for each in made.next] == ["durablectl worker"]


def test_a_worker_whose_app_lacks_the_function_is_named_with_what_it_has(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatcher.lease.describe({"orchestrators": ["other"], "process": 7})
    dispatching.hub.start("sequence", instance_id="s")
    made = explain_instance(dispatching.hub, "s")
    assert made.problems == ("no running worker has the orchestrator 'sequence'; they have: other",)
    assert [str(each) for each in made.next] == ["durablectl worker --app PATH"]
    assert [str(each) for each in explained(dispatching, "s").next] == ["durablectl worker"]


def test_a_stalled_worker_is_said_with_how_long_it_is_silent(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatcher.lease.describe({"process": 7})
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.now += timedelta(seconds=45)
    assert (
        "its worker (process 7) has shown no sign of life for 45 s"
        in (explained(dispatching, "a").problems[0])
    )


def test_code_that_does_not_yield_is_said_with_its_line(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    stuck = {"instance": "b", "since": dispatching.now.isoformat(), "place": "app.py:7"}
    dispatcher.lease.describe({"process": 7, "notYielding": stuck})
    dispatching.advance(9)
    (problem,) = explained(dispatching, "a").problems
    assert problem.startswith("its worker (process 7) is held up: the code of instance 'b'")
    assert problem.endswith("has not yielded for 9 s (at app.py:7)")


def test_a_suspended_caller_is_said(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.suspend("p")
    dispatching.process_until_quiet(dispatcher)
    made = explained(dispatching, "kid")
    assert made.problems == (
        "its caller 'p' is suspended, and takes no result until it is resumed",
    )
    assert (made.details.parent_instance_id, str(made.next[-1])) == ("p", "durablectl resume p")


def test_a_suspended_tree_is_resumed_with_one_command(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.suspend("p")
    dispatching.hub.suspend("kid")
    dispatching.process_until_quiet(dispatcher)
    made = explained(dispatching, "p")
    assert made.problems == ()
    assert [str(each) for each in made.next] == ["durablectl resume p kid"]


def test_a_sub_orchestration_s_event_is_named_and_raised_there(dispatching):
    dispatching.run(dispatching.dispatcher(), "parent", ["approval", None, "kid"], instance_id="p")
    made = explained(dispatching, "p")
    (child,) = made.waiting_for
    assert [each.name for each in child.waiting_for] == ["Approve"]
    assert str(made.next[0]) == "durablectl raise-event kid Approve"


def test_an_entity_that_is_called_shows_its_queue_and_who_calls(dispatching):
    release = threading.Event()

    @dispatching.app.entity
    def gate(context: Any) -> None:
        release.wait(20)

    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("calling", instance_id="c")
    while not dispatcher.is_working:
        dispatcher.process_next(dispatching.now)
    (wait,) = explained(dispatching, "c").waiting_for
    assert (wait.kind, wait.name, wait.queue) == (StepKind.ENTITY, "open", 1)
    (waiting,) = explained(dispatching, "@gate@k").waiting_for
    assert (waiting.name, waiting.called_by) == ("open", "c")
    release.set()


def test_an_entity_with_operations_that_no_worker_runs_says_so(dispatching):
    dispatching.hub.signal_entity(ModelEntityId("gate", "k"), "open")
    made = explained(dispatching, "@gate@k")
    assert made.problems == ("no worker is running on this hub, so it cannot continue",)
    assert [str(each) for each in made.next] == ["durablectl worker"]
    dispatching.dispatcher().lease.describe({"entities": ["door"]})
    made = explained(dispatching, "@gate@k")
    assert made.problems == ("no running worker has the entity 'gate'",)
    assert [str(each) for each in made.next] == ["durablectl worker --app PATH"]


def test_without_an_app_the_name_is_unknown_and_the_next_command_finds_it(dispatching):
    dispatching.run(dispatching.dispatcher(), "approval", instance_id="a")
    made = explain_instance(dispatching.hub, "a")
    assert made.unknown[0].startswith("the name of the external event")
    assert str(made.next[0]) == "durablectl why --app PATH a"


def test_a_timer_alone_leaves_nothing_unknown_without_the_app(dispatching):
    @dispatching.app.orchestrator
    def napping(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))

    dispatching.run(dispatching.dispatcher(), "napping", instance_id="n")
    made = explain_instance(dispatching.hub, "n")
    assert ([each.kind for each in made.waiting_for], made.unknown) == ([StepKind.TIMER], ())
    assert str(made.next[0]) == "durablectl why --app PATH n"


def test_an_app_that_differs_is_not_believed(dispatching):
    dispatching.run(dispatching.dispatcher(), "retrying", instance_id="r")
    other = sample_app()

    @other.orchestrator
    def retrying(context: Any) -> Any:
        yield context.call_activity("greet", "x")

    made = explained(dispatching, "r", other)
    assert made.waiting_for[0].kind is StepKind.TIMER
    assert "the app here does not match the history" in made.unknown[-1]


def test_an_app_that_cannot_be_used_is_said_and_loaded_once(dispatching):
    dispatching.run(dispatching.dispatcher(), "parent", ["approval", None, "kid"], instance_id="p")
    loads: list[int] = []

    def load() -> Registry:
        loads.append(1)
        raise AppError("function_app.py: SyntaxError at line 3")

    made = explain_instance(dispatching.hub, "p", load)
    assert any("SyntaxError at line 3" in each for each in made.unknown)
    assert loads == [1]
    assert (
        "has no orchestrator 'parent'" in explained(dispatching, "p", Registry("x.py")).unknown[0]
    )


def test_code_that_does_not_yield_in_a_replay_is_given_up(dispatching):
    dispatching.run(dispatching.dispatcher(), "approval", instance_id="a")
    release = threading.Event()
    other = sample_app()

    @other.orchestrator
    def approval(context: Any) -> Any:
        release.wait(20)
        yield context.wait_for_external_event("Approve")

    history = Store(dispatching.hub.database).raw_history("a")
    with pytest.raises(CannotReplay, match=r"takes longer than 0.1 s"):
        replayed(other, history, longest=0.1)
    release.set()


def test_nothing_is_changed_and_nothing_is_printed(dispatching, capsys):
    @dispatching.app.orchestrator
    def loud(context: Any) -> Any:
        print("again")
        yield context.wait_for_external_event("Approve")

    dispatching.run(dispatching.dispatcher(), "loud", instance_id="l")
    capsys.readouterr()
    before = dispatching.hub.raw_history("l")
    assert explained(dispatching, "l").waiting_for[0].name == "Approve"
    assert (capsys.readouterr(), dispatching.hub.raw_history("l")) == (("", ""), before)
    assert dispatching.state("l") is RuntimeStatus.RUNNING


def test_a_replay_in_a_server_silences_its_own_words_only(dispatching, monkeypatch):
    @dispatching.app.orchestrator
    def talking(context: Any) -> Any:
        print("again")
        start_thread(lambda: print("of an activity"), name="other").join()
        yield context.wait_for_external_event("Go")

    dispatching.run(dispatching.dispatcher(), "talking", instance_id="t")
    said: list[str] = []
    monkeypatch.setattr("sys.stdout", AppOutput(said.append))
    assert explained(dispatching, "t").waiting_for[0].name == "Go"
    assert set(said) == {"of an activity"}


def test_an_activity_of_a_worker_that_does_not_respond_says_when_its_lease_ends(dispatching):
    release, dispatcher = held_activity(dispatching)
    dispatcher.lease.describe({"process": 7})
    began = dispatching.now
    dispatching.now += timedelta(seconds=20)
    made = explained(dispatching, "h")
    assert (
        made.problems[0]
        == "its worker (process 7) has not responded for 20 s; unless it does, another worker "
        "takes its work over in 10 s"
    )
    dispatching.now += timedelta(seconds=20)
    (wait,) = explained(dispatching, "h").waiting_for
    assert (wait.progress, wait.until) == (Progress.LOST, began + timedelta(seconds=30))
    assert note(wait, dispatching.now) == (
        "taken 40 s ago by process 7 (not responding), another worker runs it again"
    )
    release.set()


def lines_about_events(made: Explanation, now: datetime) -> list[str]:
    notes = [
        line.note
        for line in wait_lines(made.waiting_for, made.received, now)
        if "event" in line.label
    ]
    return [*notes, *unused_events(made, now)]


@pytest.mark.parametrize(
    ("name", "arrival", "remark"),
    [
        ("aproval", "no event of that name received", ", but the code waits for 'Approval'"),
        ("Shipped", "no event of that name received", "; nothing waits for it yet"),
        ("approval", "it has arrived; a worker will process it", None),
    ],
)
@pytest.mark.parametrize("is_delivered", [True, False], ids=["delivered", "in the inbox"])
def test_an_event_that_the_code_does_not_wait_for_is_named(
    dispatching, name, arrival, remark, is_delivered
):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "race", instance_id="r")
    for _ in range(1 if remark is None else 2):
        dispatching.hub.raise_event("r", name, 1)
    if is_delivered:
        dispatching.process_until_quiet(dispatcher)
    else:
        dispatcher.lease.abandon()
    dispatching.advance(3)
    made = explained(dispatching, "r")
    if remark is None and is_delivered:  # it was taken: the code waits for the next one
        assert [each.name for each in made.waiting_for] == ["Shipped"]
        return
    expected = [arrival] if remark is None else [arrival, f"event '{name}' came 3.0 s ago{remark}"]
    assert lines_about_events(made, dispatching.now) == expected
    first = "worker" if remark is None else "raise-event r Approval"
    assert str(made.next[0]) == f"durablectl {first}"


def test_an_event_that_was_raised_at_the_caller_is_said_to_belong_to_the_child(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "parent", ["approval", None, "kid"], instance_id="p")
    dispatching.hub.raise_event("p", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    made = explained(dispatching, "p")
    assert list(unused_events(made, dispatching.now)) == [
        "event 'Approve' came 0.0 s ago, but it is 'kid' that waits for 'Approve'"
    ]


def test_an_event_that_came_while_suspended_is_taken_in_later(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.suspend("a")
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.raise_event("a", "Approve", 1)
    dispatching.process_until_quiet(dispatcher)
    made = explained(dispatching, "a")
    assert lines_about_events(made, dispatching.now) == [
        "it has arrived; it is processed when the instance is resumed"
    ]


def test_without_the_app_an_event_that_changed_nothing_is_named_too(dispatching):
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "race", instance_id="r")
    dispatching.hub.raise_event("r", "aproval", 1)
    dispatching.process_until_quiet(dispatcher)
    made = explain_instance(dispatching.hub, "r")
    assert list(unused_events(made, dispatching.now)) == [
        "event 'aproval' came 0.0 s ago, and did not let it continue"
    ]
