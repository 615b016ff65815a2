"""The tests of apps on azure-functions-durable 2.x, which need it: see the step `sdk2` of .ci/run."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from importlib import metadata
from pathlib import Path

import pytest

from durablectl.testing import Durable

HERE = Path(__file__).parent
APP = HERE / "app"


def _has_sdk2() -> bool:
    if importlib.util.find_spec("azure.durable_functions") is None:
        return False
    return metadata.version("azure-functions-durable").startswith("2.")


collect_ignore_glob = [] if _has_sdk2() else ["test_*.py"]


@pytest.fixture
def durable() -> Iterator[Durable]:
    with Durable() as durable:
        yield durable.app(APP)
