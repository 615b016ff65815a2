"""Generated programs, run on a real hub: their complete histories, and what the HTTP API shows."""

from __future__ import annotations

import json
import random
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from durablectl import wire
from durablectl.engine.registry import Activity, Entity, Orchestrator
from durablectl.engine.replay.nondeterminism import identity
from durablectl.history import events as e
from durablectl.history.exported import RawHistory, raw_from_json
from durablectl.history.saved import ServiceHistory, history_of
from tests.engine.dispatching import App, Dispatching
from tests.engine.histories import replay
from tests.engine.programs import Node, Step, function_of

MOST_TURNS = 80
FAILS_ALWAYS = 59
"""The activity of this number; the others fail now and then."""


@dataclass(frozen=True)
class Ran:
    """A program that has run: its history in both forms, as they are saved."""

    program: Sequence[Step]
    raw: RawHistory
    shown: ServiceHistory


class Runs:
    """Runs programs on one hub, with a clock of its own, and activities that fail now and then."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.chance = random.Random(seed)
        self.app = App()
        self.dispatching = Dispatching(folder / "hub.db", self.app)
        for number in range(60):
            self._activity(f"activity{number}")
            self.app.orchestrators.add(Orchestrator(f"child{number}", self._child))
        self.app.entities.add(Entity("counter", self._counter))
        self.dispatcher = self.dispatching.dispatcher(fails_unknown=True)
        self._count = 0

    def run(self, program: Sequence[Step]) -> Ran:
        self._count += 1
        name = f"program{self._count}"
        self.app.orchestrators.put(Orchestrator(name, function_of(program)))
        hub = self.dispatching.hub
        instance_id = hub.start(name, 1).id
        waits = sorted({each for step in program for each in step.node.waits()})
        for _ in range(MOST_TURNS):
            self.dispatching.advance(self.chance.choice([0.0005, 0.003, 0.4, 1.0, 8.0]))
            self.dispatcher.process_next(self.dispatching.now)
            if self.dispatcher.is_working:
                self.dispatching._notifier.acquire(timeout=0.02)
            if hub.get_status(instance_id).is_final:
                break
            if self.chance.random() < 0.3 and waits:
                hub.raise_event(instance_id, self.chance.choice(waits), self.chance.random())
        return self.saved(program, instance_id)

    def saved(self, program: Sequence[Step], instance_id: str) -> Ran:
        hub = self.dispatching.hub
        status = hub.get_status(instance_id, show_history=True, show_history_output=True)
        shown = history_of(json.dumps(wire.status_to_json(status)))
        assert isinstance(shown, ServiceHistory)
        return Ran(program, raw_from_json(hub.raw_history(instance_id)), shown)

    def close(self) -> None:
        self.dispatching.close()

    def _activity(self, name: str) -> None:
        def act(value: Any) -> Any:
            if name == f"activity{FAILS_ALWAYS}" or self.chance.random() < 0.25:
                raise ValueError("now and then")
            return value

        self.app.activities.add(Activity(name, act, "value"))

    def _child(self, context: Any) -> Any:
        if self.chance.random() < 0.2:
            raise ValueError("a child")
        return [context.get_input()]

    def _counter(self, context: Any) -> None:
        context.set_result(context.operation_name)


def first_difference(raw: RawHistory, function: Callable[..., Any]) -> e.Event | None:
    """The first decision or ending that the code makes in another way, found the slow way: every
    episode from history alone; None when there is none.
    """
    orchestrator, past = Orchestrator(raw.name, function), list[e.Event]()
    for episode in _episodes(raw.events):
        inbound = [each for each in episode[1:-1] if isinstance(each, e.Inbound)]
        made = replay(
            orchestrator, raw.instance_id, raw.execution_id, past, inbound, episode[0].timestamp
        )
        recorded = [each for each in episode if isinstance(each, e.Decision)]
        for one, other in zip(recorded, made.decisions, strict=False):
            if _essence(one) != _essence(other):
                return one
        if len(recorded) != len(made.decisions):
            return (*recorded, *made.decisions)[min(len(recorded), len(made.decisions))]
        ending = next(
            (each for each in episode if isinstance(each, e.ExecutionCompleted | e.ContinueAsNew)),
            None,
        )
        if ending != made.ending:
            return ending or made.ending
        past += episode
    return None


def _episodes(events: Sequence[e.Event]) -> list[list[e.Event]]:
    found: list[list[e.Event]] = []
    for event in events:
        if isinstance(event, e.OrchestratorStarted):
            found.append([])
        found[-1].append(event)
    return found


def _essence(decision: e.Decision) -> object:
    child = decision.instance_id if isinstance(decision, e.SubOrchestrationCreated) else ""
    return identity(decision), child


# Programs changed as people change code


def mutants(program: Sequence[Step], chance: random.Random) -> dict[str, list[Step]]:
    """The program after one change of each kind that it allows."""
    steps, fresh = list(program), Step("wait", Node("activity", 50), number=50)
    where = chance.randrange(len(steps))
    inner = chance.randrange(len(steps) + 1)
    found = {
        "insert": [*steps[:inner], fresh, *steps[inner:]],
        "remove": [*steps[:where], *steps[where + 1 :]],
        "logging": [*steps[:inner], Step("forget"), *steps[inner:]],
        "look": [*steps[:inner], Step("status", number=51), *steps[inner:]],
    }
    if where + 1 < len(steps):
        first, second = steps[where : where + 2]
        found["swap"] = [*steps[:where], second, first, *steps[where + 2 :]]
        if first.kind == second.kind == "wait":
            both = replace(first, node=Node("all", 52, (first.node, second.node)))
            found["parallel"] = [*steps[:where], both, *steps[where + 2 :]]
    step = steps[where]
    if step.kind == "wait" and step.node.kind == "all" and step.node.children:
        apart = [replace(step, node=child) for child in step.node.children]
        found["sequential"] = [*steps[:where], *apart, *steps[where + 1 :]]
    if step.kind == "wait":
        raced = replace(step, kind="race a timer")
        found["time-out"] = [*steps[:where], raced, *steps[where + 1 :]]
    for name, (of, change) in _NODES.items():
        changed = [replace(each, node=_changed(each.node, of, change)) for each in steps]
        if changed != steps:
            found[name] = changed
    return {name: made for name, made in found.items() if made}


def _changed(node: Node, of: str, change: Callable[[Node], Node]) -> Node:
    if re.fullmatch(of, node.kind):
        return change(node)
    return replace(node, children=tuple(_changed(child, of, change) for child in node.children))


_NODES: dict[str, tuple[str, Callable[[Node], Node]]] = {
    "rename": ("activity|retry|child", lambda node: replace(node, number=node.number + 30)),
    "timer to activity": ("timer", lambda node: replace(node, kind="activity")),
    "retry count": ("retry|retried child", lambda node: replace(node, attempts=node.attempts + 1)),
    "child id": ("named child", lambda node: replace(node, kind="child")),
    "event to activity": ("event", lambda node: replace(node, kind="activity")),
}
