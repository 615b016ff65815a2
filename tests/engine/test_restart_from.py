"""A restart from a step keeps the results before it and runs the rest again, on a real hub."""

from __future__ import annotations

import random
import subprocess
import sys
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl import df
from durablectl.engine.store.maintenance import check_hub
from durablectl.errors import InstanceNotFound, UsageError, WrongState
from durablectl.history import events as e
from durablectl.history.columns import STATUS_NUMBERS
from durablectl.model import EntityId, RuntimeStatus
from durablectl.taskhub import list_instances
from durablectl.testing import assert_replays
from tests.engine.dispatching import App, Dispatching

ROOT = Path(__file__).parents[2]


class Calls(list[tuple[str, Any]]):
    """The calls of activities, and which of them fail."""

    fails: set[str]

    def __init__(self) -> None:
        super().__init__()
        self.fails = set()

    def since(self, number: int) -> list[Any]:
        return [value for _, value in self[number:]]


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def app(calls: Calls) -> App:
    app = App("function_app.py")

    @app.activity
    def do(what: Any) -> Any:
        calls.append(("do", what))
        if what in calls.fails:
            raise ValueError(f"no {what}")
        return f"{what} done"

    @app.orchestrator
    def sequence(context: Any) -> Any:
        said = []
        for what in context.get_input():
            said.append((yield context.call_activity("do", what)))
        return said

    @app.orchestrator
    def fan_out(context: Any) -> Any:
        tasks = [context.call_activity("do", what) for what in context.get_input()]
        said = yield context.task_all(tasks)
        return [said, (yield context.call_activity("do", "last"))]

    @app.orchestrator
    def everything(context: Any) -> Any:
        counter = df.EntityId("counter", "all")
        first = yield context.call_activity("do", "first")
        context.set_custom_status("begun")
        context.signal_entity(counter, "add", 1)
        yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        child = yield context.call_sub_orchestrator("sequence", ["child"])
        approved = yield context.wait_for_external_event("Approve")
        total = yield context.call_entity(counter, "add", 1)
        return [first, child, approved, total, (yield context.call_activity("do", "last"))]

    @app.orchestrator
    def racing(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(days=30))
        event = context.wait_for_external_event("Go")
        winner = yield context.task_any([timer, event])
        if winner is event:
            timer.cancel()
        return (yield context.call_activity("do", "after"))

    @app.orchestrator
    def retrying(context: Any) -> Any:
        options = df.RetryOptions(1000, 3)
        tried = context.call_activity_with_retry("do", options, "flaky")
        return (yield context.task_all([tried, context.call_activity("do", "beside")]))

    @app.orchestrator
    def calling(context: Any) -> Any:
        yield context.call_activity("do", "before")
        return (yield context.call_sub_orchestrator("sequence", ["child"], "my-child"))

    @app.orchestrator
    def again(context: Any) -> Any:
        count = yield context.call_activity("do", context.get_input())
        if context.get_input() < 2:
            context.continue_as_new(context.get_input() + 1)
        return count

    @app.entity
    def counter(context: Any) -> None:
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state(lambda: 0))

    return app


class OneWorker(Dispatching):
    """A hub with one worker, which holds what it has leased."""

    _only: Any = None

    def dispatcher(self, **options: Any) -> Any:
        self._only = self._only or super().dispatcher(**options)
        self._only.fetch_again()
        return self._only


@pytest.fixture
def dispatching(tmp_path: Path, app: App) -> Any:
    dispatching = OneWorker(tmp_path / "hub.db", app)
    yield dispatching
    dispatching.close()


def restarted(dispatching: Dispatching, instance_id: str, step: int | str | None) -> Any:
    """The status of a new instance that was restarted from a step and processed until quiet."""
    new = dispatching.hub.restart_from(instance_id, step).id
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert check_hub(dispatching.hub.database, dispatching.now).problems == ()
    return dispatching.hub.get_status(new)


def finish_everything(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "everything", instance_id="e")
    dispatching.advance(3600)
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.raise_event("e", "Approve", "yes")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("e") is RuntimeStatus.COMPLETED


