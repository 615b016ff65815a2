"""The routes of the service's HTTP API below either of its base paths, in the order in which the
service tries them.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

from starlette.responses import Response

from durablectl.errors import DurablectlError, EntityNotFound, HubBusy, InstanceNotFound
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
        except (InstanceNotFound, EntityNotFound):
            return empty(404)
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
        instances, entities = self._instances, self._entities
        head, *rest = call.segments
        if "" in rest:  # a doubled slash names nothing
            return empty(404)
        match [call.method, head.lower(), *rest]:
            case ["POST", "orchestrators", _] | ["POST", "orchestrators", _, _]:
                return await instances.start(call, *rest)
            case ["GET", "entities"] | ["GET", "entities", _]:
                return await entities.list(call, *rest)
            case ["GET", "entities", name, key]:
                return await entities.get(name, key)
            case ["POST", "entities"]:
                return responses.short(400, "The entity name must not be empty.")
            case ["POST", "entities", _] | ["POST", "entities", _, _]:
                return await entities.signal(call, *rest)
            case ["DELETE", "entities", name, key]:
                return await entities.delete(name, key)
            case ["GET", "instances"]:
                return await instances.list(call)
            case ["DELETE", "instances"]:
                return await instances.purge_by(call)
            case ["GET", "instances", instance_id]:
                return await instances.status(call, instance_id)
            case ["DELETE", "instances", instance_id]:
                return await instances.purge(instance_id)
            case ["POST", "instances", instance_id, verb] if verb.lower() in instances.steering:
                return await instances.steering[verb.lower()](call, instance_id)
            case ["POST", "instances", instance_id, verb, event] if verb.lower() == "raiseevent":
                return await instances.raise_event(call, instance_id, event)
            case [_, "makeprimary"]:
                return empty(200)
        return empty(404)
