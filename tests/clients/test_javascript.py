"""The official JavaScript client (durable-functions from npm) does all that it can against
`serve`."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.clients.conftest import KEY, binding
from tests.server.serving import Served

HERE = Path(__file__).parent
SEEN = {
    "start": ["{mark}a", ["Oslo", "Rome"], ["Hello Oslo!", "Hello Rome!"]],
    "generated": [True, ""],
    "history": None,
    "absent": True,
    "unknown": "Failed",
    "event": {"ok": True},
    "eventWithoutData": True,
    "eventToNobody": "No instance with ID '{mark}absent' found.",
    "taken": True,
    "rewindRunning": "This orchestration has status Running, but only orchestrations in the "
    '"Failed" state can be rewound.',
    "terminated": "enough",
    "rewound": "second try",
    "noEntity": False,
    "entity": [True, 5],
    "waited": [200, ["Hello Oslo!", "Hello Rome!"]],
    "links": True,
    "listed": ["{mark}s"],
    "all": True,
    "purged": 1,
    "purgedAgain": 0,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the script and the npm packages of package-lock.json; without npm, or without
    its registry, the tests are skipped.
    """
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("javascript")
    for name in ("package.json", "package-lock.json", "operations.js"):
        shutil.copy(HERE / name, folder)
    done = subprocess.run(
        ["npm", "ci", "--no-audit", "--no-fund"],
        cwd=folder,
        check=False,
        capture_output=True,
        text=True,
        timeout=100,
    )
    if done.returncode != 0:
        assert not os.environ.get("CI"), done.stderr
        pytest.skip("npm cannot install the client")
    return folder


def seen(folder: Path, served: Served, mark: str, *, rpc: bool, key: str = "") -> dict[str, object]:
    command = ["node", "operations.js", json.dumps(binding(served, rpc=rpc, key=key)), mark]
    done = subprocess.run(
        command, cwd=folder, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode == 0, done.stderr + served.errors
    found: dict[str, object] = json.loads(done.stdout)
    return found


def expected(mark: str) -> dict[str, object]:
    wanted: dict[str, object] = json.loads(json.dumps(SEEN).replace("{mark}", mark))
    return wanted


def test_every_operation_works_on_the_path_of_an_apps_own_client(served, folder):
    found = seen(folder, served, "jsr", rpc=True)
    assert found.pop("purgedBy")
    assert found == expected("jsr")


def test_every_operation_works_on_the_public_path_with_a_key(guarded, folder):
    found = seen(folder, guarded, "jsw", rpc=False, key=KEY)
    assert found.pop("purgedBy")
    assert found == expected("jsw")
