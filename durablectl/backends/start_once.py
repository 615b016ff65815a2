"""Starting exactly once over a wire that loses answers, and what is done with an instance that has
the id already; knows no HTTP, only how to send and how to look.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Generic, TypeVar

from durablectl.errors import (
    AlreadyExists,
    InstanceNotFound,
    OutcomeUnknown,
    ServiceError,
    Unreachable,
    WrongState,
)
from durablectl.model import IfExists, InstanceStart, InstanceStatus
from durablectl.new_ids import TAKEN_HINT, FreshId, check_new_instance_id, random_id
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import same_json, value_from_text

REPLACE_TIMEOUT = 60.0
SETTLING = (0.0, 0.5, 1.0, 2.0)
ATTEMPTS = 3
Sent = TypeVar("Sent")


class Starts(Generic[Sent]):
    """The starts of a hub.

    `send` starts an instance whose id is given, and raises `OutcomeUnknown` when its answer was
    lost. `find` is the instance that has an id now, None when there is none.
    """

    def __init__(
        self,
        hub: TaskHub,
        send: Callable[[InstanceStart, str], Sent],
        find: Callable[[str], InstanceStatus | None],
        sleep: Callable[[float], None],
    ) -> None:
        self._hub, self._send, self._find, self._sleep = hub, send, find, sleep

    def run(self, new: InstanceStart) -> tuple[str, Sent | None, InstanceStatus | None]:
        """The id of the instance that runs now, the answer to the start, and the instance that was
        there before if that is the one.

        No answer when that was lost but the instance is there, and when it was there before.
        """
        id, before = self._id_to_start(new)
        if before is not None and new.if_exists is IfExists.ATTACH:
            check_same(before, new)
            return id, None, before
        try:
            return id, self._once(new, id, before), None
        except AlreadyExists as error:
            found = None if new.if_exists is IfExists.FAIL else self._find(id)
            if found is not None and new.if_exists is IfExists.ATTACH:
                check_same(found, new)
                return id, None, found
            if found is None or not found.is_final:
                raise AlreadyExists(error.message, hint=TAKEN_HINT) from error
        self._hub.purge(id)  # some servers know no reuse of ids
        return id, self._once(new, id, None), None

    def _id_to_start(self, new: InstanceStart) -> tuple[str, InstanceStatus | None]:
        """The id to start under, and what has it now.

        `AlreadyExists` if that must not be; REPLACE ends it first.
        """
        if (id := new.instance_id) is None:
            return random_id(), None
        check_new_instance_id(id)
        if isinstance(id, FreshId):
            return id, None
        before = self._find(id)
        if before is None or new.if_exists is IfExists.ATTACH:
            return id, before
        if new.if_exists is IfExists.FAIL:
            raise AlreadyExists(
                f"instance '{id}' is already there ({before.runtime_status.value})",
                hint=TAKEN_HINT,
            )
        return id, before if before.is_final else self._ended(id)

    def _ended(self, id: str) -> InstanceStatus | None:
        try:
            self._hub.terminate(id, "replaced by a new start")
            return self._hub.wait_for_completion(id, timeout=REPLACE_TIMEOUT)
        except (WrongState, InstanceNotFound):
            return self._find(id)  # it ended by itself meanwhile, or was purged

    def _once(self, new: InstanceStart, id: str, before: InstanceStatus | None) -> Sent | None:
        """Start under an id that is the client's own: the answer; None when it was lost but the
        instance is there.

        `before` is what had the id before. The service silently replaces a finished instance of the
        same id, so a lost answer is looked for, for as long as a slow request may take, before it
        is sent again.
        """
        lost: OutcomeUnknown | None = None
        for _ in range(ATTEMPTS):
            try:
                return self._send(new, id)
            except OutcomeUnknown as error:
                lost = error
            # after a lost answer this is the instance that was asked for, a little late, or the
            # one from before, on a server that replaces none
            except AlreadyExists:
                if lost is None or (before is not None and self._find(id) == before):
                    raise
                return None
            if self._appeared(id, before, lost):
                return None
        assert lost is not None
        raise lost

    def _appeared(self, id: str, before: InstanceStatus | None, lost: OutcomeUnknown) -> bool:
        for delay in SETTLING:
            if delay:
                self._sleep(delay)
            try:
                found = self._find(id)
            except (Unreachable, ServiceError):
                raise lost from None
            if found is not None and found != before:
                return True
        return False


def check_same(found: InstanceStatus, new: InstanceStart) -> None:
    """`AlreadyExists` unless the instance is what would be started: ATTACH continues with it."""
    taken = f"instance '{found.instance_id}' is already there, but"
    hint = command("status", found.instance_id)
    if found.name.lower() != new.orchestrator.lower():
        raise AlreadyExists(f"{taken} it is a '{found.name}'", hint=hint)
    if not same_json(found.input, value_from_text(new.input)):
        raise AlreadyExists(f"{taken} with another input", hint=hint)
