"""A remote task hub: the TaskHub verbs over the Durable Task gRPC protocol."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import timedelta
from pathlib import Path
from typing import TYPE_CHECKING, Any

from durablectl.backends.grpc.calls import Calls, is_entity_id
from durablectl.backends.grpc.entities import (
    find_entity,
    page_of_entities,
    signal,
    status_of_entity,
)
from durablectl.backends.grpc.failures import Place
from durablectl.backends.grpc.pages import counts, matching_page
from durablectl.backends.grpc.transport import Answer, Token, Transport
from durablectl.backends.remote import RemoteTaskHub, page_size
from durablectl.backends.retry import Pace, Settings
from durablectl.backends.start_once import Starts
from durablectl.errors import (
    DurablectlError,
    EntityNotFound,
    ServiceError,
    Unsupported,
    UsageError,
    WrongState,
)
from durablectl.model import (
    FINAL_STATUSES,
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    IfExists,
    InstanceFilter,
    InstanceStart,
    InstanceStatus,
    Page,
    PageRequest,
    RuntimeStatus,
    StatusParts,
)
from durablectl.new_ids import check_task_hub
from durablectl.protocol.fields import plain, text_field
from durablectl.protocol.requests import (
    InstanceQuery,
    PurgeFilter,
    PurgeRequest,
    StartRequest,
    purge_fields,
    read_purged,
    start_fields,
)
from durablectl.quoting import command

if TYPE_CHECKING:
    from durablectl.backends.grpc.probe import Probe
    from durablectl.backends.grpc.rest import Rest

LONGEST_SLICE, EARLY = 60.0, 0.05
PURGE_SLICE = timedelta(seconds=20)
MOST_PURGES = 10_000


class Polled(threading.local):
    """What a thread has polled since its last pause: one unfinished instance, or several. A pause
    between two polls of one can end with the instance.
    """

    def __init__(self) -> None:
        self._ids: set[str] = set()
        self.ended: str | None = None
        """The last instance that the server said had ended."""

    def add(self, status: InstanceStatus) -> None:
        # a server whose two answers disagree is not asked to wait twice in a row
        is_stale, self.ended = status.instance_id == self.ended, None
        if len(self._ids) < 2 and not status.is_final and not is_stale:
            self._ids.add(status.instance_id)

    def take(self) -> str | None:
        """The instance, if it was one alone."""
        ids, self._ids = self._ids, set()
        return next(iter(ids)) if len(ids) == 1 else None


class GrpcTaskHub(RemoteTaskHub):
    """A task hub behind a server of the Durable Task protocol.

    Any number of threads may use it; see `durablectl.taskhub.TaskHub`.

    `url` is `grpcs://host` or, without TLS, `grpc://host:port`. `token` is asked before each
    attempt, and what it gives is in no message; `key_hint` names where that comes from. `headers`
    are sent with each call. `timeout` is for one answer, which may have `max_response` bytes (None:
    200 MB).
    """

    purges_together = True

    def __init__(
        self,
        url: str,
        *,
        task_hub: str | None = None,
        token: Token | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 30.0,
        ca_file: str | Path | None = None,
        proxy: str | None = None,
        max_response: int | None = None,
        key_hint: str | None = None,
        pace: Pace | None = None,
    ) -> None:
        check_task_hub(task_hub or "")
        self._pace, self._timeout = pace or Pace(), timeout
        self._place = Place(url.rstrip("/"), task_hub or "", key_hint)
        settings = Settings(headers or {}, timeout, ca_file, proxy, max_response, self._pace)
        self._calls: Calls = Calls(Transport(self._place, settings, token))
        self._polled = Polled()

    def _start(self, new: InstanceStart) -> CheckStatusPayload:
        """A start whose answer was lost is looked for by its id before it is sent again. The server
        does not say whether a worker has the orchestrator.
        """
        if not new.orchestrator:
            raise UsageError("the orchestrator name must not be empty")
        id, _, before = Starts(self, self._send, self._found, self._pace.sleep).run(new)
        return replace(self.check_status(id), attached=before)

    def _send(self, new: InstanceStart, id: str) -> Answer:
        replaceable = FINAL_STATUSES if new.if_exists is IfExists.REPLACE else frozenset()
        request = StartRequest(
            new.orchestrator, id, new.input, new.version, new.at, replaceable, tags=new.tags
        )
        look = f"{command('status', id)} shows whether it was started"
        return self._calls.call("StartInstance", start_fields(request), look=look)

    def _status(self, instance_id: str, parts: StatusParts) -> InstanceStatus:
        status = self._present(instance_id)
        self._polled.add(status)
        if not parts.show_input:
            status = replace(status, input=None)
        if not parts.show_history or status.runtime_status is RuntimeStatus.PENDING:
            return status
        if status.is_entity:
            return replace(status, history=())
        return replace(status, history=_rest().shown_history(self._calls, instance_id, parts))

    def probe(self) -> Probe:
        """Single questions to it, which show why it does not work."""
        return _rest().probe(self._calls)

    def raw_history(self, instance_id: str) -> dict[str, Any]:
        """`Unsupported` where it has kinds of events that are unknown here."""
        status = self._present(instance_id)
        return _rest().raw_history(self._calls, instance_id, status.name).document(status)

    def _page(self, filter: InstanceFilter, page: PageRequest) -> Page[InstanceStatus]:
        """What the server cannot filter is filtered here, so a page may be short. Outputs come with
        the inputs, and are left out where no instance of the filter can have one.
        """
        payloads = (
            page.has_payloads or not filter.statuses or bool(filter.statuses & FINAL_STATUSES)
        )
        query = InstanceQuery(filter, page_size(page.top), page.token, payloads)
        found = matching_page(self._calls, query)
        if page.has_payloads:
            return found
        bare = tuple(replace(each, input=None) for each in found)
        return Page(bare, found.continuation_token)

    def counts(
        self, filter: InstanceFilter | None = None, *, by_name: bool = False
    ) -> dict[str, int]:
        """Counted page by page, without inputs and outputs."""
        return counts(self._calls, filter or InstanceFilter(), by_name=by_name)

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        if not event_name:
            raise UsageError("the event name must not be empty")
        self._must_be_unfinished(instance_id, "receive an event")
        look = f"{command('history', instance_id)} shows whether the event arrived"
        fields = {"name": event_name, "input": text_field(self._text(data))}
        self._calls.tell("RaiseEvent", instance_id, fields, look)

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        self._must_be_unfinished(instance_id, "be terminated")
        fields = {"output": text_field(self._text(reason)), "recursive": recursive}
        self._calls.tell("TerminateInstance", instance_id, fields)

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """It is sent once, and not to an instance that is suspended: a second one keeps an instance
        suspended for good on some servers. `OutcomeUnknown` when the answer was lost.
        """
        status = self._must_be_unfinished(instance_id, "be suspended")
        if status is RuntimeStatus.SUSPENDED:
            hint = command("resume", instance_id)
            raise WrongState(f"instance '{instance_id}' is suspended already", hint=hint)
        look = f"{command('status', instance_id)} shows whether it is suspended"
        self._calls.tell("SuspendInstance", instance_id, {"reason": text_field(reason)}, look)

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        status = self._present(instance_id).runtime_status
        if status is not RuntimeStatus.SUSPENDED:
            raise WrongState(
                f"instance '{instance_id}' is {status.value}, not Suspended",
                hint=command("status", instance_id),
            )
        look = f"{command('status', instance_id)} shows whether it continues"
        self._calls.tell("ResumeInstance", instance_id, {"reason": text_field(reason)}, look)

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        status = self._present(instance_id).runtime_status
        if status is not RuntimeStatus.FAILED:
            raise WrongState(
                f"instance '{instance_id}' is {status.value}: only a Failed one can be rewound",
                hint=command("status", instance_id),
            )
        self._calls.require("RewindInstance")
        look = f"{command('status', instance_id)} shows whether it continues"
        self._calls.tell("RewindInstance", instance_id, {"reason": text_field(reason)}, look)

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """`OutcomeUnknown` when the answer was lost."""
        if new_id:
            self._present(instance_id)
        else:
            self._must_be_finished(instance_id, "restarted under the same id")
        look = (
            "durablectl list shows whether a new instance is there"
            if new_id
            else command("status", instance_id)
        )
        fields = {"instanceId": plain(instance_id), "restartWithNewInstanceId": new_id}
        answer = self._calls.call("RestartInstance", fields, look=look)
        return self.check_status(answer.message.instanceId or instance_id)

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """The status is looked at first: not every server refuses to delete a running instance."""
        self._must_be_finished(instance_id, "purged")
        fields = purge_fields(PurgeRequest(instance_id, recursive))
        answer = self._calls.call("PurgeInstances", fields)
        if count := read_purged(answer.message).deleted:
            return count
        if answer.resent:
            return 1
        raise self._place.absent(instance_id)

    def purge_many(
        self, instance_ids: Sequence[str], *, recursive: bool = False
    ) -> Sequence[int | DurablectlError]:
        """In batches; recursive ones go one by one, so that each is counted."""
        if recursive:
            return super().purge_many(instance_ids, recursive=True)

        def check(instance_id: str) -> int:
            self._must_be_finished(instance_id, "purged")
            return 0

        return _rest().purge_each(self._calls, instance_ids, check, self.purge)

    def _purge_by(self, wanted: InstanceFilter) -> int:
        """The end of the time is fixed before the first call. A server that runs out of time says
        so, and is asked again for the rest.
        """
        end = wanted.created_to or self._pace.now()
        slice = min(PURGE_SLICE, timedelta(seconds=self._timeout / 2))
        filter = PurgeFilter(wanted.created_from, end, wanted.statuses, slice)
        total = 0
        for _ in range(MOST_PURGES):
            answer = self._calls.call("PurgeInstances", purge_fields(PurgeRequest(filter)))
            purged = read_purged(answer.message)
            total += purged.deleted
            if purged.is_complete is not False:
                return total
            if not purged.deleted:
                break
        raise ServiceError(f"{self._place.label} has deleted {total} instances and does not finish")

    def get_entity(self, entity_id: EntityId) -> Any:
        """An entity without a state is not there, also where it has operations."""
        if (entity := find_entity(self._calls, entity_id)) is None:
            message = f"no entity '{entity_id}' in {self._place.label}"
            raise EntityNotFound(message, hint="durablectl entity list")
        return entity.state

    def _entities(self, name: str | None, page: PageRequest) -> Page[EntityStatus]:
        found = page_of_entities(self._calls, name, page_size(page.top), page.token)
        if page.has_payloads:
            return found
        return Page(tuple(replace(each, state=None) for each in found), found.continuation_token)

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        look = f"{command('entity get', str(entity_id))} shows whether the operation was run"
        signal(self._calls, entity_id, operation, self._text(input), look)

    def delete_entity(self, entity_id: EntityId) -> None:
        """`OutcomeUnknown` when the answer was lost."""
        look = f"{command('entity get', str(entity_id))} shows whether it is gone"
        signal(self._calls, entity_id, "delete", None, look)

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """The id and the hub: instances have no addresses of their own here."""
        hub = {"address": self.address} | ({"taskHub": self.name} if self.name else {})
        return CheckStatusPayload(instance_id, {"id": instance_id, **hub})

    def management(self, instance_id: str) -> CheckStatusPayload:
        """The same, as above."""
        return self.check_status(instance_id)

    def creation(self) -> dict[str, str]:
        """`Unsupported`: there are no such addresses."""
        raise Unsupported(
            f"{self._place.label} has no addresses that start instances",
            hint="durablectl start ORCHESTRATOR",
        )

    def pause(self, seconds: float) -> None:
        """Where one unfinished instance was polled, the server waits for its end."""
        clock, instance_id = self._pace.clock, self._polled.take()
        end = clock() + seconds
        while instance_id is not None and (left := end - clock()) > 0:
            slice_end = clock() + min(left, LONGEST_SLICE)
            if self._calls.ends_within(instance_id, slice_end - clock()):
                self._polled.ended = instance_id
                return
            if clock() < slice_end - EARLY:  # it did not wait
                break
        if (left := end - clock()) > 0:
            self._pace.sleep(left)

    @property
    def _wait(self) -> Callable[..., InstanceStatus]:
        return _rest().wait_for_completion

    def _present(self, instance_id: str) -> InstanceStatus:
        status = self._found(instance_id)
        if status is None and is_entity_id(instance_id):
            status = status_of_entity(self._calls, instance_id)
        if status is None:
            raise self._place.absent(instance_id)
        return status

    def _found(self, instance_id: str) -> InstanceStatus | None:
        return self._calls.instance(instance_id)

    def _must_be_unfinished(self, instance_id: str, what: str) -> RuntimeStatus:
        status = self._present(instance_id).runtime_status
        if status.is_final:
            raise WrongState(
                f"instance '{instance_id}' is {status.value} and cannot {what}",
                hint=command("status", instance_id),
            )
        return status


def _rest() -> type[Rest]:
    from durablectl.backends.grpc.rest import Rest  # deferred: a status is asked for most often

    return Rest
