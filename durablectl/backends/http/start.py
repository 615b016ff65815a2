"""Starting instances over the HTTP API, once each, also when an answer is lost."""

from __future__ import annotations

import math
from datetime import datetime
from typing import Any

from durablectl.backends.http.api import Calls
from durablectl.backends.http.requests import JSON_CONTENT, Parameters, json_body, segment
from durablectl.backends.http.responses import read_payload, read_status, refusal
from durablectl.backends.http.transport import Answer, Pace, Request
from durablectl.backends.start_once import check_same, id_to_start, start_once
from durablectl.errors import AlreadyExists, InstanceNotFound, UsageError, WaitTimeout
from durablectl.model import CheckStatusPayload, IfExists, InstanceStatus, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import is_status

SERVED_WAIT = 200.0  # the front end of a function app ends a request after 230 s
GRACE = 5.0  # until the service shows an instance that it has just started


class Starts:
    """The starts of a hub, over its `calls`; `timeout` is for one answer, in seconds."""

    def __init__(self, hub: TaskHub, calls: Calls, pace: Pace, timeout: float) -> None:
        self._hub, self._calls, self._pace, self._timeout = hub, calls, pace, timeout

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

        A start whose answer was lost is looked for by its id before it is sent again.
        """
        id, before = id_to_start(self._hub, self._find, instance_id, if_exists)
        if before is not None and if_exists is IfExists.ATTACH:
            return self._attached(before, orchestrator, input)
        request = self._start_request(orchestrator, input, id, [("version", version)])
        try:
            answer = self._once(request, id, before)
        except AlreadyExists:
            found = self._find(id) if if_exists is IfExists.ATTACH else None
            if found is None:
                raise
            return self._attached(found, orchestrator, input)
        return (
            read_payload(self._calls.place, answer)
            if answer is not None
            else self._hub.check_status(id)
        )

    def create_and_wait(
        self,
        orchestrator: str,
        input: Any = None,
        *,
        instance_id: str | None = None,
        timeout: float,
        interval: float,
    ) -> InstanceStatus | CheckStatusPayload:
        """See TaskHub.

        The service waits as long as its front end lets it; the rest of the time is spent polling.
        """
        _check_times(timeout, interval)
        id, before = id_to_start(self._hub, self._find, instance_id, IfExists.FAIL)
        served, sent = min(timeout, SERVED_WAIT), self._pace.now()
        waits = [
            ("timeout", f"{served:.10g}"),
            ("pollingInterval", f"{min(interval, served):.10g}"),
        ]
        request = self._start_request(
            orchestrator, input, id, waits, timeout=served + self._timeout
        )
        started = self._pace.clock()
        answer = self._once(request, id, before)
        if answer is not None and answer.status in (200, 500):
            return self._ended(answer, orchestrator, id, sent)
        payload = (
            read_payload(self._calls.place, answer)
            if answer is not None
            else self._hub.check_status(id)
        )
        remaining = timeout - (self._pace.clock() - started)
        if (served == timeout and answer is not None) or remaining <= 0:
            return payload
        try:
            return wait_for_completion(
                self._hub,
                id,
                timeout=remaining,
                interval=interval,
                grace=GRACE,
                clock=self._pace.clock,
            )
        except WaitTimeout:
            return payload

    def _attached(self, found: InstanceStatus, orchestrator: str, input: Any) -> CheckStatusPayload:
        check_same(found, orchestrator, input)
        return self._hub.check_status(found.instance_id)

    def _start_request(
        self,
        orchestrator: str,
        input: Any,
        id: str,
        parameters: Parameters,
        *,
        timeout: float | None = None,
    ) -> Request:
        name = segment(orchestrator, "orchestrator name")
        target = f"/orchestrators/{name}/{segment(id, 'instance id')}"
        body = None if input is None else json_body(input)
        look = f"{command('status', id)} shows whether it was started"
        return Request(
            "POST",
            target + self._calls.query(parameters),
            body,
            JSON_CONTENT,
            repeatable=False,
            look=look,
            timeout=timeout,
        )

    def _once(self, request: Request, id: str, before: InstanceStatus | None) -> Answer | None:
        return start_once(
            lambda: self._started(request), lambda: self._find(id), self._pace.sleep, before
        )

    def _started(self, request: Request) -> Answer:
        answer = self._calls.send(request)
        if answer.is_json and (answer.status in (200, 202) or is_status(answer.value)):
            return answer
        raise refusal(self._calls.place, answer, None)

    def _ended(self, answer: Answer, orchestrator: str, id: str, sent: datetime) -> InstanceStatus:
        """The end of an instance as create-and-wait tells it: its output alone when it completed,
        else its status.
        """
        if is_status(answer.value) and answer.value.get("instanceId", id) == id:
            return read_status(self._calls.place, answer, self._calls.place.absent(id))
        return InstanceStatus(
            orchestrator, id, RuntimeStatus.COMPLETED, sent, self._pace.now(), output=answer.value
        )

    def _find(self, instance_id: str) -> InstanceStatus | None:
        try:
            return self._hub.get_status(instance_id)
        except InstanceNotFound:
            return None


def _check_times(timeout: float, interval: float) -> None:
    """`UsageError` for times of a wait that the service would refuse, but only after it has started
    the instance (DurableClientBase.cs).
    """
    if not (math.isfinite(timeout) and math.isfinite(interval) and 0 <= interval <= timeout):
        raise UsageError(
            f"the interval ({interval:g} s) must not be longer than the time-out ({timeout:g} s)"
        )
