"""What no other test holds of the points in docs/fidelity.md, by number, on wheels that are turned by hand; and that list itself."""

from __future__ import annotations

import re
import threading
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.df import EntityId as AppEntityId
from durablectl.df import RetryOptions
from durablectl.engine.events import EventRaised, ExecutionCompleted, TaskScheduled, TimerCreated, TimerFired
from durablectl.errors import AlreadyExists, InstanceNotFound, WrongState
from durablectl.functionapp.loader import load_app
from durablectl.model import EntityId, IfExists, InstanceFilter, RuntimeStatus
from tests.engine.histories import first
from tests.engine.turning import T0, App, Turning

ROOT = Path(__file__).parents[2]


def raw(turning: Turning, instance_id: str) -> list[Any]:
    return turning.hub._store.history(instance_id)


def kinds(turning: Turning, instance_id: str) -> list[str]:
    return [type(event).__name__ for event in raw(turning, instance_id)]


def state(turning: Turning, instance_id: str) -> RuntimeStatus:
    return turning.hub.get_status(instance_id).runtime_status


# Lifecycle, ids, time


def test_01_an_instance_goes_through_its_states(turning: Turning) -> None:
    wheel, seen = turning.wheel(), []
    turning.hub.start("approval", instance_id="a")
    steps = [lambda: turning.hub.suspend("a"), lambda: turning.hub.resume("a"), lambda: turning.hub.raise_event("a", "Approve")]
    seen.append(state(turning, "a"))
    for step in [lambda: None, *steps]:
        step()
        turning.turn_until_quiet(wheel)
        seen.append(state(turning, "a"))
    assert [each.value for each in seen] == ["Pending", "Running", "Suspended", "Running", "Completed"]


def test_02_an_id_is_made_of_32_hex_digits(turning: Turning) -> None:
    assert re.fullmatch("[0-9a-f]{32}", turning.hub.start("approval").id)


def test_03_an_unfinished_instance_keeps_its_id_and_a_finished_one_can_be_replaced(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    with pytest.raises(AlreadyExists):
        turning.hub.start("sequence", instance_id="a")
    turning.hub.raise_event("a", "Approve", 1)
    turning.turn_until_quiet(wheel)
    turning.hub.start("sequence", ["Oslo"], instance_id="a", if_exists=IfExists.REPLACE)
    turning.turn_until_quiet(wheel)
    status = turning.hub.get_status("a")
    assert (status.name, status.output) == ("sequence", ["Hello Oslo!"])


def test_04_an_unknown_orchestrator_fails_with_the_names_that_are_known(turning: Turning) -> None:
    output = turning.run(turning.wheel(fails_unknown=True), "sekwence").output
    assert "The function 'sekwence' doesn't exist, is disabled, or is not an orchestrator function." in output
    assert "The following are the known orchestrator functions: 'approval', 'counted'" in output


@pytest.fixture
def gate(app: App) -> threading.Event:
    """Lets the activity `slow` come to its end."""
    gate = threading.Event()

    @app.activity
    def slow(value: Any) -> Any:
        gate.wait(30)
        return value

    @app.orchestrator
    def slow_one(context: Any) -> Any:
        return (yield context.call_activity("slow", 1))

    @app.orchestrator
    def race(context: Any) -> Any:
        if context.get_input() == 2:
            return (yield context.wait_for_external_event("Go"))
        event = context.wait_for_external_event("Go")
        yield context.task_any([event, context.call_activity("slow", 1)])
        return context.continue_as_new(2)

    return gate


def turn_once_or_more(turning: Turning, wheel: Any) -> None:
    """Turn while there is something to do, whether activities run or not."""
    while wheel.turn(turning.now):
        pass


def test_05_each_execution_has_an_id_of_its_own_and_no_results_of_the_one_before(turning: Turning, gate: threading.Event) -> None:
    wheel = turning.wheel()
    turning.hub.start("race", 1, instance_id="r")
    turn_once_or_more(turning, wheel)
    before = turning.hub.raw_history("r")["executionId"]
    turning.hub.raise_event("r", "Go")
    turn_once_or_more(turning, wheel)
    gate.set()
    turning.turn_until_quiet(wheel)
    assert turning.hub.raw_history("r")["executionId"] != before
    assert kinds(turning, "r") == ["OrchestratorStarted", "ExecutionStarted", "OrchestratorCompleted"]


def test_06_a_result_for_an_instance_that_is_gone_is_dropped(turning: Turning, gate: threading.Event) -> None:
    wheel = turning.wheel()
    turning.hub.start("slow_one", instance_id="s")
    turn_once_or_more(turning, wheel)
    turning.hub.terminate("s")
    turn_once_or_more(turning, wheel)
    turning.hub.purge("s")
    gate.set()
    turning.turn_until_quiet(wheel)
    with pytest.raises(InstanceNotFound):
        turning.hub.get_status("s")


def test_09_counters_begin_anew_in_every_execution(turning: Turning, app: App) -> None:
    @app.orchestrator
    def again(context: Any) -> Any:
        made = context.new_uuid()
        yield context.call_activity("greet", "x")
        if context.get_input() is None:
            return context.continue_as_new(made)
        return made == context.get_input()

    assert turning.run(turning.wheel(), "again", instance_id="a").output is True  # the clock stood still
    assert [event.task_id for event in raw(turning, "a") if isinstance(event, TaskScheduled)] == [0]


def test_16_no_output_is_null(turning: Turning, app: App) -> None:
    @app.orchestrator
    def silent(context: Any) -> Any:
        yield context.call_activity("greet", "x")

    status = turning.run(turning.wheel(), "silent")
    assert (status.runtime_status, status.output) == (RuntimeStatus.COMPLETED, None)


def test_20_a_cancelled_timer_that_is_awaited_never_completes(turning: Turning, app: App) -> None:
    @app.orchestrator
    def stuck(context: Any) -> Any:
        timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1))
        timer.cancel()
        yield timer

    wheel = turning.wheel()
    turning.run(wheel, "stuck", instance_id="s")
    turning.advance(60)
    turning.turn_until_quiet(wheel)
    assert state(turning, "s") is RuntimeStatus.RUNNING