@pytest.mark.parametrize(("step", "repeated"), [(2, "abc"), (3, "bc"), (4, "c"), (1, "abc")])
def test_the_results_before_the_step_are_kept(
    dispatching: Dispatching, calls: Calls, step: int, repeated: str
) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b", "c"], instance_id="s")
    status = restarted(dispatching, "s", step)
    assert (status.output, calls.since(3)) == (["a done", "b done", "c done"], list(repeated))


def test_the_first_failed_step_runs_again_with_the_code_of_now(
    dispatching: Dispatching, app: App, calls: Calls
) -> None:
    calls.fails = {"b"}
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b"], instance_id="s")
    assert dispatching.state("s") is RuntimeStatus.FAILED

    @app.orchestrator
    def sequence(context: Any) -> Any:
        first = yield context.call_activity("do", "a")
        return [first, (yield context.call_activity("do", "instead"))]

    status = restarted(dispatching, "s", None)
    assert (status.output, calls.since(2)) == (["a done", "instead done"], ["instead"])


def test_an_orchestrator_that_failed_by_itself_runs_its_last_part_again(
    dispatching: Dispatching, app: App, calls: Calls
) -> None:
    @app.orchestrator
    def broken(context: Any) -> Any:
        yield context.call_activity("do", "a")
        raise LookupError("a bug")

    dispatching.run(dispatching.dispatcher(), "broken", instance_id="b")

    @app.orchestrator
    def broken(context: Any) -> Any:  # noqa: F811 - it was fixed
        return (yield context.call_activity("do", "a"))

    status = restarted(dispatching, "b", None)
    assert (status.output, calls.since(1)) == ("a done", [])


def test_the_instance_itself_stays_as_it_is(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b"], instance_id="s")
    before = dispatching.events("s"), dispatching.hub.get_status("s")
    restarted(dispatching, "s", 3)
    assert (dispatching.events("s"), dispatching.hub.get_status("s")) == before


def test_a_fan_out_is_cut_between_its_siblings(dispatching: Dispatching, calls: Calls) -> None:
    calls.fails = {"b"}
    dispatching.run(dispatching.dispatcher(), "fan_out", ["a", "b", "c"], instance_id="f")
    calls.fails = set()
    status = restarted(dispatching, "f", 3)
    assert status.output == [["a done", "b done", "c done"], "last done"]
    assert sorted(calls.since(3)) == ["b", "c", "last"]


@pytest.mark.parametrize(
    ("step", "repeated"),
    [
        (2, ["first", "child", "last"]),
        (4, ["child", "last"]),
        (5, ["child", "last"]),
        (7, ["last"]),
        (8, ["last"]),
    ],
    ids=["activity", "timer", "child", "entity", "last"],
)
def test_every_kind_of_step_can_be_the_first(
    dispatching: Dispatching, calls: Calls, step: int, repeated: list[str]
) -> None:
    finish_everything(dispatching)
    names = [each.name for each in dispatching.hub.plan_restart("e", step).kept]
    assert len(names) == step - 1
    number, new = len(calls), dispatching.hub.restart_from("e", step).id
    dispatcher = dispatching.dispatcher()
    dispatching.process_until_quiet(dispatcher)
    if step <= 4:
        dispatching.advance(3600)
        dispatching.process_until_quiet(dispatcher)
    if step < 7:
        dispatching.hub.raise_event(new, "Approve", "again")
        dispatching.process_until_quiet(dispatcher)
    status = dispatching.hub.get_status(new)
    assert (status.runtime_status, calls.since(number)) == (RuntimeStatus.COMPLETED, repeated)
    assert status.custom_status == "begun"
    assert status.output[:3] == [
        "first done",
        ["child done"],
        "yes" if step >= 7 else "again",
    ]


def test_signals_and_entity_calls_before_the_step_are_not_sent_again(
    dispatching: Dispatching,
) -> None:
    finish_everything(dispatching)
    assert restarted(dispatching, "e", 8).output[3] == 2
    assert dispatching.hub.get_entity(EntityId("counter", "all")) == 2
    assert restarted(dispatching, "e", 7).output[3] == 3


def test_a_sub_orchestration_before_the_step_is_not_run_again(
    dispatching: Dispatching, calls: Calls
) -> None:
    finish_everything(dispatching)
    number = len(calls)
    status = restarted(dispatching, "e", 7)
    assert (status.output[1], calls.since(number)) == (["child done"], ["last"])


def test_a_timer_that_was_cancelled_before_the_step_stays_cancelled(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "racing", instance_id="r")
    dispatching.hub.raise_event("r", "Go")
    dispatching.process_until_quiet(dispatcher)
    assert restarted(dispatching, "r", "do").output == "after done"
    assert dispatching.hub.database.query("SELECT visible_at FROM inbox") == []


def test_a_timer_that_still_runs_beside_the_step_fires_when_it_is_due(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "racing", instance_id="r")
    dispatching.hub.raise_event("r", "Go")
    dispatching.process_until_quiet(dispatcher)
    (event,) = [
        each.number for each in dispatching.hub.plan_restart("r", "do").kept if each.name == "Go"
    ]
    assert event is not None
    new = dispatching.hub.restart_from("r", event).id
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state(new) is RuntimeStatus.RUNNING
    dispatching.advance(30 * 86400)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state(new) is RuntimeStatus.COMPLETED


def test_attempts_of_a_retry_are_repeated_together(dispatching: Dispatching, calls: Calls) -> None:
    calls.fails = {"flaky"}
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "retrying", instance_id="r")
    for _ in range(3):
        dispatching.advance(1)
        dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("r") is RuntimeStatus.FAILED
    calls.fails, number = set(), len(calls)
    assert restarted(dispatching, "r", None).output == ["flaky done", "beside done"]
    assert sorted(calls.since(number)) == ["beside", "flaky"]


