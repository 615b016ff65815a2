"""Two executions side by side, as rows of a table; knows no console, writes nothing."""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from durablectl.history.difference import ComparedStep, Difference, ValueDifference
from durablectl.history.json_difference import MISSING
from durablectl.history.steps import Kind, Step
from durablectl.render.gantt import span_text
from durablectl.render.views import Table

LONGEST = 60  # of a value; -o json has it whole
EQUAL, DIFFERENT, ONLY_A, ONLY_B = "", "|", "<", ">"  # as `diff --side-by-side`


def instances_table(difference: Difference) -> Table:
    """What the two are, a column each."""
    a, b = difference.a, difference.b
    took = ["" if each.seconds is None else span_text(each.seconds) for each in (difference.a, b)]
    rows = (
        ("id", a.instance_id, b.instance_id),
        ("name", a.name, b.name),
        ("status", a.status.value, b.status.value),
        ("took", took[0], took[1]),
    )
    return Table(("", "a", "b"), rows)


def steps_table(difference: Difference) -> Table:
    """The steps, aligned: how long each took on both sides, and a row for each thing that
    differs.
    """
    return Table(("", "step", "a took", "b took", "difference"), _rows(difference))


def verdict(difference: Difference) -> str:
    """One line: whether they are equal, else the first step that differs."""
    first, total = difference.parts_at, len(difference.steps)
    if first is None:
        return f"equal: all {total} steps are the same"
    count = sum(not step.is_equal for step in difference.steps)
    if first.kind is Kind.STARTED:
        return f"different: 1 of {total} steps, the start"
    after = "" if difference.steps[0].is_equal else " after the start"
    return f"different: {count} of {total} steps; the first{after} is {step_text(first)}"


def step_text(step: ComparedStep) -> str:
    """A step in a few words: `activity 'charge'`, `timer (2nd)`."""
    occurrence = f" (no. {step.occurrence})" if step.occurrence > 1 else ""
    match step.kind:
        case Kind.STARTED:
            return "the start"
        case Kind.ENDED:
            return "the end"
        case Kind.TIMER:
            return f"timer{occurrence}"
        case Kind.CHILD:
            return f"sub-orchestration '{step.name}'{occurrence}"
    return f"{step.kind.value} '{step.name}'{occurrence}"


def _rows(difference: Difference) -> Iterator[tuple[str, ...]]:
    for step in difference.steps:
        took = _took(step.a), _took(step.b)
        name = step_text(step)
        if step.a is None or step.b is None:
            sign = ONLY_B if step.a is None else ONLY_A
            yield sign, name, *took, f"only in {'B' if step.a is None else 'A'}"
            continue
        first, *rest = map(_difference_text, step.differences) if step.differences else [""]
        yield DIFFERENT if step.differences else EQUAL, name, *took, first
        for text in rest:
            yield DIFFERENT, "", "", "", text


def _difference_text(found: ValueDifference) -> str:
    path = "" if found.at.path == "$" else f" {found.at.path}"
    if found.what == "order":
        return "in another order"
    return f"{found.what}{path}: {_value(found.at.a)} -> {_value(found.at.b)}"


def _value(value: Any) -> str:
    if value is MISSING:
        return "(none)"
    text = value if isinstance(value, str) else json.dumps(value, ensure_ascii=False)
    return text if len(text) <= LONGEST else f"{text[: LONGEST - 1]}…"


def _took(step: Step | None) -> str:
    if step is None or step.kind in (Kind.STARTED, Kind.ENDED):
        return ""
    return "…" if step.end is None else span_text((step.end - step.begin).total_seconds())
