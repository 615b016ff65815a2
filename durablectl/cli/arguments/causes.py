"""`list --count --by cause`: the failed instances of a selection, by what made them fail."""

from __future__ import annotations

from dataclasses import replace

from durablectl.causes import CauseGroup, grouped_causes
from durablectl.cli.arguments.filters import Selection
from durablectl.cli.session import Session
from durablectl.errors import UsageError
from durablectl.model import RuntimeStatus
from durablectl.render.terminal.tables import show_items
from durablectl.render.views import Table

FAILED = frozenset({RuntimeStatus.FAILED})


def show_causes(session: Session, selection: Selection) -> None:
    """Print each cause, its count and an instance that has it, the most frequent first."""
    if selection.filter.statuses - FAILED:
        raise UsageError(
            "only failed instances have a cause", hint="leave out --status, or name Failed"
        )
    failed = replace(selection, filter=replace(selection.filter, statuses=FAILED))
    groups = grouped_causes((each.instance_id, each.output) for each in failed.find(session.hub))
    show_items(
        session.out,
        groups,
        table=lambda items: Table(
            ("cause", "count", "example"),
            [(each.cause, str(each.count), each.example) for each in items],
        ),
        json=CauseGroup.to_json,
        id=lambda each: each.example,
    )
