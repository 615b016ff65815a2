"""`start URL`: begin an instance through an HTTP starter function, and take over the payload that
it answers with.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Any, NamedTuple

import typer

from durablectl import config
from durablectl.cli.start.instance import timed
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload
from durablectl.polling.loop import LAST_LOOK


class Call(NamedTuple):
    """How a starter function is called."""

    header: Annotated[
        list[str] | None,
        typer.Option(
            "--header",
            "-H",
            metavar="'NAME: VALUE'",
            help="Send this header to a starter's URL (repeatable).",
        ),
    ] = None
    method: Annotated[
        str | None,
        typer.Option(metavar="METHOD", help="How a starter's URL is called (default: POST)."),
    ] = None
    function_key_env: Annotated[
        str | None,
        typer.Option(
            metavar="VARIABLE", help="Take the key of a starter's URL from this variable."
        ),
    ] = None


def start_by_url(
    url: str,
    input: Any,
    call: Call,
    route: Callable[[], Mapping[str, Any]],
    environ: Mapping[str, str],
    timeout: float | None,
) -> CheckStatusPayload:
    """Call the starter function once; what it answers may hold a key.

    `route` says how to reach it, once the call is checked. `WaitTimeout` when it has not answered
    after `timeout` seconds.
    """
    starter = config.http_hub()
    method = (call.method or "POST").upper()
    starter.check(url, method)
    key, headers = _key(environ, call.function_key_env), _headers(call.header or ())
    way = route()
    limit = way["timeout"] if timeout is None else min(way["timeout"], max(timeout, LAST_LOOK))
    with timed(timeout):
        return starter.call(
            url,
            input,
            method=method,
            headers={**way["headers"], **headers},
            key=key,
            timeout=limit,
            **{name: way[name] for name in ("ca_file", "proxy", "max_response")},
        )


def _headers(lines: Sequence[str]) -> dict[str, str]:
    wrong = [line for line in lines if ":" not in line or not line.partition(":")[0].strip()]
    if wrong:
        raise UsageError(
            "--header requires 'Name: value'", hint="for example --header 'X-Tenant: north'"
        )
    return {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }


def _key(environ: Mapping[str, str], variable: str | None) -> str | None:
    if variable is None:
        return None
    config.check_variable(variable, "--function-key-env")
    return config.key_of_variable(variable, environ, "--function-key-env")
