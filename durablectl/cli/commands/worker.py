"""`durablectl worker`: run the app's functions for the local hub."""

from __future__ import annotations

from durablectl.cli.arguments.working import Work
from durablectl.cli.local.worker import run_worker
from durablectl.cli.session import Session
from durablectl.errors import UsageError


def worker(session: Session, work: Work = Work()) -> None:
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
    if work.reload and work.until_idle:
        raise UsageError(
            "--reload and --until-idle exclude each other", hint="give only one of them"
        )
    session.begin_change(controls=False)
    registry, path = session.registry(), session.settings.require_hub()
    assert session.settings.app is not None  # or there would be no registry
    session.open(create=True)
    run_worker(path, session.settings.app, registry, session.out, session.app.output, work)
