"""The addresses that a local hub writes into its payloads, and how it knows them again
(docs/adr/0023-which-hub.md); pure.
"""

from __future__ import annotations

import re

from durablectl.wire import BASE_PATH, HubAddress

NOMINAL_BASE = f"http://localhost:7071{BASE_PATH}"
"""Where a hub that is not served would answer if it were served with the default port."""
TASK_HUB = "local"
CONNECTION = "Storage"
OWN_CONNECTIONS = frozenset({"storage", "azurewebjobsstorage"})
"""The service's own names for the connection that an app uses when it names none, in lower case."""
UNNAMED = "0" * 16
"""For a file that has no name yet: no hub takes an address with it for its own."""
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
