"""How two executions differ: aligned step by step, with what went in, what came out and how long it
took; pure.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from itertools import pairwise
from typing import Any

from durablectl.history.account import Account
from durablectl.history.json_difference import MISSING, PathDifference, json_differences
from durablectl.history.saved import AnyHistory, history_of
from durablectl.history.steps import Kind, Step
from durablectl.json_values import decoded
from durablectl.model import RuntimeStatus
from durablectl.wire import exact_time_to_text

LEAST_SECONDS = 1.0
"""Timers that differ by less are the same: the HTTP API does not show the time of the episode."""
_DECISIONS = (Kind.ACTIVITY, Kind.CHILD, Kind.TIMER, Kind.ENTITY)
Key = tuple[Kind, str, int]
_Keyed = dict[Key, Step]


@dataclass(frozen=True, slots=True)
class ValueDifference:
    """One thing that differs in a step that both have.

    `what` is input, result, outcome, attempts, delay (seconds of a timer), name or order; `at` is
    where in the JSON value, and what each side has there.
    """

    what: str
    at: PathDifference

    def to_json(self) -> dict[str, Any]:
        return {"what": self.what, **self.at.to_json()}


@dataclass(frozen=True, slots=True)
class ComparedStep:
    """A step of both executions, or of one of them (then the other is None).

    `occurrence` tells calls of the same name apart, from 1.
    """

    kind: Kind
    name: str
    occurrence: int
    a: Step | None
    b: Step | None
    differences: tuple[ValueDifference, ...] = ()

    @property
    def is_equal(self) -> bool:
        return self.a is not None and self.b is not None and not self.differences

    def to_json(self) -> dict[str, Any]:
        """`kind`, `name`, `occurrence`, `a` and `b` (null where that side lacks the step), and
        `differences`.
        """
        return {
            "kind": self.kind.value,
            "name": self.name,
            "occurrence": self.occurrence,
            "a": _step_to_json(self.a),
            "b": _step_to_json(self.b),
            "differences": [each.to_json() for each in self.differences],
        }


@dataclass(frozen=True, slots=True)
class ComparedInstance:
    """One of the two: `seconds` is how long it took, None while it runs."""

    instance_id: str
    name: str
    status: RuntimeStatus
    seconds: float | None = field(compare=False)
    is_exact: bool

    def to_json(self) -> dict[str, Any]:
        return {
            "instanceId": self.instance_id,
            "name": self.name,
            "runtimeStatus": self.status.value,
            "seconds": self.seconds,
        }


@dataclass(frozen=True, slots=True)
class Difference:
    """Two executions, step by step.

    `basis` is "exact" when both histories are complete, else "reconstructed": then `notes` say what
    could not be compared. Durations differ from run to run and do not count as a difference.
    """

    a: ComparedInstance
    b: ComparedInstance
    steps: tuple[ComparedStep, ...]
    basis: str
    notes: tuple[str, ...] = ()

    @property
    def is_equal(self) -> bool:
        return all(step.is_equal for step in self.steps)

    @property
    def parts_at(self) -> ComparedStep | None:
        """The first step at which they part: the start only when nothing else differs. None when
        they are equal.
        """
        parted = [step for step in self.steps if not step.is_equal]
        later = [step for step in parted if step.kind is not Kind.STARTED]
        return next(iter(later or parted), None)

    def to_json(self) -> dict[str, Any]:
        """`equal`, `basis`, `notes`, `a`, `b`, `steps`, and `partsAt`: an index into `steps`, or
        null.
        """
        first = self.parts_at
        return {
            "equal": self.is_equal,
            "basis": self.basis,
            "notes": list(self.notes),
            "a": self.a.to_json(),
            "b": self.b.to_json(),
            "partsAt": None if first is None else self.steps.index(first),
            "steps": [step.to_json() for step in self.steps],
        }


def compare(a: AnyHistory, b: AnyHistory) -> Difference:
    """How two executions differ.

    Each is a saved history (`history ID --raw`, or a status object with `historyEvents`) as its
    JSON, the text of that, or the path of a file, or a status that was asked for with
    `show_history` and `show_history_output`. Steps are aligned by kind, name and number of
    occurrence. `UsageError` for what is not a history.
    """
    left, right = Account(history_of(a)), Account(history_of(b))
    return Difference(
        _instance(left),
        _instance(right),
        tuple(_compared(left, right)),
        "exact" if left.is_exact and right.is_exact else "reconstructed",
        tuple(_notes(left, right)),
    )


def _instance(account: Account) -> ComparedInstance:
    status = account.status
    return ComparedInstance(
        status.instance_id, status.name, status.runtime_status, account.seconds, account.is_exact
    )


def _compared(a: Account, b: Account) -> Iterator[ComparedStep]:
    left = _by_key(a.steps)
    right = _by_key(b.steps)
    if not (a.is_exact and b.is_exact):
        right = _matched(a, b, left, right)
    moved = set(_moved(a, b, left, right))
    waiting = [key for key in right if key not in left]
    places = {key: place for place, key in enumerate(right)}
    for key, step in left.items():
        other = right.get(key)
        if other is None:
            yield ComparedStep(*key, step, None)
            continue
        while waiting and places[waiting[0]] < places[key]:
            yield ComparedStep(*waiting[0], None, right[waiting.pop(0)])
        found = tuple(_differences(a, b, step, other))
        if key in moved:
            found += (ValueDifference("order", PathDifference("$", "later", "earlier")),)
        yield ComparedStep(*key, step, other, found)
    for key in waiting:
        yield ComparedStep(*key, None, right[key])


def _by_key(steps: Sequence[Step]) -> _Keyed:
    """The steps by what aligns them. An instance starts and ends once, whatever the names are."""
    seen: Counter[tuple[Kind, str]] = Counter()
    found: _Keyed = {}
    for step in steps:
        name = "" if step.kind in (Kind.STARTED, Kind.ENDED) else step.name
        seen[step.kind, name] += 1
        found[step.kind, name, seen[step.kind, name]] = step
    return found


def _matched(a: Account, b: Account, left: _Keyed, right: _Keyed) -> _Keyed:
    """`right` with calls of one name and one moment in the order in which `left` has their equals.

    Which of them is which, the HTTP API does not tell.
    """
    groups: dict[tuple[object, ...], list[Key]] = {}
    for key, step in right.items():
        if step.kind in _DECISIONS:
            groups.setdefault((*key[:2], step.begin), []).append(key)
    found = dict(right)
    for keys in groups.values():
        free = [right[key] for key in keys]
        equal: _Keyed = {}
        for key in keys if len(keys) > 1 else ():
            own = left.get(key)
            same = own and next((each for each in free if _is_same(a, b, own, each)), None)
            if same:
                free.remove(same)
                equal[key] = same
        rest = iter(free)
        found |= {key: equal[key] if key in equal else next(rest) for key in keys}
    return found


def _is_same(a: Account, b: Account, left: Step, right: Step) -> bool:
    return left.state is right.state and not (
        _paths(a.result(left), b.result(right)) or _paths(a.input(left), b.input(right))
    )


def _moved(a: Account, b: Account, left: _Keyed, right: _Keyed) -> Iterator[Key]:
    """The decisions that came after their predecessor in `a`, and before it in `b`."""
    places = {key: place for place, key in enumerate(right)}
    for before, key in pairwise(key for key in left if key in right and key[0] in _DECISIONS):
        if (
            places[key] < places[before]
            and _is_before(a, left[before], left[key])
            and _is_before(b, right[key], right[before])
        ):
            yield key


def _is_before(account: Account, first: Step, second: Step) -> bool:
    """Whether the code decided one surely before the other: the HTTP API does not keep the order of
    one moment.
    """
    return account.is_exact or first.begin < second.begin


def _differences(of_a: Account, of_b: Account, a: Step, b: Step) -> Iterator[ValueDifference]:
    if a.kind is Kind.STARTED and a.name.lower() != b.name.lower():
        yield ValueDifference("name", PathDifference("$", a.name, b.name))
    outcomes = (a.name, b.name) if a.kind is Kind.ENDED else (a.state.value, b.state.value)
    if outcomes[0] != outcomes[1]:
        yield ValueDifference("outcome", PathDifference("$", *outcomes))
    if a.attempts != b.attempts:
        yield ValueDifference("attempts", PathDifference("$", a.attempts, b.attempts))
    given = of_a.input(a), of_b.input(b)
    if a.kind is Kind.TIMER:
        if MISSING not in given and abs(given[0] - given[1]) >= LEAST_SECONDS:
            yield ValueDifference("delay", PathDifference("$", *given))
        return
    for path in _paths(*given):
        yield ValueDifference("input", path)
    for path in _paths(of_a.result(a), of_b.result(b)):
        yield ValueDifference("result", path)


def _paths(a: Any, b: Any) -> tuple[PathDifference, ...]:
    """Where two values differ; what only one side can know is not compared.

    JSON that a string holds is compared as JSON.
    """
    if a is MISSING or b is MISSING:
        return ()
    if isinstance(a, str) and isinstance(b, str):
        a, b = decoded(a), decoded(b)
    return json_differences(a, b)


def _notes(a: Account, b: Account) -> Iterator[str]:
    for account in (a, b):
        calls = [step for step in account.steps if step.kind in (Kind.ACTIVITY, Kind.CHILD)]
        who = account.status.instance_id
        if account.is_exact or not calls:
            continue
        if all(account.input(step) is MISSING for step in calls):
            yield f"the history of '{who}' has no inputs of calls: they are not compared"
        answered = [step for step in calls if step.last and "Completed" in step.last.event_type]
        if answered and all(account.result(step) is MISSING for step in answered):
            yield f"the history of '{who}' has no results: they are not compared"
        if len(calls) > len({(step.name, step.begin) for step in calls}):
            yield (
                f"'{who}' has calls of one name at one moment: which is which is not in its history"
            )


def _step_to_json(step: Step | None) -> dict[str, Any] | None:
    if step is None:
        return None
    took = None if step.end is None else (step.end - step.begin).total_seconds()
    return {
        "step": step.number,
        "began": exact_time_to_text(step.begin),
        "seconds": took,
        "outcome": step.name if step.kind is Kind.ENDED else step.state.value,
        "attempts": step.attempts,
    }
