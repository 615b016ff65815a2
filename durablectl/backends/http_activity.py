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
    """Send `{"method", "uri", "content", "headers", "tokenSource"}` and return `{"statusCode", "headers", "content"}`."""
    import httpx  # deferred: few orchestrators call HTTP

    if request.get("tokenSource") is not None:
        raise ValueError("a local hub has no managed identity: pass a token in the headers instead of token_source")
    try:
        answer = httpx.request(
            request["method"], request["uri"], content=request.get("content"), headers=request.get("headers") or {}, timeout=SECONDS
        )
    except (httpx.HTTPError, httpx.InvalidURL) as error:
        raise ConnectionError(f"{request['method']} {request['uri']} had no answer: {error}") from error
    return {"statusCode": answer.status_code, "headers": dict(answer.headers), "content": answer.text}
