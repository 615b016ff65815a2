"""One call of an activity function: its input in, a completed or failed task out.

What user code raises never leaves here.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from datetime import datetime
from typing import Any

from durablectl.engine.registry import Activity, Registry, unknown_function
from durablectl.engine.replay.failures import details_of, encoded, reason_of
from durablectl.engine.store.work_items import ActivityItem
from durablectl.engine.worker.app_output import end_line
from durablectl.history.events import TaskCompleted, TaskFailed
from durablectl.payload import dumps, loads, storable


class PoolClosed(Exception):
    """Where an activity ran has ended with its worker: there will be no outcome."""


def run_activity(
    activity: Activity, task_id: int, input: str | None, now: Callable[[], datetime]
) -> TaskCompleted | TaskFailed:
    """Call a synchronous activity. `now` gives the time of the outcome."""
    try:
        result = _encoded(activity, activity.function(**_arguments(activity, input)))
    except BaseException as error:  # user code, SystemExit and KeyboardInterrupt included
        return failed_task(activity, task_id, error, now())
    finally:
        end_line()
    return TaskCompleted(now(), task_id, result)


async def run_async_activity(
    activity: Activity, task_id: int, input: str | None, now: Callable[[], datetime]
) -> TaskCompleted | TaskFailed:
    """Call and await an `async` activity.

    Only when this call itself is cancelled there is no outcome: CancelledError passes through.
    """
    try:
        result = _encoded(activity, await activity.function(**_arguments(activity, input)))
    except BaseException as error:  # user code, SystemExit and KeyboardInterrupt included
        if _is_cancelled():
            raise
        return failed_task(activity, task_id, error, now())
    finally:
        end_line()
    return TaskCompleted(now(), task_id, result)


def failed_task(
    activity: Activity, task_id: int, error: BaseException, now: datetime
) -> TaskFailed:
    """The event for an exception, with the reason and details that a Python app on Azure shows
    (TaskActivityShim.cs).
    """
    if activity.failure is not None:
        return TaskFailed(now, task_id, *activity.failure(error))
    return TaskFailed(now, task_id, reason_of("Activity", activity.name, error), details_of(error))


def unknown_activity(item: ActivityItem, registry: Registry, now: datetime) -> TaskFailed:
    """The event for an activity that the app does not have."""
    reason = unknown_function(item.name, "activity", registry.activities.names)
    return TaskFailed(now, item.task_id, reason)


def timed_out_task(name: str, task_id: int, seconds: float, now: datetime) -> TaskFailed:
    """The event for an activity that has run for longer than `seconds`, in the host's words
    (FunctionTimeoutException).
    """
    message = f"Timeout value of {_time_span(seconds)} was exceeded by function: Functions.{name}"
    kind = "Microsoft.Azure.WebJobs.Host.FunctionTimeoutException"
    details = {
        "ClassName": kind,
        "Message": message,
        "StackTraceString": "",
        "InnerException": None,
    }
    reason = storable(f"Activity function '{name}' failed: {message}")
    return TaskFailed(now, task_id, reason, dumps(details))


def _time_span(seconds: float) -> str:
    """As .NET writes it: `00:05:00`."""
    minutes, rest = divmod(seconds, 60)
    hours, minutes = divmod(int(minutes), 60)
    days, hours = divmod(hours, 24)
    fraction = f"{rest % 1:.7f}"[1:] if rest % 1 else ""
    return f"{f'{days}.' if days else ''}{hours:02}:{minutes:02}:{int(rest):02}{fraction}"


def _is_cancelled() -> bool:
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0


def _arguments(activity: Activity, input: str | None) -> dict[str, Any]:
    return {activity.parameter: None if input is None else loads(input)}


def _encoded(activity: Activity, result: Any) -> str | None:
    if result is None:
        return None
    return encoded(result, "result of activity", activity.name, activity.function)
