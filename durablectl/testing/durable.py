"""A hub for one test: its work is done in the test's own thread, its clock jumps over timers, and
its activities can be mocked.
"""

from __future__ import annotations

import tempfile
import warnings
from collections.abc import Callable
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from functools import cached_property, partial
from pathlib import Path
from typing import Any, Literal, Self

from durablectl.backends.importing import bundle_of_histories
from durablectl.backends.local import LocalTaskHub
from durablectl.engine.registry import Activity, Entity, Orchestrator, Registry
from durablectl.engine.replay.check import CheckResult, ReplayCheck, warning_of
from durablectl.engine.replay.context import HTTP_ACTIVITY
from durablectl.engine.replay.portability import Reliance
from durablectl.engine.worker.dispatcher import Dispatcher
from durablectl.errors import FunctionNotFound, UsageError, WaitTimeout
from durablectl.functionapp.search import find_app
from durablectl.history.saved import AnyHistory, histories_of
from durablectl.model import InstanceStatus, utc
from durablectl.quoting import did_you_mean
from durablectl.taskhub import TaskHub
from durablectl.testing.apps import name_of, orchestrator_from, registry_from
from durablectl.testing.inline import InlinePool
from durablectl.testing.mocks import Mock

BEGINNING = datetime(2026, 1, 1, tzinfo=UTC)
MOST_TURNS = 10_000
NO_HTTP = (
    "a test calls no HTTP address by itself: durable.mock('call_http', "
    "returns={'statusCode': 200, 'headers': {}, 'content': ''})"
)

HTTP_ACTIVITIES = (HTTP_ACTIVITY, "BuiltIn__HttpActivity")
"""What `call_http` calls, in an app of 1.x and in one of 2.x."""

Callee = str | Callable[..., Any]


class PortabilityWarning(UserWarning):
    """A function relies on what only this engine does: on Azure it hangs or fails."""