# Retries and timers


def test_38_numbers_of_attempts_and_timers_are_given_as_their_events_come(turning: Turning, app: App) -> None:
    @app.orchestrator
    def both(context: Any) -> Any:
        retry = RetryOptions(1000, 2)
        yield context.task_all([context.call_activity_with_retry("fail", retry, n) for n in "ab"])

    wheel = turning.wheel()
    turning.run(wheel, "both", instance_id="b")
    for _ in range(3):
        turning.advance(1)
        turning.turn_until_quiet(wheel)
    made = [(event.task_id, type(event).__name__) for event in raw(turning, "b") if isinstance(event, TaskScheduled | TimerCreated)]
    names = ["TaskScheduled"] * 2 + ["TimerCreated"] * 2
    assert made == list(enumerate(names * 2))


def test_40_a_retried_child_with_an_id_takes_the_place_of_the_failed_one(turning: Turning, app: App) -> None:
    tries: list[int] = []

    @app.orchestrator
    def flaky(context: Any) -> Any:
        tries.append(1)
        if len(tries) < 2:
            raise ValueError("first try")
        return "second try"

    @app.orchestrator
    def persistent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator_with_retry("flaky", RetryOptions(1000, 3), None, "kid"))

    wheel = turning.wheel()
    turning.run(wheel, "persistent", instance_id="p")
    assert state(turning, "kid") is RuntimeStatus.FAILED
    turning.advance(1)
    turning.turn_until_quiet(wheel)
    assert [turning.hub.get_status(each).output for each in ("p", "kid")] == ["second try"] * 2


@pytest.mark.parametrize("seconds", [0, -60], ids=["now", "past"])
def test_41_a_timer_that_is_due_fires_in_the_next_episode(turning: Turning, seconds: int) -> None:
    assert turning.run(turning.wheel(), "sleeper", seconds, instance_id="s").output == "woke"
    (fired,) = [event for event in raw(turning, "s") if isinstance(event, TimerFired)]
    assert fired.fire_at == T0 + timedelta(seconds=seconds)


def test_43_a_timer_of_a_month_is_one_timer(turning: Turning) -> None:
    wheel, month = turning.wheel(), 30 * 24 * 3600
    turning.run(wheel, "sleeper", month, instance_id="s")
    turning.advance(month)
    turning.turn_until_quiet(wheel)
    assert kinds(turning, "s").count("TimerFired") == 1


