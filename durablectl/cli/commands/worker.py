"""`durablectl worker`: run the app's functions for the local hub."""

from __future__ import annotations

from typing import Annotated

import typer

from durablectl.cli.arguments.parameters import CheckReplay, SkipTimers
from durablectl.cli.local.worker import Work, run_worker
from durablectl.cli.session import Session
from durablectl.errors import UsageError


def worker(
    session: Session,
    concurrency: Annotated[
        int,
        typer.Option(metavar="N", min=1, max=1024, help="Maximum number of parallel activities."),
    ] = 32,
    activity_processes: Annotated[
        int | None,
        typer.Option(
            metavar="N",
            min=1,
            max=256,
            help="Run activities that are not coroutines in N processes: for those that compute.",
        ),
    ] = None,
    until_idle: Annotated[
        bool,
        typer.Option("--until-idle", help="End when nothing is left to do and no timer is set."),
    ] = False,
    skip_timers: SkipTimers = False,
    reload: Annotated[
        bool, typer.Option("--reload", help="Reload the app when its files change.")
    ] = False,
    replay_check: CheckReplay = None,
) -> None:
    """Run the app's functions for the local hub.

    It runs until it is stopped with Ctrl-C or SIGTERM. Several workers may share a hub. What the
    app prints or logs goes to stderr, with the instance's id in front, and so does each failure,
    with the app's own frames (with -v the traceback, and each attempt). With --reload the finished
    instances are replayed once, and a warning names the line where code does not repeat its
    decisions.

    Example:

      durablectl worker --until-idle
    """
    session.require_local("runs its own workers", "a worker is for a local hub: --hub PATH")
    if reload and until_idle:
        raise UsageError(
            "--reload and --until-idle exclude each other", hint="give only one of them"
        )
    registry, path = session.registry(), session.require_hub()
    assert session.app_path is not None  # or there would be no registry
    session.open(create=True)
    session.announce()
    run_worker(
        path,
        session.app_path,
        registry,
        session.out,
        session.app_output,
        Work(
            concurrency,
            activity_processes or 0,
            until_idle,
            skip_timers,
            reload,
            reload if replay_check is None else replay_check,
        ),
    )