class Durable:
    """A throw-away hub and the one worker on it, which works only while a method of this object
    runs.

    The functions are those of the apps given with `app`; without one, of the nearest
    function_app.py at or above the folder `near`. `now` is the hub's time: it stands still, and
    moves on when a timer is jumped to or with `advance`. A call that takes more than `most_turns`
    turns of the engine is a runaway and ends with `WaitTimeout`. With `replay_check` each instance
    that ends is replayed, code that does not repeat its decisions is an `AssertionError`, and code
    that relies on this engine being kinder than the service is a `PortabilityWarning`.
    """

    def __init__(
        self,
        *,
        near: Path | None = None,
        now: datetime = BEGINNING,
        most_turns: int = MOST_TURNS,
        replay_check: bool = True,
    ) -> None:
        self.now, self.most_turns = utc(now), most_turns
        self.replay_check = replay_check
        self._differences: list[CheckResult] = []
        self._near = near
        self._registry = Registry("the test's app")
        self._mocks: dict[tuple[str, str], Mock] = {}
        self._calls: dict[str, list[Any]] = {}
        self._names: set[str] = set()
        self._opened = ExitStack()
        self._pool = InlinePool(self._registry, lambda: self.now, self._record)
        self._dispatcher: Dispatcher | None = None
        self._has_app = False
        self._left = most_turns
        for name in HTTP_ACTIVITIES:
            self._put_mock(name, "activity", raises=RuntimeError(NO_HTTP))

    # The functions

    def app(self, source: Any) -> Self:
        """Add the functions of an app: the path of its function_app.py or folder, a module, an app
        object, or a Registry.
        """
        self._has_app = True
        self._add(registry_from(source))
        return self

    def mock(
        self,
        callee: Callee,
        *,
        returns: Any = None,
        raises: BaseException | type[BaseException] | None = None,
        calls: Callable[..., Any] | None = None,
        kind: Literal["activity", "orchestrator", "entity"] | None = None,
    ) -> None:
        """Put a function of the test in the place of an activity, a sub-orchestrator or an entity.

        `FunctionNotFound` when the app has functions, but none of this name; with `kind` it need
        not have it.

        It returns `returns`, raises `raises`, or does what `calls(input)` does (for an entity:
        `calls(operation, input)`). Without `kind` it is what the app has under the name, else an
        activity. "call_http" stands for what `context.call_http` calls.
        """
        if sum(given is not None for given in (returns, raises, calls)) > 1:
            raise UsageError(
                "a mock either returns something, or raises something, or calls a function",
                hint="give one of the three",
            )
        name = self._name(callee)
        if kind is None:
            self._require_function(name)
            match self._function(name):
                case Orchestrator():
                    kind = "orchestrator"
                case Entity():
                    kind = "entity"
                case _:
                    kind = "activity"
        for each in HTTP_ACTIVITIES if name == HTTP_ACTIVITY else (name,):
            self._put_mock(each, kind, returns, raises, calls)

    def calls(self, callee: Callee) -> list[Any]:
        """The inputs of the calls of an activity so far, in order; of a mocked orchestrator too, of
        a mocked entity (operation, input).
        """
        name = self._name(callee)
        function = self._function(name)
        if function is None and name.lower() not in self._calls:
            known = ", ".join(sorted(self._registry.activities.names)) or "none"
            raise FunctionNotFound(
                f"there is no activity '{name}', neither in the app nor as a "
                f"mock; available: {known}"
            )
        names = HTTP_ACTIVITIES if name == HTTP_ACTIVITY else (function.name if function else name,)
        return [call for each in names for call in self._calls.get(each.lower(), ())]

    # Instances

    def run(
        self, orchestrator: Callee, input: Any = None, *, instance_id: str | None = None
    ) -> InstanceStatus:
        """Start an instance and let it come to its end, jumping over timers; its status.

        It is still Running when it waits for an event that was not raised. `WaitTimeout` for a
        runaway.
        """
        return self.wait(self.start(orchestrator, input, instance_id=instance_id))

    def start(
        self, orchestrator: Callee, input: Any = None, *, instance_id: str | None = None
    ) -> str:
        """Start an instance and do what there is to do now, without letting time pass; its id."""
        self._find_app()
        if not isinstance(orchestrator, str):
            orchestrator = self._registered(orchestrator_from(orchestrator))
        instance_id = self._hub.start(orchestrator, input, instance_id=instance_id).id
        self._begin(instance_id)
        return instance_id

    def wait(self, instance_id: str) -> InstanceStatus:
        """Let an instance come to its end, jumping over timers; its status, which is not final when
        it waits for something else.
        """
        self._begin(instance_id)
        while not (status := self._hub.get_status(instance_id)).is_final and self._jump(
            instance_id
        ):
            pass
        return status

    def load(self, history: AnyHistory, *, instance_id: str | None = None) -> str:
        """Put an instance with a saved history into the hub, and return its id.

        It continues with the next method that is called: activities and sub-orchestrations that
        were still open are called again, so a mock can answer them. The clock moves to the end of
        the history. `history` is a file's path, its text or JSON, as `durablectl history ID --raw`
        or `durablectl status ID --history-output -o json` wrote it; the latter is completed by the
        app's code.
        """
        self._find_app()
        found = bundle_of_histories(histories_of(history), self._registry)
        times = [each.timestamp for one in found.gathered for each in one.events]
        self.now = max(self.now, *times)
        instances = self._hub.import_bundle(found, instance_id).instances
        for each in instances:
            if not each.status.is_final:
                self._hub.resume(each.instance_id, "loaded by a test")
        return instances[0].instance_id

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """Send an event and do what follows now, without letting time pass."""
        self._hub.raise_event(instance_id, event_name, data)
        self._begin(instance_id)

    def advance(self, seconds: float | timedelta) -> None:
        """Let time pass: each timer that becomes due fires at its time."""
        duration = seconds if isinstance(seconds, timedelta) else timedelta(seconds=seconds)
        if duration < timedelta():
            raise UsageError("time only moves on", hint="advance by a positive number of seconds")
        end = self.now + duration
        self._begin()
        while self._jump(until=end):
            pass
        self.now = end
        self._settle()

    def status(self, instance_id: str) -> InstanceStatus:
        """The status of an instance, once what there is to do now is done; `InstanceNotFound` when
        there is none.
        """
        self._begin(instance_id)
        return self._hub.get_status(instance_id)

    def history(self, instance_id: str) -> dict[str, Any]:
        """The complete events of an instance, as `durablectl history ID --raw` writes them and
        `assert_replays` reads them.
        """
        return self._hub.raw_history(instance_id)

    @property
    def hub(self) -> TaskHub:
        """The hub with all its verbs.

        What they ask for is done when the next method of this object is called.
        """
        self._find_app()
        return self._hub

    def close(self) -> None:
        """End the worker and delete the hub. Calling it twice is fine."""
        if self._dispatcher is not None:
            self._dispatcher.close()
            self._dispatcher = None
        self._pool.close()
        self._opened.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    # How it works

    @cached_property
    def _hub(self) -> LocalTaskHub:
        folder = tempfile.TemporaryDirectory(prefix="durablectl-", ignore_cleanup_errors=True)
        hub = LocalTaskHub(
            Path(self._opened.enter_context(folder)) / "hub.db",
            registry=self._registry,
            create=True,
            durable=False,
            now=lambda: self.now,
        )
        return self._opened.enter_context(hub)

    def _find_app(self) -> None:
        """Take the functions of the nearest app, once, when the test has named none."""
        if not self._has_app:
            self._has_app = True
            if self._near is not None and (path := find_app(self._near, _warn_of)) is not None:
                self._add(registry_from(path))

    def _add(self, app: Registry) -> None:
        self._registry.app = app.app or self._registry.app
        for functions in (app.activities, app.orchestrators, app.entities):
            self._names.update(functions.names)
        self._registry.take_in(app)
        for mock in self._mocks.values():
            mock.put_into(self._registry)

    def _require_function(self, name: str) -> None:
        """Refuse a name that is in none of the test's apps: a mock of it would never be called."""
        if not self._names or self._function(name) is not None:
            return
        raise FunctionNotFound(
            f"the app has no function '{name}'; available: {', '.join(sorted(self._names))}",
            hint=did_you_mean(name, self._names)
            or "kind='activity' mocks one that the app does not have",
        )

    def _function(self, name: str) -> Activity | Orchestrator | Entity | None:
        kinds = self._registry
        return (
            kinds.orchestrators.get(name) or kinds.entities.get(name) or kinds.activities.get(name)
        )

    def _name(self, callee: Callee) -> str:
        self._find_app()
        name = name_of(callee)
        is_http = name == "call_http" and self._registry.activities.get(name) is None
        return HTTP_ACTIVITY if is_http else name

    def _put_mock(
        self, name: str, kind: str, returns: Any = None, raises: Any = None, calls: Any = None
    ) -> None:
        mock = Mock(name, kind, partial(self._record, name), returns, raises, calls)
        self._mocks[kind, name.lower()] = mock
        mock.put_into(self._registry)

    def _registered(self, orchestrator: Orchestrator) -> str:
        known = self._registry.orchestrators.get(orchestrator.name)
        if known is None or known.function is not orchestrator.function:
            self._registry.orchestrators.put(orchestrator)
        return orchestrator.name

    def _record(self, name: str, value: Any) -> None:
        self._calls.setdefault(name.lower(), []).append(value)

    def _begin(self, instance_id: str | None = None) -> None:
        """Begin a call of the test, with all its turns before it: do what there is to do now."""
        self._left = self.most_turns
        if self._dispatcher is None:
            self._dispatcher = Dispatcher(
                self._hub.database,
                self._registry,
                self._pool,
                fails_unknown=True,
                check=ReplayCheck(self._registry, self._note, is_checked=self._is_checked),
            )
            self._dispatcher.open(self.now, {})
        self._settle(instance_id)

    def _settle(self, instance_id: str | None = None) -> None:
        """Turn until there is nothing left to do at this time."""
        dispatcher = self._dispatcher
        assert dispatcher is not None
        dispatcher.fetch_again()
        while dispatcher.process_next(self.now) or dispatcher.is_working:
            self._spend(instance_id)
            self._pool.run_waiting()
        found, self._differences[:] = [*self._differences], []
        for each in found:
            if not isinstance(each, Reliance):
                raise AssertionError(warning_of(each))  # noqa: TRY004 - not about types
            warnings.warn(PortabilityWarning(warning_of(each)), stacklevel=4)

    def _note(self, found: CheckResult) -> None:
        """Keep what the check has found, unless it is about a mock or is not wanted."""
        is_mock = isinstance(found, Reliance) and (found.kind, found.name.lower()) in self._mocks
        if self.replay_check and not is_mock:
            self._differences.append(found)

    def _is_checked(self, orchestrator: Orchestrator) -> bool:
        """Mocks are not: they count their calls."""
        return self.replay_check and ("orchestrator", orchestrator.name.lower()) not in self._mocks

    def _jump(self, instance_id: str | None = None, until: datetime | None = None) -> bool:
        """Move on to the next timer, at most to `until`; whether there was one."""
        due = self._dispatcher.next_due if self._dispatcher is not None else None
        if due is None or (until is not None and due > until):
            return False
        self.now = max(self.now, due)
        self._spend(instance_id)
        self._settle(instance_id)
        return True

    def _spend(self, instance_id: str | None) -> None:
        self._left -= 1
        if self._left < 0:
            who = "the work" if instance_id is None else f"instance '{instance_id}'"
            raise WaitTimeout(
                f"{who} comes to no end: {self.most_turns:,} turns are done, and the clock has "
                f"come to {self.now:%Y-%m-%d %H:%M:%S}",
                hint="an endless loop of timers or continue_as_new? take it step by step with "
                "start and advance, or raise most_turns",
            )


def _warn_of(_app: Path, theirs: Path) -> None:
    warnings.warn(
        f"{theirs} belongs to another user and is skipped; name it with Durable(app=...)",
        stacklevel=2,
    )
