"""The pytest fixture `durable`, found by pytest through the entry point `pytest11`; imports nothing
until a test asks for it.
"""

from __future__ import annotations

import sys
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from durablectl.testing import Durable


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_makereport(item: pytest.Item, call: pytest.CallInfo[Any]) -> None:
    """Show an error of ours where the test caused it: how we came to it says nothing there."""
    errors = sys.modules.get("durablectl.errors")
    if errors is None or call.when != "call" or item.config.getoption("fulltrace"):
        return
    if call.excinfo is not None and call.excinfo.errisinstance(errors.DurablectlError):
        step: TracebackType | None = call.excinfo.tb
        while step is not None:
            if step.tb_next is not None and _is_ours(step.tb_next):
                step.tb_next = None
            step = step.tb_next


def _is_ours(step: TracebackType) -> bool:
    return Path(__file__).parent in Path(step.tb_frame.f_code.co_filename).parents


@pytest.fixture
def durable(request: pytest.FixtureRequest) -> Iterator[Durable]:
    """A throw-away hub for this test, with the functions of the nearest function_app.py and a clock
    that jumps over timers.
    """
    from durablectl.testing import Durable  # deferred: tests that do not ask for it pay nothing

    with Durable(near=request.path.parent) as durable:
        yield durable
