"""Starting, looking at and steering instances."""

from __future__ import annotations

import pytest

from durablectl.errors import AlreadyExists, InstanceNotFound, WrongState
from durablectl.model import (
    CheckStatusPayload,
    IfExists,
    InstanceFilter,
    InstanceStatus,
    RuntimeStatus,
)
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import TaskHub, list_instances


def until(hub: TaskHub, instance_id: str, wanted: RuntimeStatus) -> InstanceStatus:
    for _ in range(400):
        if (status := hub.get_status(instance_id)).runtime_status is wanted:
            return status
        hub.pause(0.05)
    pytest.fail(f"{instance_id} stays {status.runtime_status.value}")


def test_a_start_makes_an_id_and_completes(hub: TaskHub) -> None:
    payload = hub.start("hello_cities", ["Oslo"])
    status = wait_for_completion(hub, payload.id, timeout=30)
    assert (len(payload.id), status.runtime_status, status.output) == (
        32,
        RuntimeStatus.COMPLETED,
        ["Hello Oslo!"],
    )


def test_an_input_comes_back_as_it_was_given(hub: TaskHub, new_id: str) -> None:
    value = {"text": "ü \ud800 \u2028", "number": 1.5, "list": [None, True]}
    hub.start("echo", value, instance_id=new_id)
    status = wait_for_completion(hub, new_id, timeout=30)
    assert (status.input, status.output) == (value, value)
    assert hub.get_status(new_id, show_input=False).input is None


def test_an_id_that_is_taken_is_refused_also_when_it_is_finished(hub: TaskHub, new_id: str) -> None:
    hub.start("hello_cities", ["Oslo"], instance_id=new_id)
    wait_for_completion(hub, new_id, timeout=30)
    with pytest.raises(AlreadyExists):
        hub.start("hello_cities", ["Oslo"], instance_id=new_id)


def test_attach_goes_on_with_the_same_and_refuses_another(hub: TaskHub, new_id: str) -> None:
    hub.start("sleeper", 60, instance_id=new_id)
    assert hub.start("sleeper", 60, instance_id=new_id, if_exists=IfExists.ATTACH).id == new_id
    with pytest.raises(AlreadyExists):
        hub.start("sleeper", 61, instance_id=new_id, if_exists=IfExists.ATTACH)
    hub.terminate(new_id)


def test_replace_ends_what_is_there(hub: TaskHub, new_id: str) -> None:
    hub.start("sleeper", 60, instance_id=new_id)
    until(hub, new_id, RuntimeStatus.RUNNING)
    hub.start("hello_cities", ["Oslo"], instance_id=new_id, if_exists=IfExists.REPLACE)
    assert wait_for_completion(hub, new_id, timeout=30).output == ["Hello Oslo!"]


def test_what_is_not_there_is_said(hub: TaskHub, new_id: str) -> None:
    for act in (
        hub.get_status,
        hub.terminate,
        hub.suspend,
        hub.resume,
        hub.rewind,
        hub.restart,
        hub.purge,
    ):
        with pytest.raises(InstanceNotFound):
            act(new_id)
    with pytest.raises(InstanceNotFound):
        hub.raise_event(new_id, "Approve")


def test_an_event_reaches_the_instance(hub: TaskHub, new_id: str) -> None:
    hub.start("approval", instance_id=new_id)
    until(hub, new_id, RuntimeStatus.RUNNING)
    hub.raise_event(new_id, "Approve", {"ok": True})
    status = wait_for_completion(hub, new_id, timeout=30)
    assert (status.output, status.custom_status) == (
        {"ok": True},
        {"stage": "done", "percent": 100},
    )


def test_suspend_holds_and_resume_lets_go(hub: TaskHub, new_id: str) -> None:
    hub.start("approval", instance_id=new_id)
    until(hub, new_id, RuntimeStatus.RUNNING)
    hub.suspend(new_id)
    until(hub, new_id, RuntimeStatus.SUSPENDED)
    with pytest.raises(WrongState):
        hub.suspend(new_id)
    hub.raise_event(new_id, "Approve", 1)
    hub.resume(new_id)
    assert wait_for_completion(hub, new_id, timeout=30).output == 1


def test_a_finished_instance_refuses_what_only_a_running_one_can_do(
    hub: TaskHub, new_id: str
) -> None:
    hub.start("hello_cities", ["Oslo"], instance_id=new_id)
    wait_for_completion(hub, new_id, timeout=30)
    for act in (hub.terminate, hub.suspend, hub.resume, hub.rewind):
        with pytest.raises(WrongState):
            act(new_id)
    with pytest.raises(WrongState):
        hub.raise_event(new_id, "Approve")


