"""An entry of a worker's log about a failure."""

import json
import time

import pytest

from durablectl.engine.worker.outcomes import Failed
from durablectl.render.failures import failure_entry

TRACEBACK = (
    'Traceback (most recent call last):\n  File "/app/a.py", line 3, in pay\n    '
    "check()\nValueError: no gold\n"
)


def details(stack=TRACEBACK):
    return json.dumps({"ClassName": "ValueError", "Message": "no gold", "StackTraceString": stack})


REASON = "Activity function 'pay' failed:  ValueError: no gold"


@pytest.mark.parametrize(
    ("failed", "entry"),
    [
        (
            Failed("activity", "o-1", REASON, details()),
            (
                "[o-1] activity 'pay' failed: ValueError: no gold\n[o-1]   /app/a.py:3, in pay\n[o-1] "
                "    check()"
            ),
        ),
        (
            Failed("activity", "o-1", REASON, details(), is_tried_again=True),
            (
                "[o-1] activity 'pay' failed and is tried again: ValueError: no gold\n[o-1]   "
                "/app/a.py:3, in pay\n[o-1]     check()"
            ),
        ),
        (
            Failed(
                "entity",
                "@cash@x",
                "Entity function 'cash' failed:  ValueError: no gold",
                details(""),
                "take",
            ),
            "[@cash@x] entity 'cash', operation 'take', failed: ValueError: no gold",
        ),
        (
            Failed(
                "orchestrator",
                "o-1",
                f"Orchestrator function 'order' failed: {REASON} \n {details()}",
                is_passed_on=True,
            ),
            "[o-1] orchestrator 'order' failed: ValueError: no gold (in pay, order)",
        ),
        (
            Failed("activity", "a\nb", "no such function"),
            "[a\\nb] activity failed: no such function",
        ),
        (Failed("activity", "o-1", "two\nlines"), "[o-1] activity failed: two\n[o-1]   lines"),
    ],
    ids=["activity", "attempt", "entity", "passed on", "unknown", "lines"],
)
def test_an_entry_says_what_failed_and_where(failed, entry):
    assert failure_entry(failed) == entry


def test_the_whole_traceback_is_for_verbose():
    lines = failure_entry(Failed("activity", "o-1", REASON, details()), verbose=True).splitlines()
    assert lines[1:] == [f"[o-1]   {line}" for line in TRACEBACK.splitlines()]


def test_an_entry_stays_short():
    frames = "".join(
        f'  File "/app/a.py", line {number}, in f{number}\n    g()\n' for number in range(20_000)
    )
    text = "\n".join("x" * 1000 for _ in range(1000))
    started = time.process_time()
    entry = failure_entry(Failed("activity", "o-1", text, details(frames)))
    assert (len(entry.splitlines()) < 50, len(entry) < 5_000) == (True, True)
    assert "in f0\n" in entry
    assert "in f19999\n" in entry
    assert time.process_time() - started < 3
