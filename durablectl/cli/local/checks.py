"""What a developer should hear while an app runs here: calls in the source of its orchestrators
that are not replay-safe, decisions that a replay does not repeat, and that its files have changed.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from durablectl.engine.registry import Registry
from durablectl.engine.replay.check import CheckResult, warning_of
from durablectl.functionapp.source_check import unsafe_calls
from durablectl.render.output import Output
from durablectl.server.reloading import Reloading


def difference_log(out: Output, *, wanted: bool) -> Callable[[CheckResult], None] | None:
    """Warns of code that would fail on Azure, as the replay check sees it; None when it is not
    wanted.
    """
    if not wanted:
        return None
    return lambda verdict: out.warn(warning_of(verdict))


def warn_of_source(out: Output, registry: Registry, started: str | None = None) -> None:
    """Warn of each call in an orchestrator's source that is not replay-safe: of all, or of the one
    that was started and those that it calls.
    """
    for each in unsafe_calls(registry, started):
        out.warn(each.sentence)


@contextmanager
def reloading(out: Output, app: Path, replace: Callable[[Registry], None]) -> Iterator[None]:
    """While inside, `replace` gets the app whenever its files have changed and it loads."""

    def change(registry: Registry) -> None:
        replace(registry)
        warn_of_source(out, registry)

    watching = Reloading(app, change, out.note, out.warn)
    try:
        yield
    finally:
        watching.stop()
