"""Which decision that a history proves is the one that the code makes; no clock, no I/O."""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from durablectl.engine.replay.nondeterminism import identity
from durablectl.history import events as e
from durablectl.history.proofs import Proof
from durablectl.model import is_child_id


class Proofs:
    """The decisions that a history proves, and which of them the code has made.

    `caveats` say where two of them could not be told apart.
    """

    def __init__(self, proofs: Sequence[Proof]) -> None:
        self.caveats: list[str] = []
        self._by_time = sorted(proofs, key=lambda each: (each.at, each.event))
        self._in_order = [each for each in proofs if each.is_in_order]
        self._first = self._first_in_order = 0
        self._open: dict[Any, list[Proof]] = defaultdict(list)
        for proof in self._by_time:
            self._open[identity(proof.decision)].append(proof)
        self._made: set[Any] = set()

    @property
    def execution_id(self) -> str:
        """The execution's id as far as the ids of its children tell it."""
        for proof in self._by_time:
            decision = proof.decision
            if isinstance(decision, e.SubOrchestrationCreated) and is_child_id(
                decision.instance_id
            ):
                return decision.instance_id.rpartition(":")[0]
        return "execution"

    def first_unmade(self) -> Iterator[Proof]:
        """The earliest decision that the code has not made, by its time and by its place in the
        history.
        """
        self._first = self._skip(self._by_time, self._first)
        if self._first < len(self._by_time):
            yield self._by_time[self._first]
        self._first_in_order = self._skip(self._in_order, self._first_in_order)
        if self._first_in_order < len(self._in_order):
            yield self._in_order[self._first_in_order]

    def next_time(self) -> datetime | None:
        """When the earliest decision was made that the code has not made."""
        proof = next(self.first_unmade(), None)
        return None if proof is None else proof.moment

    def is_repeated(self, proof: Proof) -> bool:
        """Whether it is one that the code has made: an answer may be delivered twice, and then
        stands in the history twice.
        """
        return not proof.is_in_order and _twin(proof) in self._made

    def take(self, decision: e.Decision) -> Proof | None:
        """The proof of a decision of the code, which is taken then; None when there is none."""
        candidates = self._open[identity(decision)]
        if isinstance(decision, e.SubOrchestrationCreated):
            chosen = self._child(candidates, decision)
        elif isinstance(decision, e.TimerCreated):
            chosen = _nearest(candidates, decision)
        else:
            chosen = self._sibling(candidates, decision)
        if chosen is not None:
            self.take_for(chosen, decision.task_id)
        return chosen

    def take_for(self, proof: Proof, number: int) -> None:
        """Take a proof for the code's decision with this number."""
        self._open[identity(proof.decision)].remove(proof)
        proof.made = number
        # a service that delivers twice shows the same decision a second time
        self._made.add(_twin(proof))

    def next_timer(self, after: int) -> Proof | None:
        """The first timer of the history behind an event that the code has not made."""
        timers = self._open[e.TimerCreated, ""]
        return min(
            (each for each in timers if each.event > after),
            key=lambda each: each.event,
            default=None,
        )

    def _skip(self, proofs: Sequence[Proof], at: int) -> int:
        while at < len(proofs) and (proofs[at].made is not None or self.is_repeated(proofs[at])):
            at += 1
        return at

    def _sibling(self, candidates: list[Proof], decision: e.Decision) -> Proof | None:
        """The earliest one; of several at the same time the one with the same input."""
        if not candidates:
            return None
        first = candidates[0]
        same = [each for each in candidates if each.at == first.at]
        if len(same) == 1:
            return first
        wanted = _input(decision)
        known = [each for each in same if _input(each.decision) is not None]
        if len(known) == len(same):
            return next((each for each in same if _input(each.decision) == wanted), first)
        name = getattr(decision, "name", "")
        self.caveats.append(f"calls of '{name}' at the same time cannot be told apart")
        return first

    def _child(self, candidates: list[Proof], decision: e.SubOrchestrationCreated) -> Proof | None:
        """The one with the child's id; a child that was given none has an id that ends with its
        number.
        """
        own = [each for each in candidates if _child_id(each) == decision.instance_id]
        if own or not decision.instance_id.endswith(f":{decision.task_id}"):
            return own[0] if own else None
        unnamed = [each for each in candidates if is_child_id(_child_id(each))]
        if not unnamed:
            return None
        # hosts differ in whether the number is decimal
        ends = f":{decision.task_id}", f":{decision.task_id:x}"
        return next((each for each in unnamed if _child_id(each).endswith(ends)), unnamed[0])


def _child_id(proof: Proof) -> str:
    assert isinstance(proof.decision, e.SubOrchestrationCreated)
    return proof.decision.instance_id


def _nearest(candidates: list[Proof], decision: e.TimerCreated) -> Proof | None:
    """Of the timers that were made first, the one that fires nearest to the code's."""
    if not candidates:
        return None
    first = candidates[0]
    # decisions of one episode are less than a millisecond apart (in units of 100 ns)
    same = [each for each in candidates if each.at - first.at < 10_000]

    def distance(proof: Proof) -> float:
        assert isinstance(proof.decision, e.TimerCreated)
        return abs((proof.decision.fire_at - decision.fire_at).total_seconds())

    return min(same, key=distance)


def _input(decision: e.Decision) -> object:
    """What tells two calls of one name apart: the input as a value, None where it is not known."""
    text = getattr(decision, "input", None)
    if not isinstance(text, str):
        return None
    try:
        value = json.loads(text)
    except ValueError:
        return text
    if isinstance(decision, e.EventSent) and isinstance(value, dict):
        return [value.get("op"), value.get("input"), bool(value.get("signal"))]
    return [value]


def _twin(proof: Proof) -> object:
    decision = proof.decision
    child = decision.instance_id if isinstance(decision, e.SubOrchestrationCreated) else ""
    return identity(decision), child, proof.at
