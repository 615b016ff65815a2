"""The methods of the protocol with our values in and out; decides nothing.

What few commands need (starts, pages, histories, entities, purges) is in modules of its own: a
status loads none of it.
"""

from __future__ import annotations

import math
from copy import copy
from functools import cached_property
from typing import Self

from durablectl.backends.grpc.failures import Place, lacks
from durablectl.backends.grpc.transport import Answer, Transport
from durablectl.backends.retry import Terms, Trouble
from durablectl.errors import (
    Conflict,
    InstanceNotFound,
    NotFound,
    ServiceError,
    Unsupported,
    UsageError,
)
from durablectl.model import InstanceStatus
from durablectl.protocol.fields import Fields, plain, read_status
from durablectl.protocol.instances import read_response
from durablectl.protocol.messages import Dialect


class Calls:
    """The calls of one hub, each within the deadline if there is one."""

    def __init__(self, transport: Transport) -> None:
        self._transport, self._deadline = transport, math.inf

    @property
    def place(self) -> Place:
        return self._transport.place

    def until(self, deadline: float) -> Self:
        """The same calls, which end at that time of the pace's clock."""
        calls = copy(self)
        calls._deadline = deadline  # noqa: SLF001 - a copy of ours
        return calls

    def instance(self, instance_id: str, *, payloads: bool = True) -> InstanceStatus | None:
        """An instance; None when there is none."""
        fields = {"instanceId": plain(instance_id), "getInputsAndOutputs": payloads}
        try:
            answer = self.call("GetInstance", fields)
        except InstanceNotFound:  # some servers answer NOT_FOUND, others exists=false
            return None
        return read_response(answer.message, instance_id)

    def ends_within(self, instance_id: str, seconds: float) -> bool:
        """Whether an instance ends in that time, as far as the server says; it is asked once."""
        fields = {"instanceId": plain(instance_id), "getInputsAndOutputs": False}
        answer = self._transport.once("WaitForInstanceCompletion", fields, seconds)
        if isinstance(answer, Trouble) or not answer.exists:
            return False
        return read_status(answer.orchestrationState.orchestrationStatus).is_final

    def tell(self, method: str, instance_id: str, fields: Fields, look: str | None = None) -> None:
        """A control verb; sent once if there is a `look`, else again when its answer was lost."""
        self.call(method, {"instanceId": plain(instance_id)} | fields, look=look)

    def has(self, method: str, fields: Fields, *, dialect: Dialect | None = None) -> bool:
        """Whether the server has a method; it is called, with fields that change nothing."""
        try:
            self.call(method, fields, dialect=dialect)
        except Unsupported:
            return False
        except (NotFound, Conflict, ServiceError, UsageError):
            return True
        return True

    @cached_property
    def has_queries(self) -> bool:
        return self.has("QueryInstances", {"query": {"maxInstanceCount": 1}})

    @cached_property
    def has_entities(self) -> bool:
        return self.has_queries and self.has("QueryEntities", {"query": {"pageSize": {"value": 1}}})

    def require(self, method: str) -> None:
        """`Unsupported` where the server lacks a method and may answer OK to it all the same.

        Dapr's does so to rewinds and entities. It has no queries either, and says that.
        """
        if not self.has_queries:
            raise lacks(self.place, method)

    def close(self) -> None:
        self._transport.close()

    def call(
        self,
        method: str,
        fields: Fields,
        *,
        look: str | None = None,
        dialect: Dialect | None = None,
    ) -> Answer:
        """The answer of a method. With a `look` it must not be called twice: `OutcomeUnknown`, with
        that hint, if the answer is lost.
        """
        return self._transport.call(method, fields, Terms(self._deadline, look), dialect=dialect)


def is_entity_id(instance_id: str) -> bool:
    return instance_id.startswith("@") and "@" in instance_id[2:]
