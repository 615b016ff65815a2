"""What the HTTP API does with entities: read, list, signal. Knows no routes."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Any

from starlette.responses import Response

from durablectl.engine.registry import unknown_function
from durablectl.errors import FunctionNotFound, UsageError
from durablectl.model import EntityId, EntityStatus
from durablectl.server import responses
from durablectl.server.async_hub import Gate
from durablectl.server.call import Call
from durablectl.server.inputs import read_page
from durablectl.server.newtonsoft_json import NotJson, parse
from durablectl.server.query import Query
from durablectl.server.responses import Refusal, empty, json_answer, short
from durablectl.wire import entity_to_json

EMPTY_KEY = "$"
_REFUSED = frozenset("/\\#?")


class Entities:
    """The operations on entities.

    `known` gives the names of the app's entity functions, None when they are not known.
    """

    def __init__(self, gate: Gate, known: Callable[[], Sequence[str] | None]) -> None:
        self._gate, self._hub, self._known = gate, gate.hub, known

    async def get(self, name: str, key: str) -> Response:
        entity = EntityId(name, "" if key == EMPTY_KEY else key)
        return json_answer(await self._gate.read(partial(self._hub.get_entity, entity)))

    async def list(self, call: Call, name: str | None = None) -> Response:
        fetch = call.query.flag("fetchState", False)
        read = partial(
            self._hub.list_entities,
            name,
            fetch_state=fetch,
            top=call.query.top(),
            continuation_token=call.token,
        )
        page = await read_page(self._gate, read)
        rows = [entity_to_json(entity) for entity in page if _is_within(entity, call.query)]
        return responses.page(rows, page.continuation_token)

    async def signal(self, call: Call, name: str, key: str = "") -> Response:
        self._check(name, key)
        operation = call.query.text("op") or ""
        value = await _operation_input(self._gate, call)
        return await self._send(
            partial(self._hub.signal_entity, EntityId(name, key), operation, value)
        )

    async def delete(self, name: str, key: str) -> Response:
        self._check(name, key)
        return await self._send(partial(self._hub.delete_entity, EntityId(name, key)))

    async def _send(self, send: Callable[[], None]) -> Response:
        try:
            await self._gate.write(send)
        except (UsageError, FunctionNotFound) as error:
            return short(400, error.message)
        return empty(202)

    def _check(self, name: str, key: str) -> None:
        """Refuse an entity that the app does not have, and a key that none may have."""
        names = self._known()
        if names is not None and name.lower() not in names:
            raise Refusal(short(400, unknown_function(name, "entity", names)))
        if any(
            character in _REFUSED or character < " " or "\x7f" <= character <= "\x9f"
            for character in key
        ):
            text = "Entity keys must not contain /, \\, #, ?, or control characters."
            raise Refusal(short(400, text))


def _is_within(entity: EntityStatus, query: Query) -> bool:
    after, before = query.moment("lastOperationTimeFrom"), query.moment("lastOperationTimeTo")
    return (after is None or entity.last_operation_time >= after) and (
        before is None or entity.last_operation_time <= before
    )


async def _operation_input(gate: Gate, call: Call) -> Any:
    """JSON when the type says so, else the body as a plain string; None without a body."""
    if not call.has_body:
        return None
    text = await call.text()
    if call.media_type != "application/json":
        return text if text else None
    try:
        return (await gate.parsed(parse, text)).value
    except NotJson as error:
        raise Refusal(short(400, f"Could not parse JSON content: {error}")) from None
