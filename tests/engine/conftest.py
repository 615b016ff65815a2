"""Hubs whose dispatcher are turned by hand, and the app that most tests run on them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.engine.dispatching import App, Dispatching


def sample_app() -> App:
    app = App("function_app.py")

    @app.activity
    def greet(city: Any) -> str:
        return f"Hello {city}!"

    @app.activity
    async def greet_async(city: Any) -> str:
        return f"Hello {city}!"

    @app.activity
    def fail(why: str) -> None:
        raise ValueError(why)

    @app.orchestrator
    def sequence(context: Any) -> Any:
        said = []
        for city in context.get_input() or ["Tokyo", "Oslo"]:
            said.append((yield context.call_activity("greet", city)))
        return said

    @app.orchestrator
    def fan_out(context: Any) -> Any:
        return (
            yield context.task_all(
                [context.call_activity("greet", n) for n in range(context.get_input())]
            )
        )

    @app.orchestrator
    def failing(context: Any) -> Any:
        return (yield context.call_activity("fail", "no luck"))

    @app.orchestrator
    def sleeper(context: Any) -> Any:
        from datetime import timedelta

        yield context.create_timer(
            context.current_utc_datetime + timedelta(seconds=context.get_input())
        )
        return "woke"

    @app.orchestrator
    def approval(context: Any) -> Any:
        return (yield context.wait_for_external_event("Approve"))

    @app.orchestrator
    def parent(context: Any) -> Any:
        return (yield context.call_sub_orchestrator(*context.get_input()))

    @app.orchestrator
    def ticks(context: Any) -> Any:
        seen = [*context.get_input(), (yield context.wait_for_external_event("Tick"))]
        if len(seen) < 3:
            context.continue_as_new(seen)
        return seen

    @app.orchestrator
    def counted(context: Any) -> Any:
        from durablectl.df import EntityId

        counter = EntityId("counter", context.get_input())
        context.signal_entity(counter, "add", 2)
        return (yield context.call_entity(counter, "get"))

    @app.entity
    def counter(context: Any) -> None:
        match context.operation_name:
            case "add":
                context.set_state(context.get_state(lambda: 0) + context.get_input())
            case "get":
                context.set_result(context.get_state(lambda: 0))
            case "delete":
                context.destruct_on_exit()
            case other:
                raise ValueError(f"no operation {other}")

    return app


@pytest.fixture
def app() -> App:
    return sample_app()


@pytest.fixture
def dispatching(tmp_path: Path, app: App) -> Iterator[Dispatching]:
    dispatching = Dispatching(tmp_path / "hub.db", app)
    yield dispatching
    dispatching.close()
