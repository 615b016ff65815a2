"""More points of docs/fidelity.md by number: steering instances, entities, payloads and versions,
on dispatcher that are turned by hand.
"""

from __future__ import annotations

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.df import EntityId as AppEntityId
from durablectl.engine.worker.dispatcher import Dispatcher
from durablectl.errors import HubUnusable, InstanceNotFound, WrongState
from durablectl.functionapp.loader import load_app
from durablectl.history.events import ExecutionCompleted, TaskScheduled
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from tests.engine.dispatching import T0, App, Dispatching
from tests.engine.histories import first

# Terminate, suspend, resume


def test_60_an_ended_instance_cannot_be_terminated(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", instance_id="s")
    with pytest.raises(WrongState):
        dispatching.hub.terminate("s")


def test_61_a_pending_instance_can_be_terminated(dispatching: Dispatching) -> None:
    dispatching.hub.start("approval", instance_id="a")
    dispatching.hub.terminate("a", "never mind")
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.state("a") is RuntimeStatus.TERMINATED


def test_61_what_is_terminated_before_it_begins_calls_nothing(dispatching: Dispatching) -> None:
    later = T0 + timedelta(hours=1)
    dispatching.hub.schedule("sequence", ["Oslo"], at=later, instance_id="later")
    dispatching.hub.start("sequence", ["Oslo"], instance_id="now")
    for each in ("later", "now"):
        dispatching.hub.terminate(each, "never mind")
    dispatching.process_until_quiet(dispatching.dispatcher())
    for each in ("later", "now"):
        assert dispatching.state(each) is RuntimeStatus.TERMINATED
        assert not any(isinstance(event, TaskScheduled) for event in dispatching.events(each))


def test_62_only_what_runs_is_suspended_and_only_what_is_suspended_resumed(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    with pytest.raises(WrongState):
        dispatching.hub.resume("a")
    dispatching.hub.suspend("a", "a break")
    dispatching.process_until_quiet(dispatcher)
    with pytest.raises(WrongState):
        dispatching.hub.suspend("a")
    assert [
        event.reason
        for event in dispatching.events("a")
        if type(event).__name__ == "ExecutionSuspended"
    ] == ["a break"]


def test_62_a_resume_follows_a_suspend_that_no_worker_has_taken_up(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.suspend("a")
    with pytest.raises(WrongState, match="about to be Suspended"):
        dispatching.hub.suspend("a")
    dispatching.hub.resume("a")
    with pytest.raises(WrongState, match="about to be Running"):
        dispatching.hub.resume("a")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("a") is RuntimeStatus.RUNNING


def test_62_a_pending_instance_can_be_suspended_and_begins_after_its_resume(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("sequence", ["Oslo"], instance_id="s")
    dispatching.hub.suspend("s")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("s") is RuntimeStatus.SUSPENDED
    dispatching.hub.resume("s")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").output == ["Hello Oslo!"]


# Rewind, restart, purge


def test_64_only_a_failed_instance_is_rewound(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    for name, instance_id in (("sequence", "done"), ("approval", "running")):
        dispatching.run(dispatcher, name, instance_id=instance_id)
        with pytest.raises(WrongState):
            dispatching.hub.rewind(instance_id)


def test_65_a_rewind_repeats_only_what_failed(dispatching: Dispatching, app: App) -> None:
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

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "steps", instance_id="s")
    dispatching.hub.rewind("s")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("s").output == ["a", "b", "c"]
    assert sorted(ran) == ["a", "b", "b", "c"]


def test_65_code_that_raised_by_itself_fails_again(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def broken(context: Any) -> Any:
        raise ValueError("as ever")

    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "broken", instance_id="b")
    dispatching.hub.rewind("b")
    dispatching.process_until_quiet(dispatcher)
    assert "as ever" in dispatching.hub.get_status("b").output


def test_66_a_restart_is_a_new_instance_with_the_same_name_and_input(
    dispatching: Dispatching,
) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "sequence", ["Oslo"], instance_id="s")
    other = dispatching.hub.restart("s").id
    dispatching.hub.restart("s", new_id=False)
    dispatching.process_until_quiet(dispatcher)
    assert other != "s"
    assert [dispatching.hub.get_status(each).output for each in (other, "s")] == [
        ["Hello Oslo!"]
    ] * 2


def test_66_a_running_instance_is_restarted_under_a_new_id_only(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "approval", instance_id="a")
    with pytest.raises(WrongState):
        dispatching.hub.restart("a", new_id=False)
    assert dispatching.hub.restart("a").id != "a"


def test_67_only_finished_instances_are_purged(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.run(dispatcher, "sequence", instance_id="s")
    with pytest.raises(WrongState):
        dispatching.hub.purge("a")
    assert (
        dispatching.hub.purge_by(
            created_from=T0, created_to=None, statuses=frozenset({RuntimeStatus.COMPLETED})
        )
        == 1
    )
    with pytest.raises(InstanceNotFound):
        dispatching.hub.purge("s")


def test_68_a_purge_leaves_the_children(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "parent", ["sequence", None, "kid"], instance_id="p")
    dispatching.hub.purge("p")
    assert dispatching.state("kid") is RuntimeStatus.COMPLETED


# Entities


def test_70_the_name_of_an_entity_is_in_lower_case_and_its_key_as_it_is(
    dispatching: Dispatching,
) -> None:
    dispatching.hub.signal_entity(EntityId("COUNTER", "Key"), "add", 1)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert [str(entity.entity_id) for entity in dispatching.hub.list_entities()] == ["@counter@Key"]


def test_72_state_set_before_an_exception_is_kept_and_a_result_is_that_of_its_operation(
    dispatching: Dispatching, app: App
) -> None:
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
        failed, quiet, read = (
            context.call_entity(entity, operation) for operation in ("fail", "nothing", "input")
        )
        yield context.task_any([context.task_all([failed]), quiet])
        return [str(failed.result), (yield quiet), (yield read)]

    assert dispatching.run(dispatching.dispatcher(), "calls").output == [
        "no luck",
        None,
        ["set before", None],
    ]


def test_73_an_operation_after_the_deletion_makes_the_entity_again(
    dispatching: Dispatching,
) -> None:
    counter = EntityId("counter", "k")
    for operation, value in (("add", 5), ("delete", None), ("add", 1)):
        dispatching.hub.signal_entity(counter, operation, value)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_entity(counter) == 1


def test_75_entities_never_complete_and_are_listed_only_when_asked_for(
    dispatching: Dispatching,
) -> None:
    dispatching.hub.signal_entity(EntityId("counter", "k"), "add", 1)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.list_page(InstanceFilter()).items == ()
    (entity,) = dispatching.hub.list_page(InstanceFilter(include_entities=True))
    assert (entity.instance_id, entity.runtime_status) == ("@counter@k", RuntimeStatus.RUNNING)


# Payloads, versions, history


def test_78_a_large_payload_passes_through(dispatching: Dispatching, app: App) -> None:
    @app.orchestrator
    def echo(context: Any) -> Any:
        return context.get_input()

    text = "x" * 2_000_000
    assert dispatching.run(dispatching.dispatcher(), "echo", text).output == text


def test_81_a_date_in_json_stays_a_string(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "approval", instance_id="a")
    dispatching.hub.raise_event("a", "Approve", "2026-01-01T00:00:00Z")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_status("a").output == "2026-01-01T00:00:00Z"


@pytest.fixture
def versions(app: App) -> None:
    @app.orchestrator
    def tell(context: Any) -> Any:
        return context.version

    @app.orchestrator
    def tell_all(context: Any) -> Any:
        children = [
            context.call_sub_orchestrator("tell"),
            context.call_sub_orchestrator("tell", version="2"),
        ]
        return [context.version, *(yield context.task_all(children))]


@pytest.mark.parametrize("version", [None, "9"], ids=["default", "explicit"])
def test_85_the_version_is_that_of_the_start_or_the_default(
    dispatching: Dispatching, app: App, versions: None, version: str | None
) -> None:
    app.default_version = "1"
    with LocalTaskHub(dispatching.path, registry=app, now=lambda: dispatching.now) as hub:
        hub.start("tell", instance_id="t", version=version)
    dispatching.process_until_quiet(dispatching.dispatcher())
    assert dispatching.hub.get_status("t").output == (version or "1")


def test_86_a_child_has_its_own_version_or_the_default(
    dispatching: Dispatching, app: App, versions: None
) -> None:
    app.default_version = "1"
    assert dispatching.run(dispatching.dispatcher(), "tell_all", version="9").output == [
        "9",
        "1",
        "2",
    ]


def test_85_the_default_version_is_that_of_host_json(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n@app.activity_trigger(input_name='x')\ndef "
        "a(x): ...\n"
    )
    (tmp_path / "host.json").write_text(
        '{"extensions": {"durableTask": {"defaultVersion": "3.1"}}}'
    )
    assert load_app(tmp_path).default_version == "3.1"


def test_88_the_history_of_an_episode_is_in_order(dispatching: Dispatching) -> None:
    dispatching.run(dispatching.dispatcher(), "sequence", ["Oslo"], instance_id="s")
    assert dispatching.kinds("s") == [
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


def family(dispatching: Dispatching) -> Dispatcher:
    """p has called p:kid, which has called p:kid:kid; that one waits for an event."""
    dispatcher = dispatching.dispatcher()
    call = ["parent", ["approval", None, "p:kid:kid"], "p:kid"]
    dispatching.run(dispatcher, "parent", call, instance_id="p")
    return dispatcher


FAMILY = ("p", "p:kid", "p:kid:kid")


def test_60_a_recursive_terminate_ends_all_below_also_what_is_suspended(
    dispatching: Dispatching,
) -> None:
    dispatcher = family(dispatching)
    dispatching.hub.suspend("p:kid")
    dispatching.process_until_quiet(dispatcher)
    dispatching.hub.terminate("p", "enough", recursive=True)
    dispatching.process_until_quiet(dispatcher)
    ended = [dispatching.hub.get_status(each) for each in FAMILY]
    assert {each.runtime_status for each in ended} == {RuntimeStatus.TERMINATED}
    assert {each.output for each in ended} == {"enough"}


def test_60_a_recursive_terminate_ends_a_child_that_is_pending(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.hub.start("parent", ["approval", None, "kid"], instance_id="p")
    while dispatching.state("p") is RuntimeStatus.PENDING:
        dispatcher.process_next(dispatching.now)
    assert dispatching.state("kid") is RuntimeStatus.PENDING
    dispatching.hub.terminate("p", recursive=True)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("kid") is RuntimeStatus.TERMINATED


def test_60_a_recursive_terminate_reaches_what_a_finished_parent_left(
    dispatching: Dispatching,
) -> None:
    dispatcher = family(dispatching)
    dispatching.hub.terminate("p")
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("p:kid:kid") is RuntimeStatus.RUNNING
    dispatching.hub.terminate("p", recursive=True)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.state("p:kid:kid") is RuntimeStatus.TERMINATED
    with pytest.raises(WrongState, match="'p' is Terminated, and nothing below it is unfinished"):
        dispatching.hub.terminate("p", recursive=True)


def test_60_a_recursive_terminate_reaches_a_child_of_the_episode_under_way(
    tmp_path: Path, app: App
) -> None:
    @app.orchestrator
    def late(context: Any) -> Any:
        if not context.is_replaying:
            dispatching.hub.terminate("p", "enough", recursive=True)
        yield context.call_sub_orchestrator("approval", None, "kid")

    dispatching = Dispatching(tmp_path / "late.db", app)
    dispatching.run(dispatching.dispatcher(), "late", instance_id="p")
    kid = dispatching.hub.get_status("kid")
    dispatching.close()
    assert (kid.runtime_status, kid.output) == (RuntimeStatus.TERMINATED, "enough")


def test_60_a_recursive_terminate_leaves_entities_alone(dispatching: Dispatching) -> None:
    dispatcher = dispatching.dispatcher()
    dispatching.run(dispatcher, "counted", "c", instance_id="p")
    dispatching.hub.start("approval", instance_id="other")
    with pytest.raises(WrongState):
        dispatching.hub.terminate("p", recursive=True)
    dispatching.process_until_quiet(dispatcher)
    assert dispatching.hub.get_entity(EntityId("counter", "c")) == 2
    assert dispatching.state("other") is RuntimeStatus.RUNNING


def test_60_a_recursive_terminate_is_whole_or_nothing(dispatching: Dispatching) -> None:
    dispatcher = family(dispatching)
    with dispatching.hub.database.transaction() as sql:
        (key,) = sql.execute("SELECT key FROM instances WHERE id = 'p:kid:kid'").fetchone()
        sql.execute(
            f"CREATE TRIGGER full BEFORE INSERT ON inbox WHEN NEW.instance = {key} "
            "BEGIN SELECT RAISE(ABORT, 'full'); END"
        )
    with pytest.raises(HubUnusable):
        dispatching.hub.terminate("p", recursive=True)
    dispatching.process_until_quiet(dispatcher)
    assert {dispatching.state(each) for each in FAMILY} == {RuntimeStatus.RUNNING}