# External events


def test_47_events_reach_pending_and_suspended_instances_only_while_they_are_there(turning: Turning) -> None:
    turning.run(turning.wheel(), "sequence", instance_id="done")
    with pytest.raises(WrongState):
        turning.hub.raise_event("done", "Approve")
    with pytest.raises(InstanceNotFound):
        turning.hub.raise_event("nobody", "Approve")


def test_48_events_of_one_sender_arrive_in_their_order(turning: Turning) -> None:
    turning.hub.start("ticks", [], instance_id="t")
    for number in range(3):
        turning.hub.raise_event("t", "Tick", number)
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("t").output == [0, 1, 2]


def test_49_an_event_that_nobody_awaits_stays_in_the_history(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.hub.raise_event("a", "Other", 1)
    turning.turn_until_quiet(wheel)
    assert [event.name for event in raw(turning, "a") if isinstance(event, EventRaised)] == ["Other"]
    assert kinds(turning, "a").count("OrchestratorStarted") == 2


# Sub-orchestrations


def test_51_a_terminated_child_fails_its_call_with_the_reason(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["approval", None, "kid"], instance_id="p")
    turning.hub.terminate("kid", "not wanted")
    turning.turn_until_quiet(wheel)
    status = turning.hub.get_status("p")
    assert status.runtime_status is RuntimeStatus.FAILED
    assert "not wanted \n None" in status.output


def test_51_a_child_that_continued_as_new_answers_the_same_parent(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["ticks", [], "kid"], instance_id="p")
    for number in range(3):
        turning.hub.raise_event("kid", "Tick", number)
        turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("p").output == [0, 1, 2]


def test_53_a_parents_end_does_not_stop_its_children(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["approval", None, "kid"], instance_id="p")
    turning.hub.terminate("p")
    turning.turn_until_quiet(wheel)
    assert state(turning, "kid") is RuntimeStatus.RUNNING


def test_54_a_childs_answer_after_its_parents_end_is_dropped(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "parent", ["approval", None, "kid"], instance_id="p")
    turning.hub.terminate("p", "enough")
    turning.hub.raise_event("kid", "Approve", 1)
    turning.turn_until_quiet(wheel)
    assert [turning.hub.get_status(each).output for each in ("p", "kid")] == ["enough", 1]


# Continue-as-new


def test_55_an_instance_that_continues_keeps_what_is_its_own(turning: Turning, app: App) -> None:
    @app.orchestrator
    def twice(context: Any) -> Any:
        if context.get_input() == 1:
            context.set_custom_status("first")
            return context.continue_as_new(2)
        return [context.version, (yield context.wait_for_external_event("Go"))]

    wheel = turning.wheel()
    turning.run(wheel, "twice", 1, instance_id="t", version="7")
    turning.advance(60)
    turning.hub.raise_event("t", "Go")
    turning.turn_until_quiet(wheel)
    status = turning.hub.get_status("t")
    assert (status.created_time, status.custom_status, status.input, status.output) == (T0, "first", 2, ["7", None])


# Terminate, suspend, resume


def test_60_an_ended_instance_cannot_be_terminated(turning: Turning) -> None:
    turning.run(turning.wheel(), "sequence", instance_id="s")
    with pytest.raises(WrongState):
        turning.hub.terminate("s")


def test_61_a_pending_instance_can_be_terminated(turning: Turning) -> None:
    turning.hub.start("approval", instance_id="a")
    turning.hub.terminate("a", "never mind")
    turning.turn_until_quiet(turning.wheel())
    assert state(turning, "a") is RuntimeStatus.TERMINATED


def test_62_only_what_runs_is_suspended_and_only_what_is_suspended_resumed(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    with pytest.raises(WrongState):
        turning.hub.resume("a")
    turning.hub.suspend("a", "a break")
    turning.turn_until_quiet(wheel)
    with pytest.raises(WrongState):
        turning.hub.suspend("a")
    assert [event.reason for event in raw(turning, "a") if type(event).__name__ == "ExecutionSuspended"] == ["a break"]


# Rewind, restart, purge


def test_64_only_a_failed_instance_is_rewound(turning: Turning) -> None:
    wheel = turning.wheel()
    for name, instance_id in (("sequence", "done"), ("approval", "running")):
        turning.run(wheel, name, instance_id=instance_id)
        with pytest.raises(WrongState):
            turning.hub.rewind(instance_id)


def test_65_a_rewind_repeats_only_what_failed(turning: Turning, app: App) -> None:
    ran: list[str] = []

    @app.activity
    def step(name: str) -> str:
        ran.append(name)
        if name == "b" and ran.count("b") == 1:
            raise RuntimeError("first try")
        return name

    @app.orchestrator
    def steps(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("step", name) for name in "abc"]))

    wheel = turning.wheel()
    turning.run(wheel, "steps", instance_id="s")
    turning.hub.rewind("s")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("s").output == ["a", "b", "c"]
    assert sorted(ran) == ["a", "b", "b", "c"]


