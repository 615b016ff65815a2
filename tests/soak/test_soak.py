"""A soak of a few seconds, and what judges a long one."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.soak.growth import MEGA, Series
from tests.soak.soak import Soak


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads /proc")
def test_a_short_soak_loses_nothing_and_ends_in_order(tmp_path: Path) -> None:
    soak = Soak(tmp_path, 0)
    soak.run(seconds=6, every=1)
    assert soak.troubles == []
    assert soak.ledger.counts["instances"] > 20


@pytest.mark.parametrize(
    ("kind", "values", "grows"),
    [
        ("memory", [50 * MEGA] * 3 + [60 * MEGA] * 6, False),
        ("memory", [n * MEGA for n in range(50, 80)], True),
        ("handles", [10] * 9, False),
        ("handles", range(10, 40), True),
    ],
    ids=["warming up", "a leak of memory", "steady", "a leak of handles"],
)
def test_what_goes_on_growing_after_the_first_third_is_noticed(
    kind: str, values: list[float], grows: bool
) -> None:
    assert Series("worker", kind, values).grows is grows
