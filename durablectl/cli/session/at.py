"""A hub of the session for helpers that get no session: see `AtHub`."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager, nullcontext
from typing import TYPE_CHECKING

from durablectl.cli.framework.at_hub import AtHub
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session
    from durablectl.engine.replay.check import CheckResult


def at(
    session: Session,
    hub: TaskHub,
    *,
    skip_timers: bool = False,
    on_difference: Callable[[CheckResult], None] | None = None,
) -> AtHub:
    """The hub with what goes with it; `skip_timers` and `on_difference` are for the work that this
    process does for it.
    """
    is_own = session.holds(hub)

    def working(instance_ids: Sequence[str]) -> AbstractContextManager[None]:
        if not (is_own and session.is_local):
            return nullcontext()
        return _working(session, instance_ids, skip_timers, on_difference)

    return AtHub(
        hub,
        session.out,
        session.environ,
        session.cwd,
        session.command_line,
        working,
        lambda: session.registry if is_own and session.has_run_app else None,
        session.options.show_secrets,
    )


@contextmanager
def _working(
    session: Session,
    instance_ids: Sequence[str],
    skip_timers: bool,
    on_difference: Callable[[CheckResult], None] | None,
) -> Iterator[None]:
    """While inside, this process works for the awaited instances, if no live worker holds the hub.

    `AppError` without a running worker and without an app. What the app prints is talk.
    """
    # deferred: who waits for a remote hub needs no engine
    from durablectl.engine.worker.embedded import embedded_worker
    from durablectl.render.app_output import capture_output, failure_log_of_a_wait

    work = embedded_worker(
        session.require_hub(),
        session.registry,
        instance_ids,
        skips_timers=skip_timers,
        warn=session.out.warn,
        on_failure=failure_log_of_a_wait(session.out, instance_ids),
        on_difference=on_difference,
    )
    with capture_output(session.app_output), work:
        yield
