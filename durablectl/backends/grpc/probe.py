"""Single questions to a hub over gRPC, that show why it does not work; nothing is changed."""

from __future__ import annotations

import socket
from collections.abc import Mapping
from contextlib import suppress
from urllib.parse import urlsplit

from durablectl.backends.grpc.calls import Calls
from durablectl.errors import BadAddress, Unsupported
from durablectl.new_ids import random_id
from durablectl.protocol.fields import Fields
from durablectl.protocol.messages import Dialect, dapr

Abilities = Mapping[str, tuple[str, Fields | None]]
ABILITIES: Abilities = {
    "history": ("StreamInstanceHistory", None),
    "rewind": ("RewindInstance", None),
    "restart": ("RestartInstance", None),
    "entities": ("QueryEntities", {"query": {"pageSize": {"value": 1}}}),
}
"""What not every server can do, with the method that shows it; None asks for an instance that is
not there."""
DAPRS: Abilities = {
    "list": ("ListInstanceIDs", {"pageSize": 1}),
    "history": ("GetInstanceHistory", None),
}
"""What Dapr has in place of queries and streams. To the rest it may answer OK and do nothing."""


class Probe:
    """Asks with the calls of a hub."""

    def __init__(self, calls: Calls) -> None:
        self._calls = calls
        self._nobody = f"durablectl-doctor-{random_id()}"

    def addresses(self) -> list[str]:
        """The addresses of the host; `BadAddress` when it has none."""
        parts = urlsplit(self._calls.place.address)
        try:
            rows = socket.getaddrinfo(parts.hostname, parts.port, type=socket.SOCK_STREAM)
        except (OSError, UnicodeError) as error:
            raise BadAddress(
                f"the host '{parts.hostname}' cannot be found",
                hint="check the address of the task hub",
            ) from error
        return list(dict.fromkeys(str(address[0]) for *_, address in rows))

    def hello(self) -> None:
        """Raises what keeps a call from being answered."""
        with suppress(Unsupported):  # some servers have no such method
            self._calls.call("Hello", {})

    def look_up(self) -> None:
        """Ask for an instance that is not there, as every command may; raises what refuses it."""
        self._calls.instance(self._nobody)

    def lacks(self) -> list[str]:
        """What the server cannot do."""
        if self._calls.has_queries:
            return self._missing(ABILITIES, None)
        never = [ability for ability in ABILITIES if ability not in DAPRS]
        return self._missing(DAPRS, dapr()) + never

    def _missing(self, abilities: Abilities, dialect: Dialect | None) -> list[str]:
        nobody = {"instanceId": self._nobody}
        return [
            ability
            for ability, (method, fields) in abilities.items()
            if not self._calls.has(method, fields or nobody, dialect=dialect)
        ]

    def close(self) -> None:
        self._calls.close()
