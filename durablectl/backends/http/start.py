"""Starting instances over the HTTP API, once each, also when an answer is lost."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import datetime

from durablectl.backends.http.api import Calls
from durablectl.backends.http.requests import JSON_CONTENT, Parameters, segment
from durablectl.backends.http.responses import read_payload, read_status, refusal
from durablectl.backends.http.transport import Answer, Request
from durablectl.backends.retry import Pace
from durablectl.backends.start_once import Starts
from durablectl.errors import InstanceNotFound, UsageError, WaitTimeout
from durablectl.model import CheckStatusPayload, InstanceStart, InstanceStatus, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from durablectl.quoting import command
from durablectl.taskhub import TaskHub
from durablectl.wire import is_status

SERVED_WAIT = 200.0  # the front end of a function app ends a request after 230 s
GRACE = 5.0  # until the service shows an instance that it has just started


class HttpStarts:
    """The starts of a hub, over its `calls`; `timeout` is for one answer, in seconds."""

    def __init__(self, hub: TaskHub, calls: Calls, pace: Pace, timeout: float) -> None:
        self._hub, self._calls, self._pace, self._timeout = hub, calls, pace, timeout

    def start(self, new: InstanceStart) -> CheckStatusPayload:
        """A start whose answer was lost is looked for by its id before it is sent again."""
        id, answer, before = self._run(new, [("version", new.version)])
        return replace(self._payload(id, answer), attached=before)

    def start_and_wait(
        self, new: InstanceStart, timeout: float, interval: float
    ) -> InstanceStatus | CheckStatusPayload:
        """The service waits as long as its front end lets it; the rest of the time is spent
        polling.
        """
        _check_times(timeout, interval)
        served, sent, started = min(timeout, SERVED_WAIT), self._pace.now(), self._pace.clock()
        waits = [
            ("timeout", f"{served:.10g}"),
            ("pollingInterval", f"{min(interval, served):.10g}"),
        ]
        id, answer, _ = self._run(new, waits, served + self._timeout)
        if answer is not None and answer.status in (200, 500):
            return self._ended(answer, new.orchestrator, id, sent)
        payload = self._payload(id, answer)
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

    def _run(
        self, new: InstanceStart, parameters: Parameters, timeout: float | None = None
    ) -> tuple[str, Answer | None, InstanceStatus | None]:
        def send(new: InstanceStart, id: str) -> Answer:
            name = segment(new.orchestrator, "orchestrator name")
            target = f"/orchestrators/{name}/{segment(id, 'instance id')}"
            request = Request(
                "POST",
                target + self._calls.query(parameters),
                None if new.input is None else new.input.encode(),
                JSON_CONTENT,
                look=f"{command('status', id)} shows whether it was started",
                timeout=timeout,
            )
            answer = self._calls.send(request)
            if answer.is_json and (answer.status in (200, 202) or is_status(answer.value)):
                return answer
            raise refusal(self._calls.place, answer, None)

        return Starts(self._hub, send, self._find, self._pace.sleep).run(new)

    def _payload(self, id: str, answer: Answer | None) -> CheckStatusPayload:
        if answer is None:
            return self._hub.check_status(id)
        return read_payload(self._calls.place, answer)

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
