"""The activity behind an orchestrator's `call_http`: one HTTP request, its answer as the SDK's dict; knows no task hub."""

from __future__ import annotations

from typing import Any

from durablectl.engine.context import HTTP_ACTIVITY
from durablectl.engine.registry import Activity

SECONDS = 100.0
"""How long the answer may take: the default of the original's HTTP client."""


def http_activity() -> Activity:
    """The built-in activity, for a registry. As in 1.x a 202 is not followed with polls, and an error status is an answer, no failure."""
    return Activity(HTTP_ACTIVITY, call_http, "request")


def call_http(request: dict[str, Any]) -> dict[str, Any]:
    """Send `{"method", "uri", "content", "headers", "tokenSource"}` and return `{"statusCode", "headers", "content"}`.

    What is sent is what the extension's HTTP client sends (TaskHttpActivityShim.cs): no header but the given ones, text/plain for a body
    without a type, and redirects are followed.
    """
    import httpx  # deferred: few orchestrators call HTTP

    if request.get("tokenSource") is not None:
        raise ValueError("a local hub has no managed identity: pass a token in the headers instead of token_source")
    try:
        timeout = {"timeout": httpx.Timeout(SECONDS).as_dict()}
        asked = httpx.Request(
            request["method"], request["uri"], content=request.get("content"), headers=_headers(request), extensions=timeout
        )
        with httpx.Client(follow_redirects=True) as client:
            answer = client.send(asked)
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError(f"{request['method']} {request['uri']} had no answer: {error}") from error
    return {"statusCode": answer.status_code, "headers": dict(answer.headers), "content": answer.text}


def _headers(request: dict[str, Any]) -> dict[str, str]:
    """The given headers; the body has a type, and what has no body has none."""
    given: dict[str, str] = request.get("headers") or {}
    kind = next((value for name, value in given.items() if name.lower() == "content-type"), "") or "text/plain"
    if "multipart" in kind:
        raise ValueError("call_http sends no multipart content, here as on Azure: send it from an activity")
    if kind.lower() == "application/x-www-form-urlencoded":
        kind += "; charset=utf-8"
    headers = {name: value for name, value in given.items() if name.lower() != "content-type"}
    return headers if request.get("content") is None else headers | {"Content-Type": kind}
