"""An instance of one hub continues in another one: real files, the app on both sides."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import Any, cast

import pytest

from durablectl import df
from durablectl.backends.importing import bundle_of_histories, bundle_of_hub
from durablectl.backends.saving import with_entities
from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.guided import judge_history
from durablectl.engine.store.maintenance import check_hub
from durablectl.errors import AlreadyExists, InstanceNotFound, UsageError, WrongState
from durablectl.history.exported import raw_from_json
from durablectl.history.saved import ServiceHistory, histories_in, history_of, read_histories
from durablectl.history.sdk import document
from durablectl.model import EntityId, RuntimeStatus
from durablectl.taskhub import TaskHub
from durablectl.testing import assert_replays
from durablectl.wire import status_to_json
from tests.engine.dispatching import App, Dispatching

SUSPENDED, COMPLETED = RuntimeStatus.SUSPENDED, RuntimeStatus.COMPLETED


class Calls(list[Any]):
    """The inputs of the activity `do`; it raises for what is in `fails`."""

    def __init__(self) -> None:
        super().__init__()
        self.fails: set[str] = set()


@pytest.fixture
def calls() -> Calls:
    return Calls()


@pytest.fixture
def app(calls: Calls) -> App:
    app = App("function_app.py")

    @app.activity
    def do(what: Any) -> Any:
        calls.append(what)
        if what in calls.fails:
            raise ValueError(f"no {what}")
        return f"{what} done"

    @app.orchestrator
    def order(context: Any) -> Any:
        first = yield context.call_activity("do", "first")
        context.set_custom_status({"stage": "approval"})
        counter = df.EntityId("counter", "all")
        total = yield context.call_entity(counter, "add", 1)
        timer = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        event = context.wait_for_external_event("Approve")
        winner = yield context.task_any([timer, event])
        if winner is event:
            timer.cancel()
        return [first, total, winner is event, (yield context.call_activity("do", "last"))]

    @app.orchestrator
    def parent(context: Any) -> Any:
        told = yield context.task_all(
            [
                context.call_sub_orchestrator("child", "auto"),
                context.call_sub_orchestrator("child", "named", "named-child"),
            ]
        )
        return [told, (yield context.call_activity("do", "after"))]

    @app.orchestrator
    def family(context: Any) -> Any:
        own = f"{context.instance_id}-2"
        called = [("parent", "auto", None), ("child", "made", own), ("child", "given", "given")]
        return (yield context.task_all([context.call_sub_orchestrator(*each) for each in called]))

    @app.orchestrator
    def child(context: Any) -> Any:
        yield context.wait_for_external_event("Go")
        return (yield context.call_activity("do", context.get_input()))

    @app.orchestrator
    def retrying(context: Any) -> Any:
        options = df.RetryOptions(60_000, 3)
        return (yield context.call_activity_with_retry("do", options, "flaky"))

    @app.entity
    def counter(context: Any) -> None:
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state(lambda: 0))

    return app


class Hubs:
    """Where instances ran, and where they are imported; each has one worker."""

    def __init__(self, folder: Path, app: App) -> None:
        self.app = app
        self.source, self.target = (
            Dispatching(folder / name / "hub.db", app) for name in ("source", "target")
        )
        self._workers = {id(hub): hub.dispatcher() for hub in (self.source, self.target)}

    def work(self, hub: Dispatching, seconds: float = 0) -> None:
        worker = self._workers[id(hub)]
        hub.process_until_quiet(worker)
        if seconds:
            hub.advance(seconds)
            hub.process_until_quiet(worker)

    def start(self, name: str, instance_id: str) -> None:
        self.source.hub.start(name, instance_id=instance_id)
        self.work(self.source)

    def bring(self, instance_id: str, new_id: str | None = None) -> list[str]:
        """Import an instance; the ids of what was imported."""
        bundle = bundle_of_hub(self.source.hub, instance_id, lambda: self.app)
        found = self.target.hub.import_bundle(bundle, new_id).instances
        assert check_hub(self.target.hub.database, self.target.now).problems == ()
        return [each.instance_id for each in found]

    def resume(self, *ids: str) -> None:
        for each in ids:
            self.target.hub.resume(each)
        self.work(self.target)

    def close(self) -> None:
        self.source.close()
        self.target.close()


@pytest.fixture
def hubs(tmp_path: Path, app: App) -> Iterator[Hubs]:
    for name in ("source", "target"):
        (tmp_path / name).mkdir()
    hubs = Hubs(tmp_path, app)
    yield hubs
    hubs.close()


def test_it_arrives_suspended_and_no_worker_runs_anything_of_it(hubs: Hubs, calls: Calls) -> None:
    hubs.start("order", "o-1")
    assert hubs.bring("o-1") == ["o-1"]
    hubs.work(hubs.target, 7200)
    assert (hubs.target.state("o-1"), calls) == (SUSPENDED, ["first"])
    assert hubs.target.hub.database.query("SELECT * FROM activities") == []


def test_it_continues_where_it_was(hubs: Hubs, calls: Calls) -> None:
    hubs.start("order", "o-1")
    hubs.bring("o-1")
    hubs.resume("o-1")
    hubs.target.hub.raise_event("o-1", "Approve")
    hubs.work(hubs.target)
    assert hubs.target.hub.get_status("o-1").output == ["first done", 1, True, "last done"]
    assert calls == ["first", "last"]
    assert hubs.source.state("o-1") is RuntimeStatus.RUNNING


def test_a_timer_fires_when_it_was_due(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    hubs.bring("o-1")
    hubs.resume("o-1")
    hubs.work(hubs.target, 3599)
    assert hubs.target.state("o-1") is RuntimeStatus.RUNNING
    hubs.work(hubs.target, 1)
    assert hubs.target.hub.get_status("o-1").output == ["first done", 1, False, "last done"]


def test_custom_status_entities_and_times_come_along(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    hubs.target.advance(500)
    hubs.bring("o-1")
    status = hubs.target.hub.get_status("o-1")
    assert status.custom_status == {"stage": "approval"}
    assert status.created_time == hubs.source.hub.get_status("o-1").created_time
    assert hubs.target.hub.get_entity(EntityId("counter", "all")) == 1


def test_a_state_that_an_entity_has_here_stays(hubs: Hubs) -> None:
    hubs.target.hub.signal_entity(EntityId("counter", "all"), "add", 40)
    hubs.work(hubs.target)
    hubs.start("order", "o-1")
    hubs.bring("o-1")
    assert hubs.target.hub.get_entity(EntityId("counter", "all")) == 40


def test_children_come_along_and_answer_their_parent(hubs: Hubs, calls: Calls) -> None:
    hubs.start("parent", "p-1")
    ids = hubs.bring("p-1")
    assert (len(ids), ids[0], ids[2]) == (3, "p-1", "named-child")
    assert {hubs.target.state(each) for each in ids} == {SUSPENDED}
    hubs.resume(*ids)
    for each in ids[1:]:
        hubs.target.hub.raise_event(each, "Go")
    hubs.work(hubs.target)
    assert hubs.target.hub.get_status("p-1").output == [["auto done", "named done"], "after done"]


def test_an_answer_of_a_child_that_ended_while_it_was_read_is_not_lost(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    bundle = bundle_of_hub(hubs.source.hub, "p-1", lambda: hubs.app)
    hubs.source.hub.raise_event("named-child", "Go")
    hubs.work(hubs.source)
    ended = raw_from_json(hubs.source.hub.raw_history("named-child"))
    later = [ended if each.instance_id == "named-child" else each for each in bundle.gathered]
    ids = [
        each.instance_id
        for each in hubs.target.hub.import_bundle(replace(bundle, gathered=tuple(later))).instances
    ]
    hubs.resume("p-1", ids[1])
    hubs.target.hub.raise_event(ids[1], "Go")
    hubs.work(hubs.target)
    assert hubs.target.hub.get_status("p-1").output == [["auto done", "named done"], "after done"]


def test_a_child_that_was_purged_is_said_and_called_again(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    hubs.source.hub.terminate("named-child")
    bundle = bundle_of_hub(hubs.source.hub, "p-1", lambda: hubs.app)
    lost = tuple(each for each in bundle.gathered if each.instance_id != "named-child")
    hubs.target.hub.import_bundle(replace(bundle, gathered=lost))
    hubs.resume("p-1")
    assert hubs.target.state("named-child") is RuntimeStatus.RUNNING


def test_a_purged_child_of_a_finished_instance_is_noted(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    auto = bundle_of_hub(hubs.source.hub, "p-1", lambda: None).gathered[1].instance_id
    for each in (auto, "named-child"):
        hubs.source.hub.raise_event(each, "Go")
    hubs.work(hubs.source)
    hubs.source.hub.purge("named-child")
    bundle = bundle_of_hub(hubs.source.hub, "p-1", lambda: hubs.app)
    assert bundle.notes == ("sub-orchestration 'named-child' is not there any more",)
    hubs.target.hub.import_bundle(bundle)
    assert hubs.target.state("p-1") is COMPLETED


def test_a_retry_continues_with_its_next_attempt(hubs: Hubs, calls: Calls) -> None:
    calls.fails = {"flaky"}
    hubs.start("retrying", "r-1")
    hubs.bring("r-1")
    calls.fails = set()
    hubs.resume("r-1")
    assert calls == ["flaky"]
    hubs.work(hubs.target, 60)
    assert (hubs.target.hub.get_status("r-1").output, calls) == ("flaky done", ["flaky", "flaky"])


def test_one_that_has_not_started_arrives_suspended_too(hubs: Hubs, calls: Calls) -> None:
    hubs.source.hub.start("order", {"id": 7}, instance_id="o-1")
    hubs.bring("o-1")
    hubs.work(hubs.target)
    status = hubs.target.hub.get_status("o-1")
    assert (status.runtime_status, status.input, calls) == (SUSPENDED, {"id": 7}, [])
    hubs.resume("o-1")
    assert calls == ["first"]


def test_a_suspended_one_is_resumed_once(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    hubs.source.hub.suspend("o-1")
    hubs.work(hubs.source)
    hubs.bring("o-1")
    hubs.resume("o-1")
    assert hubs.target.state("o-1") is RuntimeStatus.RUNNING


def test_a_finished_one_is_imported_as_it_is(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    hubs.source.hub.raise_event("o-1", "Approve")
    hubs.work(hubs.source)
    hubs.bring("o-1")
    assert hubs.target.hub.get_status("o-1") == hubs.source.hub.get_status("o-1")
    assert hubs.target.hub.raw_history("o-1") == hubs.source.hub.raw_history("o-1")


def test_a_failed_one_is_fixed_and_continued(hubs: Hubs, calls: Calls) -> None:
    calls.fails = {"last"}
    hubs.start("order", "o-1")
    hubs.source.hub.raise_event("o-1", "Approve")
    hubs.work(hubs.source)
    hubs.bring("o-1")
    calls.fails = set()
    new = hubs.target.hub.restart_from("o-1").id
    hubs.work(hubs.target)
    assert hubs.target.hub.get_status(new).output == ["first done", 1, True, "last done"]
    hubs.target.hub.rewind("o-1")
    hubs.work(hubs.target)
    assert hubs.target.state("o-1") is COMPLETED
    assert calls == ["first", "last", "last", "last"]


# Ids


def test_an_id_that_is_taken_is_refused_and_nothing_is_written(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    hubs.target.hub.start("order", instance_id="named-child")
    with pytest.raises(AlreadyExists, match="'named-child' is already there") as refused:
        hubs.bring("p-1")
    assert "--instance-id" in (refused.value.hint or "")
    assert hubs.target.hub.database.one("SELECT count(*) FROM instances") == (1,)


def test_another_id_makes_a_second_copy_with_children_of_its_own(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    first, second = hubs.bring("p-1"), hubs.bring("p-1", "copy")
    assert second[0] == "copy"
    assert second[2] == "copy:named-child"
    assert not {*first} & {*second}
    hubs.resume(*second)
    for each in second[1:]:
        hubs.target.hub.raise_event(each, "Go")
    hubs.work(hubs.target)
    assert hubs.target.state("copy") is COMPLETED
    assert hubs.target.state("p-1") is SUSPENDED


@pytest.mark.parametrize("is_exact", [True, False], ids=["exact", "over HTTP"])
def test_the_children_of_a_copy_have_the_ids_that_its_code_gives_them(
    hubs: Hubs, is_exact: bool
) -> None:
    hubs.start("family", "f-1")
    bundle = bundle_of_hub(hubs.source.hub, "f-1", lambda: hubs.app)
    if not is_exact:  # the HTTP API does not show the ids of executions
        found = tuple(replace(each, execution_id="") for each in bundle.gathered)
        bundle = replace(bundle, gathered=found)
    hubs.target.hub.import_bundle(bundle)
    ids = [each.instance_id for each in hubs.target.hub.import_bundle(bundle, "copy").instances]
    assert {"copy", "copy-2", "copy:given"} <= {*ids}
    hubs.resume(*ids)
    for each in ids[2:]:
        hubs.target.hub.raise_event(each, "Go")
    hubs.work(hubs.target)
    assert hubs.target.state("copy") is COMPLETED
    for each in ids:
        raw = raw_from_json(hubs.target.hub.raw_history(each))
        assert judge_history(raw, cast(Orchestrator, hubs.app.orchestrators.get(raw.name))).fits


def test_executions_whose_ids_are_not_known_get_ids_of_their_own(hubs: Hubs) -> None:
    hubs.start("parent", "p-1")
    bundle = bundle_of_hub(hubs.source.hub, "p-1", lambda: hubs.app)
    unknown = tuple(replace(each, execution_id="") for each in bundle.gathered)
    made = hubs.target.hub.import_bundle(replace(bundle, gathered=unknown)).instances
    assert len({each.execution_id for each in made}) == 3


@pytest.mark.parametrize("instance_id", ["@a@b", "a/b", ""])
def test_an_id_that_an_instance_must_not_have_is_refused(hubs: Hubs, instance_id: str) -> None:
    hubs.start("order", "o-1")
    with pytest.raises(UsageError, match="the instance id"):
        hubs.bring("o-1", instance_id)


def test_no_such_instance(hubs: Hubs) -> None:
    with pytest.raises(InstanceNotFound):
        hubs.bring("nobody")
    with pytest.raises(UsageError, match="is an entity"):
        hubs.bring("@counter@all")


# Files


def saved(hubs: Hubs, *ids: str) -> str:
    return "\n".join(json.dumps(hubs.source.hub.raw_history(each)) for each in ids)


def test_a_saved_history_is_imported_by_the_library(hubs: Hubs, calls: Calls) -> None:
    hubs.start("order", "o-1")
    assert hubs.target.hub.import_history(saved(hubs, "o-1"), instance_id="copy") == "copy"
    hubs.resume("copy")
    hubs.target.hub.raise_event("copy", "Approve")
    hubs.work(hubs.target)
    assert hubs.target.state("copy") is COMPLETED


def test_a_file_holds_the_children_as_further_lines(hubs: Hubs, tmp_path: Path) -> None:
    hubs.start("parent", "p-1")
    auto = bundle_of_hub(hubs.source.hub, "p-1", lambda: None).gathered[1].instance_id
    file = tmp_path / "p-1.jsonl"
    file.write_text(saved(hubs, "named-child", "p-1", auto))
    assert hubs.target.hub.import_history(file) == "p-1"
    assert hubs.target.state("named-child") is SUSPENDED


def test_what_a_file_lacks_is_noted(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    hubs.start("parent", "p-1")
    notes = [
        note
        for each in ("o-1", "p-1")
        for note in bundle_of_histories([history_of(saved(hubs, each))], None).notes
    ]
    assert notes[0] == "the file has no state of these entities: @counter@all"
    assert notes[2] == "the file has no history of sub-orchestration 'named-child'"


def test_a_file_brings_custom_status_times_and_the_states_of_entities(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    source = hubs.source.hub
    file = json.dumps(with_entities(source, source.raw_history("o-1")))
    bundle = bundle_of_histories([history_of(file)], None)
    assert bundle.notes == ()
    hubs.target.hub.import_bundle(bundle)
    shown, was = (hub.get_status("o-1") for hub in (hubs.target.hub, source))
    assert (shown.custom_status, shown.created_time) == (was.custom_status, was.created_time)
    assert shown.custom_status == {"stage": "approval"}
    counter = EntityId("counter", "all")
    assert hubs.target.hub.get_entity(counter) == source.get_entity(counter)


def test_a_status_object_brings_the_same(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    status = hubs.source.hub.get_status("o-1", show_history=True, show_history_output=True)
    file = with_entities(hubs.source.hub, json.loads(json.dumps(status_to_json(status))))
    bundle = bundle_of_histories(list(histories_in(file)), app)
    assert bundle.notes == ()
    assert bundle.gathered[0].extras.custom_status == '{"stage": "approval"}'
    assert list(bundle.entities) == ["@counter@all"]


def test_an_array_of_events_has_no_custom_status_and_that_is_said(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    events = [document(each, "o-1", "x") for each in hubs.source.events("o-1")]
    (history,) = histories_in(json.loads(json.dumps(events)))
    notes = bundle_of_histories([history], app).notes
    assert "the file does not have the custom status of instance 'o-1'" in notes


@pytest.mark.parametrize("damage", [{"entities": []}, {"createdTime": "soon"}])
def test_a_damaged_file_is_refused(hubs: Hubs, damage: dict[str, Any]) -> None:
    hubs.start("order", "o-1")
    with pytest.raises(UsageError, match="the saved history is damaged"):
        raw_from_json(hubs.source.hub.raw_history("o-1") | damage)


class Busy:
    """A hub on which something happens whenever an instance's history is read, a few times."""

    def __init__(self, hubs: Hubs, times: int) -> None:
        self._hubs, self._left = hubs, times

    def __getattr__(self, name: str) -> Any:
        return getattr(self._hubs.source.hub, name)

    def raw_history(self, instance_id: str) -> dict[str, Any]:
        if self._left:
            self._left -= 1
            self._hubs.source.advance(1)
            self._hubs.source.hub.raise_event(instance_id, "Other")
            self._hubs.work(self._hubs.source)
        raw: dict[str, Any] = self._hubs.source.hub.raw_history(instance_id)
        return raw


