"""The routes of the service's HTTP API below either of its base paths, in the order in which the
service tries them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import Response

from durablectl.errors import DurablectlError, HubBusy
from durablectl.server import responses
from durablectl.server.async_hub import Gate
from durablectl.server.call import Call
from durablectl.server.entities import Entities
from durablectl.server.operations import Instances
from durablectl.server.place import Place
from durablectl.server.responses import Refusal, empty


class Api:
    """The HTTP API over a hub: one call in, one answer out."""

    def __init__(
        self,
        gate: Gate,
        place: Place,
        known_entities: Callable[[], Sequence[str] | None] = lambda: None,
    ) -> None:
        self._place = place
        self._instances = Instances(gate, place)
        self._entities = Entities(gate, known_entities)

    async def answer(self, call: Call) -> Response:
        """Never raises, except when the client has gone."""
        try:
            return self._elsewhere(call) or await self._route(call)
        except Refusal as refusal:
            return refusal.answer
        except HubBusy as error:
            return responses.went_wrong(error.message, status=503)
        except DurablectlError as error:
            return responses.went_wrong(error.message)

    def _elsewhere(self, call: Call) -> Response | None:
        """The answer of another hub, which is an empty one here, or of a connection that no one
        knows.
        """
        connection, hub = call.query.first("connection"), call.query.first("taskHub")
        if connection is not None and connection.lower() not in self._place.connections:
            return responses.went_wrong(
                f"Unable to resolve the Azure Storage connection named '{connection}'."
            )
        if hub is None or hub.lower() == self._place.task_hub.lower():
            return None
        match call.segments[0].lower(), len(call.segments), call.method:
            case ("orchestrators", _, "POST") | ("entities", _, "POST" | "DELETE"):
                return responses.went_wrong(
                    f"The task hub '{hub}' is not served here, only '{self._place.task_hub}' is."
                )
            case ("instances", 1, "GET") | ("entities", 1 | 2, "GET"):
                return responses.page([], None)
        return empty(404)

    async def _route(self, call: Call) -> Response:
        head, *rest = call.segments
        if "" in rest:  # a doubled slash names nothing
            return empty(404)
        match head.lower(), len(rest):
            case "orchestrators", 1 | 2 if call.method == "POST":
                return await self._instances.start(call, *rest)
            case "entities", 0 | 1 | 2:
                return await self._entity(call, rest)
            case "instances", 0 | 1 | 2 | 3:
                return await self._instance(call, rest)
            case "makeprimary", 0:
                return empty(200)
        return empty(404)

    async def _entity(self, call: Call, rest: list[str]) -> Response:
        match call.method, len(rest):
            case "GET", 2:
                return await self._entities.get(call, *rest)
            case "GET", _:
                return await self._entities.list(call, *rest)
            case "POST", 1 | 2:
                return await self._entities.signal(call, *rest)
            case "POST", 0:
                return responses.short(400, "The entity name must not be empty.")
            case "DELETE", 2:
                return await self._entities.delete(call, *rest)
        return empty(404)

    async def _instance(self, call: Call, rest: list[str]) -> Response:
        match call.method, len(rest):
            case "GET", 0:
                return await self._instances.list(call)
            case "DELETE", 0:
                return await self._instances.purge_by(call)
            case "GET", 1:
                return await self._instances.status(call, *rest)
            case "DELETE", 1:
                return await self._instances.purge(call, *rest)
            case "POST", 2 if (steer := self._instances.steering.get(rest[1].lower())) is not None:
                return await steer(call, rest[0])
            case "POST", 3 if rest[1].lower() == "raiseevent":
                return await self._instances.raise_event(call, rest[0], rest[2])
        return empty(404)
