"""A remote task hub: the TaskHub verbs over the Durable Task gRPC protocol."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from copy import copy
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any, Self

from durablectl.backends.grpc.calls import Calls, is_entity_id, payload_text
from durablectl.backends.grpc.entities import (
    find_entity,
    page_of_entities,
    signal,
    status_of_entity,
)
from durablectl.backends.grpc.failures import Place
from durablectl.backends.grpc.pages import counts, filled_page, page_size
from durablectl.backends.grpc.polled import Polled
from durablectl.backends.grpc.purges import purge_created, purge_one
from durablectl.backends.grpc.start import NewInstance, Start
from durablectl.backends.grpc.transport import Pace, Settings, Token, Transport
from durablectl.errors import (
    DurablectlError,
    EntityNotFound,
    InstanceNotFound,
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
    InstanceStatus,
    Page,
    RuntimeStatus,
)
from durablectl.new_ids import check_task_hub
from durablectl.protocol.fields import plain, text_field
from durablectl.protocol.requests import InstanceQuery
from durablectl.quoting import command
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.backends.grpc.probe import Probe
    from durablectl.backends.grpc.rest import Rest

LONGEST_SLICE, EARLY = 60.0, 0.05


class GrpcTaskHub(TaskHub):
    """A task hub behind a server of the Durable Task protocol.

    Any number of threads may use it; see `durablectl.taskhub.TaskHub`.

    `url` is `grpcs://host` or, without TLS, `grpc://host:port`. `token` is asked before each
    attempt, and what it gives is in no message; `key_hint` names where that comes from. `headers`
    are sent with each call. `timeout` is for one answer, which may have `max_response` bytes (None:
    200 MB).
    """

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
        settings = Settings(
            task_hub, token, headers or {}, timeout, ca_file, proxy, max_response, self._pace
        )
        self._calls = Calls(Transport(self._place, settings))
        self._polled = Polled()

    @property
    def name(self) -> str:
        return self._place.task_hub

    @property
    def address(self) -> str:
        return self._place.url

    def start(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        """See TaskHub.

        A start whose answer was lost is looked for by its id before it is sent again. The server
        does not say whether a worker has the orchestrator.
        """
        return self.schedule(
            orchestrator, input, instance_id=instance_id, version=version, if_exists=if_exists
        )

    def schedule(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        at: datetime | None = None,
        tags: Mapping[str, str] | None = None,
        instance_id: str | None = None,
        version: str | None = None,
        if_exists: IfExists = IfExists.FAIL,
    ) -> CheckStatusPayload:
        """See TaskHub."""
        new = NewInstance(orchestrator, input, instance_id, version, at, tags or {})
        return self.check_status(Start(self, self._calls, self._pace.sleep).run(new, if_exists))

    def get_status(
        self,
        instance_id: str,
        *,
        show_input: bool = True,
        show_history: bool = False,
        show_history_output: bool = False,
    ) -> InstanceStatus:
        """See TaskHub."""
        status = self._status(instance_id)
        self._polled.add(status)
        if not show_input:
            status = replace(status, input=None)
        if show_history and status.runtime_status is not RuntimeStatus.PENDING:
            status = replace(
                status,
                history=()
                if status.is_entity
                else _rest()
                .histories(self._calls)
                .shown(instance_id, show_input=show_input, show_output=show_history_output),
            )
        return status

    def probe(self) -> Probe:
        """Single questions to it, which show why it does not work."""
        return _rest().probe(self)

    def raw_history(self, instance_id: str) -> dict[str, Any]:
        """See TaskHub. `Unsupported` where it has kinds of events that are unknown here."""
        status = self._status(instance_id)
        history = _rest().histories(self._calls).raw(instance_id, status.name)
        return history.document(status)

    def list_page(
        self,
        filter: InstanceFilter,
        *,
        show_input: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[InstanceStatus]:
        """See TaskHub.

        What the server cannot filter is filtered here, so a page may be short. Outputs come with
        the inputs, and are left out where no instance of the filter can have one.
        """
        payloads = show_input or not filter.statuses or bool(filter.statuses & FINAL_STATUSES)
        query = InstanceQuery(filter, page_size(top), continuation_token, payloads)
        page = filled_page(self._calls, query)
        if show_input:
            return page
        bare = tuple(replace(each, input=None) for each in page)
        return Page(bare, page.continuation_token)

    def counts(
        self, filter: InstanceFilter | None = None, *, by_name: bool = False
    ) -> dict[str, int]:
        """See TaskHub. Counted page by page, without inputs and outputs."""
        return counts(self._calls, filter or InstanceFilter(), by_name=by_name)

    def raise_event(self, instance_id: str, event_name: str, data: Any = None) -> None:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        if not event_name:
            raise UsageError("the event name must not be empty")
        self._must_be_unfinished(instance_id, "receive an event")
        look = f"{command('history', instance_id)} shows whether the event arrived"
        fields = {"name": event_name, "input": text_field(payload_text(data))}
        self._calls.tell("RaiseEvent", instance_id, fields, look)

    def terminate(
        self, instance_id: str, reason: str | None = None, *, recursive: bool = False
    ) -> None:
        """See TaskHub."""
        self._must_be_unfinished(instance_id, "be terminated")
        fields = {"output": text_field(payload_text(reason)), "recursive": recursive}
        self._calls.tell("TerminateInstance", instance_id, fields)

    def suspend(self, instance_id: str, reason: str | None = None) -> None:
        """See TaskHub.

        It is sent once, and not to an instance that is suspended: a second one keeps an instance
        suspended for good on some servers. `OutcomeUnknown` when the answer was lost.
        """
        status = self._must_be_unfinished(instance_id, "be suspended")
        if status is RuntimeStatus.SUSPENDED:
            hint = command("resume", instance_id)
            raise WrongState(f"instance '{instance_id}' is suspended already", hint=hint)
        look = f"{command('status', instance_id)} shows whether it is suspended"
        self._calls.tell("SuspendInstance", instance_id, {"reason": text_field(reason)}, look)

    def resume(self, instance_id: str, reason: str | None = None) -> None:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        status = self._status(instance_id).runtime_status
        if status is not RuntimeStatus.SUSPENDED:
            raise WrongState(f"instance '{instance_id}' is {status.value}, not Suspended")
        look = f"{command('status', instance_id)} shows whether it continues"
        self._calls.tell("ResumeInstance", instance_id, {"reason": text_field(reason)}, look)

    def rewind(self, instance_id: str, reason: str | None = None) -> None:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        status = self._status(instance_id).runtime_status
        if status is not RuntimeStatus.FAILED:
            raise WrongState(
                f"instance '{instance_id}' is {status.value}: only a Failed one can be rewound"
            )
        self._calls.require("RewindInstance")
        look = f"{command('status', instance_id)} shows whether it continues"
        self._calls.tell("RewindInstance", instance_id, {"reason": text_field(reason)}, look)

    def restart(self, instance_id: str, *, new_id: bool = True) -> CheckStatusPayload:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        if new_id:
            self._status(instance_id)
        else:
            self._must_be_finished(instance_id, "restarted under the same id")
        look = (
            "durablectl list shows whether a new instance is there"
            if new_id
            else command("status", instance_id)
        )
        fields = {"instanceId": plain(instance_id), "restartWithNewInstanceId": new_id}
        answer = self._calls.send("RestartInstance", fields, look)
        return self.check_status(answer.message.instanceId or instance_id)

    def purge(self, instance_id: str, *, recursive: bool = False) -> int:
        """See TaskHub.

        The status is looked at first: not every server refuses to delete a running instance.
        """
        self._must_be_finished(instance_id, "purged")
        if not (count := purge_one(self._calls, instance_id, recursive=recursive)):
            raise self._absent(instance_id)
        return count

    @property
    def purges_together(self) -> bool:
        """See TaskHub."""
        return True

    def purge_many(
        self, instance_ids: Sequence[str], *, recursive: bool = False
    ) -> Sequence[int | DurablectlError]:
        """See TaskHub. In batches; recursive ones go one by one, so that each is counted."""
        if recursive:
            return super().purge_many(instance_ids, recursive=True)

        def check(instance_id: str) -> int:
            self._must_be_finished(instance_id, "purged")
            return 0

        return _rest().purge_each(self._calls, instance_ids, check, self.purge)

    def purge_by(
        self,
        *,
        created_from: datetime,
        created_to: datetime | None,
        statuses: frozenset[RuntimeStatus],
    ) -> int:
        """See TaskHub.

        The end of the time is fixed before the first call. A server that runs out of time says so,
        and is asked again for the rest.
        """
        if not statuses or not statuses <= FINAL_STATUSES:
            raise UsageError(
                "only finished instances can be purged",
                hint="name final statuses: Completed, Failed, Terminated, Canceled",
            )
        times = created_from, created_to or datetime.now(UTC)
        return purge_created(self._calls, times, statuses, self._timeout)

    def get_entity(self, entity_id: EntityId) -> Any:
        """See TaskHub. An entity without a state is not there, also where it has operations."""
        if (entity := find_entity(self._calls, entity_id)) is None:
            message = f"no entity '{entity_id}' in {self._place.label}"
            raise EntityNotFound(message, hint="durablectl entity list")
        return entity.state

    def list_entities(
        self,
        name: str | None = None,
        *,
        fetch_state: bool = False,
        top: int = 100,
        continuation_token: str | None = None,
    ) -> Page[EntityStatus]:
        """See TaskHub."""
        page = page_of_entities(self._calls, name, page_size(top), continuation_token)
        if fetch_state:
            return page
        return Page(tuple(replace(each, state=None) for each in page), page.continuation_token)

    def signal_entity(self, entity_id: EntityId, operation: str, input: Any = None) -> None:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        look = f"{command('entity get', str(entity_id))} shows whether the operation was run"
        signal(self._calls, entity_id, operation, payload_text(input), look)

    def delete_entity(self, entity_id: EntityId) -> None:
        """See TaskHub. `OutcomeUnknown` when the answer was lost."""
        look = f"{command('entity get', str(entity_id))} shows whether it is gone"
        signal(self._calls, entity_id, "delete", None, look)

    def check_status(self, instance_id: str) -> CheckStatusPayload:
        """See TaskHub. The id and the hub: instances have no addresses of their own here."""
        hub = {"address": self.address} | ({"taskHub": self.name} if self.name else {})
        return CheckStatusPayload(instance_id, {"id": instance_id, **hub})

    def management(self, instance_id: str) -> CheckStatusPayload:
        """See TaskHub. The same, as above."""
        return self.check_status(instance_id)

    def creation(self) -> dict[str, str]:
        """See TaskHub. `Unsupported`: there are no such addresses."""
        raise Unsupported(
            f"{self._place.label} has no addresses that start instances",
            hint="durablectl start ORCHESTRATOR",
        )

    def wait_for_completion(
        self, instance_id: str, *, timeout: float | None = None, interval: float = 1.0
    ) -> InstanceStatus:
        """See TaskHub."""
        return _rest().wait_for_completion(
            self, instance_id, timeout=timeout, interval=interval, clock=self._pace.clock
        )

    def within(self, seconds: float) -> Self:
        """See TaskHub."""
        hub = copy(self)
        hub._calls = self._calls.until(self._pace.clock() + seconds)  # noqa: SLF001 - a copy of ours
        return hub

    def pause(self, seconds: float) -> None:
        """See TaskHub. Where one unfinished instance was polled, the server waits for its end."""
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
    def calls(self) -> Calls:
        """The methods of the server, for `doctor`."""
        return self._calls

    def close(self) -> None:
        """See TaskHub."""
        self._calls.close()

    def _status(self, instance_id: str) -> InstanceStatus:
        if (found := self._calls.instance(instance_id)) is not None:
            return found
        if is_entity_id(instance_id):
            status = status_of_entity(self._calls, instance_id)
            if status is not None:
                return status
        raise self._absent(instance_id)

    def _absent(self, instance_id: str) -> InstanceNotFound:
        return InstanceNotFound(
            f"no instance '{instance_id}' in {self._place.label}", hint="durablectl list"
        )

    def _must_be_unfinished(self, instance_id: str, what: str) -> RuntimeStatus:
        status = self._status(instance_id).runtime_status
        if status.is_final:
            raise WrongState(f"instance '{instance_id}' is {status.value} and cannot {what}")
        return status

    def _must_be_finished(self, instance_id: str, participle: str) -> None:
        status = self._status(instance_id).runtime_status
        if not status.is_final:
            raise WrongState(
                f"instance '{instance_id}' is {status.value}: only a finished one can be "
                f"{participle}",
                hint=command("terminate", instance_id),
            )


def _rest() -> type[Rest]:
    from durablectl.backends.grpc.rest import Rest  # deferred: a status is asked for most often

    return Rest
