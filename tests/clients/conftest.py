"""A served app for the official clients, and the binding that the Functions host would hand to
them.
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from durablectl.wire import HubAddress, creation_urls, management_payload, payload_to_json
from tests.server.serving import BASE, RECORDINGS, Served, serving

KEY = "the-clients.key"


def binding(served: Served, *, rpc: bool, key: str = "") -> dict[str, Any]:
    address = HubAddress(
        f"http://127.0.0.1:{served.port}{BASE}", "local", "Storage", f"code={key}" if key else ""
    )
    members = {
        "taskHubName": "local",
        "creationUrls": creation_urls(address),
        "managementUrls": payload_to_json(management_payload(address, "INSTANCEID")),
        "baseUrl": address.base,
        "requiredQueryStringParameters": address.query,
    }
    return members | ({"rpcBaseUrl": f"http://127.0.0.1:{served.port}/durabletask/"} if rpc else {})


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory):
    with serving(tmp_path_factory.mktemp("hub"), app=RECORDINGS / "function_app.py") as server:
        yield server


@pytest.fixture(scope="module")
def guarded(tmp_path_factory: pytest.TempPathFactory):
    """One that asks for a key."""
    folder: Path = tmp_path_factory.mktemp("guarded")
    with serving(
        folder,
        "--key-env",
        "SERVED_KEY",
        app=RECORDINGS / "function_app.py",
        environ={"SERVED_KEY": KEY},
    ) as server:
        yield server
