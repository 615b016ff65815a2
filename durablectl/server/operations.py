"""What the HTTP API does with instances: start, look, steer, purge; each with the service's
answers.

Knows no routes.
"""

from __future__ import annotations

import math
from collections.abc import Awaitable, Callable
from functools import partial

from starlette.responses import Response

from durablectl.errors import AlreadyExists, InstanceNotFound, Unsupported, UsageError, WrongState
from durablectl.model import FINAL_STATUSES, IfExists, InstanceFilter, RuntimeStatus
from durablectl.server import responses
from durablectl.server.async_hub import LARGE, Gate
from durablectl.server.call import Call
from durablectl.server.inputs import begin_instance, read_event, read_input, read_page
from durablectl.server.place import Place
from durablectl.server.responses import Refusal, empty, full, json_answer, short
from durablectl.wire import check_status_payload, status_to_json


class Instances:
    """The operations on instances."""

    def __init__(self, gate: Gate, place: Place) -> None:
        self._gate, self._hub, self._place = gate, gate.hub, place
        self.steering: dict[str, Callable[[Call, str], Awaitable[Response]]] = {
            "terminate": partial(self._steer, self._hub.terminate),
            "rewind": self.rewind,
            "restart": self.restart,
            "suspend": partial(self._steer, self._hub.suspend),
            "resume": partial(self._steer, self._hub.resume),
        }

    async def start(self, call: Call, name: str, instance_id: str | None = None) -> Response:
        text = await read_input(self._gate, call)
        version = call.query.first("version")
        try:
            begun = await begin_instance(
                self._gate, self._place, name, text, instance_id=instance_id, version=version
            )
            if text is not None and len(text) > LARGE:
                self._gate.expect_large(begun)
        except AlreadyExists as error:
            return short(409, error.message)
        except UsageError as error:
            return short(400, error.message)
        try:
            return await self._started(call, begun)
        except _BadWait as error:
            return short(400, str(error))

    async def restart(self, call: Call, instance_id: str) -> Response:
        new_id = call.query.flag("restartWithNewInstanceId", True)
        try:
            return await self._started(call, await self._restarted(instance_id, new_id=new_id))
        except InstanceNotFound:
            return _no_such_restart(
                f"No instance with ID '{instance_id}' was found. (Parameter 'instanceId')"
            )
        except _BadWait as error:
            return _no_such_restart(str(error))
        except (AlreadyExists, WrongState):
            state = await self._state(instance_id)
            detail = f"An Orchestration instance with the status {state.value} already exists."
            return full(
                409,
                "A non-terminal instance with this instance ID already exists.",
                detail,
                responses.EXISTS,
            )

    async def _restarted(self, instance_id: str, *, new_id: bool) -> str:
        """Restart an instance, and return the id."""
        try:
            payload = await self._gate.write(partial(self._hub.restart, instance_id, new_id=new_id))
        except (AlreadyExists, WrongState):
            if not self._place.overrides_any:
                raise
            found = await self._gate.read(partial(self._hub.get_status, instance_id))
            start = partial(
                self._hub.start,
                found.name,
                found.input,
                instance_id=instance_id,
                if_exists=IfExists.REPLACE,
            )
            payload = await self._gate.read(start)
        return payload.id

    async def _started(self, call: Call, instance_id: str) -> Response:
        """The answer for an instance that has been started: its addresses, or with both wait
        parameters how it ended in time.
        """
        timeout, interval = call.query.seconds("timeout"), call.query.seconds("pollingInterval")
        if timeout is not None and interval is not None:
            _check_wait(timeout, interval)
            found = await self._gate.wait(
                instance_id,
                timeout,
                max(interval, 0.001),
                show_input=call.query.flag("showInput", True),
            )
            if found is not None:
                return responses.waited(found)
        address = self._place.address(call.origin)
        return responses.check_status(check_status_payload(address, instance_id))

    async def status(self, call: Call, instance_id: str) -> Response:
        query = call.query
        show_history = query.flag("showHistory", False)
        look = partial(
            self._hub.get_status,
            instance_id,
            show_input=query.flag("showInput", True),
            show_history=show_history,
            show_history_output=query.flag("showHistoryOutput", False),
        )
        read = self._gate.read if show_history else partial(self._gate.look, instance_id)
        found = await read(look)
        answer = responses.status(
            found, call.url, failed_is_error=query.flag("returnInternalServerErrorOnFailure", False)
        )
        if len(answer.body) > LARGE:
            self._gate.expect_large(instance_id)
        return answer

    async def list(self, call: Call) -> Response:
        query = call.query
        condition = InstanceFilter(
            statuses=query.statuses(),
            prefix=query.text("instanceIdPrefix") or "",
            created_from=query.moment("createdTimeFrom"),
            created_to=query.moment("createdTimeTo"),
            include_entities=True,
        )
        read = partial(
            self._hub.list_page,
            condition,
            show_input=query.flag("showInput", True),
            top=query.top(),
            continuation_token=call.token,
        )
        page = await read_page(self._gate, read)
        return responses.page([status_to_json(status) for status in page], page.continuation_token)

    async def purge(self, instance_id: str) -> Response:
        deleted = 0
        try:
            deleted = await self._gate.write(partial(self._hub.purge, instance_id))
        except (InstanceNotFound, WrongState):
            if not instance_id.startswith("@"):  # of an entity, nothing is deleted
                state = await self._state(instance_id)
                text = (
                    "Only orchestrations in a terminal state can be purged, but the orchestration "
                    f"with instance ID {instance_id} has status {state.value}"
                )
                return json_answer(text, 412)
        return json_answer({"instancesDeleted": deleted})

    async def purge_by(self, call: Call) -> Response:
        """Only finished instances are ever purged; statuses that are given but name no final one
        purge nothing.

        The service takes the latter for no condition at all and deletes running instances and
        entities too.
        """
        created_from = call.query.moment("createdTimeFrom")
        if created_from is None:
            return json_answer("Please provide value for 'createdTimeFrom' parameter.", 400)
        statuses = FINAL_STATUSES
        if call.query.first("runtimeStatus") is not None:
            statuses &= call.query.statuses()
        if not statuses:
            return empty(404)
        purge = partial(
            self._hub.purge_by,
            created_from=created_from,
            created_to=call.query.moment("createdTimeTo"),
            statuses=statuses,
        )
        deleted = await self._gate.read(purge)  # in transactions of its own, however many there are
        return json_answer({"instancesDeleted": deleted}) if deleted else empty(404)

    async def raise_event(self, call: Call, instance_id: str, name: str) -> Response:
        try:
            event = await read_event(self._gate, call)
        except Refusal as refusal:  # whether the instance is there comes first
            state = await self._state(instance_id)
            return empty(410) if state.is_final else refusal.answer
        try:
            await self._gate.write(partial(self._hub.raise_event_text, instance_id, name, event))
        except WrongState:
            return empty(410)
        return empty(202)

    async def _steer(
        self, operation: Callable[[str, str | None], None], call: Call, instance_id: str
    ) -> Response:
        try:
            await self._gate.write(partial(operation, instance_id, call.query.text("reason")))
        except WrongState:
            state = await self._state(instance_id)
            if state.is_final:
                return empty(410)
            verb = operation.__name__
            return responses.went_wrong(
                f"Cannot {verb} the orchestration instance {instance_id} because instance is in "
                f"the {state.value} state."
            )
        return empty(202)

    async def rewind(self, call: Call, instance_id: str) -> Response:
        try:
            await self._gate.write(
                partial(self._hub.rewind, instance_id, call.query.text("reason"))
            )
        except InstanceNotFound:
            # the `$` is the service's own
            return json_answer(f'No orchestration with instance ID "${instance_id}" found.', 404)
        except WrongState:
            state = await self._state(instance_id)
            text = (
                f"This orchestration has status {state.value}, but only orchestrations in the "
                '"Failed" state can be rewound.'
            )
            return json_answer(text, 412)
        except Unsupported:
            return responses.went_wrong(
                "Rewind is not supported by the underlying storage provider.",
                "System.NotSupportedException",
                status=501,
            )
        return empty(202)

    async def _state(self, instance_id: str) -> RuntimeStatus:
        look = partial(self._hub.get_status, instance_id, show_input=False)
        return (await self._gate.read(look)).runtime_status


def _no_such_restart(detail: str) -> Response:
    return full(
        400, "InstanceId does not match a valid orchestration instance.", detail, responses.ARGUMENT
    )


class _BadWait(Exception):
    """The parameters of a wait make no sense."""


def _check_wait(timeout: float, interval: float) -> None:
    for seconds in (timeout, interval):
        if math.isnan(seconds):
            raise _BadWait("TimeSpan does not accept floating point Not-a-Number values.")
        if abs(seconds) > 922337203685:
            overflow = "TimeSpan overflowed because the duration is too long."
            raise Refusal(responses.went_wrong(overflow, "System.OverflowException"))
    if interval > timeout:
        raise _BadWait(
            f"Total timeout {responses.number(timeout)} should be bigger than retry timeout "
            f"{responses.number(interval)}"
        )