def test_terminate_ends_with_the_reason(hub: TaskHub, new_id: str) -> None:
    hub.start("sleeper", 60, instance_id=new_id)
    until(hub, new_id, RuntimeStatus.RUNNING)
    hub.terminate(new_id, "enough & more")
    assert until(hub, new_id, RuntimeStatus.TERMINATED).output == "enough & more"


def test_rewind_tries_the_failed_step_again(hub: TaskHub, new_id: str) -> None:
    hub.start("flaky_parent", new_id, instance_id=new_id)
    until(hub, new_id, RuntimeStatus.FAILED)
    hub.rewind(new_id, "fixed")
    assert until(hub, new_id, RuntimeStatus.COMPLETED).output == "second try"


def test_restart_runs_again_under_a_new_id_or_the_same(hub: TaskHub, new_id: str) -> None:
    hub.start("hello_cities", ["Oslo"], instance_id=new_id)
    wait_for_completion(hub, new_id, timeout=30)
    other = hub.restart(new_id).id
    assert other != new_id
    assert wait_for_completion(hub, other, timeout=30).output == ["Hello Oslo!"]
    assert hub.restart(new_id, new_id=False).id == new_id
    assert wait_for_completion(hub, new_id, timeout=30).output == ["Hello Oslo!"]


def test_only_a_finished_instance_is_purged(hub: TaskHub, new_id: str) -> None:
    hub.start("sleeper", 60, instance_id=new_id)
    until(hub, new_id, RuntimeStatus.RUNNING)
    with pytest.raises(WrongState):
        hub.purge(new_id)
    hub.terminate(new_id)
    until(hub, new_id, RuntimeStatus.TERMINATED)
    assert hub.purge(new_id) == 1
    with pytest.raises(InstanceNotFound):
        hub.get_status(new_id)


def test_a_listing_filters_and_pages(hub: TaskHub, new_id: str) -> None:
    ids = [f"{new_id}-{number}" for number in range(5)]
    for each in ids:
        hub.start("hello_cities", ["Oslo"], instance_id=each)
    for each in ids:
        wait_for_completion(hub, each, timeout=30)
    wanted = InstanceFilter(
        prefix=f"{new_id}-", statuses=frozenset({RuntimeStatus.COMPLETED}), name="Hello_Cities"
    )
    assert sorted(status.instance_id for status in list_instances(hub, wanted, page_size=2)) == ids
    assert (
        list(
            list_instances(
                hub, InstanceFilter(prefix=f"{new_id}-", statuses=frozenset({RuntimeStatus.FAILED}))
            )
        )
        == []
    )


def test_create_and_wait_gives_the_output_or_the_payload(hub: TaskHub, new_id: str) -> None:
    done = hub.create_and_wait("hello_cities", ["Oslo"], timeout=20, interval=0.1)
    assert isinstance(done, InstanceStatus)
    assert done.output == ["Hello Oslo!"]
    running = hub.create_and_wait("sleeper", 60, instance_id=new_id, timeout=0.2, interval=0.1)
    assert isinstance(running, CheckStatusPayload)
    assert running.id == new_id


def test_a_history_tells_each_step(hub: TaskHub, new_id: str) -> None:
    hub.start("catches", instance_id=new_id)
    wait_for_completion(hub, new_id, timeout=30)
    status = hub.get_status(new_id, show_history=True, show_history_output=True)
    kinds = [event.event_type for event in status.history or ()]
    assert kinds == ["ExecutionStarted", "TaskFailed", "TaskCompleted", "ExecutionCompleted"]


def test_the_newest_come_first_and_no_more_than_asked_for(hub: TaskHub, new_id: str) -> None:
    ids = [f"{new_id}-{number}" for number in range(3)]
    for each in ids:
        hub.start("sleeper", 60, instance_id=each)
        until(hub, each, RuntimeStatus.RUNNING)
    newest = hub.newest(InstanceFilter(prefix=new_id), top=2)
    created = [each.created_time for each in newest.items]
    assert ({each.instance_id for each in newest.items} <= {*ids}, len(created)) == (True, 2)
    assert created == sorted(created, reverse=True)
    for each in ids:
        hub.terminate(each)


def test_counting_and_purging_many_need_no_special_hub(hub: TaskHub, new_id: str) -> None:
    hub.start_text("echo", '{"n": 1}', instance_id=new_id)
    assert wait_for_completion(hub, new_id, timeout=30).output == {"n": 1}
    assert hub.counts(InstanceFilter(prefix=new_id)) == {"Completed": 1}
    done, missing = hub.purge_many([new_id, f"{new_id}-missing"])
    assert (done, type(missing)) == (1, InstanceNotFound)
    assert hub.ended([new_id]) == {new_id}
