"""Working for instances of a local hub while waiting for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING

from durablectl.engine.replay.check import CheckResult
from durablectl.engine.worker.embedded import embedded_worker
from durablectl.engine.worker.worker import WorkerCallbacks
from durablectl.render.app_output import capture_output, failure_log_of_a_wait

if TYPE_CHECKING:
    from durablectl.cli.session import Session


@contextmanager
def working_for(
    session: Session,
    instance_ids: Sequence[str],
    skip_timers: bool,
    on_difference: Callable[[CheckResult], None] | None,
) -> Iterator[None]:
    """While inside, this process works for the awaited instances, if no live worker holds the hub.

    `AppError` without a running worker and without an app. What the app prints is talk.
    """
    work = embedded_worker(
        session.settings.require_hub(),
        session.registry,
        instance_ids,
        skips_timers=skip_timers,
        callbacks=WorkerCallbacks(
            session.out.warn, failure_log_of_a_wait(session.out, instance_ids), on_difference
        ),
    )
    with capture_output(session.app.output), work:
        yield
