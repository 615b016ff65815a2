"""What one command works with: its options, its hub, its app and its output.

Everything is opened when it is first asked for.
"""

from __future__ import annotations

import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from functools import cached_property, partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TextIO, TypeVar

from durablectl import config, model
from durablectl.cli.framework.command_table import WITH_CSV
from durablectl.cli.framework.global_options import GlobalOptions, read_options
from durablectl.cli.session.command_lines import SELECTORS, command_line, on_same_hub
from durablectl.cli.session.near import hint_at
from durablectl.config.settings import FOUND
from durablectl.errors import DurablectlError, InstanceNotFound, Unsupported, UsageError
from durablectl.quoting import quoted
from durablectl.render.ending import Ending
from durablectl.render.output import Output, OutputFormat

if TYPE_CHECKING:
    from durablectl.backends.local import LocalTaskHub
    from durablectl.cli.session.app import App
    from durablectl.cli.session.payload_hubs import PayloadHubs
    from durablectl.engine.registry import Registry
    from durablectl.taskhub import TaskHub

Hub = TypeVar("Hub", bound="TaskHub")


class Session:
    """One invocation of the command line; `ctx.obj` of every command.

    Closing it closes the hubs that it opened.
    """

    def __init__(
        self,
        options: GlobalOptions,
        out: Output,
        *,
        environ: Mapping[str, str],
        cwd: Path,
        stdin: TextIO,
    ) -> None:
        self.options, self.out = options, out
        self.environ, self.cwd, self.stdin = environ, cwd, stdin
        self._opened = ExitStack()
        self._hub: TaskHub | None = None
        self._is_announced = False
        self.led_to: tuple[TaskHub | None, str] = None, ""
        """The hub of the instances that were named, and one of them."""
        self.command_line: Callable[..., str] = partial(command_line, self)
        """Writes a command to copy that works on the same hub."""
        out.on_same_hub = partial(on_same_hub, self)

    @property
    def is_terminal(self) -> bool:
        """Whether a person can be asked: standard input and stderr are both a terminal."""
        return self.stdin.isatty() and self.out.talks_to_terminal

    @cached_property
    def settings(self) -> config.Settings:
        """The context, resolved; `UsageError` when it is not known."""
        asked = {
            name: value for name in SELECTORS if (value := getattr(self.options, name)) is not None
        }
        settings = config.resolve(asked, self.options.given, cwd=self.cwd, environ=self.environ)
        for each in settings.skipped:
            self.out.warn(each)
        return settings

    # The hub

    @property
    def hub(self) -> TaskHub:
        """The hub, for reading: a local one is never created. `UsageError` when there is none.

        It is said once which one that is: see `announce`.
        """
        self.announce()
        return self.open()

    def open(self, *, create: bool = False) -> TaskHub:
        """The hub.

        `create` is for commands that start: it makes a local hub's file, and hands the hub the
        app's functions.
        """
        if self._hub is None:
            wants_app = create and self.is_local and self.settings.app is not None
            hub = config.open_hub(
                self.settings,
                timeout=self.options.request_timeout or config.REQUEST_SECONDS,
                note=self.out.note,
                registry=self.registry() if wants_app else None,
                create=create,
            )
            self._hub = self.opened(hub)
        return self._hub

    def begin_start(self, *, replaces: bool) -> TaskHub:
        """The hub, made if it is a local one, for a command that starts; see `begin_change` for
        what may be replaced.
        """
        self.begin_change(controls=replaces)
        return self.open(create=True)

    def open_local(self) -> LocalTaskHub:
        """The hub, which must be a local one (`Unsupported`) whose file is there (`UsageError`)."""
        self.announce()
        return self.opened(config.open_local_hub(self.settings))

    def holds(self, hub: TaskHub) -> bool:
        """Whether this is the hub of the settings: a payload may have led to another."""
        return hub is self._hub

    @property
    def is_local(self) -> bool:
        return self.settings.path is not None

    def require_local(self, why_not: str, hint: str) -> None:
        """`Unsupported` unless the settings name a local hub: another one, and `why_not`."""
        self.settings.require_hub()
        if not self.is_local:
            raise Unsupported(f"the {self.settings.label} {why_not}", hint=hint)

    def announce(self) -> None:
        """Say once which hub a command works on, and where that choice came from, unless it was
        named on the command line.
        """
        if self._is_announced:
            return
        self._is_announced = True
        self.settings.require_hub()
        if not self.settings.hub_source.startswith("flag"):
            self.out.note(f"using {self.settings.label}, {self.settings.brief_source}")

    def begin_change(
        self, *, controls: bool = True, yes: bool = False, confirm: str | None = None
    ) -> None:
        """Announce a change, unless the context forbids it.

        A read-only context refuses. A protected one requires the hub's name for whatever `controls`
        instances that are there: from `--yes --confirm NAME`, or typed. Both are `UsageError`. A
        context of the user's is honoured wherever its address or its file is used.
        """
        guards = self._begin()
        if controls:
            self._confirm(guards, yes, confirm)

    def begin_batch(self, *, yes: bool, confirm: str | None) -> str:
        """The same for instances that are shown before anything is asked: the name that is to be
        typed then; "" when none is.
        """
        return self._name_to_type(self._begin(), yes, confirm)

    def begin_change_at(
        self,
        url: str,
        task_hub: str | None,
        *,
        controls: bool = True,
        yes: bool = False,
        confirm: str | None = None,
    ) -> None:
        """Honour what the user's contexts say of an address, however it was chosen: a payload may
        have."""
        guards = self.settings.keys.guards_of(url, task_hub)
        _refuse_read_only(guards)
        if controls:
            self._confirm(guards, yes, confirm)

    def _begin(self) -> Sequence[config.Context]:
        self.settings.require_hub()
        guards = self.settings.guards
        _refuse_read_only(guards)
        self.announce()
        return guards

    @cached_property
    def payloads(self) -> PayloadHubs:
        """The hubs that payloads belong to."""
        # deferred: most commands are given none
        from durablectl.cli.session.payload_hubs import PayloadHubs

        return PayloadHubs(self)

    # The app

    @cached_property
    def app(self) -> App:
        """The app, loaded when its functions are asked for."""
        from durablectl.cli.session.app import App  # deferred: most commands run no app

        return App(self.settings.app, self.settings.path, self.out, self._opened)

    def registry(self) -> Registry:
        """The app's functions. `AppError` without an app, or when it cannot be loaded."""
        return self.app.registry

    def app_of(self, hub: TaskHub) -> Callable[[], Registry] | None:
        """How to load the app that a hub's instances belong to; None when that is not known.

        The nearest app is that of the hub beside it; a remote hub may run another version of it.
        """
        is_nearest = self.settings.sources.get("app") == FOUND
        if self.settings.app is None or (is_nearest and not self.is_local):
            return None
        return self.registry if self.holds(hub) else None

    @property
    def app_hint(self) -> str:
        """What a command would name as the app."""
        return str(self.settings.app or "PATH")

    @property
    def has_run_app(self) -> bool:
        """Whether this process has loaded the app, as a command does that works while it waits."""
        return "app" in self.__dict__ and self.app.is_loaded

    def close(self) -> None:
        """Close every hub that was opened. Calling it twice is fine."""
        self._opened.close()

    @cached_property
    def last_started(self) -> config.LastStarted:
        """What this user started last, hub by hub."""
        return config.LastStarted(config.state_folder() / "last.json")

    @cached_property
    def started(self) -> config.Started:
        """What starter functions have answered with, of instances that have not ended."""
        return config.Started(config.state_folder() / "started")

    def kept(self, instance_id: str) -> model.CheckStatusPayload | None:
        """The payload that a starter function returned for an instance, if that is not known to
        have ended.
        """
        entries = self.started.find(instance_id)
        return None if entries is None else model.CheckStatusPayload(instance_id, entries)

    def opened(self, hub: Hub) -> Hub:
        """The same hub, to be closed with the session."""
        self._opened.callback(hub.close)
        return hub

    def route(self, url: str, task_hub: str | None) -> dict[str, Any]:
        """How to reach an address: what the contexts of the user have for exactly that one."""
        timeout = self.options.request_timeout or config.REQUEST_SECONDS
        return {**self.settings.keys.route(url, task_hub), "timeout": timeout}

    def _confirm(self, guards: Sequence[config.Context], yes: bool, confirm: str | None) -> None:
        if name := self._name_to_type(guards, yes, confirm):
            self.out.talk(f"context '{guards[0].name}' is protected; type '{name}' to continue:")
            if self.stdin.readline().strip() != name:
                raise UsageError("not confirmed; nothing was changed")

    def _name_to_type(
        self, guards: Sequence[config.Context], yes: bool, confirm: str | None
    ) -> str:
        """The name of a protected hub that a person has to type; "" when none is protected, or it
        was given. `UsageError` when there is no one to ask.
        """
        if not guards:
            return ""
        name = guards[0].task_hub or guards[0].name
        if yes and confirm == name:
            return ""
        if confirm is not None and confirm != name:
            raise UsageError(f"--confirm names '{confirm}', but this is '{name}'")
        if yes or not self.is_terminal:
            raise UsageError(
                f"context '{guards[0].name}' is protected",
                hint=f"add --yes --confirm {quoted(name)}",
            )
        return name


