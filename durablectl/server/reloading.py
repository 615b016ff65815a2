"""Notice that an app's files have changed, and load it again; knows no hub and no socket."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

from durablectl.engine.registry import Registry
from durablectl.errors import DurablectlError
from durablectl.functionapp.loader import load_app
from durablectl.polling.threads import start_thread

LOOK_SECONDS = 0.5
_OTHERS = frozenset({"node_modules", "site-packages", "__pycache__", "venv", "env"})
_SETTINGS = ("host.json", "local.settings.json", "requirements.txt")


class Reloading:
    """Looks at an app's files twice a second, and hands over the app when they have changed and it
    loads.
    """

    def __init__(
        self,
        app: Path,
        replace: Callable[[Registry], None],
        note: Callable[[str], None],
        warn: Callable[[str], None],
    ) -> None:
        self._app, self._replace, self._note, self._warn = app, replace, note, warn
        self._stopped = threading.Event()
        self._seen = stamps(app)
        start_thread(self._watch, name="reload")

    def stop(self) -> None:
        self._stopped.set()

    def _watch(self) -> None:
        while not self._stopped.wait(LOOK_SECONDS):
            now = stamps(self._app)
            if now != self._seen:
                self._seen = now
                self._load()

    def _load(self) -> None:
        """An app that does not load leaves the one before in its place."""
        try:
            registry = load_app(self._app)
            self._replace(registry)
        except DurablectlError as error:
            self._warn(f"{error.message}; still running the app as it was")
        else:
            self._note("the app has changed and was loaded again")


def stamps(app: Path) -> dict[Path, tuple[int, int]]:
    """The times and sizes of the files that an app consists of."""
    found = {}
    for path in _files(app if app.is_dir() else app.parent):
        try:
            stat = path.stat()
        except OSError:
            continue
        found[path] = (stat.st_mtime_ns, stat.st_size)
    return found


def _files(folder: Path) -> Iterator[Path]:
    try:
        entries = sorted(folder.iterdir())
    except OSError:
        return
    for entry in entries:
        if entry.name.startswith(".") or entry.name in _OTHERS:
            continue
        if entry.is_dir() and not entry.is_symlink() and not (entry / "pyvenv.cfg").exists():
            yield from _files(entry)
        elif entry.suffix == ".py" or entry.name in _SETTINGS or entry.name == "function.json":
            yield entry
