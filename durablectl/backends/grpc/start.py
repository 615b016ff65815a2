"""One start over gRPC: exactly once, and what is done with an instance that has the id already."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from datetime import datetime
from functools import partial
from types import MappingProxyType
from typing import Any, NamedTuple

from durablectl.backends.grpc.calls import Calls, payload_text
from durablectl.backends.start_once import TAKEN_HINT, check_same, id_to_start, start_once
from durablectl.errors import AlreadyExists, UsageError
from durablectl.model import FINAL_STATUSES, IfExists, InstanceStatus
from durablectl.protocol.requests import StartRequest, start_fields
from durablectl.quoting import command
from durablectl.taskhub import TaskHub


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
        id, before = id_to_start(self._hub, self._find, new.instance_id, if_exists)
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
        once = partial(
            start_once,
            lambda: self._calls.send("StartInstance", start_fields(request), look),
            lambda: self._find(id),
            self._sleep,
        )
        try:
            once(before)
        except AlreadyExists as error:
            found = self._find(id)
            if found is None or if_exists is IfExists.FAIL:
                raise AlreadyExists(error.message, hint=TAKEN_HINT) from error
            if if_exists is IfExists.ATTACH:
                return _attached(found, new)
            self._hub.purge(id)  # some servers know no reuse of ids
            once(None)
        return id

    def _find(self, instance_id: str) -> InstanceStatus | None:
        return self._calls.instance(instance_id)


def _attached(found: InstanceStatus, new: NewInstance) -> str:
    check_same(found, new.orchestrator, new.input)
    return found.instance_id
