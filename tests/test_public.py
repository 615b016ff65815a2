"""What users import and call keeps its names: a name that goes, or is moved, turns this red."""

from __future__ import annotations

import inspect
from importlib import import_module
from importlib.metadata import entry_points

import pytest

from durablectl import errors
from durablectl.testing import Durable

PUBLIC = {
    "durablectl": "Cause CheckStatusPayload Difference DurablectlError EntityId EntityStatus "
    "Explanation HistoryEvent IfExists InstanceFilter InstanceStatus Page RuntimeStatus TaskHub "
    "Verdict __version__ compare connect explain judge",
    "durablectl.errors": "AlreadyExists AppError BadAddress Conflict DurablectlError EntityNotFound "
    "FunctionNotFound HubBusy HubLost HubUnusable InstanceNotFound KeyRefused MissingExtra "
    "NotATaskHub NotFound OutcomeUnknown ServiceError Unreachable Unsupported UsageError "
    "WaitTimeout WrongState",
    "durablectl.testing": "Durable PortabilityWarning assert_replays",
    "durablectl.backends.local": "LocalTaskHub",
}
FIXTURE = "advance app calls close history hub load mock raise_event run start status wait"


@pytest.mark.parametrize(
    ("module", "name"), [(module, name) for module in PUBLIC for name in PUBLIC[module].split()]
)
def test_each_public_name_can_be_imported(module, name):
    assert getattr(import_module(module), name) is not None


@pytest.mark.parametrize("module", ["durablectl", "durablectl.testing"])
def test_nothing_else_is_exported(module):
    assert sorted(import_module(module).__all__) == sorted(PUBLIC[module].split())


def test_no_other_error_is_public():
    found = [name for name, _ in inspect.getmembers(errors, inspect.isclass) if name[0] != "_"]
    assert found == PUBLIC["durablectl.errors"].split()


def test_the_fixture_keeps_its_methods():
    assert sorted(name for name in vars(Durable) if not name.startswith("_")) == FIXTURE.split()


@pytest.mark.parametrize(("group", "name"), [("console_scripts", "main"), ("pytest11", "durable")])
def test_the_entry_points_lead_to_what_they_name(group, name):
    (point,) = entry_points(group=group, name="durablectl")
    assert getattr(point.load(), name, None) or point.load().__name__ == name
