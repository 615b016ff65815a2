"""Orchestrators made by hypothesis: programs of steps, run by one function that both contexts can
drive.
"""

from dataclasses import dataclass, field, replace
from datetime import timedelta
from itertools import count

from hypothesis import strategies as st

from tests.engine.oracle import df

TIMER_MARK = timedelta(microseconds=7)
"""The program's own timers end at odd microseconds, those of retries do not."""


@dataclass(frozen=True)
class Node:
    """A task to make: `kind` with a number of its own and, of a compound, its children."""

    kind: str
    number: int = 0
    children: tuple = ()
    attempts: int = 1

    def waits(self):
        """The names of the events it waits for."""
        mine = [f"event{self.number}"] if self.kind == "event" else []
        return mine + [name for child in self.children for name in child.waits()]


@dataclass(frozen=True)
class Step:
    """One thing that the function does. With `catches` a failure becomes a value."""

    kind: str
    node: Node = field(default_factory=lambda: Node("activity"))
    catches: bool = True
    number: int = 0


ATOMS = [
    "activity",
    "activity",
    "retry",
    "child",
    "retried child",
    "named child",
    "timer",
    "event",
    "entity",
]
atoms = st.builds(Node, st.sampled_from(ATOMS), attempts=st.integers(1, 3))
nodes = st.recursive(
    atoms,
    lambda inner: st.builds(
        Node,
        st.sampled_from(["all", "all", "any"]),
        children=st.lists(inner, max_size=4).map(tuple),
    ),
    max_leaves=6,
)
flat = st.builds(Node, st.just("any"), children=st.lists(atoms, min_size=1, max_size=4).map(tuple))
steps = st.one_of(
    st.builds(Step, st.just("wait"), nodes, st.booleans()),
    st.builds(Step, st.just("wait"), nodes),
    st.builds(Step, st.just("wait twice"), nodes),
    st.builds(Step, st.just("drain"), flat),
    st.builds(Step, st.just("race a timer"), atoms),
    st.builds(Step, st.sampled_from(["status", "uuid", "guid", "time", "signal", "forget"])),
    st.builds(Step, st.sampled_from(["raise", "continue as new"])),
)
programs = st.lists(steps, min_size=1, max_size=5).map(lambda made: _numbered(made, count()))


def _numbered(made, numbers):
    """The steps with numbers of their own, so that names and events never meet by accident."""
    return [
        replace(step, number=next(numbers), node=_numbered_node(step.node, numbers))
        for step in made
    ]


def _numbered_node(node, numbers):
    return replace(
        node,
        number=next(numbers),
        children=tuple(_numbered_node(child, numbers) for child in node.children),
    )


def function_of(program):
    """An orchestrator function that runs the program and returns what it saw."""

    def run(context):
        seen = []
        for step in program:
            if context.will_continue_as_new and step.node.waits():
                # the SDK uses up an early event here, and loses it; ours leaves it to the next
                # execution
                continue
            yield from STEPS[step.kind](context, step, seen)
        return seen

    return run


def task_of(context, node):
    retry = df.RetryOptions(500, node.attempts)
    match node.kind:
        case "activity":
            return context.call_activity(f"activity{node.number}", node.number)
        case "retry":
            return context.call_activity_with_retry(f"activity{node.number}", retry, node.number)
        case "child":
            return context.call_sub_orchestrator(f"child{node.number}")
        case "named child":
            return context.call_sub_orchestrator(
                f"child{node.number}", {"n": node.number}, f"named{node.number}"
            )
        case "retried child":
            return context.call_sub_orchestrator_with_retry(
                f"child{node.number}", retry, node.number
            )
        case "timer":
            return context.create_timer(
                context.current_utc_datetime + timedelta(seconds=node.number) + TIMER_MARK
            )
        case "event":
            return context.wait_for_external_event(f"event{node.number}")
        case "entity":
            return context.call_entity(
                df.EntityId("Counter", f"k{node.number}"), "get", node.number
            )
    compound = context.task_all if node.kind == "all" else context.task_any
    return compound([task_of(context, child) for child in node.children])


def shown(value):
    """A result as plain JSON: tasks by their results, exceptions by their text."""
    if hasattr(value, "is_completed"):
        return ["task", value.state.name, shown(value.result)]
    if isinstance(value, list):
        return [shown(each) for each in value]
    return str(value) if isinstance(value, Exception) else value


def _wait(context, step, seen):
    task = task_of(context, step.node)
    for _ in range(2 if step.kind == "wait twice" else 1):
        try:
            seen.append(shown((yield task)))
        except Exception as error:
            if not step.catches:
                raise
            seen.append(f"caught {error}")


def _drain(context, step, seen):
    pending = [task_of(context, child) for child in step.node.children]
    while pending:
        winner = yield context.task_any(pending)
        seen.append([pending.index(winner), shown(winner)])
        pending.remove(winner)


def _race(context, step, seen):
    timer = context.create_timer(context.current_utc_datetime + timedelta(seconds=1) + TIMER_MARK)
    winner = yield context.task_any([task_of(context, step.node), timer])
    if winner is not timer and not timer.is_completed:
        timer.cancel()
    seen.append([winner is timer, timer.is_cancelled])


def _look(context, step, seen):
    match step.kind:
        case "status":
            context.set_custom_status({"step": step.number, "seen": list(seen)})
        case "uuid":
            seen.append(context.new_uuid())
        case "guid":
            seen.append(str(context.new_guid()))
        case "time":
            seen.append(context.current_utc_datetime.isoformat())
        case "signal":
            context.signal_entity(df.EntityId("Counter", "a"), "add", step.number)
        case "forget":
            context.call_activity("forgotten")
        case "raise":
            raise ValueError(f"raised {step.number}")
        case "continue as new":
            if context.get_input() > 0:
                context.continue_as_new(context.get_input() - 1)
    return iter(())


STEPS = {"wait": _wait, "wait twice": _wait, "drain": _drain, "race a timer": _race}
STEPS |= dict.fromkeys(
    ["status", "uuid", "guid", "time", "signal", "forget", "raise", "continue as new"], _look
)
