"""What the methods of the protocol do with a local hub: a request message in, the fields of the
response out; knows no gRPC.

Errors are those of `durablectl.errors`; the endpoint has a status code for each.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any
from uuid import uuid4

from durablectl.backends.local import LocalTaskHub
from durablectl.backends.local_start import replace as replace_instance
from durablectl.engine.store.client import Store
from durablectl.engine.store.instances import NewInstance
from durablectl.errors import (
    AlreadyExists,
    DurablectlError,
    InstanceNotFound,
    UsageError,
    WrongState,
)
from durablectl.history.columns import micros
from durablectl.json_values import json_text, json_value
from durablectl.model import FINAL_STATUSES, InstanceFilter, InstanceStatus, Page, utc_now
from durablectl.new_ids import check_new_instance_id
from durablectl.protocol.fields import EPOCH, Fields, Message, read_needed, read_text
from durablectl.protocol.history import Execution, history_chunks
from durablectl.protocol.instances import failure_of_status, page_fields, response_fields
from durablectl.protocol.requests import (
    Purged,
    PurgeFilter,
    StartRequest,
    ids_fields,
    purged_fields,
    read_id_query,
    read_instance_query,
    read_purge,
    read_start,
)
from durablectl.server.rpc.entities import Entities

MOST_ON_PAGE = 1000


class Operations:
    """The protocol's methods by name, for a client of `hub`.

    `default_version` is that of instances that are started without one; with `overrides_any` a
    start replaces whatever has its id.
    """

    def __init__(
        self,
        hub: LocalTaskHub,
        *,
        default_version: str | None = None,
        overrides_any: bool = False,
    ) -> None:
        self.hub, self._store = hub, Store(hub.database)
        self._default_version, self._overrides_any = default_version, overrides_any
        self.methods: dict[str, Callable[[Any], Fields]] = {
            "Hello": lambda _: {},
            "StartInstance": self._start,
            "GetInstance": self._get,
            "QueryInstances": self._query,
            "ListInstanceIds": self._list_ids,
            "RaiseEvent": self._raise_event,
            "TerminateInstance": self._terminate,
            "SuspendInstance": partial(self._steer, hub.suspend),
            "ResumeInstance": partial(self._steer, hub.resume),
            "RewindInstance": self._rewind,
            "RestartInstance": self._restart,
            "PurgeInstances": self._purge,
            **Entities(hub, self._store).methods,
        }

    def look(self, instance_id: str, *, payloads: bool) -> Fields:
        """The fields of a GetInstanceResponse."""
        return response_fields(self._find(instance_id, payloads=payloads), payloads=payloads)

    def history(self, kinds: Any, request: Message) -> Iterator[Any]:
        """The chunks of an instance's history; `InstanceNotFound` when there is no such one."""
        instance_id = read_needed(request, "instanceId")
        found = self._find(instance_id, payloads=True)
        if found is None or found.is_entity:
            raise InstanceNotFound(f"no instance '{instance_id}' in this hub")
        details = self.hub.details(found)
        owner = Execution(instance_id, details.execution_id or "", details.tags)
        yield from history_chunks(
            kinds, self._store.history(instance_id), owner, failure_of_status(found)
        )

    def _start(self, message: Any) -> Fields:
        start = read_start(message)
        if start.instance_id:
            check_new_instance_id(start.instance_id)
        else:
            start = start._replace(instance_id=uuid4().hex)
        new = self._new(start)
        try:
            # where the request says nothing of it, in the place of a finished one, as the service
            self._store.start([new], replaces=not start.replaceable)
        except AlreadyExists:
            if not self._may_replace(start):
                raise
            replace_instance(self._store, new, utc_now, self.hub.pause)
        return {"instanceId": start.instance_id}

    def _new(self, start: StartRequest) -> NewInstance:
        return NewInstance(
            start.instance_id,
            start.name,
            start.input,
            (self._default_version or "") if start.version is None else start.version,
            micros(utc_now()),
            None if start.scheduled_start is None else micros(start.scheduled_start),
            json_text(dict(start.tags)) if start.tags else None,
        )

    def _may_replace(self, start: StartRequest) -> bool:
        if not start.replaceable:
            return self._overrides_any
        row = self._store.find(start.instance_id, with_input=False)
        return row is None or row.status in start.replaceable

    def _get(self, message: Any) -> Fields:
        return self.look(read_needed(message, "instanceId"), payloads=message.getInputsAndOutputs)

    def _query(self, message: Any) -> Fields:
        query = read_instance_query(message)
        page = self._page(query.filter, query.top, query.continuation_token)
        shown = Page(tuple(map(self._with_details, page)), page.continuation_token)
        return page_fields(shown, payloads=query.show_payloads)

    def _list_ids(self, message: Any) -> Fields:
        query = read_id_query(message)
        wanted = InstanceFilter(
            statuses=(query.statuses or FINAL_STATUSES) & FINAL_STATUSES,
            updated_from=query.completed_from,
            updated_to=query.completed_to,
        )
        if not wanted.statuses:
            return ids_fields(Page(()))
        page = self._page(wanted, query.top, query.continuation_token)
        return ids_fields(Page(tuple(each.instance_id for each in page), page.continuation_token))

    def _page(
        self, wanted: InstanceFilter, top: int | None, token: str | None
    ) -> Page[InstanceStatus]:
        try:
            return self.hub.list_page(
                wanted,
                show_input=True,
                top=min(top or MOST_ON_PAGE, MOST_ON_PAGE),
                continuation_token=token,
            )
        except (ValueError, OverflowError) as error:
            raise UsageError("the continuation token is not valid") from error

    def _raise_event(self, message: Any) -> Fields:
        text = read_text(message, "input")
        self.hub.raise_event_text(
            read_needed(message, "instanceId"),
            read_needed(message, "name"),
            _checked(text or "null"),
        )
        return {}

    def _terminate(self, message: Any) -> Fields:
        """End an instance, and with `recursive` what it has called."""
        instance_id = read_needed(message, "instanceId")
        reason = _reason(read_text(message, "output"))
        with suppress(WrongState):  # it has ended, which is what was asked for
            self.hub.terminate(instance_id, reason, recursive=message.recursive)
        return {}

    def _steer(self, operation: Callable[[str, str | None], None], message: Any) -> Fields:
        """Refuse to steer what has ended; an instance that is as it shall be is left so."""
        instance_id = read_needed(message, "instanceId")
        try:
            operation(instance_id, read_text(message, "reason"))
        except WrongState:
            status = self._store.get(instance_id, with_input=False).status
            if status.is_final:
                raise WrongState(f"instance '{instance_id}' is {status.value}") from None
        return {}

    def _rewind(self, message: Any) -> Fields:
        self.hub.rewind(read_needed(message, "instanceId"), read_text(message, "reason"))
        return {}

    def _restart(self, message: Any) -> Fields:
        instance_id = read_needed(message, "instanceId")
        return {
            "instanceId": self.hub.restart(instance_id, new_id=message.restartWithNewInstanceId).id
        }

    def _purge(self, message: Any) -> Fields:
        purge = read_purge(message)
        if isinstance(purge.target, PurgeFilter):
            return purged_fields(Purged(self._purge_matching(purge.target), True))
        ids = (purge.target,) if isinstance(purge.target, str) else purge.target
        counts = self.hub.purge_many(ids, recursive=purge.recursive)
        return purged_fields(
            Purged(sum(each for each in counts if not isinstance(each, DurablectlError)), True)
        )

    def _purge_matching(self, wanted: PurgeFilter) -> int:
        statuses = (wanted.statuses or FINAL_STATUSES) & FINAL_STATUSES
        if not statuses:
            return 0
        return self.hub.purge_by(
            created_from=wanted.created_from or EPOCH,
            created_to=wanted.created_to,
            statuses=statuses,
        )

    def _find(self, instance_id: str, *, payloads: bool) -> InstanceStatus | None:
        try:
            status = self.hub.get_status(instance_id, show_input=payloads)
        except InstanceNotFound:
            return None
        return self._with_details(status)

    def _with_details(self, status: InstanceStatus) -> InstanceStatus:
        return replace(status, details=self.hub.details(status))


def _reason(output: str | None) -> str | None:
    """The reason of a termination, of the JSON text that clients send: a string is taken out of
    its quotes.
    """
    if output is None:
        return None
    try:
        value = json_value(output)
    except ValueError:
        return output
    return value if isinstance(value, str) else output


def _checked(text: str) -> str:
    """JSON text; `UsageError` for any other, which no app could read."""
    try:
        json_value(text)
    except ValueError as error:
        raise UsageError(f"the data of the event is not JSON: {error}") from error
    return text
