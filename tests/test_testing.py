"""What `durablectl.testing` promises to those who test their orchestrators, and that the examples
of its documentation are true.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import sys
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from types import ModuleType
from typing import Any

import azure.durable_functions as azure_df
import azure.functions as func
import pytest

import durablectl
from durablectl import df
from durablectl.engine.registry import Activity, Orchestrator, Registry
from durablectl.errors import FunctionNotFound, InstanceNotFound, UsageError, WaitTimeout
from durablectl.model import EntityId, RuntimeStatus
from durablectl.testing import Durable, PortabilityWarning

DOCUMENT = Path(__file__).parents[1] / "docs" / "testing.md"


@pytest.fixture
def durable() -> Iterator[Durable]:
    with Durable() as durable:
        yield durable


def sleeper(context: Any) -> Any:
    yield context.create_timer(context.current_utc_datetime + timedelta(days=context.get_input()))
    return context.current_utc_datetime.isoformat()


def approval(context: Any) -> Any:
    return (yield context.wait_for_external_event("Approve"))


def caller(context: Any) -> Any:
    return (yield context.call_activity("act", context.get_input()))


def parent(context: Any) -> Any:
    return (yield context.call_sub_orchestrator("Child", context.get_input()))


def counted(context: Any) -> Any:
    return (yield context.call_entity(df.EntityId("counter", "k"), "add", 2))


# The clock


def test_a_timer_of_three_days_is_jumped_over(durable: Durable) -> None:
    assert durable.run(sleeper, 3).output == "2026-01-04T00:00:00+00:00"


def test_time_stands_still_until_it_is_let_pass(durable: Durable) -> None:
    first, second = durable.start(sleeper, 1), durable.start(sleeper, 2)
    durable.advance(timedelta(days=1))
    states = [durable.status(each).runtime_status for each in (first, second)]
    assert states == [RuntimeStatus.COMPLETED, RuntimeStatus.RUNNING]


def test_every_timer_fires_at_its_own_time(durable: Durable) -> None:
    def twice(context: Any) -> Any:
        for _ in range(2):
            yield context.create_timer(context.current_utc_datetime + timedelta(hours=1))
        return context.current_utc_datetime.isoformat()

    waiting = durable.start(twice)
    durable.advance(24 * 3600)
    assert (durable.status(waiting).output, durable.now.day) == ("2026-01-01T02:00:00+00:00", 2)


def test_time_does_not_go_back(durable: Durable) -> None:
    with pytest.raises(UsageError, match="time only moves on"):
        durable.advance(-1)


# No hang


def test_an_instance_that_waits_for_an_event_is_returned_running(durable: Durable) -> None:
    assert durable.run(approval).runtime_status is RuntimeStatus.RUNNING


@pytest.mark.parametrize("kind", ["timers", "continue_as_new"])
def test_a_runaway_is_stopped_and_named(durable: Durable, kind: str) -> None:
    def endless(context: Any) -> Any:
        yield context.create_timer(context.current_utc_datetime + timedelta(days=kind == "timers"))
        context.continue_as_new(None)

    durable.most_turns = 50
    with pytest.raises(
        WaitTimeout,
        match="instance 'i' comes to no end: 50 turns are done, and the clock has come to 2026-",
    ):
        durable.run(endless, instance_id="i")


def test_an_instance_that_is_not_there_is_told(durable: Durable) -> None:
    with pytest.raises(InstanceNotFound):
        durable.wait("nobody")


# Events and the hub


def test_an_event_is_worked_off_at_once(durable: Durable) -> None:
    waiting = durable.start(approval)
    durable.raise_event(waiting, "Approve", {"by": "ada"})
    assert durable.status(waiting).output == {"by": "ada"}


def test_what_is_asked_of_the_hub_is_done_by_the_next_call(durable: Durable) -> None:
    waiting = durable.start(approval)
    durable.hub.terminate(waiting, "enough")
    assert durable.wait(waiting).runtime_status is RuntimeStatus.TERMINATED


def test_an_entity_keeps_its_state(durable: Durable) -> None:
    app = df.DFApp()

    @app.entity_trigger(context_name="context")
    def counter(context: Any) -> None:
        context.set_state(context.get_state(lambda: 0) + context.get_input())
        context.set_result(context.get_state())

    assert durable.app(app).run(counted).output == 2
    assert durable.hub.get_entity(EntityId("counter", "k")) == 2


# Mocks


def test_a_mock_returns_a_value_and_its_inputs_are_seen(durable: Durable) -> None:
    durable.mock("act", returns=[1, None])
    assert durable.run(caller, {"n": 1}).output == [1, None]
    assert durable.calls("ACT") == [{"n": 1}]


def test_a_mock_fails_as_an_activity_does(durable: Durable) -> None:
    durable.mock("act", raises=ValueError("no luck"))
    assert "Activity function 'act' failed:  ValueError: no luck" in durable.run(caller).output


def test_a_mock_may_steer_the_hub(durable: Durable) -> None:
    def both(context: Any) -> Any:
        return (
            yield context.task_all(
                [context.call_activity("ask", "i"), context.wait_for_external_event("Answer")]
            )
        )

    durable.mock("ask", calls=lambda instance_id: durable.raise_event(instance_id, "Answer", 42))
    assert durable.run(both, instance_id="i").output == [None, 42]


async def _later(value: Any) -> Any:
    await asyncio.sleep(0)
    return value + 1


@pytest.mark.parametrize("function", [lambda value: value + 1, _later], ids=["sync", "async"])
def test_a_mock_may_be_a_function(durable: Durable, function: Any) -> None:
    durable.mock("act", calls=function)
    assert durable.run(caller, 1).output == 2


def test_a_mock_stands_in_the_place_of_an_activity_under_all_its_names(durable: Durable) -> None:
    app = df.DFApp()

    @app.activity_trigger(input_name="value", activity="act")
    def other_name(value: Any) -> Any:
        return "the app's"

    durable.mock(other_name, returns="mocked")
    assert durable.app(app).run(caller).output == "mocked"


def test_a_sub_orchestrator_is_mocked(durable: Durable) -> None:
    durable.mock("Child", calls=lambda value: value * 2, kind="orchestrator")
    assert (durable.run(parent, 4).output, durable.calls("Child")) == (8, [4])


def test_an_entity_is_mocked(durable: Durable) -> None:
    durable.mock("Counter", calls=lambda operation, value: [operation, value], kind="entity")
    assert (durable.run(counted).output, durable.calls("counter")) == (["add", 2], [("add", 2)])


def fetch(context: Any) -> Any:
    return (yield context.call_http("GET", "http://example.com/"))["content"]


def test_an_http_call_is_mocked(durable: Durable) -> None:
    durable.mock(
        "call_http",
        calls=lambda request: {"statusCode": 200, "headers": {}, "content": request["uri"]},
    )
    assert durable.run(fetch).output == "http://example.com/"
    assert [call["method"] for call in durable.calls("call_http")] == ["GET"]


def test_no_http_address_is_called_without_a_mock(durable: Durable) -> None:
    assert "a test calls no HTTP address by itself" in durable.run(fetch).output


def test_what_the_app_has_under_the_name_is_mocked(durable: Durable) -> None:
    app = df.DFApp()

    @app.orchestration_trigger(context_name="context")
    def Child(context: Any) -> Any:
        return "the app's"

    durable.app(app).mock("Child", returns="mocked")
    assert durable.run(parent).output == "mocked"


def test_a_mock_of_a_function_that_the_app_does_not_have_is_refused(durable: Durable) -> None:
    app = df.DFApp()

    @app.activity_trigger(input_name="to")
    def send_mail(to: str) -> str:
        return to

    durable.app(app)
    with pytest.raises(FunctionNotFound, match="the app has no function 'send_mial'") as refused:
        durable.mock("send_mial", returns="sent")
    assert refused.value.hint == "did you mean 'send_mail'?"
    durable.mock("elsewhere", returns=1, kind="activity")


def test_a_mock_does_one_thing(durable: Durable) -> None:
    with pytest.raises(
        UsageError,
        match="a mock either returns something, or raises something, or calls a function",
    ):
        durable.mock("act", returns=1, raises=ValueError())


def test_calls_of_a_mistyped_name_are_refused(durable: Durable) -> None:
    durable.mock("act")
    with pytest.raises(
        FunctionNotFound,
        match="there is no activity 'atc', neither in the app nor as a mock; available: act",
    ):
        durable.calls("atc")


def test_pytest_fail_in_a_mock_fails_the_test(durable: Durable) -> None:
    durable.mock("act", calls=lambda _value: pytest.fail("not expected"))
    with pytest.raises(pytest.fail.Exception, match="not expected"):
        durable.run(caller)


def test_an_async_test_can_run_async_activities(durable: Durable) -> None:
    durable.mock("act", calls=_later)

    async def test() -> Any:
        return durable.run(caller, 1).output

    assert asyncio.run(test()) == 2


def test_async_activities_run_together(durable: Durable) -> None:
    both = asyncio.Barrier(2)

    async def meet(value: Any) -> Any:
        await both.wait()
        return value

    def fan_out(context: Any) -> Any:
        return (yield context.task_all([context.call_activity("meet", n) for n in range(2)]))

    durable.mock("meet", calls=meet)
    assert durable.run(fan_out).output == [0, 1]


# Apps and functions

SOURCE = """
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def Hello(context):
    return (yield context.call_activity(greet, context.get_input()))

