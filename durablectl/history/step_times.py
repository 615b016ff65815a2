"""When the steps of a history that it does not date began and ended: waits for external events, and
timers that were cancelled. Pure.

A history tells when an event arrived, not since when the code had waited for it, and nothing of a
timer that was cancelled. Both follow from when the code decided something next.
"""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate

from durablectl.history.steps import Kind, State, Step

_DECIDED = (Kind.ACTIVITY, Kind.CHILD, Kind.TIMER, Kind.ENTITY)
_OUTCOMES = ("Completed", "Failed", "ContinuedAsNew")
"""Ends that the code itself has made."""


def with_times(found: Iterable[Step]) -> list[Step]:
    """The steps of one execution in their order, with a begin for each event that let the code
    continue, and the end of each timer that did not fire.

    An event that did not let it continue stays a moment: it came early, or nothing waits for it.
    """
    steps = list(found)
    course = _Course(steps)
    dated = [course.with_begin(step) for step in steps]
    endings = _Endings(dated, course)
    return _in_order(endings.with_end(step) for step in dated)


def _in_order(steps: Iterable[Step]) -> list[Step]:
    """The steps in their order; one that waited for an event stands where the wait began."""
    others, waits = list[Step](), list[Step]()
    for step in sorted(steps, key=lambda step: step.order):
        (waits if _is_event(step) and step.begin != step.end else others).append(step)
    # the earliest begin of each step and all behind it: it grows, whatever the order is
    earliest = list(accumulate((step.begin for step in reversed(others)), min))[::-1]
    places = [bisect_right(earliest, step.begin) for step in waits]
    made = list[Step]()
    before = 0
    for place, step in sorted(zip(places, waits, strict=True), key=lambda pair: pair[0]):
        made += [*others[before:place], step]
        before = place
    return made + others[before:]


class _Course:
    """When the code decided something, and when it took in what it had waited for."""

    def __init__(self, steps: Sequence[Step]) -> None:
        self._decisions = sorted(step.begin for step in steps if _is_decision(step))
        self._arrivals = sorted(
            step.end
            for step in steps
            if step.end is not None
            and step.state is not State.DROPPED
            and step.kind in (*_DECIDED, Kind.STARTED)
        )
        events = sorted(
            (step for step in steps if _is_event(step)), key=lambda step: step.end or step.begin
        )
        self._begins: dict[int, datetime] = {}
        self._orders: dict[datetime, tuple[object, ...]] = {}
        for step in sorted(filter(_is_decision, steps), key=lambda step: step.order):
            self._orders.setdefault(step.begin, step.order)
        self._date(events)

    def _date(self, events: Sequence[Step]) -> None:
        before: datetime | None = None
        for number, step in enumerate(events):
            following = events[number + 1] if number + 1 < len(events) else None
            at = step.end or step.begin
            if not self.continues(at) or self._is_misspelt(step, following):
                continue
            latest = at if self._has_decided_before(step, at) else _last(self._decisions, at)
            times = (latest, _last(self._arrivals, at), before)
            self._begins[id(step)] = max((time for time in times if time is not None), default=at)
            before = at

    def _has_decided_before(self, event: Step, at: datetime) -> bool:
        """Whether the code decided something just then, and before the event: a clock may show the
        same time for both.
        """
        order = self._orders.get(at)
        return order is not None and order < event.order

    def continues(self, at: datetime) -> bool:
        """Whether the code decided something after what came at that time, and before anything but
        an event came.
        """
        decided = _first(self._decisions, at)
        place = bisect_right(self._arrivals, at)
        return decided is not None and (
            place == len(self._arrivals) or decided < self._arrivals[place]
        )

    def _is_misspelt(self, step: Step, following: Step | None) -> bool:
        """Whether the event is followed by one of nearly the same name before the code continues:
        it was raised again with the right name.
        """
        if following is None or following.name == step.name:
            return False
        decided = _first(self._decisions, step.end or step.begin)
        is_next = decided is not None and (following.end or following.begin) <= decided
        return is_next and spelling(following.name) == spelling(step.name)

    def with_begin(self, step: Step) -> Step:
        begin = self._begins.get(id(step))
        return step if begin is None else replace(step, begin=begin)


class _Endings:
    """What let the code continue, in order: the first after a timer was created is what the timer
    was cancelled for, and so is what came of the same name later, as in a loop with a deadline.
    """

    def __init__(self, steps: Sequence[Step], course: _Course) -> None:
        winners = [step for step in steps if _has_ended(step) and _lets_continue(step, course)]
        winners.sort(key=lambda step: step.end or step.begin)
        self._winners = winners
        self._ends = [step.end or step.begin for step in winners]
        self._last = {_what(step): end for step, end in zip(winners, self._ends, strict=True)}

    def with_end(self, step: Step) -> Step:
        if step.kind is not Kind.TIMER or step.state is not State.DROPPED or step.end is None:
            return step
        place = bisect_right(self._ends, step.begin)
        if place == len(self._ends):
            return step
        return replace(step, end=min(step.end, self._last[_what(self._winners[place])]))


def spelling(name: str) -> str:
    """The name of an event without what is easily typed in another way: case and punctuation."""
    return "".join(each for each in name.casefold() if each.isalnum())


def _what(step: Step) -> tuple[Kind, str]:
    return step.kind, step.name


def _is_event(step: Step) -> bool:
    return step.kind is Kind.EVENT and step.end is not None


def _is_decision(step: Step) -> bool:
    return step.kind in _DECIDED or (step.kind is Kind.ENDED and step.name in _OUTCOMES)


def _has_ended(step: Step) -> bool:
    is_counted = step.kind in _DECIDED or step.kind is Kind.EVENT
    return is_counted and step.end is not None and step.state is not State.DROPPED


def _lets_continue(step: Step, course: _Course) -> bool:
    if step.kind is Kind.EVENT:
        return step.end is not None and step.begin < step.end
    return course.continues(step.end or step.begin)


def _first(times: Sequence[datetime], at: datetime) -> datetime | None:
    place = bisect_left(times, at)
    return times[place] if place < len(times) else None


def _last(times: Sequence[datetime], before: datetime) -> datetime | None:
    place = bisect_left(times, before)
    return times[place - 1] if place else None
