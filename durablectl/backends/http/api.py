"""One task hub's HTTP API: requests below its address, with what each of them carries; knows no
verb of a task hub.
"""

from __future__ import annotations

import math
import threading
from copy import copy

from durablectl.backends.http.requests import JSON_CONTENT, Parameters, query, segment
from durablectl.backends.http.responses import NO_API_HINT, read_accepted, read_page
from durablectl.backends.http.transport import Answer, Request, Transport
from durablectl.backends.remote import Place
from durablectl.errors import NotATaskHub, WrongState
from durablectl.quoting import command
from durablectl.wire import CONTINUATION_HEADER, HubAddress, status_from_json


class Calls:
    """Sends requests with the hub's name and connection in them, and makes sure at the first 404
    that this is the API at all.
    """

    def __init__(self, address: HubAddress, place: Place, transport: Transport) -> None:
        self.address, self.place = address, place
        self._transport = transport
        self._known = threading.Event()
        self._deadline = math.inf

    def until(self, deadline: float) -> Calls:
        """The same, for requests that end at a time of the transport's clock."""
        calls = copy(self)
        calls._deadline = deadline  # noqa: SLF001 - a copy of ours
        return calls

    def instance(self, instance_id: str) -> str:
        """The target of an instance; `InstanceNotFound` for an id that no address can hold."""
        if "/" in instance_id:  # the service takes it for a separator, however it is encoded
            raise self.place.absent(instance_id)
        return f"/instances/{segment(instance_id, 'instance id')}"

    def query(self, parameters: Parameters) -> str:
        return query(
            [
                *parameters,
                ("taskHub", self.address.task_hub),
                ("connection", self.address.connection),
            ]
        )

    def get(self, target: str, parameters: Parameters = (), token: str | None = None) -> Answer:
        headers = {CONTINUATION_HEADER: token} if token is not None else {}
        return self.send(Request("GET", target + self.query(parameters), headers=headers))

    def delete(
        self, target: str, parameters: Parameters = (), *, look: str | None = None
    ) -> Answer:
        return self.send(Request("DELETE", target + self.query(parameters), look=look))

    def post(
        self,
        target: str,
        parameters: Parameters = (),
        *,
        body: str | None = None,
        look: str | None = None,
    ) -> Answer:
        """A request that must not be sent twice has a `look`: where to see whether it was carried
        out.
        """
        headers = JSON_CONTENT if body is not None else {}
        sent = None if body is None else body.encode()
        return self.send(Request("POST", target + self.query(parameters), sent, headers, look=look))

    def send(self, request: Request) -> Answer:
        """The answer; on the first 404 of all, what answers here must prove that it is the API."""
        answer = self._transport.send(request, self._deadline)
        if answer.is_json and answer.status < 300:
            self._known.set()
        elif answer.status == 404 and not self._known.is_set():
            self._make_sure()
        return answer

    def _make_sure(self) -> None:
        answer = self._transport.send(
            Request("GET", "/instances" + self.query([("showInput", "false"), ("top", "1")])),
            self._deadline,
        )
        if answer.status == 404:
            raise NotATaskHub(
                f"there is no Durable Functions API at {self.place.address} (404)", hint=NO_API_HINT
            )
        read_page(self.place, answer, status_from_json, None)
        self._known.set()

    def accept(self, answer: Answer, instance_id: str) -> None:
        """An acknowledged request about an instance, or the error that the answer means."""
        if answer.status == 410 and not answer.is_html:
            raise WrongState(
                f"instance '{instance_id}' is finished already", hint=command("status", instance_id)
            )
        try:
            read_accepted(self.place, answer, self.place.absent(instance_id))
        except WrongState as error:
            raise WrongState(error.message, hint=command("status", instance_id)) from error

    def close(self) -> None:
        self._transport.close()
