"""Starting exactly once over a wire that loses answers, and what is done with an instance that has
the id already; knows no HTTP, only how to send and how to look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, TypeVar

from durablectl.errors import (
    AlreadyExists,
    InstanceNotFound,
    OutcomeUnknown,
    ServiceError,
    Unreachable,
    WrongState,
)
from durablectl.model import IfExists, InstanceStatus
from durablectl.new_ids import FreshId, check_new_instance_id, random_id
from durablectl.taskhub import TaskHub
from durablectl.wire import same_json

REPLACE_TIMEOUT = 60.0
TAKEN_HINT = "--if-exists attach continues with it, replace ends it first"
SETTLING = (0.0, 0.5, 1.0, 2.0)
ATTEMPTS = 3
Sent = TypeVar("Sent")
Find = Callable[[str], InstanceStatus | None]


def id_to_start(
    hub: TaskHub, find: Find, instance_id: str | None, if_exists: IfExists
) -> tuple[str, InstanceStatus | None]:
    """The id to start under, and what has it now.

    `AlreadyExists` if that must not be; REPLACE ends it first.
    """
    if instance_id is None:
        return random_id(), None
    check_new_instance_id(instance_id)
    if isinstance(instance_id, FreshId):
        return instance_id, None
    before = find(instance_id)
    if before is None or if_exists is IfExists.ATTACH:
        return instance_id, before
    if if_exists is IfExists.FAIL:
        raise AlreadyExists(
            f"instance '{instance_id}' is already there ({before.runtime_status.value})",
            hint=TAKEN_HINT,
        )
    return instance_id, before if before.is_final else _ended(hub, find, instance_id)


def _ended(hub: TaskHub, find: Find, instance_id: str) -> InstanceStatus | None:
    try:
        hub.terminate(instance_id, "replaced by a new start")
        return hub.wait_for_completion(instance_id, timeout=REPLACE_TIMEOUT)
    except (WrongState, InstanceNotFound):
        return find(instance_id)  # it ended by itself meanwhile, or was purged


def check_same(found: InstanceStatus, orchestrator: str, input: Any) -> None:
    """`AlreadyExists` unless the instance is what would be started: ATTACH continues with it."""
    taken = f"instance '{found.instance_id}' is already there, but"
    if found.name.lower() != orchestrator.lower():
        raise AlreadyExists(f"{taken} it is a '{found.name}'")
    if not same_json(found.input, input):
        raise AlreadyExists(f"{taken} with another input")


def start_once(
    send: Callable[[], Sent],
    find: Callable[[], InstanceStatus | None],
    sleep: Callable[[float], None],
    before: InstanceStatus | None,
) -> Sent | None:
    """Start under an id that is the client's own: the answer; None when it was lost but the
    instance is there.

    `send` raises `OutcomeUnknown` when its answer was lost; `find` is the instance that has the id
    now, `before` the one that had it before. The service silently replaces a finished instance of
    the same id, so a lost answer is looked for, for as long as a slow request may take, before it
    is sent again.
    """
    lost: OutcomeUnknown | None = None
    for _ in range(ATTEMPTS):
        try:
            return send()
        except OutcomeUnknown as error:
            lost = error
        # after a lost answer this is the instance that was asked for, a little late, or the
        # one from before, on a server that replaces none
        except AlreadyExists:
            if lost is None or (before is not None and find() == before):
                raise
            return None
        if _appeared(find, sleep, before, lost):
            return None
    assert lost is not None
    raise lost


def _appeared(
    find: Callable[[], InstanceStatus | None],
    sleep: Callable[[float], None],
    before: InstanceStatus | None,
    lost: OutcomeUnknown,
) -> bool:
    for delay in SETTLING:
        if delay:
            sleep(delay)
        try:
            found = find()
        except (Unreachable, ServiceError):
            raise lost from None
        if found is not None and found != before:
            return True
    return False
