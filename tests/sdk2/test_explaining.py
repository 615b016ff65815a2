"""What an orchestrator on azure-functions-durable 2.x waits for is named too."""

from __future__ import annotations

import pytest

from durablectl import explain
from durablectl.explanation.model import StepKind
from durablectl.testing import Durable

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


def test_an_event_is_named_with_the_line_that_waits_for_it(durable: Durable) -> None:
    instance_id = durable.start("races")
    made = explain(durable.hub, instance_id)
    event = next(each for each in made.waiting_for if each.kind is StepKind.EVENT)
    assert (event.name, event.place.partition(":")[0]) == ("go", "function_app.py")
    assert [each.kind for each in made.waiting_for] == [StepKind.EVENT, StepKind.TIMER]
