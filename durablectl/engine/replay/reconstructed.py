"""Guided replay of a history that lacks task ids and episodes, as the HTTP API shows it; no clock,
no I/O, no store.

The code runs on what arrived, one event at a time, and each of its decisions is matched with one
that the history proves. The number is then the code's own.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import Enum

from durablectl.engine.registry import Orchestrator
from durablectl.engine.replay.following import (
    Break,
    FollowedExecution,
    Follower,
    answering,
    decision_break,
    ending_break,
    is_part_of,
    verdict_of,
)
from durablectl.engine.replay.matching import Proofs
from durablectl.engine.replay.nondeterminism import described, identity
from durablectl.history import events as e
from durablectl.history.columns import micros
from durablectl.history.proofs import Arrival, Proof, timeline_of
from durablectl.history.saved import ServiceHistory
from durablectl.history.verdict import Confidence, Judgement, Verdict
from durablectl.model import RuntimeStatus

TICKS = 10_000_000  # a second
TOLERANCE = 1 * TICKS
"""How far the clocks of the service's machines may differ."""
SECONDS_UNREAD = 60
"""How long what arrives may wait for an episode, before it is remarkable that it was not read."""
QUICKER_THAN_A_CALL = 1 * 10_000  # 1 ms
"""Two decisions that are nearer cannot have an answer between them."""
SAME_EPISODE = 10 * 10_000  # 10 ms: the service gives each decision its own time
"""How far the times of decisions of one episode may differ, on several machines."""


class Guess(Enum):
    """What the code is shown as the current time, which the history does not have."""

    NEXT_DECISION = "the time of the next decision, unless something else arrived before"
    ANY_DECISION = "the time of the next decision"
    ARRIVAL = "the time of what arrived"


@dataclass(frozen=True, slots=True)
class _Made:
    """A decision of the code, the arrival that it reacts to, and what proves it."""

    decision: e.Decision
    step: int
    proof: Proof


def follow_reconstructed(history: ServiceHistory, orchestrator: Orchestrator) -> FollowedExecution:
    """Run the code along what the history proves.

    Code that looks at the current time is tried with several, and a break that depends on it is not
    one.
    """
    found: list[FollowedExecution] = []
    for guess in Guess:
        run = _Reconstruction(history, orchestrator, guess)
        followed = run.followed()
        found.append(followed)
        if followed.verdict.judgement is not Judgement.BREAKS or not run.follower.looked_at("time"):
            break
    for each in found[:-1]:
        each.execution.close()
    last = found[-1]
    breaks = {(each.verdict.event, each.verdict.expected, each.verdict.place) for each in found}
    if last.verdict.judgement is Judgement.BREAKS and len(breaks) > 1:
        reason = "it depends on the current time, which this history does not have"
        return replace(last, verdict=_unjudged(last.verdict, reason))
    return last


def _unjudged(verdict: Verdict, reason: str) -> Verdict:
    return Verdict(verdict.instance_id, verdict.name, Judgement.CANNOT_JUDGE, reason=reason)


