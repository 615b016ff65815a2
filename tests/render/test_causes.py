"""Why an instance failed: the innermost cause, whichever worker wrote the text around it."""

import pytest

from durablectl.render.causes import Cause, cause_of

RECORDED = (
    "Orchestrator function 'failing' failed: The activity function 'fail' failed: \"no luck\"."
    " See the function execution logs for additional details."
)
NESTED = (
    "Orchestrator function 'outer' failed: The orchestrator function 'inner' failed: \"The activity function 'pay' failed: "
    '\\"card \\\\\\"gold\\\\\\" refused\\". See the function execution logs for additional details.". '
    "See the function execution logs for additional details."
)


@pytest.mark.parametrize(
    ("output", "cause"),
    [
        (RECORDED, Cause("no luck", ("activity 'fail'", "orchestrator 'failing'"))),
        (NESTED, Cause('card "gold" refused', ("activity 'pay'", "orchestrator 'inner'", "orchestrator 'outer'"))),
        ("Orchestrator function 'throwing' failed: bad orchestrator", Cause("bad orchestrator", ("orchestrator 'throwing'",))),
        (
            "Orchestrator function 'o' failed: Activity function 'a' failed:  ValueError: m \n {\"ClassName\": \"ValueError\"}",
            Cause("ValueError: m", ("activity 'a'", "orchestrator 'o'")),
        ),
        (
            "Orchestrator function 'o' failed: Activity function 'a' failed: Result: Failure\nException: KeyError: 'x'\nStack:   File 1",
            Cause("KeyError: 'x'", ("activity 'a'", "orchestrator 'o'")),
        ),
        ("System.Exception: boom", Cause("System.Exception: boom")),
        ("a message\n { not json }", Cause("a message\n { not json }")),
        ("", Cause("no reason was given")),
        ({"code": 7}, Cause('{"code": 7}')),
    ],
    ids=["recorded", "nested quotes", "orchestrator", "python 1.x", "python stack", "isolated", "braces", "empty", "object"],
)
def test_the_innermost_cause_is_found_and_unescaped(output, cause):
    assert cause_of(output) == cause
