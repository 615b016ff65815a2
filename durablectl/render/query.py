"""JMESPath expressions, as `--query` and other filters take them: compiled once, asked often. Pure."""

from __future__ import annotations

from typing import Any

from durablectl.errors import UsageError


def compiled(query: str) -> Any:
    """A JMESPath expression; `UsageError` that points at the place when it is none."""
    import jmespath  # deferred: only --query and --where need it
    from jmespath.exceptions import JMESPathError

    try:
        return jmespath.compile(query)
    except JMESPathError as error:
        reason = str(error).splitlines()[0].rstrip(".:")
        raise UsageError(f"'{query}' is no JMESPath expression: {reason}", hint="see https://jmespath.org/tutorial.html") from error


def searched(expression: Any, value: Any) -> Any:
    """What a compiled expression finds in a JSON value; `UsageError` when it does not fit the value."""
    from jmespath.exceptions import JMESPathError  # deferred, as above

    try:
        return expression.search(value)
    except JMESPathError as error:
        raise UsageError(f"the JMESPath expression does not fit: {error}", hint="see the JSON it is asked with -o json") from error


def holds(expression: Any, value: Any) -> bool:
    """Whether a compiled expression holds for a JSON value: what it finds is true, as JMESPath has it (not false, null or empty).

    A function that does not take what is there (null, most often) does not hold; any other mistake is `UsageError`.
    """
    from jmespath.exceptions import JMESPathTypeError  # deferred, as above

    try:
        found = searched(expression, value)
    except UsageError as error:
        if isinstance(error.__cause__, JMESPathTypeError):
            return False
        raise
    return not (found is None or found is False or found == "" or found == [] or found == {})
