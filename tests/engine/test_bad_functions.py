"""What an app's functions can do wrong hurts their own instance only."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.store.leases import workers
from durablectl.engine.worker.worker import Worker, WorkerCallbacks
from durablectl.errors import HubLost
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from tests.engine.dispatching import App


class Running:
    """A hub with a worker, which starts with the first instance: by then the app is complete."""

    # a busy machine takes its time
    def __init__(self, path: Path, app: App, patience: tuple[float, float] = (30.0, 60.0)) -> None:
        self.warnings: list[str] = []
        self.hub = LocalTaskHub(path, create=True)
        self._database = Database(path)
        self._worker = Worker(
            self._database,
            app,
            concurrency=2,
            patience=patience,
            callbacks=WorkerCallbacks(self.warnings.append),
        )
        self._is_started = False

    def start(self, orchestrator: str, input: Any = None) -> str:
        if not self._is_started:
            self._is_started = True
            self._worker.start()
        return self.hub.start(orchestrator, input).id

    def finish(self, orchestrator: str, input: Any = None) -> InstanceStatus:
        return wait_for_completion(self.hub, self.start(orchestrator, input), timeout=60)

    def close(self) -> None:
        self._worker.stop()
        self._database.close()
        self.hub.close()


@pytest.fixture
def stop() -> Iterator[threading.Event]:
    """Ends what the test's functions would do for ever."""
    stop = threading.Event()
    yield stop
    stop.set()


@pytest.fixture
def running(tmp_path: Path, app: App, stop: threading.Event) -> Iterator[Running]:
    running = Running(tmp_path / "hub.db", app)
    yield running
    stop.set()
    running.close()


def calling(app: App, function: Callable[[Any], Any]) -> str:
    """An orchestrator that calls `function` as its only activity."""
    app.activity(function)

    @app.orchestrator
    def caller(context: Any) -> Any:
        return (yield context.call_activity(function.__name__, context.get_input()))

    return "caller"


def test_an_activity_that_blocks_for_ever_lets_the_others_go_on(
    running: Running, app: App, stop: threading.Event
) -> None:
    def block(_: Any) -> None:
        stop.wait(60)

    running.start(calling(app, block))
    assert running.finish("sequence", ["Oslo"]).output == ["Hello Oslo!"]


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_an_activity_that_wants_to_end_the_process_only_fails(
    running: Running, app: App, error: BaseException
) -> None:
    def leave(_: Any) -> None:
        raise error

    assert type(error).__name__ in running.finish(calling(app, leave)).output
    assert running.finish("sequence", ["Oslo"]).output == ["Hello Oslo!"]


def test_an_activity_may_return_50_mb(tmp_path: Path, app: App) -> None:
    def large(_: Any) -> str:
        return "x" * 50_000_000

    with closing(Running(tmp_path / "hub.db", app)) as running:
        assert len(running.finish(calling(app, large)).output) == 50_000_000


def test_recursion_without_an_end_fails_the_instance(running: Running, app: App) -> None:
    @app.orchestrator
    def deep(context: Any) -> Any:
        def again() -> Any:
            return again()

        yield again()

    assert "recursion" in running.finish("deep").output


@pytest.mark.parametrize("error", [SystemExit(3), KeyboardInterrupt()], ids=["exit", "interrupt"])
def test_an_orchestrator_that_wants_to_end_the_process_only_fails(
    running: Running, app: App, error: BaseException
) -> None:
    @app.orchestrator
    def leaves(_: Any) -> Any:
        raise error
        yield

    assert running.finish("leaves").runtime_status is RuntimeStatus.FAILED
    assert running.finish("sequence", ["Oslo"]).output == ["Hello Oslo!"]


def test_an_orchestrator_that_never_yields_is_told_of_and_fails_with_its_line(
    tmp_path: Path, app: App, stop: threading.Event
) -> None:
    @app.orchestrator
    def spins(_: Any) -> Any:
        while not stop.is_set():
            time.sleep(0.001)
        yield

    with closing(Running(tmp_path / "hub.db", app, patience=(0.2, 1.5))) as running:
        status = running.finish("spins")
        assert status.output.startswith(
            "Orchestrator function 'spins' failed: it did not yield for 1.5 s (at "
        )
        assert f"{Path(__file__).name}:" in status.output
        assert running.warnings[0].startswith(
            f"orchestrator 'spins' of instance '{status.instance_id}' has not yielded for 0.2 s"
        )
        assert running.finish("sequence", ["Oslo"]).output == ["Hello Oslo!"]
        stop.set()


def test_a_worker_ends_when_its_hub_is_lost_while_an_orchestrator_does_not_yield(
    tmp_path: Path, app: App, stop: threading.Event
) -> None:
    @app.orchestrator
    def never(_: Any) -> None:
        begun.set()
        stop.wait(60)

    begun, ended = threading.Event(), threading.Event()
    path = tmp_path / "hub.db"
    with LocalTaskHub(path, create=True) as hub, closing(Database(path)) as database:
        callbacks = WorkerCallbacks(on_end=ended.set)
        worker = Worker(database, app, patience=(0.1, 0.3), callbacks=callbacks)
        worker.start()
        hub.start("never")
        begun.wait(60)
        for each in tmp_path.glob("hub.db*"):
            each.unlink()
        has_ended = ended.wait(10)
        assert (has_ended, worker.is_running, type(worker.error)) == (True, False, HubLost)
        assert worker.wait_until_idle(0)
        worker.stop()


def test_an_orchestrator_that_sleeps_is_told_of_but_goes_on(tmp_path: Path, app: App) -> None:
    @app.orchestrator
    def sleeps(context: Any) -> Any:
        time.sleep(0.3)
        return (yield context.call_activity("greet", "Oslo"))

    with closing(Running(tmp_path / "hub.db", app, patience=(0.1, 60.0))) as running:
        assert running.finish("sleeps").output == "Hello Oslo!"
        assert "has not yielded for 0.1 s" in running.warnings[0]


def test_an_entity_that_raises_in_a_batch_keeps_its_other_operations(running: Running) -> None:
    from durablectl.model import EntityId

    counter = EntityId("counter", "k")
    for operation, number in (("add", 1), ("explode", None), ("add", 2)):
        running.hub.signal_entity(counter, operation, number)
    running.finish("counted", "k")
    assert running.hub.get_entity(counter) == 5


def test_an_orchestrator_that_does_not_yield_is_written_into_its_worker_s_row(
    tmp_path: Path, app: App, stop: threading.Event
) -> None:
    @app.orchestrator
    def stalls(_: Any) -> Any:
        stop.wait(20)

    with closing(Running(tmp_path / "hub.db", app, patience=(0.1, 60.0))) as running:
        instance_id = running.start("stalls")
        (about,) = until_told(running.hub, lambda about: "notYielding" in about)
        assert about["notYielding"]["instance"] == instance_id
        assert f"{__file__}:" in about["notYielding"]["place"]
        stop.set()
        until_told(running.hub, lambda about: "notYielding" not in about)


def until_told(hub: LocalTaskHub, is_met: Callable[[dict[str, Any]], bool]) -> list[dict[str, Any]]:
    """Wait until what a worker says of itself is as wanted."""
    for _ in range(2000):
        rows = [each.about for each in workers(hub.database, datetime.now(UTC))]
        if found := [each for each in rows if is_met(each)]:
            return found
        hub.pause(0.02)
    pytest.fail("it was not told")
