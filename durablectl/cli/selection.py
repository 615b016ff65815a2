"""What a filter selected: shown before anything is done, and asked about."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from durablectl import wire
from durablectl.cli.session import Session
from durablectl.errors import UsageError
from durablectl.model import InstanceStatus
from durablectl.render import views
from durablectl.render.output import OutputFormat
from durablectl.render.safe import safe_line
from durablectl.render.tables import show_table

FIRST = 10


def show_selection(session: Session, selected: Iterable[InstanceStatus], told: str) -> None:
    """Print what a dry run selects, all of it, and count it."""
    count = 0

    def counted() -> Iterable[InstanceStatus]:
        nonlocal count
        for status in selected:
            count += 1
            yield status

    match session.out.format:
        case OutputFormat.TEXT:
            show_table(session.out, views.instances(counted()))
        case OutputFormat.ID:
            session.out.ids(status.instance_id for status in counted())
        case OutputFormat.JSON:
            session.out.json_array(wire.status_to_json(status) for status in counted())
        case OutputFormat.JSONL:
            session.out.jsonl(wire.status_to_json(status) for status in counted())
    session.out.note(f"{count} {told}; nothing was changed")


def confirm_selection(session: Session, ids: Sequence[str], verb: str, *, yes: bool) -> None:
    """Show the count and the first ten, and ask unless `yes`; without a terminal `UsageError`."""
    session.out.note(f"{_counted(ids)} in {session.hub_label}:")
    for instance_id in ids[:FIRST]:
        session.out.note(f"  {safe_line(instance_id)}")
    if len(ids) > FIRST:
        session.out.note(f"  and {len(ids) - FIRST} more")
    if yes:
        return
    if not session.is_terminal:
        raise UsageError(f"nobody can be asked whether to {verb} {_counted(ids)}", hint="look with --dry-run, then add --yes")
    session.out.talk(f"{verb} {_counted(ids)}? [y/N]")
    if session.stdin.readline().strip().lower() not in ("y", "yes"):
        raise UsageError("not confirmed; nothing was changed")


def _counted(ids: Sequence[str]) -> str:
    return "1 instance" if len(ids) == 1 else f"{len(ids)} instances"
