"""Manage durable orchestrations, on a remote Durable Functions task hub or on an embedded SQLite
engine.

Importing this package does no work: each name is imported when it is first used.
"""

from __future__ import annotations

TYPE_CHECKING = False  # typing's own costs more than all the rest of `--version`
if TYPE_CHECKING:
    from typing import Any

    from durablectl.causes import Cause as Cause
    from durablectl.errors import DurablectlError as DurablectlError
    from durablectl.explanation.model import Explanation as Explanation
    from durablectl.history.difference import Difference as Difference
    from durablectl.history.difference import compare as compare
    from durablectl.history.verdict import Verdict as Verdict
    from durablectl.library.connecting import connect as connect
    from durablectl.library.explaining import explain as explain
    from durablectl.library.judging import judge as judge
    from durablectl.model import CheckStatusPayload as CheckStatusPayload
    from durablectl.model import EntityId as EntityId
    from durablectl.model import EntityStatus as EntityStatus
    from durablectl.model import HistoryEvent as HistoryEvent
    from durablectl.model import IfExists as IfExists
    from durablectl.model import InstanceFilter as InstanceFilter
    from durablectl.model import InstanceStatus as InstanceStatus
    from durablectl.model import Page as Page
    from durablectl.model import RuntimeStatus as RuntimeStatus
    from durablectl.taskhub import TaskHub as TaskHub
    from durablectl.version import __version__ as __version__

_HOMES = {
    "Cause": "durablectl.causes",
    "CheckStatusPayload": "durablectl.model",
    "Difference": "durablectl.history.difference",
    "DurablectlError": "durablectl.errors",
    "EntityId": "durablectl.model",
    "EntityStatus": "durablectl.model",
    "Explanation": "durablectl.explanation.model",
    "HistoryEvent": "durablectl.model",
    "IfExists": "durablectl.model",
    "InstanceFilter": "durablectl.model",
    "InstanceStatus": "durablectl.model",
    "Page": "durablectl.model",
    "RuntimeStatus": "durablectl.model",
    "TaskHub": "durablectl.taskhub",
    "Verdict": "durablectl.history.verdict",
    "__version__": "durablectl.version",
    "compare": "durablectl.history.difference",
    "connect": "durablectl.library.connecting",
    "explain": "durablectl.library.explaining",
    "judge": "durablectl.library.judging",
}

__all__ = sorted(_HOMES)


def __getattr__(name: str) -> Any:
    home = _HOMES.get(name)
    if home is None:
        raise AttributeError(f"module 'durablectl' has no attribute '{name}'")
    from importlib import import_module  # deferred: start-up is a feature

    return getattr(import_module(home), name)


def __dir__() -> list[str]:
    return __all__
