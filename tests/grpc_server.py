"""A real server of the Durable Task protocol in this process: `durabletask.testing` with its own
worker, which runs the orchestrators that `tests/recordings/function_app.py` has for the other hubs.
"""

from __future__ import annotations

import importlib.util
import socket
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta
from typing import Any

import pytest

HAS_DURABLETASK = all(
    importlib.util.find_spec(name) is not None for name in ("grpc", "durabletask")
)
needs_durabletask = pytest.mark.skipif(
    not HAS_DURABLETASK, reason="durabletask is not installed (the extra dev has it)"
)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as held:
        port: int = held.getsockname()[1]
        return port


@contextmanager
def durable_task_server(*, working: bool = True) -> Iterator[str]:
    """While inside, a server is up; its address. With `working` it runs what is started."""
    from durabletask.testing import create_test_backend
    from durabletask.worker import TaskHubGrpcWorker

    port = free_port()
    backend = create_test_backend(port=port)
    worker = TaskHubGrpcWorker(host_address=f"127.0.0.1:{port}")
    for name, function in ORCHESTRATORS.items():
        worker._registry.add_named_orchestrator(name, function)
    for name, function in ACTIVITIES.items():
        worker._registry.add_named_activity(name, function)
    worker._registry.add_named_entity("counter", counter)
    try:
        if working:
            worker.start()
        yield f"grpc://127.0.0.1:{port}"
    finally:
        if working:
            worker.stop()
        backend.stop()


TRIES: dict[str, int] = {}
LOCK = threading.Lock()


def say_hello(_context: Any, city: str) -> str:
    return f"Hello {city}!"


def fail(_context: Any, why: str) -> str:
    raise RuntimeError(why)


def slow(_context: Any, seconds: float) -> str:
    time.sleep(seconds)
    return "slept"


def fail_once(_context: Any, name: str) -> str:
    with LOCK:
        TRIES[name] = TRIES.get(name, 0) + 1
        first = TRIES[name] == 1
    if first:
        raise RuntimeError("first try")
    return "second try"


def hello_cities(context: Any, cities: list[str]) -> Any:
    said = []
    for city in cities:
        said.append((yield context.call_activity("say_hello", input=city)))
    return said


def echo(_context: Any, value: Any) -> Any:
    return value
    yield


def approval(context: Any, _input: Any) -> Any:
    context.set_custom_status({"stage": "approval", "percent": 50})
    answer = yield context.wait_for_external_event("Approve")
    context.set_custom_status({"stage": "done", "percent": 100})
    return answer


def sleeper(context: Any, seconds: float) -> Any:
    yield context.create_timer(timedelta(seconds=seconds))
    return "woke"


def failing(context: Any, _input: Any) -> Any:
    return (yield context.call_activity("fail", input="no luck"))


def catches(context: Any, _input: Any) -> Any:
    try:
        return (yield context.call_activity("fail", input="no luck"))
    except Exception:
        return (yield context.call_activity("say_hello", input="again"))


def flaky(context: Any, name: str) -> Any:
    return (yield context.call_activity("fail_once", input=name))


def flaky_parent(context: Any, name: str) -> Any:
    child = context.instance_id + ":child"
    return (yield context.call_sub_orchestrator("flaky", input=name, instance_id=child))


def slow_one(context: Any, seconds: float) -> Any:
    return (yield context.call_activity("slow", input=seconds))


def throwing(_context: Any, _input: Any) -> Any:
    raise ValueError("bad orchestrator")
    yield


def retrying(context: Any, _input: Any) -> Any:
    from durabletask.task import RetryPolicy

    policy = RetryPolicy(first_retry_interval=timedelta(seconds=0.1), max_number_of_attempts=2)
    return (yield context.call_activity("fail", input="again", retry_policy=policy))


def parent_slow(context: Any, seconds: float) -> Any:
    child = context.instance_id + ":child"
    return (yield context.call_sub_orchestrator("sleeper", input=seconds, instance_id=child))


def failing_parent(context: Any, _input: Any) -> Any:
    child = context.instance_id + ":child"
    return (yield context.call_sub_orchestrator("failing", instance_id=child))


def failing_grandparent(context: Any, _input: Any) -> Any:
    child = context.instance_id + ":p"
    return (yield context.call_sub_orchestrator("failing_parent", instance_id=child))


def counter_caller(context: Any, key: str) -> Any:
    from durabletask.entities import EntityInstanceId

    counter_id = EntityInstanceId("counter", key)
    context.signal_entity(counter_id, "add", 2)
    return (yield context.call_entity(counter_id, "get"))


def counter(context: Any, value: Any) -> Any:
    match context.operation:
        case "add":
            context.set_state(context.get_state(int, 0) + value)
        case "reset":
            context.set_state(0)
        case "get":
            return context.get_state(int, 0)
        case "delete":
            context.set_state(None)
    return None


ORCHESTRATORS = {
    function.__name__: function
    for function in (
        hello_cities,
        echo,
        approval,
        sleeper,
        failing,
        catches,
        flaky,
        flaky_parent,
        counter_caller,
        slow_one,
        throwing,
        retrying,
        parent_slow,
        failing_parent,
        failing_grandparent,
    )
}
ACTIVITIES = {function.__name__: function for function in (say_hello, fail, fail_once, slow)}
