"""Where two JSON values differ, as paths; pure."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum
from typing import Any, Final

from durablectl.json_values import same_json

MOST = 1000
"""Paths that are listed of one pair of values."""


class Missing(Enum):
    """The value of a member that is not there; null is another one."""

    MISSING = "missing"


MISSING: Final = Missing.MISSING


@dataclass(frozen=True, slots=True)
class PathDifference:
    """One place where two JSON values differ, such as `$.items[2].price`.

    A side that lacks it has MISSING.
    """

    path: str
    a: Any = field(default=MISSING, hash=False)
    b: Any = field(default=MISSING, hash=False)

    def to_json(self) -> dict[str, Any]:
        """`path`, and `a` and `b` where that side has a value."""
        sides = {"a": self.a, "b": self.b}
        there = {name: value for name, value in sides.items() if value is not MISSING}
        return {"path": self.path, **there}


def json_differences(a: Any, b: Any) -> tuple[PathDifference, ...]:
    """The paths at which `a` and `b` differ, in the order of `a`, at most MOST of them.

    Lists are compared element by element. 1 and 1.0 are the same, 1 and true are not.
    """
    found: list[PathDifference] = []
    # a stack, not recursion: the values come from a hub, and may be nested as deeply as JSON can be
    stack: list[tuple[str, Any, Any]] = [("$", a, b)]
    while stack and len(found) < MOST:
        path, left, right = stack.pop()
        if type(left) is type(right) and isinstance(left, dict | list):
            stack.extend(reversed(list(_parts(path, left, right))))
        elif left is MISSING or right is MISSING or not same_json(left, right):
            found.append(PathDifference(path, left, right))
    return tuple(found)


def _parts(path: str, a: Any, b: Any) -> Iterator[tuple[str, Any, Any]]:
    if isinstance(a, dict):
        for name in [*a, *(name for name in b if name not in a)]:
            yield _member(path, name), a.get(name, MISSING), b.get(name, MISSING)
        return
    for index in range(max(len(a), len(b))):
        left = a[index] if index < len(a) else MISSING
        right = b[index] if index < len(b) else MISSING
        yield f"{path}[{index}]", left, right


def _member(path: str, name: str) -> str:
    plain = re.fullmatch(r"[A-Za-z_]\w*", name, re.ASCII) is not None
    return f"{path}.{name}" if plain else f"{path}[{json.dumps(name)}]"
