"""What a start on a local hub makes, and what it does when its id is taken."""

from __future__ import annotations

import time
from collections.abc import Callable
from contextlib import suppress
from datetime import datetime
from typing import TYPE_CHECKING

from durablectl.engine.store.instances import NewInstance
from durablectl.errors import InstanceNotFound, WrongState
from durablectl.history.columns import micros
from durablectl.model import InstanceStart, utc
from durablectl.new_ids import check_new_instance_id, random_id
from durablectl.payload import dumps

if TYPE_CHECKING:
    from durablectl.engine.registry import Registry
    from durablectl.engine.store.client import Store

REPLACE_SECONDS = 30.0
PAUSE = 0.01


def new_instance(registry: Registry | None, new: InstanceStart, now: datetime) -> NewInstance:
    """The instance to create; `FunctionNotFound` when the app, if there is one, cannot run it."""
    if registry is not None:
        registry.require_orchestrator(new.orchestrator)
    if new.instance_id is not None:
        check_new_instance_id(new.instance_id)
    default = registry.default_version if registry is not None else ""
    return NewInstance(
        new.instance_id or random_id(),
        new.orchestrator,
        new.input,
        default if new.version is None else new.version,
        micros(now),
        None if new.at is None else micros(utc(new.at)),
        dumps(dict(new.tags)) if new.tags else None,
    )


def replace(
    store: Store,
    new: NewInstance,
    now: Callable[[], datetime],
    pause: Callable[[float], None],
) -> None:
    """Put `new` in the place of what has its id; what a worker holds is terminated first."""
    terminated, deadline = None, 0.0
    while not store.replace_unheld(new):
        row = store.find(new.instance_id)
        # Another start may have replaced the terminated instance: its own would never end.
        if row is not None and row.key != terminated:
            terminated, deadline = row.key, time.monotonic() + REPLACE_SECONDS
            with suppress(WrongState, InstanceNotFound):  # it has ended meanwhile
                store.terminate(new.instance_id, "replaced", now())
        if time.monotonic() > deadline:
            raise WrongState(f"instance '{new.instance_id}' does not end; it is not replaced")
        pause(PAUSE)
