"""Where a served hub is, as its addresses name it; knows no server."""

from __future__ import annotations

from dataclasses import dataclass

from durablectl.backends.local_address import CONNECTION, OWN_CONNECTIONS
from durablectl.wire import BASE_PATH, HubAddress

PATH = BASE_PATH
MOST_BYTES = 32 * 1024 * 1024
"""Of a message to or from a gRPC client, as the binding of an app's clients names it."""


@dataclass(frozen=True, slots=True)
class Place:
    """The hub's name and connection, and the key that goes into its addresses.

    `overrides_any`: a start replaces what has its id, finished or not (host.json,
    overridableExistingInstanceStates). `file_connection` names the hub's file, as the payloads of
    its command line do.
    """

    task_hub: str
    connection: str
    key: str | None = None
    version: str | None = None
    overrides_any: bool = False
    file_connection: str = CONNECTION

    @property
    def connections(self) -> frozenset[str]:
        """What a client may name as the connection of this hub, in lower case."""
        return OWN_CONNECTIONS | {self.connection.lower(), self.file_connection.lower()}

    def address(self, origin: str) -> HubAddress:
        return HubAddress(
            origin + PATH, self.task_hub, self.connection, f"code={self.key}" if self.key else ""
        )
