"""One call of an activity: its input in, a completed or failed task out."""

import asyncio
import json
import math

import pytest

from durablectl.engine.registry import Activity, unknown_function
from durablectl.engine.worker.activities import run_activity, run_async_activity
from durablectl.history.events import TaskCompleted
from tests.engine.histories import T1


def call(function, input=None, **options):
    return run_activity(Activity("greet", function, "name", **options), 3, input, lambda: T1)


def test_an_activity_gets_its_decoded_input_and_its_result_is_encoded():
    assert call(lambda name: {"hello": name}, '"Ada"') == TaskCompleted(T1, 3, '{"hello":"Ada"}')


def test_none_goes_in_and_out_as_no_text():
    assert call(lambda name: name) == TaskCompleted(T1, 3, None)


def test_an_async_activity_is_awaited():
    async def greet(name):
        return name

    assert asyncio.run(
        run_async_activity(Activity("greet", greet, "name", is_async=True), 3, "1", lambda: T1)
    ) == TaskCompleted(T1, 3, "1")


def failing(error):
    def activity(name):
        raise error

    return activity


@pytest.mark.parametrize(
    "error",
    [
        ValueError("no luck"),
        SystemExit("no luck"),
        KeyboardInterrupt("no luck"),
        asyncio.CancelledError("no luck"),
    ],
    ids=repr,
)
def test_whatever_an_activity_raises_is_its_failure(error):
    """23"""
    failed = call(failing(error))
    assert failed.reason == f"Activity function 'greet' failed:  {type(error).__name__}: no luck"
    details = json.loads(failed.details)
    assert details["Message"] == "no luck"
    assert details["StackTraceString"].count("File ") == 1
    assert "\n" not in failed.details


@pytest.mark.parametrize(
    "error", [ValueError("no luck"), SystemExit(1), asyncio.CancelledError()], ids=repr
)
def test_whatever_an_async_activity_raises_is_its_failure(error):
    async def greet(name):
        raise error

    failed = asyncio.run(
        run_async_activity(Activity("greet", greet, "name", is_async=True), 3, None, lambda: T1)
    )
    assert failed.reason == f"Activity function 'greet' failed:  {type(error).__name__}: {error}"


def test_an_async_activity_that_is_cancelled_from_outside_has_no_outcome():
    async def cancelling():
        running = asyncio.ensure_future(
            run_async_activity(
                Activity("a", lambda name: asyncio.sleep(60), "name", True), 0, None, lambda: T1
            )
        )
        await asyncio.sleep(0)
        running.cancel()
        await running

    with pytest.raises(asyncio.CancelledError):
        asyncio.run(cancelling())


class Unprintable(Exception):
    def __str__(self):
        raise RuntimeError("no text")


@pytest.mark.parametrize(
    ("function", "says"),
    [
        (
            lambda name: object(),
            "TypeError: the result of activity 'greet' at test_activities.py:100 is not JSON: class ",
        ),
        (
            lambda name: math.nan,
            "ValueError: the result of activity 'greet' at test_activities.py:104 is not JSON: ",
        ),
        (lambda: 1, "TypeError: "),
        (failing(Unprintable()), "Unprintable: "),
        (failing(ValueError("\ud83d")), "ValueError: \\ud83d"),
    ],
    ids=["an object", "NaN", "no parameter", "no text", "half a character"],
)
def test_what_cannot_be_called_or_kept_is_a_failure(function, says):
    assert call(function).reason.startswith(f"Activity function 'greet' failed:  {says}")


def test_an_input_that_is_no_json_is_a_failure():
    assert "JSONDecodeError" in call(lambda name: name, "{").reason


def test_the_cause_of_a_failure_is_in_its_details():
    def activity(name):
        raise ValueError("outer") from KeyError("inner")

    details = json.loads(call(activity).details)
    assert details["InnerException"] == {"ClassName": "KeyError", "Message": "'inner'"}


def test_an_unknown_activity_is_told_with_those_that_are_known():
    """33"""
    assert unknown_function("gret", "activity", ["greet", "add"]) == (
        "The function 'gret' doesn't exist, is disabled, or is not an activity function. "
        "Additional info: The following are the known activity functions: 'add', 'greet'."
    )
    assert unknown_function("gret", "activity", []).endswith(
        "No activity functions are currently registered!"
    )
