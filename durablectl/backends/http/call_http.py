"""The activity behind an orchestrator's `call_http`: one HTTP request, its answer as the SDK's
dict; knows no task hub.
"""

from __future__ import annotations

from contextlib import closing
from typing import Any

import httpx

from durablectl.backends.http.body import MOST_BYTES, Garbled, TooLarge, charset, read_body
from durablectl.backends.http.deadline import Deadline, keep

SECONDS = 100.0
"""How long the whole answer may take: the default of the original's HTTP client."""
MOST_REDIRECTS = 20


def call_http(
    request: dict[str, Any], *, seconds: float = SECONDS, most_bytes: int = MOST_BYTES
) -> dict[str, Any]:
    """Send `{"method", "uri", "content", "headers", "tokenSource"}` and return `{"statusCode",
    "headers", "content"}`.

    What is sent is what the extension's HTTP client sends (TaskHttpActivityShim.cs): no header but
    the given ones, text/plain for a body without a type, and redirects are followed. What takes too
    long or is too large fails.
    """
    if request.get("tokenSource") is not None:
        raise ValueError(
            "a local hub has no managed identity: pass a token in the headers "
            "instead of token_source"
        )
    try:
        asked = httpx.Request(
            request["method"],
            request["uri"],
            content=request.get("content"),
            headers=_headers(request),
        )
        return _answer(asked, seconds, most_bytes)
    except (httpx.HTTPError, httpx.InvalidURL, Garbled) as error:
        raise ConnectionError(
            f"{request['method']} {request['uri']} had no answer: {error}"
        ) from error
    except TooLarge as error:
        raise ConnectionError(
            f"the answer to {request['method']} {request['uri']} {error}"
        ) from error


def _answer(asked: httpx.Request, seconds: float, most_bytes: int) -> dict[str, Any]:
    deadline = Deadline()
    with httpx.Client() as client:
        keep(deadline, client)
        deadline.begin(seconds)
        for _ in range(MOST_REDIRECTS + 1):
            with closing(client.send(asked, stream=True)) as answer:
                if answer.next_request is None:
                    text = read_body(answer, most_bytes).decode(
                        charset(answer.headers.get("content-type", "")), "replace"
                    )
                    return {
                        "statusCode": answer.status_code,
                        "headers": dict(answer.headers),
                        "content": text,
                    }
                asked = answer.next_request
    raise httpx.TooManyRedirects("it redirects in circles")


def _headers(request: dict[str, Any]) -> dict[str, str]:
    """The given headers; the body has a type, and what has no body has none."""
    given: dict[str, str] = request.get("headers") or {}
    kind = (
        next((value for name, value in given.items() if name.lower() == "content-type"), "")
        or "text/plain"
    )
    if "multipart" in kind:
        raise ValueError(
            "call_http sends no multipart content, here as on Azure: send it from an activity"
        )
    if kind.lower() == "application/x-www-form-urlencoded":
        kind += "; charset=utf-8"
    headers = {name: value for name, value in given.items() if name.lower() != "content-type"}
    return headers if request.get("content") is None else headers | {"Content-Type": kind}
