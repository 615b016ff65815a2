"""One rule for the ids of new instances, on every hub."""

from __future__ import annotations

import pytest

from durablectl.errors import UsageError
from durablectl.new_ids import check_new_instance_id, instance_id_warnings


@pytest.mark.parametrize(
    "id", ["a", "x" * 256, "order-7:2026.01", "a b", "50%", "a+b", "é☃", "a@b", "..."]
)
def test_an_ordinary_id_is_taken(id: str):
    check_new_instance_id(id)


@pytest.mark.parametrize(
    ("id", "reason"),
    [
        ("", "is empty"),
        ("x" * 257, "has 257 characters, 256 are allowed"),
        ("@counter@k", "starts with '@'"),
        ("..", "is a step in a path"),
        ("a/b", "contains '/'"),
        ("a\\b", r"contains '\\\\'"),
        ("a\x00b", r"contains '\\x00'"),
    ],
)
def test_an_id_that_does_not_survive_the_api_is_refused(id: str, reason: str):
    with pytest.raises(UsageError, match=reason):
        check_new_instance_id(id)


@pytest.mark.parametrize(
    ("id", "count"), [("a", 0), ("x" * 100, 0), ("x" * 101, 1), ("a+b", 1), ("%" * 101, 2)]
)
def test_an_id_that_may_cause_trouble_is_warned_about(id: str, count: int):
    assert len(instance_id_warnings(id)) == count
