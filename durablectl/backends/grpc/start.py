"""One start over gRPC: exactly once, and what is done with an instance that has the id already."""

from __future__ import annotations

import uuid
from collections.abc import Callable, Mapping
from datetime import datetime
from types import MappingProxyType
from typing import Any, NamedTuple

from durablectl.backends.grpc.calls import Calls, payload_text
from durablectl.backends.http.start_once import StartOnce
from durablectl.errors import AlreadyExists, InstanceNotFound, UsageError, WrongState
from durablectl.model import FINAL_STATUSES, IfExists, InstanceStatus
from durablectl.new_ids import FreshId, check_new_instance_id
from durablectl.protocol.requests import StartRequest, start_fields
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import same_json

REPLACE_TIMEOUT = 60.0
TAKEN_HINT = "--if-exists attach continues with it, replace ends it first"


class NewInstance(NamedTuple):
    """What is to be started; without an `instance_id` one is made."""

    orchestrator: str
    input: Any = None
    instance_id: str | None = None
    version: str | None = None
    at: datetime | None = None
    tags: Mapping[str, str] = MappingProxyType({})


class Start:
    """Starts instances with the calls of a hub."""

    def __init__(self, hub: TaskHub, calls: Calls, sleep: Callable[[float], None]) -> None:
        self._hub, self._calls, self._sleep = hub, calls, sleep

    def run(self, new: NewInstance, if_exists: IfExists) -> str:
        """The id of the instance that runs now. Errors: see `TaskHub.start`."""
        if not new.orchestrator:
            raise UsageError("the orchestrator name must not be empty")
        id, before = self._id(new.instance_id, if_exists)
        if before is not None and if_exists is IfExists.ATTACH:
            return _attached(before, new)
        replaceable = FINAL_STATUSES if if_exists is IfExists.REPLACE else frozenset()
        request = StartRequest(
            new.orchestrator,
            id,
            payload_text(new.input),
            new.version,
            new.at,
            replaceable,
            tags=new.tags,
        )
        look = f"{command('status', id)} shows whether it was started"
        once = StartOnce(
            lambda: self._calls.send("StartInstance", start_fields(request), look),
            lambda: self._find(id),
            self._sleep,
        )
        try:
            once.run(before)
        except AlreadyExists as error:
            found = self._find(id)
            if found is None or if_exists is IfExists.FAIL:
                raise AlreadyExists(error.message, hint=TAKEN_HINT) from error
            if if_exists is IfExists.ATTACH:
                return _attached(found, new)
            self._hub.purge(id)  # some servers know no reuse of ids
            once.run(None)
        return id

    def _id(
        self, instance_id: str | None, if_exists: IfExists
    ) -> tuple[str, InstanceStatus | None]:
        """The id to start under, and what has it now.

        `AlreadyExists` if that must not be; REPLACE ends it first.
        """
        if instance_id is None:
            return uuid.uuid4().hex, None
        check_new_instance_id(instance_id)
        if isinstance(instance_id, FreshId):
            return instance_id, None
        before = self._find(instance_id)
        if before is None or if_exists is IfExists.ATTACH:
            return instance_id, before
        if if_exists is IfExists.FAIL:
            raise AlreadyExists(
                f"instance '{instance_id}' is already there ({before.runtime_status.value})",
                hint=TAKEN_HINT,
            )
        return instance_id, before if before.is_final else self._ended(instance_id)

    def _ended(self, instance_id: str) -> InstanceStatus | None:
        try:
            self._hub.terminate(instance_id, "replaced by a new start")
            return self._hub.wait_for_completion(instance_id, timeout=REPLACE_TIMEOUT)
        except (WrongState, InstanceNotFound):
            return self._find(instance_id)  # it ended by itself meanwhile, or was purged

    def _find(self, instance_id: str) -> InstanceStatus | None:
        found = self._calls.instance(instance_id)
        return None if found is None else found.status


def _attached(found: InstanceStatus, new: NewInstance) -> str:
    """The id of the instance that is there already, if it is the same one."""
    taken = f"instance '{found.instance_id}' is already there, but"
    if found.name.lower() != new.orchestrator.lower():
        raise AlreadyExists(f"{taken} it is a '{found.name}'")
    if not same_json(found.input, new.input):
        raise AlreadyExists(f"{taken} with another input")
    return found.instance_id