def test_a_step_beside_a_call_that_was_tried_again_later_is_refused(
    dispatching: Dispatching, calls: Calls
) -> None:
    calls.fails = {"flaky"}
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "retrying", instance_id="r")
    calls.fails = set()
    dispatching.advance(1)
    dispatching.process_until_quiet(dispatcher)
    with pytest.raises(WrongState, match=r"step 2 \('do'\) was tried again after step 3"):
        dispatching.hub.restart_from("r", 3)


def test_a_running_instance_can_be_cut_too(dispatching: Dispatching, calls: Calls) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "everything", instance_id="e")
    new = dispatching.hub.restart_from("e", 4).id
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state(new) is RuntimeStatus.RUNNING
    assert calls.since(0) == ["first"]


def test_what_a_suspended_instance_was_doing_runs_in_the_new_one(
    dispatching: Dispatching, calls: Calls
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "racing", instance_id="r")
    dispatching.hub.suspend("r")
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.raise_event("r", "Go")
    dispatching.process_until_quiet(dispatcher)
    (event,) = [
        each.number
        for each in dispatching.hub.plan_restart("r", 2).repeated
        if each.name == "Go" and each.number
    ]
    new = dispatching.hub.restart_from("r", event).id
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state(new) is RuntimeStatus.RUNNING


def test_an_execution_that_continued_as_new_is_cut_with_its_own_input(
    dispatching: Dispatching, calls: Calls
) -> None:
    dispatching.run(dispatching.dispatcher(), "again", 0, instance_id="a")
    status = restarted(dispatching, "a", 2)
    assert (status.input, status.output, calls.since(3)) == (2, "2 done", [2])


def test_a_restarted_instance_can_be_restarted_again(
    dispatching: Dispatching, calls: Calls
) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b", "c"], instance_id="s")
    first = dispatching.hub.restart_from("s", 3).id
    dispatching.process_until_quiet(dispatching.dispatcher())
    last = dispatching.hub.plan_restart(first, 2)
    assert [each.name for each in last.kept] == ["sequence"]
    assert restarted(dispatching, first, 2).output == ["a done", "b done", "c done"]


def test_its_history_says_where_it_comes_from_and_replays(
    dispatching: Dispatching, app: App
) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b"], instance_id="s")
    new = restarted(dispatching, "s", 3).instance_id
    (rewound,) = [each for each in dispatching.events(new) if isinstance(each, e.ExecutionRewound)]
    assert rewound.reason == "restarted from step 3 of s"
    orchestrator = app.orchestrators.get("sequence")
    assert orchestrator is not None
    assert_replays(dispatching.hub.raw_history(new), orchestrator.function)