def _refuse_read_only(guards: Sequence[config.Context]) -> None:
    if closed := next((each for each in guards if each.read_only), None):
        hint = "it is the context of this hub: durablectl context list"
        raise UsageError(f"context '{closed.name}' is read-only", hint=hint)


def _tell_more(session: Session, error: InstanceNotFound) -> None:
    """Say of an instance that is not there which hub that is, and which ids begin so."""
    hub = session.led_to[0] or session.hub
    error.hint = hint_at(hub, error.instance_id) or error.hint
    if session.holds(hub):
        error.message = f"no instance '{error.instance_id}' in {session.settings.place}"


@contextmanager
def invocation(ending: Ending | None, given: Mapping[str, object], name: str) -> Iterator[Session]:
    """The session of the command `name`, closed at the end, for the global flags that were `given`.

    `UsageError` for a form of output that the command does not have.
    """
    session = open_session(given, ending)
    if session.out.format is OutputFormat.CSV and name not in WITH_CSV:
        raise UsageError(
            f"'{name}' has no CSV", hint=f"-o csv is for {', '.join(sorted(WITH_CSV))}"
        )
    try:
        yield session
    except DurablectlError as error:
        if isinstance(error, InstanceNotFound) and error.instance_id:
            _tell_more(session, error)
        error.hint = error.hint and on_same_hub(session, error.hint)
        raise
    finally:
        session.close()


def open_session(given: Mapping[str, object], ending: Ending | None = None) -> Session:
    """The session of this process, for the global flags that were `given`; `ending` collects what
    it says with `-o json`.
    """
    options = read_options(given, os.environ)
    if ending is not None:
        ending.is_json = options.output in (OutputFormat.JSON, OutputFormat.JSONL)
    out = Output(
        sys.stdout,
        sys.stderr,
        format=options.output,
        query=options.query,
        color=options.color,
        quiet=options.quiet,
        verbose=options.verbose,
        progress=not options.no_progress,
        environ=os.environ,
        ending=ending,
    )
    return Session(options, out, environ=os.environ, cwd=_working_directory(), stdin=sys.stdin)


def _working_directory() -> Path:
    try:
        return Path.cwd()
    except OSError as error:
        raise UsageError(
            "the working directory is gone", hint="cd to a folder that is there"
        ) from error
