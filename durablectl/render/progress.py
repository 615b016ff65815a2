"""How far instances are: what one says in its custom status, and how many have each state."""

from __future__ import annotations

import math
from collections import Counter
from typing import Any

from durablectl.json_values import decoded
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.redaction import redact
from durablectl.render.sanitize import safe_line

LONGEST_MESSAGE = 120
MANY = 10
"""Instances of which more are counted rather than shown one by one."""


def progress_of(custom_status: Any) -> tuple[float | None, str]:
    """How far an instance says it is, 0 to 100, and its message: of `{"percent","message"}`, a
    number, `{"done","total"}` or a text.
    """
    custom = decoded(custom_status)
    if isinstance(custom, str):
        return None, _short(custom)
    if not isinstance(custom, dict):
        return _percent(custom, 100), ""
    message = custom.get("message")
    text = _short(message) if isinstance(message, str) else ""
    if "percent" in custom:
        return _percent(custom["percent"], 100), text
    share = _percent(custom.get("done"), custom.get("total"))
    return share, text or (f"{custom['done']} of {custom['total']}" if share is not None else "")


def progress_parts(status: InstanceStatus) -> list[str]:
    """How far an unfinished instance says it is: the percentage and the message, as far as it has
    them; each on one line.
    """
    if status.is_final:
        return []
    percent, message = progress_of(status.custom_status)
    shown = "" if percent is None else f"{percent:.0f} %"
    return [part for part in (shown, message) if part]


def count_text(counted: Counter[RuntimeStatus]) -> str:
    """How many there are of each state, the most first."""
    return ", ".join(f"{count} {state.value}" for state, count in counted.most_common())


def _percent(done: Any, total: Any) -> float | None:
    if any(
        isinstance(each, bool) or not isinstance(each, int | float) or not math.isfinite(each)
        for each in (done, total)
    ):
        return None
    return min(max(100.0 * done / total, 0.0), 100.0) if total > 0 else None


def _short(text: str) -> str:
    line = safe_line(redact(text))
    return line if len(line) <= LONGEST_MESSAGE else line[: LONGEST_MESSAGE - 1] + "…"
