"""Routes of HTTP functions, as ASP.NET writes them: `orders/{id:int}/{view?}`; matches paths, knows
no function.
"""

from __future__ import annotations

import math
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import TypeAlias
from urllib.parse import unquote
from uuid import UUID

from durablectl.errors import AppError
from durablectl.server.query import DOUBLE, moment_from_text

Check: TypeAlias = Callable[[str], bool]

_PARAMETER = re.compile(r"\{(?P<all>\*{0,2})(?P<name>\w+)(?P<rest>(?:\{\{|\}\}|[^{}])*)\}")
_CONSTRAINT = re.compile(r":(?P<name>\w+)(?:\((?P<arguments>(?:[^()]|\([^()]*\))*)\))?")


@dataclass(frozen=True, slots=True)
class _Segment:
    """One part between slashes.

    `rank` orders: literals, constrained parameters, free ones, and what takes the rest last.
    """

    pattern: re.Pattern[str]
    checks: Mapping[str, tuple[Check, ...]]
    rank: int
    default: Mapping[str, str]
    is_optional: bool = False
    takes_rest: bool = False


@dataclass(frozen=True, slots=True)
class Template:
    """A route; `match` tells whether a path is one of it."""

    text: str
    segments: tuple[_Segment, ...]

    @property
    def rank(self) -> tuple[int, ...]:
        """The lower, the sooner a route is tried."""
        return tuple(segment.rank for segment in self.segments)

    def match(self, path: Sequence[str]) -> dict[str, str] | None:
        """The parameters in a path's segments, which are still encoded; None when the path is not
        one of this route.
        """
        found: dict[str, str] = {}
        for index, segment in enumerate(self.segments):
            if segment.takes_rest:
                return _matched(segment, "/".join(path[index:]), found)
            if index >= len(path):
                if not segment.is_optional:
                    return None
                found |= segment.default
            elif _matched(segment, path[index], found) is None:
                return None
        return found if len(path) <= len(self.segments) else None


def parse_template(text: str) -> Template:
    """A route from its text; `AppError` when it is not one."""
    return Template(text, tuple(_segment(part, text) for part in text.split("/") if part))


def _matched(segment: _Segment, text: str, found: dict[str, str]) -> dict[str, str] | None:
    if not text and segment.default:
        found |= segment.default
        return found
    if not text and segment.takes_rest:
        return found
    match = segment.pattern.fullmatch(text)
    if match is None:
        return None
    values = {name: unquote(value) for name, value in match.groupdict().items()}
    if not all(
        check(value) for name, value in values.items() for check in segment.checks.get(name, ())
    ):
        return None
    found |= values
    return found


def _segment(part: str, route: str) -> _Segment:
    checks, default = {}, {}
    is_optional = takes_rest = False
    parameters = list(_PARAMETER.finditer(part))
    pattern = re.escape(part[: parameters[0].start()] if parameters else part)
    for parameter, following in zip_longest(parameters, parameters[1:]):
        name, rest = parameter["name"], parameter["rest"]
        behind = re.escape(part[parameter.end() : following.start() if following else None])
        # A parameter ends where what is behind it comes first; to try later places, too, would find
        # nothing more, and take long.
        pattern += f"(?>(?P<{name}>.+?){behind})" if following else f"(?P<{name}>.+){behind}"
        takes_rest = bool(parameter["all"])
        is_optional = rest.endswith("?")
        constraints, equals, value = rest.removesuffix("?").partition("=")
        if equals:
            default[name], is_optional = value, True
        checks[name] = _checks(constraints, route)
    if not parameters and ("{" in part or "}" in part):
        raise AppError(
            f"the route '{route}' cannot be read: '{part}'",
            hint="a parameter is written as {name}, {name?} or {name:int}",
        )
    rank = 1 if not parameters else (2 if any(checks.values()) else 3) + (2 if takes_rest else 0)
    return _Segment(
        re.compile(pattern, re.IGNORECASE), checks, rank, default, is_optional, takes_rest
    )


def _checks(text: str, route: str) -> tuple[Check, ...]:
    checks = []
    for found in _CONSTRAINT.finditer(text):
        try:
            check = _check(found["name"].lower(), found["arguments"] or "")
        except (ValueError, re.error) as error:
            raise AppError(
                f"the route '{route}' has a constraint that cannot be read: {found[0]}"
            ) from error
        if check is None:
            raise AppError(
                f"the route '{route}' has an unknown constraint '{found['name']}'",
                hint=f"available: {', '.join([*_CONSTRAINTS, *_WITH_NUMBERS, 'regex'])}",
            )
        checks.append(check)
    return tuple(checks)


def _check(name: str, arguments: str) -> Check | None:
    """What a constraint asks of a value; None for an unknown one."""
    if name == "regex":
        return _regex(arguments)
    if name in _WITH_NUMBERS:
        numbers = [int(each) for each in arguments.split(",")]
        return _WITH_NUMBERS[name](numbers[0], numbers[-1])
    return _CONSTRAINTS.get(name)


def _matches(pattern: str) -> Check:
    compiled = re.compile(pattern, re.IGNORECASE | re.ASCII)
    return lambda value: compiled.fullmatch(value) is not None


def _within(measure: Callable[[str], float], low: float, high: float) -> Check:
    return lambda value: low <= measure(value) <= high


def _integer(value: str) -> float:
    """The number that a text is; one that is in no range when it is none."""
    return int(value) if re.fullmatch(r"[+-]?\d{1,19}", value, re.ASCII) else math.nan


def _regex(text: str) -> Check:
    pattern = re.compile(
        text.replace("{{", "{").replace("}}", "}").replace("\\\\", "\\"), re.IGNORECASE
    )
    return lambda value: pattern.search(value) is not None


def _is_guid(value: str) -> bool:
    try:
        return UUID(value) is not None
    except ValueError:
        return False


def _is_moment(value: str) -> bool:
    return moment_from_text(value) is not None


_CONSTRAINTS: dict[str, Check] = {
    "int": _within(_integer, -(2**31), 2**31 - 1),
    "long": _within(_integer, -(2**63), 2**63 - 1),
    "bool": _matches("true|false"),
    "datetime": _is_moment,
    "decimal": _matches(DOUBLE),
    "double": _matches(DOUBLE),
    "float": _matches(DOUBLE),
    "guid": _is_guid,
    "alpha": _matches("[a-z]*"),
    "required": bool,
}
_WITH_NUMBERS: dict[str, Callable[[int, int], Check]] = {
    "minlength": lambda least, _: _within(len, least, math.inf),
    "maxlength": lambda most, _: _within(len, 0, most),
    "length": lambda least, most: _within(len, least, most),
    "min": lambda least, _: _within(_integer, least, math.inf),
    "max": lambda most, _: _within(_integer, -math.inf, most),
    "range": lambda least, most: _within(_integer, least, most),
}
"""Of the first of their arguments and the last, which may be the same one."""