# What cannot be done


@pytest.mark.parametrize("step", [0, 9, "9", "nothing", -1], ids=str)
def test_a_step_that_is_not_there_is_refused(dispatching: Dispatching, step: int | str) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a"], instance_id="s")
    with pytest.raises(UsageError, match="has no step"):
        dispatching.hub.restart_from("s", step)


def test_a_name_that_occurs_twice_is_refused_with_its_steps(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b"], instance_id="s")
    with pytest.raises(UsageError, match="called 2 times, in steps 2, 3"):
        dispatching.hub.restart_from("s", "do")


def test_nothing_failed(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a"], instance_id="s")
    with pytest.raises(UsageError, match="no step of instance 's' has failed"):
        dispatching.hub.restart_from("s")


def test_a_sub_orchestration_is_refused_and_its_caller_named(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "calling", instance_id="c")
    with pytest.raises(WrongState, match="'my-child' is a sub-orchestration") as refused:
        dispatching.hub.restart_from("my-child", 2)
    assert refused.value.hint is not None
    assert refused.value.hint.endswith("durablectl history c")


def test_a_sub_orchestration_that_still_runs_under_its_id_is_not_called_again(
    dispatching: Dispatching, app: App
) -> None:
    @app.orchestrator
    def sequence(context: Any) -> Any:
        return (yield context.wait_for_external_event("Never"))

    dispatching.run(dispatching.dispatcher(), "calling", instance_id="c")
    with pytest.raises(WrongState, match="'my-child', which would be called again, is still"):
        dispatching.hub.restart_from("c", 3)


def test_the_end_of_a_terminated_instance_is_not_a_step(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "racing", instance_id="r")
    dispatching.hub.terminate("r", "enough")
    dispatching.process_until_quiet(dispatcher)
    number = dispatching.hub.plan_restart("r", 2).repeated[-1].number
    with pytest.raises(WrongState, match="runs nothing"):
        dispatching.hub.restart_from("r", number)


def test_instances_without_steps_are_refused(dispatching: Dispatching) -> None:
    dispatching.hub.start("sequence", [], instance_id="pending")
    with pytest.raises(WrongState, match="has not started"):
        dispatching.hub.restart_from("pending", 1)
    with pytest.raises(UsageError, match="is an entity"):
        dispatching.hub.restart_from("@counter@all", 1)
    with pytest.raises(InstanceNotFound):
        dispatching.hub.restart_from("nobody", 1)


def test_a_refusal_writes_nothing(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a"], instance_id="s")
    with pytest.raises(UsageError):
        dispatching.hub.restart_from("s", 7)
    (count,) = dispatching.hub.database.one("SELECT count(*) FROM instances") or (0,)
    assert (count, STATUS_NUMBERS[dispatching.state("s")]) == (1, 1)


# Killed


def test_a_restart_that_is_killed_has_happened_or_not(
    dispatching: Dispatching, calls: Calls, kills: int
) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["a", "b", "c"], instance_id="s")
    rng, acknowledged = random.Random(7), list[str]()
    for _ in range(kills):
        words = ("-m", "tests.engine.restarting", str(dispatching.path), "s", "3")
        with subprocess.Popen(
            [sys.executable, *words], cwd=ROOT, stdout=subprocess.PIPE, text=True
        ) as process:
            assert process.stdout is not None
            acknowledged += [next(process.stdout).strip() for _ in range(rng.randrange(1, 20))]
            process.kill()
            acknowledged += [line.strip() for line in process.stdout if line.endswith("\n")]
    assert check_hub(dispatching.hub.database, dispatching.now).problems == ()
    dispatching.process_until_quiet(dispatching.dispatcher())
    statuses = list(list_instances(dispatching.hub))
    assert {*acknowledged} <= {status.instance_id for status in statuses}
    outputs = {tuple(status.output) for status in statuses}
    assert outputs == {("a done", "b done", "c done")}
    assert calls.count(("do", "a")) == 1
