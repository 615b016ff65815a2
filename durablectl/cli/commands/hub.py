"""`durablectl hub`: check, copy and shrink the file of a local hub."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from durablectl.cli.framework.groups import Commands
from durablectl.cli.session import Session
from durablectl.engine.store.maintenance import HubReport, check_hub, file_size
from durablectl.errors import HubUnusable, UsageError
from durablectl.render.terminal.tables import show_details
from durablectl.render.views import Details

app = Commands(
    """Check, copy and shrink the file of a local hub.

    Examples:
      durablectl hub check
      durablectl hub backup hub-copy.db
    """
)


@app.command()
def check(session: Session) -> None:
    """Check the file of a local hub: whether it is sound, and which workers are live.

    It reads the whole file and changes nothing; workers may continue. Exit code 1 when something is
    wrong.

    Example:
      durablectl hub check
    """
    database = session.open_local().database
    report = check_hub(database, datetime.now(UTC))
    if session.out.is_text:
        show_details(session.out, _details(session.settings.label, report))
    else:
        session.out.show("", _report_json(report), id=str(report.version))
    if report.problems:
        raise HubUnusable(
            f"the {session.settings.label} is not sound: {report.problems[0]}",
            hint="keep a copy: durablectl hub backup FILE",
        )


@app.command()
def backup(
    session: Session,
    file: Annotated[
        Path,
        typer.Argument(metavar="FILE", help="The new file, or the folder for it."),
    ],
) -> None:
    """Copy a local hub into a new file, while workers continue.

    The copy holds what was committed at one moment, and is a hub of its own: --hub FILE works on
    it.

    Example:
      durablectl hub backup hub-copy.db
    """
    database = session.open_local().database
    target = file / database.path.name if file.is_dir() else file
    if target.exists():
        raise UsageError(f"{target} exists already", hint="name a file that does not")
    database.copy_to(target)
    session.out.note(f"copied to {target}")
    session.out.show(str(target), {"path": str(target)}, id=str(target))


@app.command()
def vacuum(session: Session) -> None:
    """Reclaim the disk space of a local hub after a purge.

    It needs as much room as the hub has while it runs, and workers wait meanwhile.

    Example:
      durablectl hub vacuum
    """
    database = session.open_local().database
    session.begin_change(controls=False)
    before = file_size(database.path)
    database.compact()
    after = file_size(database.path)
    session.out.show(
        f"{_bytes(before)} -> {_bytes(after)}", {"before": before, "after": after}, id=str(after)
    )


def _details(label: str, report: HubReport) -> Details:
    dead = (
        f", {report.dead_workers} dead (the next one frees what they held)"
        if report.dead_workers
        else ""
    )
    return Details(
        (
            ("hub", label),
            ("sound", "no" if report.problems else "yes"),
            *(("problem", problem) for problem in report.problems),
            ("version", str(report.version)),
            ("size", f"{_bytes(report.size)}, {_bytes(report.unused)} of it unused"),
            ("instances", f"{report.instances}, {report.unfinished} not finished"),
            ("workers", f"{report.live_workers} live{dead}"),
        )
    )


def _report_json(report: HubReport) -> dict[str, object]:
    return {
        "sound": not report.problems,
        "problems": list(report.problems),
        "version": report.version,
        "size": report.size,
        "unused": report.unused,
        "instances": report.instances,
        "unfinished": report.unfinished,
        "liveWorkers": report.live_workers,
        "deadWorkers": report.dead_workers,
    }


def _bytes(count: int) -> str:
    return f"{count / 1024:.0f} KB" if count < 10 * 1024 * 1024 else f"{count / 1024 / 1024:.0f} MB"
