"""Which apps are for azure-functions-durable 2.x, and which of them cannot be loaded; imports no
SDK.
"""

from __future__ import annotations

import sys
import traceback
from collections.abc import Iterable
from importlib import metadata
from typing import TYPE_CHECKING

from durablectl.engine.registry import BUILT_IN
from durablectl.errors import AppError

if TYPE_CHECKING:
    from durablectl.functionapp.declared import Declared
    from durablectl.functionapp.sdk2.functions import Sdk2

MARK = "durable_requires_grpc"
"""The setting that every trigger and client binding of 2.x has, and none of 1.x."""
NEEDS = (3, 13)
"""The oldest Python that 2.x runs on."""
PACKAGE = "azure-functions-durable"
_DURABLE = ("orchestrationTrigger", "activityTrigger", "entityTrigger")
_SDK = "azure.durable_functions"


def of_sdk2() -> type[Sdk2]:
    """What functions of a 2.x app are to the engine."""
    from durablectl.functionapp.sdk2.functions import Sdk2  # deferred: it needs the SDK itself

    return Sdk2


def is_loaded() -> bool:
    """Whether this process has imported 2.x of the SDK."""
    return f"{_SDK}.worker" in sys.modules  # 1.x has no such module


def python_for_sdk2(error: BaseException) -> str | None:
    """What to do where 2.x itself cannot be imported by a Python that is too old for it."""
    frames = traceback.extract_tb(error.__traceback__)
    is_its_own = any("azure/durable_functions/" in each.filename for each in frames)
    if not is_its_own or sys.version_info >= NEEDS or not isinstance(error, ImportError):
        return None
    needed, here = (".".join(map(str, each[:2])) for each in (NEEDS, sys.version_info))
    return (
        f"{PACKAGE} {metadata.version(PACKAGE)} needs Python {needed} or later, and this is {here}"
    )


def refuse_mixture(functions: Iterable[Declared]) -> None:
    """AppError for an app whose durable functions are not all of one kind, or that runs on the
    files of two versions of the SDK.
    """
    durable = [one for one in functions if one.trigger in _DURABLE]
    new = [one for one in durable if one.is_grpc and not one.name.startswith(BUILT_IN)]
    old = [one for one in durable if not one.is_grpc]
    if new and old:
        raise AppError(
            f"the app mixes two generations of the durable SDK: {new[0].title} is for 2.x "
            f"({new[0].where}), {old[0].title} is not ({old[0].where})",
            hint="declare all functions with one of azure.durable_functions and durablectl.df",
        )
    if any(one.is_grpc for one in durable):
        _refuse_two_versions()


def _refuse_two_versions() -> None:
    versions = sorted({each.version for each in metadata.distributions(name=PACKAGE)})
    if len(versions) > 1:
        raise AppError(
            f"the files of {PACKAGE} {' and '.join(versions)} are mixed in one environment",
            hint=f"{sys.executable} -m pip uninstall {PACKAGE}, as often as it finds one, and "
            "install the version that the app needs",
        )
