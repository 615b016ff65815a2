"""What a developer should hear of orchestrators that would fail on Azure: calls in their source
that are not replay-safe, and decisions that a replay does not repeat.
"""

from __future__ import annotations

from collections.abc import Callable

from durablectl.engine.registry import Registry
from durablectl.engine.replay.check import CheckResult, warning_of
from durablectl.functionapp.source_check import unsafe_calls
from durablectl.render.output import Output


def difference_log(out: Output, *, wanted: bool) -> Callable[[CheckResult], None] | None:
    """Warns of code that would fail on Azure, as the replay check sees it; None when it is not
    wanted.
    """
    if not wanted:
        return None
    return lambda verdict: out.warn(warning_of(verdict))


def warn_of_source(out: Output, registry: Registry) -> None:
    """Warn of each call in an orchestrator's source that is not replay-safe."""
    for each in unsafe_calls(registry):
        out.warn(each.sentence)
