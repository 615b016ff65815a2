"""Options of the whole suite."""

from __future__ import annotations

import pytest


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption(
        "--kills",
        type=int,
        default=8,
        help="how many worker processes the crash tests kill (by hand: 1000)",
    )

    parser.addoption(
        "--pictures",
        default=None,
        metavar="FOLDER",
        help="keep the pictures of the page that its tests make for the docs there",
    )


@pytest.fixture
def kills(request: pytest.FixtureRequest) -> int:
    return int(request.config.getoption("--kills"))
