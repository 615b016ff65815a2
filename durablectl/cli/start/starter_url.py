"""`start URL`: begin an instance through an HTTP starter function, and take over the payload that
it answers with.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Any

import typer

from durablectl import config
from durablectl.cli.session import Session
from durablectl.cli.start.instance import timed
from durablectl.errors import UsageError
from durablectl.model import CheckStatusPayload
from durablectl.polling.loop import LAST_LOOK
from durablectl.taskhub import TaskHub

Header = Annotated[
    list[str] | None,
    typer.Option(
        "--header",
        "-H",
        metavar="'NAME: VALUE'",
        help="Send this header to a starter's URL (repeatable).",
    ),
]
Method = Annotated[
    str | None,
    typer.Option(
        "--method", metavar="METHOD", help="How a starter's URL is called (default: POST)."
    ),
]
FunctionKeyEnv = Annotated[
    str | None,
    typer.Option(
        "--function-key-env",
        metavar="VARIABLE",
        help="Take the key of a starter's URL from this variable.",
    ),
]


@dataclass(frozen=True, slots=True)
class Call:
    """How a starter function is called."""

    header: Sequence[str] = ()
    method: str | None = None
    function_key_env: str | None = None

    @property
    def is_default(self) -> bool:
        return not self.header and self.method is None and self.function_key_env is None


def start_by_url(
    session: Session, url: str, input: Any, call: Call, timeout: float | None
) -> tuple[TaskHub, CheckStatusPayload]:
    """Call the starter function once.

    What it answers is kept for the user until the instance has ended, its key included.

    `WaitTimeout` when it has not answered after `timeout` seconds.
    """
    # deferred: few start so
    from durablectl.backends.http.starter import call_starter, check_starter

    method = (call.method or "POST").upper()
    check_starter(url, method)
    key = _key(session, call.function_key_env)
    session.begin_change_at(url, None, controls=False)
    session.out.note(f"calling {url.partition('?')[0]}")
    route = session.route(url, None)
    with timed(timeout):
        payload = call_starter(
            url,
            input,
            method=method,
            headers={**route["headers"], **_headers(call.header)},
            key=key,
            timeout=route["timeout"]
            if timeout is None
            else min(route["timeout"], max(timeout, LAST_LOOK)),
            ca_file=route["ca_file"],
            proxy=route["proxy"],
            max_response=route["max_response"],
        )
    session.started.keep({"id": payload.id, **payload.entries})
    return session.payloads.at_started(payload), payload


def is_starter(name: str) -> bool:
    """Whether what is to be started is a starter's address rather than an orchestrator."""
    return config.is_url(name)


def _headers(lines: Sequence[str]) -> dict[str, str]:
    wrong = [line for line in lines if ":" not in line or not line.partition(":")[0].strip()]
    if wrong:
        raise UsageError("a --header is no 'Name: value'", hint="as in --header 'X-Tenant: north'")
    return {
        name.strip(): value.strip() for name, _, value in (line.partition(":") for line in lines)
    }


def _key(session: Session, variable: str | None) -> str | None:
    if variable is None:
        return None
    config.check_variable(variable, "--function-key-env")
    return config.key_of_variable(variable, session.environ, "--function-key-env")
