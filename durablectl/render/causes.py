"""Why an instance failed, taken out of the nested text that the service keeps as its output. Pure."""

from __future__ import annotations

import json
import re
from typing import NamedTuple

_LAYER = r"(?i)(?:The )?((?:sub-)?orchestrator|activity|entity) function '([^']*)' failed: ?"
_SEE_LOGS = r'(?s)"(.*)"\. See the function execution logs for additional details\.?'
_RESULT = r"(?s)Result: Failure\s+Exception: ?(.*?)(?:\s+Stack: ?.*)?"
_DETAILS = r"(?s)\s*\n\s*\{.*\}\s*"


class Cause(NamedTuple):
    """What went wrong, and through which functions it came up: the innermost first, as `activity 'pay'`."""

    text: str
    through: tuple[str, ...] = ()


def cause_of(output: object) -> Cause:
    """The innermost cause of a failed instance's output, unescaped."""
    text = output if isinstance(output, str) else json.dumps(output, ensure_ascii=False)
    through: list[str] = []
    while layer := re.match(_LAYER, text.strip()):
        through.insert(0, f"{layer[1].lower()} '{layer[2]}'")
        text = _unwrapped(text.strip()[layer.end() :])
    return Cause(_without_details(text).strip() or "no reason was given", tuple(through))


def _unwrapped(text: str) -> str:
    if quoted := re.fullmatch(_SEE_LOGS, text.strip()):
        return _unescaped(quoted[1])
    if result := re.fullmatch(_RESULT, text.strip()):
        return result[1]
    return text


def _unescaped(text: str) -> str:
    """Text as it was before it was put between quotes; the service does not always escape what it quotes."""
    if '\\"' not in text and "\\n" not in text:
        return text
    try:
        return str(json.loads(f'"{text}"', strict=False))
    except ValueError:
        return text.replace('\\"', '"')


def _without_details(text: str) -> str:
    """The message without the JSON object of its exception, which a Python 1.x app's text carries after it."""
    details = re.search(_DETAILS, text)
    if details is None:
        return text
    try:
        json.loads(details[0])
    except ValueError:
        return text
    return text[: details.start()]
