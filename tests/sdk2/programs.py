"""Orchestrators made by hypothesis for the SDK's executor, and a world that answers them."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

from durabletask import task
from durabletask.entities import EntityInstanceId
from hypothesis import strategies as st

from durablectl.engine.replay.episode import Episode
from durablectl.history import events as e

T0 = datetime(2026, 1, 1, tzinfo=UTC)
ENTITY = EntityInstanceId("counter", "k")
SIMPLE = ["activity", "retried", "child", "retried child", "timer", "long timer", "event", "entity"]
STEPS = [
    *SIMPLE,
    "all",
    "any",
    "cancel",
    "signal",
    "later signal",
    "send",
    "status",
    "no status",
    "uuid",
    "drop",
    "lock",
]
steps = st.lists(
    st.tuples(st.sampled_from(STEPS), st.lists(st.sampled_from(SIMPLE), min_size=1, max_size=3)),
    max_size=6,
)
endings = st.sampled_from(["return", "raise", "again", "again with events", "bad output"])


def orchestrator(program: list[tuple[str, list[str]]], ending: str) -> Any:
    def run(ctx: Any, _input: Any) -> Iterator[Any]:
        seen: list[Any] = []
        for kind, inner in program:
            try:
                seen.append((yield from _step(ctx, kind, inner)))
            except task.TaskFailedError as error:
                seen.append([error.details.message, error.details.error_type])
        match ending:
            case "raise":
                raise ValueError("at the end")
            case "again" | "again with events":
                ctx.continue_as_new(seen, save_events=ending != "again")
            case "bad output":
                return {1}
        return seen

    return run


def _task(ctx: Any, kind: str) -> Any:
    policy = task.RetryPolicy(
        first_retry_interval=timedelta(seconds=2), max_number_of_attempts=3, backoff_coefficient=2
    )
    match kind:
        case "activity":
            return ctx.call_activity("act", input=1)
        case "retried":
            return ctx.call_activity("act", input=2, retry_policy=policy)
        case "child":
            return ctx.call_sub_orchestrator("child", input=3)
        case "retried child":
            return ctx.call_sub_orchestrator("child", input=3, retry_policy=policy)
        case "timer":
            return ctx.create_timer(timedelta(seconds=5))
        case "long timer":
            return ctx.create_timer(timedelta(days=7))
        case "event":
            return ctx.wait_for_external_event("go")
    return ctx.call_entity(ENTITY, "add", 1)


def _step(ctx: Any, kind: str, inner: list[str]) -> Iterator[Any]:
    match kind:
        case "all":
            return (yield task.when_all([_task(ctx, each) for each in inner]))
        case "any":
            tasks = [_task(ctx, each) for each in inner]
            return tasks.index((yield task.when_any(tasks)))
        case "cancel":
            timer = ctx.create_timer(timedelta(seconds=9))
            first = yield task.when_any([timer, _task(ctx, inner[0])])
            return timer.cancel() if first is not timer else "fired"
        case "drop":
            _task(ctx, inner[0])
        case "lock":
            with (yield ctx.lock_entities([EntityInstanceId("other", "k"), ENTITY])):
                return (yield ctx.call_entity(ENTITY, "add", 1))
        case "signal":
            ctx.signal_entity(ENTITY, "add", input=4)
        case "later signal":
            when = ctx.current_utc_datetime + timedelta(hours=1)
            ctx.signal_entity(ENTITY, "add", input=4, signal_time=when)
        case "send":
            ctx.send_event("other", "go", data=5)
        case "status" | "no status":
            ctx.set_custom_status({"at": ctx.instance_id} if kind == "status" else None)
        case "uuid":
            return [ctx.new_uuid(), ctx.current_utc_datetime.isoformat()]
        case _:
            return (yield _task(ctx, kind))
    return kind


class World:
    """Answers decisions, in an order that `draw` chooses."""

    def __init__(self, draw: Any) -> None:
        self._draw, self.now = draw, T0
        self._open: list[e.Inbound] = []
        self._left = 12

    def hear(self, episode: Episode) -> None:
        gone = set(episode.cancelled_timers)
        self._open = [
            each
            for each in self._open
            if not (isinstance(each, e.TimerFired) and each.task_id in gone)
        ]
        for decision in episode.decisions:
            if (answer := self._answer(decision)) is not None:
                self._open.append(answer)

    def next(self) -> list[e.Inbound]:
        """What arrives next: answers, events, and sometimes what steers an instance."""
        self._left -= 1
        self.now += timedelta(seconds=self._draw(st.integers(0, 3)))
        new: list[e.Inbound] = []
        for _ in range(self._draw(st.integers(1, 3))):
            if self._open and self._draw(st.integers(0, 4)):
                new.append(self._open.pop(self._draw(st.integers(0, len(self._open) - 1))))
                if isinstance(new[-1], e.TimerFired):
                    self.now = max(self.now, new[-1].fire_at)
            else:
                new.append(self._draw(st.sampled_from(_OTHERS)))
        return new

    @property
    def is_over(self) -> bool:
        return self._left <= 0

    def _answer(self, decision: e.Decision) -> e.Inbound | None:
        fails = self._draw(st.integers(0, 2)) == 0
        number, at = decision.task_id, self.now
        match decision:
            case e.TaskScheduled():
                details = '{"ClassName":"builtins.ValueError","Message":"no"}'
                return (
                    e.TaskFailed(at, number, "no", details)
                    if fails
                    else e.TaskCompleted(at, number, self._draw(st.sampled_from(["1", None, "[]"])))
                )
            case e.SubOrchestrationCreated():
                return (
                    e.SubOrchestrationFailed(at, number, "no")
                    if fails
                    else e.SubOrchestrationCompleted(at, number, '"done"')
                )
            case e.TimerCreated():
                return e.TimerFired(at, number, decision.fire_at)
            case e.EventSent():
                request = json.loads(decision.input or "{}")
                if not decision.instance_id.startswith("@") or request.get("signal"):
                    return None
                if "lockset" in request:
                    return e.EventRaised(at, request["id"], '{"result": null}')
                if "op" not in request:
                    return None
                reply = {"result": "7"} | ({"exceptionType": "E"} if fails else {})
                return e.EventRaised(at, request["id"], json.dumps(reply))


_OTHERS: list[e.Inbound] = [
    e.EventRaised(T0, "go", "1"),
    e.EventRaised(T0, "GO", None),
    e.EventRaised(T0, "unknown", "2"),
    e.ExecutionSuspended(T0, None),
    e.ExecutionResumed(T0, None),
    e.ExecutionResumed(T0, None),
    e.TaskCompleted(T0, 99, "1"),
    e.ExecutionTerminated(T0, "enough"),
]
