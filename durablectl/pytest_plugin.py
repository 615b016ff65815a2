"""The pytest fixture `durable`, found by pytest through the entry point `pytest11`; imports nothing
until a test asks for it.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from durablectl.testing import Durable


@pytest.fixture
def durable(request: pytest.FixtureRequest) -> Iterator[Durable]:
    """A throw-away hub for this test, with the functions of the nearest function_app.py and a clock
    that jumps over timers.
    """
    from durablectl.testing import Durable  # deferred: tests that do not ask for it pay nothing

    with Durable(near=request.path.parent) as durable:
        yield durable
