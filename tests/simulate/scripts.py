"""The app of the simulation: one orchestrator that runs a script from its input, and what such a
script must come out as.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import timedelta
from random import Random
from typing import Any

from durablectl.df import EntityId, RetryOptions
from tests.engine.dispatching import App
from tests.engine.locking import add_account, transfer

COUNTER = EntityId("counter", "all")
ACCOUNTS = [EntityId("account", key) for key in "abc"]
Step = list[Any]


def simulated_app(is_broken: Callable[[], bool] = lambda: False) -> App:
    """Scripts are lists of steps: `[verb, argument]`.

    Their output is a list with a value for each step.

    `is_broken` says whether what a fragile step needs is out of order just now: then its instance
    fails, and can be rewound.
    """
    app = App("function_app.py")

    @app.activity
    def do(what: Any) -> str:
        return f"did {what}"

    @app.activity
    def fail(what: Any) -> None:
        raise ValueError(what)

    @app.activity
    def fragile(what: Any) -> str:
        if is_broken():
            raise ValueError("out of order")
        return f"did {what}"

    @app.orchestrator
    def script(context: Any) -> Any:
        done, steps = context.get_input()
        for number, (verb, argument) in enumerate(steps):
            if verb == "again":
                context.continue_as_new([[*done, "again"], steps[number + 1 :]])
                return None
            value = yield from _STEPS[verb](context, argument)
            done.append(value)
        return done

    @app.entity
    def counter(context: Any) -> None:
        total = context.get_state(lambda: 0) + context.get_input()
        context.set_state(total)
        context.set_result(total)

    add_account(app)
    return app


def _do(context: Any, argument: Any) -> Iterator[Any]:
    return (yield context.call_activity("do", argument))


def _fragile(context: Any, argument: Any) -> Iterator[Any]:
    return (yield context.call_activity("fragile", argument))


def _fan(context: Any, argument: int) -> Iterator[Any]:
    return (
        yield context.task_all([context.call_activity("do", number) for number in range(argument)])
    )


def _nap(context: Any, seconds: float) -> Iterator[Any]:
    yield context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
    return "woke"


def _child(context: Any, steps: Sequence[Step]) -> Iterator[Any]:
    return (yield context.call_sub_orchestrator("script", [[], steps]))


def _children(context: Any, scripts: Sequence[Sequence[Step]]) -> Iterator[Any]:
    return (
        yield context.task_all(
            [context.call_sub_orchestrator("script", [[], steps]) for steps in scripts]
        )
    )


def _take(context: Any, name: str) -> Iterator[Any]:
    return (yield context.wait_for_external_event(name))


def _race(context: Any, seconds: float) -> Iterator[Any]:
    """An event or a timer, whichever is first; the timer is cancelled when it loses."""
    event = context.wait_for_external_event("Race")
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=seconds))
    winner = yield context.task_any([event, timer])
    if winner is timer:
        return "late"
    timer.cancel()
    return event.result


def _count(context: Any, amount: int) -> Iterator[Any]:
    context.signal_entity(COUNTER, "add", amount)
    return "sent"
    yield


def _ask(context: Any, amount: int) -> Iterator[Any]:
    return (yield context.call_entity(COUNTER, "add", amount))


def _move(context: Any, argument: list[Any]) -> Iterator[Any]:
    """Move an amount between two accounts in a critical section that lasts for a while."""
    source, target, amount, wait = argument
    between = None
    if wait == "do":
        between = context.call_activity("do", amount)
    elif wait is not None:
        between = context.create_timer(context.current_utc_datetime + timedelta(seconds=wait))
    return (yield from transfer(context, ACCOUNTS[source], ACCOUNTS[target], amount, between))


def _pay(context: Any, amount: int) -> Iterator[Any]:
    """Add to an account without a lock."""
    context.signal_entity(ACCOUNTS[amount % 3], "add", amount)
    return "sent"
    yield


def _retry(context: Any, attempts: int) -> Iterator[Any]:
    try:
        yield context.call_activity_with_retry("fail", RetryOptions(1000, attempts), "no luck")
    except Exception:
        return "failed"


def _status(context: Any, text: str) -> Iterator[Any]:
    context.set_custom_status(text)
    return text
    yield


_STEPS = {
    "do": _do,
    "fragile": _fragile,
    "fan": _fan,
    "nap": _nap,
    "child": _child,
    "children": _children,
    "take": _take,
    "race": _race,
    "count": _count,
    "ask": _ask,
    "move": _move,
    "pay": _pay,
    "retry": _retry,
    "status": _status,
}


def random_steps(rng: Random, depth: int = 0) -> list[Step]:
    """A script. Only the outermost waits for events: its id is known.

    At most one race: a wait that lost would take the next event.
    """
    verbs = ["do", "do", "fragile", "fan", "nap", "count", "ask", "retry", "status"]
    verbs += ["move", "move", "pay"]
    if depth == 0:
        verbs += ["take", "take", "take", "again", "again", "child", "children", "race"]
    elif depth == 1:
        verbs += ["child"]
    verbs = [verb for verb in verbs if rng.random() < 0.6] or ["do"]
    steps: list[Step] = []
    for _ in range(rng.randint(1, 6 if depth == 0 else 3)):
        verb = rng.choice(verbs)
        if verb == "race":
            verbs.remove("race")
        steps.append([verb, _argument(rng, verb, depth)])
    return steps


def _argument(rng: Random, verb: str, depth: int) -> Any:
    match verb:
        case "take":
            return "Item"
        case "nap" | "race":
            return rng.choice([0, 0.5, 20, 90])
        case "child":
            return random_steps(rng, depth + 1)
        case "children":
            return [random_steps(rng, 2) for _ in range(rng.randint(1, 3))]
        case "fan":
            return rng.choice([1, 2, 5, 12])
        case "move":
            source, target = rng.sample(range(3), 2)
            return [source, target, rng.randint(1, 9), rng.choice([None, "do", 0, 5, 90])]
    return rng.randint(1, 5)


@dataclass(slots=True)
class Expected:
    """What an instance was given and must make of it: `items` and `races` are the events that were
    acknowledged, in order.

    `done` is what earlier executions of a restarted instance have left in its input.
    """

    steps: list[Step]
    done: list[Any] = field(default_factory=list)
    items: list[Any] = field(default_factory=list)
    races: list[Any] = field(default_factory=list)
    is_terminated: bool = False

    @property
    def takes(self) -> int:
        return sum(verb == "take" for verb, _ in self.steps)

    @property
    def added(self) -> int:
        """What the whole script adds to the counter."""
        return _added(self.steps, ("count", "ask"))

    @property
    def paid(self) -> int:
        """What the whole script adds to the accounts, all together."""
        return _added(self.steps, ("pay",))

    @property
    def moved(self) -> int:
        """What is missing in the accounts at most when it and its children end amid their moves."""
        return sum(_moves(self.steps))

    def mismatch(self, output: Any) -> str | None:
        """Why this is not the output; None when it is."""
        values = list(output) if isinstance(output, list) else []
        first = len(self.done)
        if len(values) != first + len(self.steps) or values[:first] != self.done:
            return f"{len(self.steps)} steps after {self.done} gave {output!r}"
        values = values[first:]
        items = iter(self.items)
        for (verb, argument), value in zip(self.steps, values, strict=True):
            wanted = self._wanted(verb, argument, value, items)
            if value != wanted:
                return f"step {[verb, argument]} gave {value!r} instead of {wanted!r}"
        return None

    def _wanted(self, verb: str, argument: Any, value: Any, items: Iterator[Any]) -> Any:
        match verb:
            case "take":
                return next(items, None)
            case "race":
                return value if value == "late" or value in self.races else f"one of {self.races}"
            case "child":
                return (
                    value
                    if Expected(argument).mismatch(value) is None
                    else ("another child's output")
                )
            case "children":
                right = [
                    Expected(steps).mismatch(each) is None
                    for steps, each in zip(argument, value, strict=True)
                ]
                return value if all(right) else "other children's output"
            case "ask":
                return value if isinstance(value, int) else "a number"
        return {
            "do": f"did {argument}",
            "fragile": f"did {argument}",
            "fan": [f"did {n}" for n in range(argument)] if verb == "fan" else None,
        }.get(verb) or {
            "nap": "woke",
            "count": "sent",
            "pay": "sent",
            "move": "moved",
            "retry": "failed",
            "again": "again",
            "status": argument,
        }.get(verb)


def _added(steps: Sequence[Step], verbs: Sequence[str]) -> int:
    total = 0
    for verb, argument in steps:
        match verb:
            case _ if verb in verbs:
                total += argument
            case "child":
                total += _added(argument, verbs)
            case "children":
                total += sum(_added(each, verbs) for each in argument)
    return total


def _moves(steps: Sequence[Step]) -> Iterator[int]:
    for verb, argument in steps:
        match verb:
            case "move":
                yield argument[2]
            case "child":
                yield from _moves(argument)
            case "children":
                for each in argument:
                    yield from _moves(each)
