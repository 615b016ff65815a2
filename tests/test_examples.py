"""The example app does what its README says, on the real engine."""

from __future__ import annotations

import json
import subprocess
import sys
import warnings
from pathlib import Path
from typing import Any

import pytest

from durablectl.functionapp.loader import load_app
from durablectl.functionapp.source_check import unsafe_calls
from durablectl.testing import PortabilityWarning

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


@pytest.mark.parametrize(
    ("file", "approval"),
    [
        ("order.json", None),
        ("dear-order.json", {"approved": True, "by": "ada"}),
        ("dear-order.json", None),
        ("impossible-order.json", None),
    ],
)
def test_no_example_relies_on_what_azure_does_not_do(durable, file, approval):
    durable.app(ORDERS / "function_app.py")
    assert unsafe_calls(load_app(ORDERS / "function_app.py")) == []
    instance_id = durable.start("Order", json.loads((ORDERS / file).read_text()))
    if approval is not None:
        durable.raise_event(instance_id, "Approval", approval)
    with warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        assert durable.wait(instance_id).is_final
    assert [str(each.message) for each in found if each.category is PortabilityWarning] == []


def test_every_app_of_the_examples_is_tried_here():
    apps = {each.parent for each in ORDERS.parent.rglob("function_app.py")}
    assert apps == {ORDERS}
