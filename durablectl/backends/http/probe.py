"""Single questions to a remote task hub, that show why it does not work: each is
asked once, and changes nothing.
"""

from __future__ import annotations

import socket
from collections.abc import Mapping
from datetime import datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit
from uuid import uuid4

from durablectl.backends.http.hub import KEY_HEADER
from durablectl.backends.http.requests import base_address, query
from durablectl.backends.http.responses import NO_API_HINT, read_page, refusal
from durablectl.backends.http.retry import http_date
from durablectl.backends.http.transport import Answer, Request, Transport
from durablectl.backends.remote import Place
from durablectl.backends.retry import NO_RETRIES, Pace, Settings
from durablectl.errors import DurablectlError, NotATaskHub, Unreachable
from durablectl.wire import fault_from_json, status_from_json

_ONE_ROW = (("showInput", "false"), ("top", "1"))


class Probe:
    """Asks one hub. The key goes only where a method says so."""

    def __init__(
        self,
        url: str,
        *,
        key: str | None = None,
        task_hub: str | None = None,
        connection: str | None = None,
        headers: Mapping[str, str] | None = None,
        timeout: float = 10.0,
        ca_file: str | Path | None = None,
        proxy: str | None = None,
        max_response: int | None = None,
        key_hint: str | None = None,
    ) -> None:
        self.base, self._key, self._proxy = base_address(url), key, proxy
        self._hub = (("taskHub", task_hub), ("connection", connection))
        self._place = Place(self.base, task_hub or "", key_hint, bool(key))
        self._transport = Transport(
            self.base,
            Settings(dict(headers or {}), timeout, ca_file, proxy, max_response, Pace(NO_RETRIES)),
        )

    def close(self) -> None:
        self._transport.close()

    def addresses(self) -> list[str]:
        """The IP addresses of the host, none behind a proxy; `Unreachable` when it has none."""
        host, port = urlsplit(self.base).hostname or "", urlsplit(self.base).port
        if self._proxy is not None:
            return []
        try:
            found = socket.getaddrinfo(host, port or 443, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise Unreachable(
                f"the host '{host}' cannot be found", hint="check the address of the task hub"
            ) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in found))

    def list_one(self, *, header: bool = True, code: bool = False, own_hub: bool = True) -> Answer:
        """Ask for one row of the list, with the key in the header, in the query, in both or in
        neither.

        Without `own_hub` the app's own task hub is asked, whatever ours is called.
        """
        headers = {KEY_HEADER: self._key} if header and self._key else {}
        parameters = [*_ONE_ROW, *(self._hub if own_hub else ())]
        # The key goes out as it is: the host puts it into its addresses unencoded, too.
        key = f"&code={self._key}" if code and self._key else ""
        return self._transport.send(
            Request("GET", f"/instances{query(parameters)}{key}", headers=headers)
        )

    def judge(self, answer: Answer) -> int:
        """Number of rows in an answer to `list_one`, or the error that the answer means."""
        if answer.status == 404:
            raise NotATaskHub(
                f"there is no Durable Functions API at {self.base} (404)", hint=NO_API_HINT
            )
        return len(read_page(self._place, answer, status_from_json, None).items)

    def entities(self) -> DurablectlError | None:
        """Why the service lists no entities; None when it does."""
        answer = self._asked("GET", "/entities", [("top", "1")])
        return (
            None
            if answer.status == 200 and isinstance(answer.value, list)
            else refusal(self._place, answer, None)
        )

    def rewinds(self) -> bool:
        """Whether the service knows how to rewind by itself: asked to rewind what is not there it
        answers with a sentence (since 2026).
        """
        answer = self._asked("POST", f"/instances/durablectl-doctor-{uuid4().hex}/rewind", [])
        return answer.status == 404 and answer.is_json and fault_from_json(answer.value) is not None

    def _asked(self, method: str, target: str, parameters: list[tuple[str, str | None]]) -> Answer:
        headers = {KEY_HEADER: self._key} if self._key else {}
        return self._transport.send(
            Request(method, target + query([*parameters, *self._hub]), headers=headers)
        )


def clock_skew(answer: Answer, asked: datetime, answered: datetime) -> timedelta | None:
    """How far the service's clock is ahead of ours, by the Date of an answer; None when it tells
    none.
    """
    theirs = http_date(answer.headers.get("date", ""))
    return None if theirs is None else theirs - (asked + (answered - asked) / 2)
