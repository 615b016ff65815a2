"""A hub of the session for helpers that get no session: see `AtHub`."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import AbstractContextManager, nullcontext
from typing import TYPE_CHECKING

from durablectl.cli.framework.at_hub import AtHub, PageOf
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session
    from durablectl.engine.registry import Registry
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
        # deferred: who waits for a remote hub needs no engine
        from durablectl.cli.session.working import working_for

        return working_for(session, instance_ids, skip_timers, on_difference)

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


def page_of(session: Session, load_app: Callable[[], Registry] | None = None) -> PageOf:
    """What the page of the session's hub is made for."""
    return PageOf(
        session.settings, session.environ, session.command_line, session.app_hint, load_app
    )