class _Reconstruction:
    def __init__(self, history: ServiceHistory, orchestrator: Orchestrator, guess: Guess) -> None:
        self._history, self._guess = history, guess
        # each attempt marks the proofs that its code has made
        self._timeline = timeline = timeline_of(history)
        self._proofs = Proofs(timeline.proofs)
        self.follower = Follower(orchestrator, history.instance_id, self._proofs.execution_id)
        self._made: dict[int, _Made] = {}
        self._caveats, self._warnings = list(timeline.caveats), list[str]()
        self._doubts: list[str] = []
        self._ended_at = -1

    def followed(self) -> FollowedExecution:
        broken = self._follow()
        verdict = verdict_of(self._history, Confidence.RECONSTRUCTED, broken, self._warnings)
        caveats = [*self._caveats, *self._proofs.caveats]
        if broken is not None and caveats:
            verdict = _unjudged(verdict, f"{caveats[0]} ({verdict.sentence})")
        if broken is None and self._doubts:
            verdict = _unjudged(verdict, self._doubts[0])
        return FollowedExecution(
            verdict,
            tuple(self.follower.events),
            self.follower.execution,
            timeline=self._timeline,
        )

    def _follow(self) -> Break | None:
        for step, arrival in enumerate(self._timeline.arrivals):
            broken = self._too_late(arrival)
            if broken is None and not self.follower.has_ended:
                broken = self._deliver(step, arrival)
                self._ended_at = step
            if broken is not None:
                return broken
        proof = next(self._proofs.first_unmade(), None)
        return self._compare_ending() if proof is None else self._missing(proof)

    # What history proves and the code has not decided

    def _too_late(self, arrival: Arrival) -> Break | None:
        answered = arrival.answers
        if answered is not None and answered.made is None:
            if self._proofs.is_repeated(answered):
                return None
            return self._missing(answered)
        for proof in self._proofs.first_unmade():
            if proof.is_in_order and proof.event < arrival.event:
                return self._missing(proof)
            if self._caveats or proof.is_in_order:
                continue
            before = _ticks(arrival.inbound.timestamp) - proof.at
            # not where the clock is too coarse to tell the answer from what follows it
            if answered is not None and proof.at <= answered.at + self._same_episode and before > 0:
                return self._missing(proof)
            if before > (0 if self._timeline.has_one_clock else TOLERANCE):
                return self._missing(proof)
        return None

    @property
    def _same_episode(self) -> int:
        """How far decisions of one episode may be apart: this engine's are one microsecond."""
        if self._timeline.has_one_clock:
            return min(10 * len(self._timeline.proofs), SAME_EPISODE)
        return QUICKER_THAN_A_CALL

    def _missing(self, proof: Proof) -> Break:
        """A break at a decision that the code should have made: what it did instead, if anything,
        is what it made of what history has later.
        """
        ahead = [each for each in self._made.values() if each.proof.at > proof.at]
        first = min(ahead, key=lambda each: each.decision.task_id, default=None)
        if first is None:
            got, place = self.follower.waiting()
        else:
            got = f"has {described(first.decision)}"
            place = self.follower.place_of(first.decision.task_id)
        return Break(proof.event, described(proof.decision), got, place)

    # What the code decides

    def _deliver(self, step: int, arrival: Arrival) -> Break | None:
        event = arrival.inbound
        if arrival.answers is not None:
            number = arrival.answers.made
            if number is None:
                return None  # delivered a second time
            if self._continues(step, arrival.answers, number):
                return None
            event = answering(event, number)
        episode = self.follower.deliver([event], self._time_of(step, arrival))
        for decision in episode.decisions:
            broken = self._match(step, decision)
            if broken is not None:
                return broken
        return None

    def _continues(self, step: int, part: Proof, number: int) -> bool:
        """Whether what fired is only a part of a long timer, whose next part follows at once; that
        one stands for the timer then.
        """
        following = self._proofs.next_timer(part.event)
        last = self._next_event(step)
        if (
            following is None
            or not self._timeline.arrivals[step].event < following.event < last
            or not isinstance(part.decision, e.TimerCreated)
            or not is_part_of(part.decision, self._made[number].decision)
        ):
            return False
        self._proofs.take_for(following, number)
        self._made[number] = replace(self._made[number], proof=following)
        return True

    def _time_of(self, step: int, arrival: Arrival) -> datetime:
        """What the code is shown as the current time: the episode's own where it decides
        something.
        """
        arrived = arrival.inbound.timestamp
        decided = self._proofs.next_time()
        if decided is None or decided < arrived or self._guess is Guess.ARRIVAL:
            return arrived
        following = self._timeline.arrivals[step + 1 : step + 2]
        if self._guess is Guess.NEXT_DECISION and any(
            each.inbound.timestamp < decided for each in following
        ):
            return arrived
        return decided

    def _match(self, step: int, decision: e.Decision) -> Break | None:
        proof = self._proofs.take(decision)
        if proof is None:
            return self._extra(step, decision)
        if isinstance(proof.decision, e.EventSent):
            self.follower.await_reply(replace(proof.decision, task_id=decision.task_id))
        made = _Made(decision, step, proof)
        self._doubt(made)
        siblings = [each for each in self._made.values() if each.step == step]
        self._made[decision.task_id] = made
        for other in siblings:
            broken = self._too_early(made, other)
            if broken is not None:
                return broken
        return None

    def _doubt(self, made: _Made) -> None:
        """Doubt a decision that history has much later, behind something else that arrived: what is
        read in one episode leaves no trace, but little waits so long for an episode.
        """
        here, *following = self._timeline.arrivals[made.step : made.step + 2]
        later = made.proof.moment - here.inbound.timestamp
        if not following or later <= timedelta(seconds=SECONDS_UNREAD):
            return
        if _ticks(following[0].inbound.timestamp) < made.proof.at:
            seconds = f"{later.total_seconds():,.0f} s"
            self._doubts.append(
                f"the code has {described(made.decision)} at event {here.event}; history has it "
                f"{seconds} later, after event {following[0].event}, and does not say which of "
                "the two led to it"
            )

    def _too_early(self, one: _Made, other: _Made) -> Break | None:
        """A break when two decisions that the code makes at once were made one after the other."""
        first, last = sorted((one, other), key=lambda each: each.proof.at)
        are_retries = any(self.follower.is_retry(each.decision.task_id) for each in (one, other))
        if self._caveats or are_retries:
            return None
        apart = last.proof.at - first.proof.at
        answer = next(
            (each for each in self._timeline.arrivals if each.answers is first.proof), None
        )
        if self._timeline.has_one_clock:
            is_certain = apart > self._same_episode
        else:
            answered = 0 if answer is None else _ticks(answer.inbound.timestamp)
            is_certain = apart > SAME_EPISODE and first.proof.at < answered < last.proof.at
        if not is_certain:
            return None
        return Break(
            last.proof.event if answer is None else answer.event,
            f"{described(last.proof.decision)} only after this",
            f"has {described(last.decision)} before",
            self.follower.place_of(last.decision.task_id),
        )

    def _extra(self, step: int, decision: e.Decision) -> Break | None:
        """A break for a decision that the history does not have."""
        place = self.follower.place_of(decision.task_id)
        expected = next(self._proofs.first_unmade(), None)
        if expected is None:
            if self._may_be_held_back(step):
                return None
            return decision_break(self._next_event(step), None, decision, place)
        is_named = identity(expected.decision) == identity(decision)
        if is_named and self.follower.looked_at("uuid"):
            self._caveats.append("it makes ids with new_uuid, which differ in this history")
        return decision_break(expected.event, expected.decision, decision, place)

    def _next_event(self, step: int) -> int:
        following = self._timeline.arrivals[step + 1 : step + 2]
        if following:
            return following[0].event
        ending = self._timeline.ending_event
        return len(self._history.events) if ending is None else ending

    def _may_be_held_back(self, step: int) -> bool:
        """Whether the decision may never have been handed out: what follows, perhaps in the same
        episode, suspends or terminates the instance.
        """
        return any(
            isinstance(each.inbound, e.ExecutionTerminated | e.ExecutionSuspended)
            for each in self._timeline.arrivals[step + 1 :]
        )

    def _compare_ending(self) -> Break | None:
        timeline, follower = self._timeline, self.follower
        if follower.has_ended:
            self._warn_of_unread()
        is_success = follower.ending is not None and (
            follower.ending.status is RuntimeStatus.COMPLETED
        )
        depends_on_what_is_lost = (
            follower.looked_at("uuid") or follower.looked_at("time") or self._proofs.caveats
        )
        return ending_break(
            timeline.ending,
            follower.ending,
            self._next_event(len(timeline.arrivals)),
            follower.waiting,
            with_result=timeline.shows_result and is_success and not depends_on_what_is_lost,
        )

    def _warn_of_unread(self) -> None:
        """Warn where the code ended before something that arrived much later."""
        read, last = self._timeline.arrivals[self._ended_at], self._timeline.arrivals[-1]
        if last.inbound.timestamp - read.inbound.timestamp > timedelta(seconds=SECONDS_UNREAD):
            self._warnings.append(
                f"the code ends at event {read.event}, and history has event {last.event} much "
                "later"
            )


def _ticks(time: datetime) -> int:
    return micros(time) * 10
