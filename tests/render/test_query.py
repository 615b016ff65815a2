"""JMESPath expressions: which of them read a member of the value itself, by their grammar and not
by their text.
"""

import pytest

from durablectl.render.query import compiled, reads

READING = [
    "runtimeStatus",
    "runtimeStatus=='Failed'",
    '"runtimeStatus"==`"Failed"`',
    "customStatus.a == 'x' && runtimeStatus != 'Failed'",
    "!(runtimeStatus == 'Failed')",
    "contains(['Failed', 'Completed'], runtimeStatus)",
    "@.runtimeStatus",
    "@ | runtimeStatus",
    "{s: runtimeStatus}.s",
    "[runtimeStatus, customStatus][0]",
    "[@][?runtimeStatus=='Failed']",
    "[@][0].runtimeStatus",
    "[@][].runtimeStatus",
    "[@][:1].runtimeStatus",
    "not_null(@).runtimeStatus",
    "sort_by([@], &runtimeStatus)",
]
OTHERS = [
    "name",
    "'runtimeStatus'",
    '`"runtimeStatus"`',
    "customStatus.runtimeStatus",
    "customStatus | runtimeStatus",
    "customStatus.a.runtimeStatus",
    "customStatus.*.runtimeStatus",
    "*.runtimeStatus",
    "input[0].runtimeStatus",
    "input[?runtimeStatus=='Failed']",
    "input[?a=='b'].runtimeStatus",
    "input[].runtimeStatus",
    "input[1:2].runtimeStatus",
    "historyEvents[*].runtimeStatus",
    "sort_by(input, &runtimeStatus)",
    "{runtimeStatus: name}",
    "runtimeStatusText",
    "@",
    "contains(to_string(@), 'runtimeStatus')",
]


@pytest.mark.parametrize(
    ("text", "expected"), [*((text, True) for text in READING), *((text, False) for text in OTHERS)]
)
def test_a_member_is_read_or_only_named(text, expected):
    assert reads(compiled(text), "runtimeStatus") is expected
