"""The addresses that a local hub writes into its payloads, where it answers now, and how it knows
its own again (docs/adr/0023-which-hub.md).
"""

from __future__ import annotations

import math
import re
import time
from collections.abc import Callable, Iterator, Sequence
from typing import TYPE_CHECKING, Any

from durablectl.wire import BASE_PATH, HubAddress

if TYPE_CHECKING:
    from durablectl.engine.store.queries import Queries

NOMINAL_BASE = f"http://localhost:7071{BASE_PATH}"
"""Where a hub that is not served would answer if it were served with the default port."""
TASK_HUB = "local"
CONNECTION = "Storage"
OWN_CONNECTIONS = frozenset({"storage", "azurewebjobsstorage"})
"""The service's own names for the connection that an app uses when it names none, in lower case."""
UNNAMED = "0" * 16
"""For a file that has no name yet: no hub takes an address with it for its own."""
SECONDS_AT_AN_ADDRESS = 1.0
OF_A_FILE = r"local-[0-9a-f]{16}"
"""The pattern of a connection that names the file of a local hub."""


def connection_of(hub_id: str | None) -> str:
    """The connection that a hub's addresses name: its own file.

    A service that has another storage refuses it.
    """
    return f"local-{hub_id or UNNAMED}"


def names_a_file(address: HubAddress) -> bool:
    """Whether a local hub's command line or library wrote this address, rather than a server."""
    return re.fullmatch(OF_A_FILE, address.connection or "", re.IGNORECASE) is not None


def is_nominal(address: HubAddress) -> bool:
    """Whether it was written while no server answered for its hub: what answers there is another
    one's.
    """
    return names_a_file(address) and address.base.lower() == NOMINAL_BASE


class LiveAddress:
    """The address of a hub's file, and of a server of it while one is among the live `workers`."""

    def __init__(self, queries: Queries, workers: Callable[[], Sequence[Any]]) -> None:
        self._queries, self._workers = queries, workers
        self._looked_at, self._address = -math.inf, HubAddress(NOMINAL_BASE, TASK_HUB, CONNECTION)

    @property
    def connection(self) -> str:
        """What this hub's addresses name as their connection: its file."""
        return connection_of(self._queries.hub_id())

    def is_own(self, address: HubAddress) -> bool:
        """Whether an address is this hub's own: it names this file, or a live server of this hub
        answers there.
        """
        if names_a_file(address):
            hub_id = self._queries.hub_id()
            return hub_id is not None and (address.connection or "").lower() == connection_of(
                hub_id
            )
        if address.connection is not None and address.connection.lower() not in OWN_CONNECTIONS:
            return False
        hub = (address.task_hub or "").lower()
        return any(
            base.lower() == address.base.lower() and hub in ("", name.lower())
            for base, name in self._servers()
        )

    def now(self) -> HubAddress:
        """Where a live server answers for this hub, looked up once a second at most; else where one
        would.
        """
        if time.monotonic() - self._looked_at > SECONDS_AT_AN_ADDRESS:
            base, task_hub = next(self._servers(), (NOMINAL_BASE, TASK_HUB))
            self._address = HubAddress(base, task_hub, self.connection)
            self._looked_at = time.monotonic()
        return self._address

    def is_served(self) -> bool:
        """Whether a live server answers for this hub."""
        return next(self._servers(), None) is not None

    def _servers(self) -> Iterator[tuple[str, str]]:
        """The base addresses and task hubs of the live servers of this hub."""
        served: list[dict[str, str]] = [
            worker.about["served"] for worker in self._workers() if "served" in worker.about
        ]
        return ((each["base"], each["task_hub"]) for each in served)
