"""Working for instances of a local hub while waiting for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import ExitStack, contextmanager
from typing import TYPE_CHECKING

from durablectl.engine.replay.check import CheckResult
from durablectl.engine.worker.embedded import CannotWork, embedded_worker
from durablectl.engine.worker.worker import WorkerCallbacks
from durablectl.render.app_output import capture_output, failure_log_of_a_wait

if TYPE_CHECKING:
    from durablectl.cli.session import Session
    from durablectl.engine.registry import Registry


@contextmanager
def working_for(
    session: Session,
    instance_ids: Sequence[str],
    skip_timers: bool,
    on_difference: Callable[[CheckResult], None] | None,
) -> Iterator[None]:
    """While inside, this process works for the awaited instances, if no live worker holds the hub.

    Where it cannot, for want of an app that has them or because a context is read-only, it warns of
    that, and does nothing. What the app prints is talk.
    """

    def load() -> Registry:
        if any(each.read_only for each in session.settings.guards):
            raise CannotWork("the context of the hub is read-only")
        if session.settings.app is None:
            raise CannotWork("there is no app here", hint="name it with --app PATH")
        return session.registry()

    work = embedded_worker(
        session.settings.require_hub(),
        load,
        instance_ids,
        skips_timers=skip_timers,
        callbacks=WorkerCallbacks(
            session.out.warn, failure_log_of_a_wait(session.out, instance_ids), on_difference
        ),
    )
    with capture_output(session.app.output), ExitStack() as stack:
        try:
            stack.enter_context(work)
        except CannotWork as error:
            session.out.warn(
                f"no worker is running on this hub, and this command cannot be one: {error.message}"
            )
            if error.hint:
                session.out.hint(error.hint)
        yield
