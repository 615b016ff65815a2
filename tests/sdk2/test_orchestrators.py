"""What orchestrators on azure-functions-durable 2.x do here."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest

from durablectl.model import EntityId, RuntimeStatus
from durablectl.testing import Durable, assert_replays

COUNTER = EntityId("counter", "one")
pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


def events(durable: Durable, instance_id: str, kind: str) -> list[dict[str, Any]]:
    return [each for each in durable.history(instance_id)["events"] if each["type"] == kind]


@pytest.mark.parametrize(
    ("name", "input", "output"),
    [
        ("compat", ["Ada", "Bob"], ["Hello, Ada!", "Hello, Bob!"]),
        ("two_arguments", 4, [8, "later 8"]),
        ("typed", 4, 5),
        ("from_blueprint", None, "Hello, blueprint!"),
        ("COMPAT", ["Ada"], ["Hello, Ada!"]),
        ("catches", None, ["boom one", "builtins.ValueError", True]),
        ("retries", None, 60.0),
        ("sleeps", 8, "2026-01-09T00:00:00"),
        ("counts_up", 0, [3, "2.0"]),
        ("uses_old_entity", None, [2, "ended"]),
    ],
)
def test_an_orchestrator_returns(durable: Durable, name: str, input: Any, output: Any) -> None:
    assert durable.run(name, input).output == output


def test_an_orchestrator_has_the_name_of_its_trigger(durable: Durable) -> None:
    assert durable.run("Renamed", instance_id="me").output == "me"


def test_a_custom_status_is_shown(durable: Durable) -> None:
    assert durable.run("compat").custom_status == {"said": 1}


def test_when_all_waits_for_all_and_raises_the_first_failure(durable: Durable) -> None:
    assert durable.run("all_fail").output == ["boom 0", [True, True, True]]


def test_a_failure_is_told_with_its_type_and_the_place_in_the_code(durable: Durable) -> None:
    failed = durable.run("fails", instance_id="top")
    assert failed.output.startswith("durabletask.task.TaskFailedError: Sub-orchestration task #1")
    assert failed.cause is not None
    assert failed.cause.text == "ValueError: boom below"
    assert failed.cause.place.endswith(", in boom")


def test_a_childs_failure_reaches_its_parent_with_its_structure(durable: Durable) -> None:
    durable.run("fails", instance_id="top")
    (failed,) = events(durable, "top", "SubOrchestrationFailed")
    assert failed["reason"] == "top:0001: Activity task #1 failed: boom below"
    assert '"ClassName":"builtins.ValueError"' in failed["details"]


def test_a_long_timer_is_made_of_chunks_of_three_days(durable: Durable) -> None:
    durable.run("sleeps", 8, instance_id="long")
    assert len(events(durable, "long", "TimerFired")) == 3


def test_an_event_wins_a_race_and_the_timer_is_cancelled(durable: Durable) -> None:
    racing = durable.start("races")
    durable.raise_event(racing, "GO", 7)
    assert durable.status(racing).output == 7
    durable.advance(timedelta(days=1))
    assert events(durable, racing, "TimerFired") == []


def test_a_timer_wins_a_race(durable: Durable) -> None:
    assert durable.run("races").output == "too late"


def test_an_instance_ends_at_once_whatever_is_open(durable: Durable) -> None:
    ended = durable.run("leaves_open")
    assert (ended.output, ended.last_updated_time) == ("done", ended.created_time)


def test_events_are_carried_over_where_the_code_asks_for_it(durable: Durable) -> None:
    collecting = durable.start("collects")
    for item in range(3):
        durable.hub.raise_event(collecting, "item", item)
    assert durable.wait(collecting).output == [0, 1, 2]


def test_an_orchestration_sends_an_event_to_another_one(durable: Durable) -> None:
    racing = durable.start("races")
    durable.run("sends", racing, instance_id="sender")
    assert durable.status(racing).output == {"from": "sender"}


def test_an_event_for_nobody_is_dropped(durable: Durable) -> None:
    assert durable.run("sends", "nobody").output == "sent"


def test_a_failed_operation_raises_and_is_rolled_back(durable: Durable) -> None:
    total, message, now = durable.run("uses_entity").output
    assert (total, now) == (5, 5)
    assert "refused" in message


def test_a_signal_waits_for_its_time(durable: Durable) -> None:
    durable.run("signals_later")
    durable.advance(timedelta(hours=1))
    assert durable.hub.list_entities().items == ()
    durable.advance(timedelta(hours=1))
    assert durable.hub.get_entity(COUNTER) == 5


def test_an_entity_signals_another_one_and_starts_an_orchestration(durable: Durable) -> None:
    assert durable.run("forwards").output == 4
    assert durable.status("started-by-relay").output == "started-by-relay"


def test_a_deleted_entity_is_gone_though_a_result_was_set(durable: Durable) -> None:
    durable.run("uses_old_entity")
    assert durable.hub.list_entities("old").items == ()


def test_call_http_is_mocked_as_ever(durable: Durable) -> None:
    durable.mock("call_http", returns={"status_code": 200, "headers": {}, "content": "ok"})
    assert durable.run("calls_http").output == [200, "ok"]
    assert durable.calls("call_http")[0]["uri"] == "http://localhost/thing"


def test_a_suspended_instance_sees_its_events_when_it_is_resumed(durable: Durable) -> None:
    racing = durable.start("races")
    durable.hub.suspend(racing)
    durable.raise_event(racing, "go", 1)
    assert durable.status(racing).runtime_status is RuntimeStatus.SUSPENDED
    durable.hub.resume(racing)
    assert durable.status(racing).output == 1


def test_a_terminated_instance_shows_the_reason(durable: Durable) -> None:
    racing = durable.start("races")
    durable.hub.terminate(racing, "enough")
    found = durable.status(racing)
    assert (found.runtime_status, found.output) == (RuntimeStatus.TERMINATED, "enough")


def test_a_rewound_instance_tries_its_failed_step_again(durable: Durable) -> None:
    failed = durable.run("fails_below")
    durable.mock("boom", returns="mended")
    durable.hub.rewind(failed.instance_id)
    assert durable.wait(failed.instance_id).runtime_status is RuntimeStatus.COMPLETED


def test_a_rewound_history_replays_and_not_with_changed_code(durable: Durable) -> None:
    durable.run("fails_below", instance_id="one")
    durable.mock("boom", returns="mended")
    durable.hub.rewind("one")
    durable.wait("one")
    from function_app import fails_below

    assert_replays(durable.history("one"), fails_below)

    def changed(ctx: Any, _input: Any) -> Any:
        return (yield ctx.call_activity("hello", input="below"))

    with pytest.raises(AssertionError, match="does not replay"):
        assert_replays(durable.history("one"), changed)


def test_a_saved_history_replays(durable: Durable) -> None:
    durable.run("uses_entity", instance_id="saved")
    from function_app import uses_entity

    assert_replays(durable.history("saved"), uses_entity)


def test_changed_code_does_not_replay(durable: Durable) -> None:
    durable.run("two_arguments", 1, instance_id="saved")

    def changed(ctx: Any, _number: Any) -> Any:
        return (yield ctx.call_activity("hello", input="x"))

    with pytest.raises(AssertionError, match="does not replay"):
        assert_replays(durable.history("saved"), changed)
