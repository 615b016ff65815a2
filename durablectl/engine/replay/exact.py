"""Guided replay of a complete history, episode by episode; no clock, no I/O, no store.

Complete means with task ids and episodes: a local hub's own, a saved raw one, a DTFx array.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import cast

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.episode import Ending
from durablectl.engine.replay.following import (
    NON_DETERMINISTIC,
    Break,
    FollowedExecution,
    Follower,
    answering,
    decision_break,
    ending_break,
    is_part_of,
    verdict_of,
)
from durablectl.engine.replay.nondeterminism import described, identity
from durablectl.history import events as e
from durablectl.history.exported import RawHistory
from durablectl.history.verdict import Confidence
from durablectl.model import is_child_id


@dataclass(slots=True)
class RecordedEpisode:
    """One episode as the history has it, each event with its number.

    `number` is that of its last event: what the history lacks would stand before it.
    """

    at: datetime
    number: int
    inbound: list[e.Inbound] = field(default_factory=list)
    decisions: list[tuple[int, e.Decision]] = field(default_factory=list)
    ending: tuple[int, Ending] | None = None


def follow_complete(
    history: RawHistory, orchestrator: Orchestrator, *, with_inputs: bool = False
) -> FollowedExecution:
    """Run the code along a complete history.

    Kind and name of each decision are compared, child ids that the code gives, the episode that it
    belongs to, and the ending. `with_inputs` compares the inputs and the times of timers too.
    """
    return _Exact(history, orchestrator, with_inputs).followed()


class _Exact:
    def __init__(self, history: RawHistory, orchestrator: Orchestrator, with_inputs: bool) -> None:
        self._saved, self._with_inputs = history, with_inputs
        self._follower = Follower(orchestrator, history.instance_id, history.execution_id)
        self._numbers: dict[int, int] = {}  # of the history -> of the code
        self._timers: dict[int, tuple[e.TimerCreated, e.TimerCreated]] = {}
        self._owed: list[e.Decision] = []  # a rewind has taken them out of the history
        self._rewinds = _count_rewinds(history.events)
        self._was_rewound = self._rewinds > 0

    def followed(self) -> FollowedExecution:
        verdict = verdict_of(self._saved, Confidence.EXACT, self._follow())
        follower = self._follower
        looked = follower.looked_at("is_replaying")
        return FollowedExecution(verdict, tuple(follower.events), follower.execution, looked)

    def _follow(self) -> Break | None:
        for episode in episodes_of(self._saved.events):
            was_rewound = self._rewinds > 0
            self._rewinds -= _count_rewinds(episode.inbound)
            if self._follower.has_ended:
                broken = self._compare_end_again(episode, was_rewound)
            else:
                if self._saved.is_foreign:
                    self._continue_timers(episode)
                inbound = [self._numbered(each) for each in episode.inbound]
                made = self._follower.deliver(inbound, episode.at)
                if _failed_by_engine(episode.ending):
                    return None
                broken = self._compare(episode, made.decisions)
                broken = broken or self._compare_ending(episode, made.ending)
            if broken is not None:
                return broken
        return None

    def _continue_timers(self, episode: RecordedEpisode) -> None:
        """Leave out what fires as a part of a long timer, with the next part that it leads to."""
        for event in list(episode.inbound):
            part, whole = self._timers.get(getattr(event, "task_id", -1), (None, None))
            following = next(
                (each for each in episode.decisions if isinstance(each[1], e.TimerCreated)), None
            )
            if (
                isinstance(event, e.TimerFired)
                and part is not None
                and whole is not None
                and following is not None
                and is_part_of(part, whole)
            ):
                episode.inbound.remove(event)
                episode.decisions.remove(following)
                self._take(following[1], whole)

    def _numbered(self, event: e.Inbound) -> e.Inbound:
        # The code counts in another way where a rewind has taken decisions out of the history, and
        # where the host made several timers of a long one.
        number = getattr(event, "task_id", None)
        if number is None or (made := self._numbers.get(number, -1)) == number:
            return event
        return answering(event, made)

    def _compare(self, episode: RecordedEpisode, made: Sequence[e.Decision]) -> Break | None:
        recorded = episode.decisions
        if self._owed:
            recorded = [each for each in recorded if not self._was_owed(each[1])]
        recorded.sort(key=lambda each: each[1].task_id)
        waiting = iter(recorded)
        expected = next(waiting, None)
        for decision in sorted(made, key=lambda each: each.task_id):
            if expected is not None and self._are_same(expected[1], decision):
                self._take(expected[1], decision)
                expected = next(waiting, None)
            elif self._rewinds > 0:
                self._owed.append(decision)
            else:
                number, other = expected or (episode.number, None)
                place = self._follower.place_of(decision.task_id)
                return decision_break(number, other, decision, place)
        return None if expected is None else self._break_at(*expected)

    def _compare_ending(self, episode: RecordedEpisode, made: Ending) -> Break | None:
        number, recorded = episode.ending or (episode.number, None)
        # it ended here and was rewound, which takes the ending out
        if recorded is None and made is not None and self._rewinds > 0:
            return None
        # another host has its own words for a failure
        is_success = not isinstance(made, e.ExecutionCompleted) or made.status.value == "Completed"
        return ending_break(
            recorded,
            made,
            number,
            self._follower.waiting,
            with_result=is_success or not self._saved.is_foreign,
        )

    def _compare_end_again(self, episode: RecordedEpisode, was_rewound: bool) -> Break | None:
        """Compare what follows an ending: where a rewind has taken it out of the history, the code
        ends in the same way again, and on SDK 2.x it decides its last decisions again.
        """
        is_again = all(each.task_id in self._numbers for _, each in episode.decisions)
        if was_rewound and is_again:
            return self._compare_ending(episode, self._follower.ending)
        return self._break_at(episode.number, None)

    def _was_owed(self, recorded: e.Decision) -> bool:
        for decision in self._owed:
            if self._are_same(recorded, decision):
                self._owed.remove(decision)
                self._take(recorded, decision)
                return True
        return False

    def _take(self, recorded: e.Decision, made: e.Decision) -> None:
        self._numbers[recorded.task_id] = made.task_id
        if isinstance(recorded, e.TimerCreated) and isinstance(made, e.TimerCreated):
            self._timers[recorded.task_id] = recorded, made
        if isinstance(recorded, e.EventSent):
            self._follower.await_reply(replace(recorded, task_id=made.task_id))

    def _are_same(self, recorded: e.Decision, made: e.Decision) -> bool:
        if recorded == made:
            return True
        if identity(recorded) != identity(made):
            return False
        if self._follower.keeps_numbers and recorded.task_id != made.task_id:
            return False
        if isinstance(recorded, e.SubOrchestrationCreated) and not self._has_same_child(
            recorded, made
        ):
            return False
        return not self._with_inputs or _content(recorded) == _content(made)

    def _has_same_child(self, recorded: e.SubOrchestrationCreated, made: e.Decision) -> bool:
        assert isinstance(made, e.SubOrchestrationCreated)
        if self._was_rewound:  # perhaps from a step of another instance, whose id it had then
            return True
        is_unnamed = made.instance_id == f"{self._saved.execution_id}:{made.task_id}"
        # an import under another id puts that before a given one
        of_copy = f"{self._saved.instance_id}:{made.instance_id}"
        return recorded.instance_id in (made.instance_id, of_copy) or (
            is_unnamed and is_child_id(recorded.instance_id)
        )

    def _break_at(self, number: int, expected: e.Decision | None) -> Break:
        what = "more events" if expected is None else described(expected)
        return Break(number, what, *self._follower.waiting())


def _count_rewinds(events: Sequence[e.Event]) -> int:
    return sum(type(each) is e.ExecutionRewound for each in events)


def _content(decision: e.Decision) -> object:
    """What a replay of the same code must repeat, besides kind and name."""
    if isinstance(decision, e.TimerCreated):
        return decision.fire_at
    if isinstance(decision, e.EventSent):
        try:
            request = json.loads(decision.input or "{}")
        except ValueError:
            return decision.input
        # the rest are ids
        return [request.get("op"), request.get("input")] if isinstance(request, dict) else request
    return decision.input


def _failed_by_engine(ending: tuple[int, Ending] | None) -> bool:
    """Whether the engine, not the code, ended the execution: its code did not match then, and what
    it decides now is not known.
    """
    return (
        ending is not None
        and isinstance(ending[1], e.ExecutionCompleted)
        and NON_DETERMINISTIC in (ending[1].result or "")
    )


def episodes_of(events: Sequence[e.Event]) -> Iterator[RecordedEpisode]:
    """The episodes of a complete history, in order."""
    current: RecordedEpisode | None = None
    for number, event in enumerate(events):
        kind = type(event)
        if kind is e.OrchestratorStarted or current is None:
            if current is not None:
                yield current
            current = RecordedEpisode(event.timestamp, number)
        current.number = number
        if kind in e.DECISIONS:
            current.decisions.append((number, cast(e.Decision, event)))
        elif kind is e.OrchestratorCompleted:
            yield current
            current = None
        elif isinstance(event, e.ExecutionCompleted | e.ContinueAsNew):
            current.ending = number, event
        elif kind is not e.OrchestratorStarted:
            current.inbound.append(cast(e.Inbound, event))
    if current is not None:
        yield current
