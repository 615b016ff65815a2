"""Text files that are part of the package, also where it is a single zip file."""

from __future__ import annotations

import os
import sys
from typing import Any


def packaged_text(package: str, name: str) -> str:
    """The text of a file in the folder of an imported package; `name` has `/` between its parts.

    `importlib.resources` and `pkgutil` do the same, and are slow to load.
    """
    module: Any = sys.modules[package]
    path = os.path.join(module.__path__[0], *name.split("/"))  # noqa: PTH118 - as loaders take it
    data: bytes = module.__spec__.loader.get_data(path)
    return data.decode("utf-8")