def test_an_instance_that_changes_while_it_is_read_is_read_again(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    bundle = bundle_of_hub(cast(TaskHub, Busy(hubs, 2)), "o-1", lambda: app)
    assert bundle.notes == ("instance 'o-1' changed while it was read; it was read again",) * 2


def test_one_that_does_not_stop_changing_is_refused_unless_forced(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    with pytest.raises(WrongState, match="changes while it is read"):
        bundle_of_hub(cast(TaskHub, Busy(hubs, 99)), "o-1", lambda: app)
    forced = bundle_of_hub(cast(TaskHub, Busy(hubs, 99)), "o-1", lambda: app, force=True)
    assert [each.instance_id for each in forced.gathered] == ["o-1"]


def test_unrelated_instances_in_one_file_are_refused(hubs: Hubs, tmp_path: Path) -> None:
    hubs.start("order", "o-1")
    hubs.start("order", "o-2")
    (tmp_path / "two.jsonl").write_text(saved(hubs, "o-1", "o-2"))
    with pytest.raises(UsageError, match="'o-1', 'o-2'"):
        hubs.target.hub.import_history(tmp_path / "two.jsonl")
    assert len(list(read_histories(tmp_path / "two.jsonl"))) == 2


def test_a_history_without_a_start_is_refused(hubs: Hubs) -> None:
    hubs.source.hub.start("order", instance_id="o-1")
    with pytest.raises(UsageError, match="is empty: it has not started"):
        hubs.target.hub.import_history(saved(hubs, "o-1"))


# Histories of the HTTP API


def over_http(hubs: Hubs, instance_id: str) -> ServiceHistory:
    status = hubs.source.hub.get_status(instance_id, show_history=True, show_history_output=True)
    return ServiceHistory.of(status)


def test_the_code_completes_a_history_that_lacks_numbers(
    hubs: Hubs, app: App, calls: Calls
) -> None:
    hubs.start("order", "o-1")
    bundle = bundle_of_histories([over_http(hubs, "o-1")], app)
    hubs.target.hub.import_bundle(bundle)
    hubs.resume("o-1")
    hubs.target.hub.raise_event("o-1", "Approve")
    hubs.work(hubs.target)
    assert hubs.target.hub.get_status("o-1").output == ["first done", 1, True, "last done"]
    assert calls == ["first", "last"]
    order = app.orchestrators.get("order")
    assert order is not None
    assert_replays(hubs.target.hub.raw_history("o-1"), order.function)


def test_code_that_does_not_fit_is_refused(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    history = over_http(hubs, "o-1")

    @app.orchestrator
    def order(context: Any) -> Any:
        yield context.call_activity("do_otherwise", "first")

    with pytest.raises(UsageError, match="the code does not fit the history of instance 'o-1'"):
        bundle_of_histories([history], app)


def test_without_the_orchestrator_it_is_refused(hubs: Hubs) -> None:
    hubs.start("order", "o-1")
    for registry in (None, App("other")):
        with pytest.raises(UsageError, match="has no orchestrator 'order'"):
            bundle_of_histories([over_http(hubs, "o-1")], registry)


def test_a_failure_that_the_code_no_longer_has_is_imported_as_it_was(
    hubs: Hubs, app: App, calls: Calls
) -> None:
    @app.orchestrator
    def order(context: Any) -> Any:
        yield context.call_activity("do", "first")
        raise LookupError("a bug")

    hubs.start("order", "o-1")
    history = over_http(hubs, "o-1")

    @app.orchestrator
    def order(context: Any) -> Any:  # noqa: F811 - it was fixed
        yield context.call_activity("do", "first")
        return (yield context.call_activity("do", "second"))

    hubs.target.hub.import_bundle(bundle_of_histories([history], app))
    assert hubs.target.state("o-1") is RuntimeStatus.FAILED
    new = hubs.target.hub.restart_from("o-1").id
    hubs.work(hubs.target)
    assert (hubs.target.hub.get_status(new).output, calls) == ("second done", ["first", "second"])


def test_what_cannot_be_judged_needs_force(hubs: Hubs, app: App) -> None:
    hubs.start("order", "o-1")
    history = over_http(hubs, "o-1")
    events = tuple(
        replace(each, members={k: v for k, v in each.members.items() if k != "Input"})
        if each.event_type == "ExecutionStarted"
        else each
        for each in history.events
    )
    doubtful = replace(history, events=events)
    with pytest.raises(UsageError, match=r"cannot be completed: .*without its input"):
        bundle_of_histories([doubtful], app)
    hubs.target.hub.import_bundle(bundle_of_histories([doubtful], app, force=True))
    assert hubs.target.state("o-1") is SUSPENDED
