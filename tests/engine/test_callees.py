"""Functions of the Azure SDK, named by themselves."""

import pytest

from durablectl.engine.replay.callees import resolve
from tests.engine.oracle import df

app = df.DFApp()


@app.activity_trigger(input_name="n")
def double(n: int) -> int:
    return 2 * n


@app.orchestration_trigger(context_name="context")
def parent(context) -> list:
    yield


def test_the_sdks_functions_give_their_name_and_what_they_return():
    """79"""
    assert resolve(double, "call_activity") == ("double", int)
    assert resolve(parent, "call_sub_orchestrator") == ("parent", list)


@pytest.mark.parametrize(
    ("function", "method"),
    [(parent, "call_activity"), (double, "call_sub_orchestrator")],
    ids=["no activity", "no orchestrator"],
)
def test_a_function_of_another_kind_is_refused_in_the_sdks_words(function, method):
    with pytest.raises(
        ValueError,
        match=r"Received function with Trigger-type `\w+Trigger` but "
        r"expected `\w+Trigger`",
    ):
        resolve(function, method)
