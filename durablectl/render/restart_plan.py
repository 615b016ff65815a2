"""What a restart from a step keeps and repeats, as rows of a table; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from durablectl.history.restart import RestartPlan
from durablectl.render.gantt import row
from durablectl.render.views import Table


def plan_table(plan: RestartPlan) -> Table:
    """The steps of the instance as `history` numbers them, each kept with its result or repeated,
    or neither where nothing runs in it.
    """
    return Table(("#", "", "step", "result"), _rows(plan))


def plan_text(plan: RestartPlan) -> str:
    """One line: how much is kept, and how much runs again."""
    kept, repeated = len(plan.kept), len(plan.repeated)
    return f"from step {plan.step.number} of {plan.instance_id}: {kept} kept, {repeated} repeated"


def _rows(plan: RestartPlan) -> Iterator[tuple[str, ...]]:
    groups = (("kept", plan.kept), ("repeated", plan.repeated), ("", plan.notes))
    marked = [(step, mark) for mark, steps in groups for step in steps]
    for step, mark in sorted(marked, key=lambda each: each[0].number or 0):
        number, _, _, title, result = row(step, step.begin, step.begin)
        yield number, mark, title, result if mark == "kept" else ""
