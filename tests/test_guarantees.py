"""The page of promises is held by tests that are there."""

from __future__ import annotations

import re
from pathlib import Path

ROOT = Path(__file__).parents[1]
PAGE = (ROOT / "docs" / "guarantees.md").read_text(encoding="utf-8")
PROMISES = [
    line.strip("| ").split(" | ")
    for line in PAGE.splitlines()
    if line.startswith("| ") and not line.startswith("| promise")
]


def test_every_promise_names_tests_that_are_there():
    tests = {
        name
        for path in (ROOT / "tests").rglob("test_*.py")
        for name in re.findall(r"^def (test_\w+)", path.read_text(), re.MULTILINE)
    }
    held = {promise: re.findall(r"`(test_\w+)`", holders) for promise, holders in PROMISES}
    assert len(held) > 20
    assert [promise for promise, holders in held.items() if not holders] == []
    assert {name for holders in held.values() for name in holders} - tests == set()
