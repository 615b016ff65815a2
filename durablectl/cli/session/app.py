"""The function app of one command: its functions, and where its words go."""

from __future__ import annotations

from contextlib import ExitStack, redirect_stderr, redirect_stdout
from functools import cached_property
from pathlib import Path

from durablectl.engine.registry import Registry
from durablectl.engine.worker.app_output import AppOutput
from durablectl.errors import AppError
from durablectl.library.apps import load_registry
from durablectl.render.output import Output
from durablectl.server.rpc.clients import LazyClients


class App:
    """The app at `path`, for the local hub in the file `hub` or a remote one."""

    def __init__(self, path: Path | None, hub: Path | None, out: Output, opened: ExitStack) -> None:
        self._path, self._hub, self._opened = path, hub, opened
        self.output = AppOutput(out.talk)

    @property
    def is_loaded(self) -> bool:
        return "registry" in self.__dict__

    @cached_property
    def registry(self) -> Registry:
        """Its functions. `AppError` without an app, or when it cannot be loaded."""
        if self._path is None:
            hint = "name it with --app PATH, or write one with: durablectl init"
            raise AppError(
                "there is no app here: no function_app.py and no function.json folders", hint=hint
            )
        with redirect_stdout(self.output), redirect_stderr(self.output):
            registry = load_registry(self._path)
        self.output.finish()
        if registry.client_sources and self._hub is not None:
            self._opened.enter_context(LazyClients(self._hub)).provide(registry)
        return registry
