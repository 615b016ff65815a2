"""The example app does what its README says, on the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

ORDERS = Path(__file__).parents[1] / "examples" / "orders"


@pytest.fixture
def durablectl(tmp_path):
    def run(*args: str) -> tuple[int, Any]:
        command = [
            sys.executable,
            "-m",
            "durablectl",
            *args,
            "--app",
            str(ORDERS),
            "--hub",
            str(tmp_path / "hub.db"),
            "-o",
            "json",
        ]
        done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
        return done.returncode, json.loads(done.stdout) if done.stdout else done.stderr

    return run


def test_an_order_is_shipped_although_the_bank_was_busy_at_first(durablectl):
    code, status = durablectl("run", "Order", "--input", str(ORDERS / "order.json"))
    assert (code, status["output"]) == (
        0,
        {
            "order": "2024-0117",
            "state": "shipped",
            "total": 193.6,
            "receipt": "7899/193.60",
            "parcels": ["tea-sencha-x4", "cup-blue-x2", "kettle-iron-x1"],
        },
    )


def test_an_order_for_what_is_not_there_fails(durablectl):
    code, status = durablectl("run", "Order", "--input", str(ORDERS / "impossible-order.json"))
    assert (code, status["runtimeStatus"]) == (10, "Failed")
    assert "there is no article 'teapot-glass'" in status["output"]


def start_dear_order(durablectl, **changes: Any) -> None:
    order = json.loads((ORDERS / "dear-order.json").read_text()) | changes
    code, _ = durablectl(
        "start", "Order", "--instance-id", "dear-1", "--input-json", json.dumps(order)
    )
    assert code == 0


@pytest.mark.parametrize(("approved", "state"), [(True, "shipped"), (False, "refused")])
def test_a_dear_order_waits_for_a_person(durablectl, approved, state):
    start_dear_order(durablectl)
    assert durablectl("wait", "dear-1", "--timeout", "0.5s")[0] == 124
    assert (
        durablectl(
            "raise-event",
            "dear-1",
            "Approval",
            "--input-json",
            json.dumps({"approved": approved, "by": "ada"}),
        )[0]
        == 0
    )
    code, status = durablectl("wait", "dear-1", "--timeout", "60s")
    assert (code, status["output"]["state"]) == (0, state)


def test_a_dear_order_that_nobody_approves_is_refused(durablectl):
    start_dear_order(durablectl, approve_within_seconds=0)
    code, status = durablectl("wait", "dear-1", "--timeout", "60s")
    assert (code, status["output"]["reason"]) == (0, "nobody approved 1019.00 in time")
