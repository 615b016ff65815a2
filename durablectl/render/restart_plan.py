"""What a restart from a step keeps and repeats, as rows of a table; writes nothing."""

from __future__ import annotations

from collections.abc import Iterator

from durablectl.history.restart import RestartPlan
from durablectl.render.gantt import row
from durablectl.render.views import Table


def plan_table(plan: RestartPlan) -> Table:
    """The steps of the instance, each kept with its result or repeated."""
    return Table(("#", "", "step", "result"), _rows(plan))


def plan_text(plan: RestartPlan) -> str:
    """One line: how much is kept, and how much runs again."""
    kept, repeated = len(plan.kept), len(plan.repeated)
    return f"from step {plan.step.number} of {plan.instance_id}: {kept} kept, {repeated} repeated"


def _rows(plan: RestartPlan) -> Iterator[tuple[str, ...]]:
    kept = {step.number for step in plan.kept}
    steps = sorted((*plan.kept, *plan.repeated), key=lambda step: step.number or 0)
    for step in steps:
        number, _, _, title, result = row(step, step.begin, step.begin)
        is_kept = step.number in kept
        yield number, "kept" if is_kept else "repeated", title, result if is_kept else ""
