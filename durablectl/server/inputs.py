"""What a request brings along: the input of a start, the data of an event; and how a hub takes
them.

Knows no routes.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import suppress
from functools import partial
from typing import TypeVar

from starlette.responses import Response

from durablectl.errors import AlreadyExists, UsageError
from durablectl.model import IfExists, Page
from durablectl.server import responses
from durablectl.server.async_hub import Gate
from durablectl.server.call import Call
from durablectl.server.newtonsoft_json import NotJson, Parsed, parse, parse_first
from durablectl.server.place import Place
from durablectl.server.responses import Refusal, full, short

Item = TypeVar("Item")


async def begin_instance(
    gate: Gate,
    place: Place,
    name: str,
    text: str | None,
    *,
    instance_id: str | None,
    version: str | None,
) -> str:
    """Start an instance as the service does, and return its id: a finished one is replaced, an
    unfinished one is `AlreadyExists`, unless host.json says that it is replaced, too.

    A local hub keeps the text as it came; another one takes the value.
    """
    instance_id, version = instance_id or None, version or place.version
    try:
        begin = partial(gate.hub.begin_text, instance_id=instance_id, version=version)
        return await gate.write(partial(begin, name, text))
    except AlreadyExists:
        if not place.overrides_any:
            raise
    # Not a part of the writer's transaction: the worker that has the old instance must end it
    # first.
    start = partial(gate.hub.start_text, name, text, instance_id=instance_id, version=version)
    return (await gate.read(partial(start, if_exists=IfExists.REPLACE))).id


async def read_page(gate: Gate, read: Callable[[], Page[Item]]) -> Page[Item]:
    """A page of a listing; a `Refusal` for a continuation token that no page was answered with."""
    try:
        return await gate.read(read)
    except (UsageError, ValueError, OverflowError):
        detail = "The continuation token is not valid."
        refused = full(400, responses.ARGUMENTS_ARE_WRONG, detail, responses.ARGUMENT)
        raise Refusal(refused) from None


async def read_input(gate: Gate, call: Call) -> str | None:
    """The JSON text of an input; None for a body that is blank.

    Its content type is not looked at.
    """
    text = await call.text()
    if not text.strip():
        return None  # the service keeps a blank text as the input, which no app can read
    try:
        return (await gate.parsed(parse, text)).text
    except NotJson as error:
        raise Refusal(_cut_off(error) if error.is_cut_off else _bad_json(error)) from None


async def read_event(gate: Gate, call: Call) -> str:
    """The JSON text of the first value of the body; what follows it does not count."""
    text = await call.text()
    if call.media_type != "application/json":
        raise Refusal(short(400, "Only application/json request content is supported"))
    try:
        return (await gate.parsed(_decoded if call.is_encoded else parse_first, text)).text
    except NotJson as error:
        raise Refusal(_bad_json(error)) from None


def _decoded(text: str) -> Parsed:
    """The first value, or the JSON text inside of it, which is how the official Python client sends
    everything.

    Of inputs and of what entities are sent the engine takes care by itself.
    """
    event = parse_first(text)
    if isinstance(event.value, str):
        with suppress(NotJson):
            return parse(event.value)
    return event


def _bad_json(error: NotJson) -> Response:
    return full(400, responses.BAD_JSON, str(error), responses.READER)


def _cut_off(error: NotJson) -> Response:
    return responses.went_wrong(str(error), responses.SERIALIZATION)