def test_65_code_that_raised_by_itself_fails_again(turning: Turning, app: App) -> None:
    @app.orchestrator
    def broken(context: Any) -> Any:
        raise ValueError("as ever")

    wheel = turning.wheel()
    turning.run(wheel, "broken", instance_id="b")
    turning.hub.rewind("b")
    turning.turn_until_quiet(wheel)
    assert "as ever" in turning.hub.get_status("b").output


def test_66_a_restart_is_a_new_instance_with_the_same_name_and_input(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "sequence", ["Oslo"], instance_id="s")
    other = turning.hub.restart("s").id
    turning.hub.restart("s", new_id=False)
    turning.turn_until_quiet(wheel)
    assert other != "s"
    assert [turning.hub.get_status(each).output for each in (other, "s")] == [["Hello Oslo!"]] * 2


def test_66_a_running_instance_is_restarted_under_a_new_id_only(turning: Turning) -> None:
    turning.run(turning.wheel(), "approval", instance_id="a")
    with pytest.raises(WrongState):
        turning.hub.restart("a", new_id=False)
    assert turning.hub.restart("a").id != "a"


def test_67_only_finished_instances_are_purged(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.run(wheel, "sequence", instance_id="s")
    with pytest.raises(WrongState):
        turning.hub.purge("a")
    assert turning.hub.purge_by(created_from=T0, created_to=None, statuses=frozenset({RuntimeStatus.COMPLETED})) == 1
    with pytest.raises(InstanceNotFound):
        turning.hub.purge("s")


def test_68_a_purge_leaves_the_children(turning: Turning) -> None:
    turning.run(turning.wheel(), "parent", ["sequence", None, "kid"], instance_id="p")
    turning.hub.purge("p")
    assert state(turning, "kid") is RuntimeStatus.COMPLETED


# Entities


def test_70_the_name_of_an_entity_is_in_lower_case_and_its_key_as_it_is(turning: Turning) -> None:
    turning.hub.signal_entity(EntityId("COUNTER", "Key"), "add", 1)
    turning.turn_until_quiet(turning.wheel())
    assert [str(entity.entity_id) for entity in turning.hub.list_entities()] == ["@counter@Key"]


def test_72_state_set_before_an_exception_is_kept_and_a_result_is_that_of_its_operation(turning: Turning, app: App) -> None:
    @app.entity
    def fragile(context: Any) -> None:
        match context.operation_name:
            case "fail":
                context.set_state("set before")
                context.set_result("leaked?")
                raise ValueError("no luck")
            case "input":
                context.set_result([context.get_state(), context.get_input()])

    @app.orchestrator
    def calls(context: Any) -> Any:
        entity = AppEntityId("fragile", "k")
        failed, quiet, read = (context.call_entity(entity, operation) for operation in ("fail", "nothing", "input"))
        yield context.task_any([context.task_all([failed]), quiet])
        return [str(failed.result), (yield quiet), (yield read)]

    assert turning.run(turning.wheel(), "calls").output == ["no luck", None, ["set before", None]]


def test_73_an_operation_after_the_deletion_makes_the_entity_again(turning: Turning) -> None:
    counter = EntityId("counter", "k")
    for operation, value in (("add", 5), ("delete", None), ("add", 1)):
        turning.hub.signal_entity(counter, operation, value)
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_entity(counter) == 1


def test_75_entities_never_complete_and_are_listed_only_when_asked_for(turning: Turning) -> None:
    turning.hub.signal_entity(EntityId("counter", "k"), "add", 1)
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.list_page(InstanceFilter()).items == ()
    (entity,) = turning.hub.list_page(InstanceFilter(include_entities=True))
    assert (entity.instance_id, entity.runtime_status) == ("@counter@k", RuntimeStatus.RUNNING)


# Payloads, versions, history


def test_78_a_large_payload_passes_through(turning: Turning, app: App) -> None:
    @app.orchestrator
    def echo(context: Any) -> Any:
        return context.get_input()

    text = "x" * 2_000_000
    assert turning.run(turning.wheel(), "echo", text).output == text


def test_81_a_date_in_json_stays_a_string(turning: Turning) -> None:
    wheel = turning.wheel()
    turning.run(wheel, "approval", instance_id="a")
    turning.hub.raise_event("a", "Approve", "2026-01-01T00:00:00Z")
    turning.turn_until_quiet(wheel)
    assert turning.hub.get_status("a").output == "2026-01-01T00:00:00Z"


@pytest.fixture
def versions(app: App) -> None:
    @app.orchestrator
    def tell(context: Any) -> Any:
        return context.version

    @app.orchestrator
    def tell_all(context: Any) -> Any:
        children = [context.call_sub_orchestrator("tell"), context.call_sub_orchestrator("tell", version="2")]
        return [context.version, *(yield context.task_all(children))]


@pytest.mark.parametrize("version", [None, "9"], ids=["default", "explicit"])
def test_85_the_version_is_that_of_the_start_or_the_default(turning: Turning, app: App, versions: None, version: str | None) -> None:
    app.default_version = "1"
    with LocalTaskHub(turning.path, registry=app, now=lambda: turning.now) as hub:
        hub.start("tell", instance_id="t", version=version)
    turning.turn_until_quiet(turning.wheel())
    assert turning.hub.get_status("t").output == (version or "1")


def test_86_a_child_has_its_own_version_or_the_default(turning: Turning, app: App, versions: None) -> None:
    app.default_version = "1"
    assert turning.run(turning.wheel(), "tell_all", version="9").output == ["9", "1", "2"]


def test_85_the_default_version_is_that_of_host_json(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n@app.activity_trigger(input_name='x')\ndef a(x): ...\n"
    )
    (tmp_path / "host.json").write_text('{"extensions": {"durableTask": {"defaultVersion": "3.1"}}}')
    assert load_app(tmp_path).default_version == "3.1"


def test_88_the_history_of_an_episode_is_in_order(turning: Turning) -> None:
    turning.run(turning.wheel(), "sequence", ["Oslo"], instance_id="s")
    assert kinds(turning, "s") == [
        "OrchestratorStarted",
        "ExecutionStarted",
        "TaskScheduled",
        "OrchestratorCompleted",
        "OrchestratorStarted",
        "TaskCompleted",
        "ExecutionCompleted",
        "OrchestratorCompleted",
    ]


def test_24_a_failure_is_text_in_the_services_words() -> None:
    def failing(context: Any) -> Any:
        raise ValueError("m")

    ending = first(failing).ending
    assert isinstance(ending, ExecutionCompleted)
    assert ending.result == "Orchestrator function 'o' failed: m"


# The list itself

ROWS = re.findall(r"^\| (\d+) \| (.+?) \| (.+?) \|$", (ROOT / "docs" / "fidelity.md").read_text(encoding="utf-8"), re.MULTILINE)


def test_every_point_has_a_row() -> None:
    assert [int(number) for number, _, _ in ROWS] == list(range(1, 90))


@pytest.mark.parametrize(("number", "held"), [(number, held) for number, _, held in ROWS], ids=[f"{row[0]}" for row in ROWS])
def test_every_row_names_tests_that_exist(number: str, held: str) -> None:
    tests = re.findall(r"`([\w/]+\.py)::(\w+)`", held)
    assert tests or held.startswith("differs: "), f"point {number} is neither held nor explained"
    for file, name in tests:
        text = (ROOT / "tests" / file).read_text(encoding="utf-8")
        assert re.search(rf"^def {name}\(", text, re.MULTILINE), f"point {number}: no {name} in tests/{file}"
