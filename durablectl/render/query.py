"""JMESPath expressions, as `--query` and other filters take them: compiled once, asked often.

Pure.
"""

from __future__ import annotations

from typing import Any

from durablectl.errors import UsageError


def _jmespath() -> Any:
    import jmespath  # deferred: only --query, --where and --until need it

    return jmespath


def compiled(query: str) -> Any:
    """A JMESPath expression; `UsageError` that points at the place when it is not one."""
    try:
        return _jmespath().compile(query)
    # its own errors are ValueErrors; the rest is of 5000 digits or 1000 brackets
    except (ValueError, RecursionError) as error:
        reason = str(error).splitlines()[0].rstrip(".:").removesuffix(", for expression")
        reason = reason.removeprefix("Invalid jmespath expression: ")
        raise UsageError(
            f"'{query}' is not a JMESPath expression: {reason}",
            hint="see https://jmespath.org/tutorial.html",
        ) from error


def searched(expression: Any, value: Any) -> Any:
    """What a compiled expression finds in a JSON value; `UsageError` when it does not fit the
    value.
    """
    try:
        return expression.search(value)
    except (ValueError, ArithmeticError, RecursionError) as error:
        raise UsageError(
            f"the JMESPath expression does not fit: {error}",
            hint="see the JSON it is asked with -o json",
        ) from error


def holds(expression: Any, value: Any) -> bool:
    """Whether a compiled expression holds for a JSON value: what it finds is true, as JMESPath has
    it (not false, null or empty).

    A function that does not take what is there (null, most often) does not hold; any other mistake
    is `UsageError`.
    """
    try:
        found = searched(expression, value)
    except UsageError as error:
        if isinstance(error.__cause__, _jmespath().exceptions.JMESPathTypeError):
            return False
        raise
    return not (found is None or found is False or found == "" or found == [] or found == {})


def reads(expression: Any, member: str) -> bool:
    """Whether a compiled expression reads that member of the value itself: not of what is in
    another member, and not as a text.
    """
    return _reads(expression.parsed, member, of_value=True)


# each part is asked of what the one before it found
_CHAINS = ("subexpression", "index_expression", "pipe")
# all others are asked of what the first one found
_PROJECTIONS = ("projection", "value_projection", "filter_projection")

_ITSELF = ("identity", "current")


def _reads(node: dict[str, Any], member: str, *, of_value: bool) -> bool:
    """`of_value`: the node may be asked of the value itself, and not only of a part of it."""
    if node["type"] == "field":
        return of_value and bool(node["value"] == member)
    parts = _parts(node)
    if node["type"] in _CHAINS:
        before = [True, *map(_passes_on, parts)]
        return any(
            _reads(part, member, of_value=of_value and all(before[: number + 1]))
            for number, part in enumerate(parts)
        )
    if node["type"] in _PROJECTIONS:
        first, *others = parts
        # what is in it, not it
        passed_on = of_value and _passes_on(first) and first["type"] not in _ITSELF
        return _reads(first, member, of_value=of_value) or any(
            _reads(part, member, of_value=passed_on) for part in others
        )
    passed_on = of_value and any(_passes_on(part) for part in parts if part["type"] != "expref")
    return any(
        _reads(part, member, of_value=passed_on if part["type"] == "expref" else of_value)
        for part in parts
    )


def _passes_on(node: dict[str, Any]) -> bool:
    """Whether what a node finds may be the value that it is asked of, or hold it."""
    kind, parts = node["type"], _parts(node)
    if kind in ("field", "literal", "comparator", "not_expression"):
        return False
    if kind in _CHAINS or kind in _PROJECTIONS:
        return all(map(_passes_on, parts[:2] if kind in _PROJECTIONS else parts))
    return not parts or any(map(_passes_on, parts))


def _parts(node: dict[str, Any]) -> list[dict[str, Any]]:
    # those of a slice are numbers
    return [part for part in node["children"] if isinstance(part, dict)]
