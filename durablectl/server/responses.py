"""The answers of the service, each with exactly its status, headers and body; knows no hub."""

from __future__ import annotations

import math
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from durablectl.model import CheckStatusPayload, InstanceStatus, RuntimeStatus
from durablectl.wire import ServiceFault, fault_to_json, json_text, payload_to_json, status_to_json

JSON = "application/json; charset=utf-8"
ARGUMENT = "System.ArgumentException"
INVALID_OPERATION = "System.InvalidOperationException"
READER = "Newtonsoft.Json.JsonReaderException"
SERIALIZATION = "Newtonsoft.Json.JsonSerializationException"
EXISTS = "DurableTask.Core.Exceptions.OrchestrationAlreadyExistsException"
ARGUMENTS_ARE_WRONG = "One or more of the arguments submitted is incorrect"
WENT_WRONG = "Something went wrong while processing your request"
BAD_JSON = "Invalid JSON content"


class Refusal(Exception):
    """A request is answered with an error."""

    def __init__(self, answer: Response) -> None:
        super().__init__(answer.status_code)
        self.answer = answer


def empty(status: int) -> Response:
    """No body, and so no content type."""
    return Response(status_code=status)


def json_answer(value: Any, status: int = 200, headers: dict[str, str] | None = None) -> Response:
    return Response(json_text(value).encode(), status, headers, JSON)


def short(status: int, message: str) -> Response:
    return json_answer(fault_to_json(ServiceFault(message)), status)


def full(status: int, message: str, detail: str, kind: str) -> Response:
    return json_answer(fault_to_json(ServiceFault(message, detail, kind)), status)


def went_wrong(detail: str, kind: str = INVALID_OPERATION, status: int = 500) -> Response:
    """The service's last resort."""
    return full(status, WENT_WRONG, detail, kind)


def check_status(payload: CheckStatusPayload) -> Response:
    headers = {"Location": latin(payload.entries["statusQueryGetUri"]), "Retry-After": "10"}
    return json_answer(payload_to_json(payload), 202, headers)


def status(found: InstanceStatus, url: str, *, failed_is_error: bool) -> Response:
    """A status object: 202 with the request's own address while it runs."""
    shown = status_to_json(found)
    if found.runtime_status is RuntimeStatus.UNKNOWN:
        return json_answer(shown, 500)
    if not found.is_final:
        return json_answer(shown, 202, {"Location": latin(url), "Retry-After": "5"})
    return json_answer(
        shown, 500 if failed_is_error and found.runtime_status is RuntimeStatus.FAILED else 200
    )


def waited(found: InstanceStatus) -> Response:
    """What create-and-wait answers for a finished instance: its output, or its status when it did
    not complete.
    """
    return json_answer(
        found.output if found.runtime_status is RuntimeStatus.COMPLETED else status_to_json(found)
    )


def page(rows: list[Any], token: str | None) -> Response:
    """An empty token stands for the last page.

    What a header cannot hold of one is encoded; `Call.token` has it decoded.
    """
    return json_answer(rows, 200, {"x-ms-continuation-token": quote(token or "", safe="@")})


def latin(text: str) -> str:
    """A text that a header can hold."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(
        character if " " <= character <= "~" else f"%{ord(character) & 0xFF:02X}"
        for character in text
    )


def number(seconds: float) -> str:
    """A number as the service's runtime prints it."""
    return (
        str(int(seconds)) if math.isfinite(seconds) and seconds == int(seconds) else repr(seconds)
    )