@app.activity_trigger(input_name="name")
def greet(name):
    return f"Hello {name}!"
"""


@pytest.fixture(params=[azure_df, df], ids=["azure", "durablectl"])
def module(request: pytest.FixtureRequest) -> ModuleType:
    module = ModuleType("some_app")
    module.df = request.param  # type: ignore[attr-defined]
    exec(SOURCE, vars(module))
    return module


def test_an_app_object_a_module_and_a_registry_are_apps(durable: Durable, module: Any) -> None:
    assert durable.app(module.app).run("Hello", "Ada").output == "Hello Ada!"
    assert durable.app(module).run("hello", "Bob").output == "Hello Bob!"
    assert durable.app(Registry()).run(module.Hello, "Eve").output == "Hello Eve!"


def test_an_app_is_named_by_its_path(durable: Durable, tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text("from durablectl import df" + SOURCE)
    assert durable.app(tmp_path).run("Hello", "Ada").output == "Hello Ada!"
    imported = sys.modules["function_app"]
    assert (
        durable.app(str(tmp_path / "function_app.py")).run(imported.Hello, "Bob").output
        == "Hello Bob!"
    )
    assert sys.modules["function_app"] is imported


def test_a_plain_function_app_is_an_app(durable: Durable) -> None:
    app = func.FunctionApp()

    @app.orchestration_trigger(context_name="context")
    def Plain(context: Any) -> Any:
        return "done"

    assert durable.app(app).run("Plain").output == "done"


@pytest.mark.parametrize(
    "make",
    [
        lambda f: f,
        azure_df.Orchestrator.create,
        df.Orchestrator.create,
        lambda f: df.DFApp().orchestration_trigger("context")(f),
    ],
    ids=["raw", "azure-handle", "handle", "builder"],
)
def test_an_orchestrator_may_be_handed_in_itself(durable: Durable, make: Any) -> None:
    durable.mock("act", returns="done")
    assert durable.run(make(caller)).output == "done"


@pytest.mark.parametrize(
    ("given", "says"),
    [
        (lambda module: module.greet, "'greet' is not an orchestrator"),
        (lambda _module: 7, "a int is not an orchestrator"),
    ],
    ids=["activity", "number"],
)
def test_what_is_no_orchestrator_is_refused(
    durable: Durable, module: Any, given: Any, says: str
) -> None:
    with pytest.raises(UsageError, match=says):
        durable.run(given(module))


def test_what_is_no_app_is_refused(durable: Durable) -> None:
    with pytest.raises(UsageError, match="a int is not a function app"):
        durable.app(7)


def test_an_orchestrator_that_is_not_there_is_told(durable: Durable) -> None:
    with pytest.raises(FunctionNotFound, match="no orchestrator 'Nobody'"):
        durable.run("Nobody")


def test_an_error_is_shown_where_the_test_made_it_with_its_hint(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n\n"
        "@app.orchestration_trigger(context_name='context')\ndef Hello(context):\n    return 1\n"
    )
    (tmp_path / "test_it.py").write_text("def test_it(durable):\n    durable.run('Helo')\n")
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert "hint: did you mean 'Hello'?" in done.stdout
    assert "test_it.py:2: FunctionNotFound" in done.stdout
    assert "durable.py:" not in done.stdout


# The documentation


def test_the_examples_of_the_documentation_are_true(tmp_path: Path) -> None:
    for block in re.findall(
        r"```python\n(.*?)```", DOCUMENT.read_text(encoding="utf-8"), re.DOTALL
    ):
        name = re.match(r"# (\w+\.py)\n", block)
        assert name is not None, block
        (tmp_path / name[1]).write_text(block)
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-W", "error", tmp_path],
        cwd=tmp_path,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert "8 passed" in done.stdout


def test_who_does_not_ask_for_the_fixture_pays_nothing() -> None:
    code = (
        "import sys, durablectl.pytest_plugin; print(sorted(name for name in sys.modules if "
        "name.startswith('durablectl')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "['durablectl', 'durablectl.pytest_plugin']\n"


def test_the_fixture_is_found_by_pytest() -> None:
    text = (Path(durablectl.__file__).parents[1] / "pyproject.toml").read_text(encoding="utf-8")
    assert '[project.entry-points.pytest11]\ndurablectl = "durablectl.pytest_plugin"' in text


def test_code_that_does_not_repeat_its_decisions_fails_the_test(durable: Durable) -> None:
    import random

    def drawn(context: Any) -> Any:
        yield context.call_activity("act", random.random())

    durable.mock("act", returns=1)
    with pytest.raises(AssertionError, match=r"'drawn' does not repeat .* at test_testing\.py:\d+"):
        durable.run(drawn)
    durable.replay_check = False
    assert durable.run(drawn).runtime_status.value == "Completed"


def test_code_that_works_here_only_is_a_portability_warning(durable: Durable) -> None:
    def early(context: Any) -> Any:
        yield context.create_timer(datetime(2026, 2, 1))

    with pytest.warns(PortabilityWarning, match=r"not in UTC at test_testing\.py:\d+.*point 42"):
        durable.run(early)
    durable.replay_check = False
    assert durable.run(early).runtime_status.value == "Completed"


def test_the_replay_check_does_not_call_mocks_again(durable: Durable) -> None:
    def parent(context: Any) -> Any:
        yield context.call_sub_orchestrator("child", 1)

    durable.mock("child", returns=2, kind="orchestrator")
    durable.run(parent)
    assert durable.calls("child") == [1]


# Saved histories


def approved(context: Any) -> Any:
    first = yield context.call_activity("act", 1)
    who = yield context.wait_for_external_event("Approve")
    return [first, who, (yield context.call_activity("act", 2))]


def registry_of(orchestrator: Any) -> Registry:
    registry = Registry("the saved app")
    registry.orchestrators.add(Orchestrator(orchestrator.__name__, orchestrator))
    registry.activities.add(Activity("act", lambda number: number, "number"))
    return registry


def test_a_saved_history_continues_with_mocks(durable: Durable, tmp_path: Path) -> None:
    durable.mock("act", returns="real")
    waiting = durable.start(approved)
    durable.advance(3600)
    saved = tmp_path / "history.json"
    saved.write_text(json.dumps(durable.history(waiting)))
    with Durable() as other:
        other.app(registry_of(approved))
        loaded = other.load(saved)
        other.mock("act", returns="mocked", kind="activity")
        other.raise_event(loaded, "Approve", "ada")
        assert other.wait(loaded).output == ["real", "ada", "mocked"]
        assert other.calls("act") == [2]
        assert other.now >= durable.now - timedelta(seconds=3600)


def test_an_instance_that_was_restarted_from_a_step_may_name_itself(durable: Durable) -> None:
    def named(context: Any) -> Any:
        yield context.call_activity("act", context.instance_id)
        return (yield context.call_activity("act", context.new_uuid()))

    durable.mock("act", calls=lambda value: value)
    first = durable.run(named).instance_id
    new = durable._hub.restart_from(first, 3).id
    assert durable.wait(new).runtime_status.value == "Completed"
    assert len(durable.calls("act")) == 3
