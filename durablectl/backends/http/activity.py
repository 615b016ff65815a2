"""The built-in activity that sends an HTTP request, for a registry."""

from __future__ import annotations

from typing import Any

from durablectl.engine.registry import Activity
from durablectl.engine.replay.context import HTTP_ACTIVITY


def http_activity() -> Activity:
    """As in 1.x a 202 is not followed with polls, and an error status is an answer, no failure."""
    return Activity(HTTP_ACTIVITY, _call, "request")


def _call(request: dict[str, Any]) -> dict[str, Any]:
    from durablectl.backends.http.call_http import call_http  # deferred: few apps call HTTP

    return call_http(request)
