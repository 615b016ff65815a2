"""Where the time of a finished execution went; pure."""

from __future__ import annotations

from dataclasses import replace
from datetime import datetime

from durablectl.explanation.model import Span, TimeSpent
from durablectl.explanation.steps import KINDS, Execution
from durablectl.history.steps import Kind, State, Step

LONGEST = 3
MOST_OVERLAP = 0.05
"""Seconds by which a step may seem to end after the start of the step that waited for it."""
MOST_STEPS = 100
"""Steps of the critical path that are kept: the longest ones."""


def _is_moment(step: Step) -> bool:
    """Whether it is an event that nothing waited for when it came."""
    return step.kind is Kind.EVENT and step.end == step.begin


def time_spent(execution: Execution, begin: datetime, end: datetime) -> TimeSpent:
    """Follow the steps back from the end: each ended last before the next one of the path began."""
    spans = [
        Span(
            KINDS[step.kind],
            "" if step.kind is Kind.TIMER else step.name,
            step.begin,
            step.end,
            step.attempts,
            step.child or "",
        )
        for step in execution.steps
        if step.end is not None and step.state is not State.DROPPED and not _is_moment(step)
    ]
    path: list[Span] = []
    left = end
    for span in sorted(spans, key=lambda each: (each.end, each.seconds), reverse=True):
        # a result may carry a later time than the episode that it was delivered to
        overlap = (span.end - left).total_seconds()
        if overlap <= min(MOST_OVERLAP, span.seconds / 2):
            path.append(replace(span, end=min(span.end, left)))
            left = min(left, span.begin)
    total = max((end - begin).total_seconds(), 0.0)
    between = max(total - sum(each.seconds for each in path), 0.0)
    kept = sorted(path, key=lambda each: each.seconds, reverse=True)[:MOST_STEPS]
    longest = sorted(spans, key=lambda each: each.seconds, reverse=True)[:LONGEST]
    in_order = tuple(sorted(kept, key=lambda each: (each.begin, each.end)))
    return TimeSpent(total, in_order, between, tuple(longest))
