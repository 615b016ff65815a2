"""What an orchestrator on azure-functions-durable 2.x waits for is named too."""

from __future__ import annotations

import pytest

from durablectl import explain, judge
from durablectl.explanation.model import StepKind
from durablectl.history.verdict import Judgement
from durablectl.testing import Durable

pytestmark = pytest.mark.filterwarnings("default::DeprecationWarning")


def test_an_event_is_named_with_the_line_that_waits_for_it(durable: Durable) -> None:
    instance_id = durable.start("races")
    made = explain(durable.hub, instance_id)
    event = next(each for each in made.waiting_for if each.kind is StepKind.EVENT)
    assert (event.name, event.place.partition(":")[0]) == ("go", "function_app.py")
    assert [each.kind for each in made.waiting_for] == [StepKind.EVENT, StepKind.TIMER]


def test_a_history_over_http_is_not_judged_and_the_reason_says_what_would_be(
    durable: Durable,
) -> None:
    instance_id = durable.start("races")
    shown = durable.hub.get_status(instance_id, show_history=True, show_history_output=True)
    code = durable._registry.orchestrators.get("races")
    assert code is not None
    verdict = judge(shown, code)
    assert verdict.judgement is Judgement.CANNOT_JUDGE
    assert "2.x, which needs a complete history: the HTTP API has none" in verdict.reason
    assert judge(durable.history(instance_id), code).fits


def test_an_event_that_nothing_waits_for_is_named(durable: Durable) -> None:
    instance_id = durable.start("races")
    durable.raise_event(instance_id, "Went", 1)
    made = explain(durable.hub, instance_id)
    assert [(each.name, each.is_used) for each in made.received] == [("Went", False)]
