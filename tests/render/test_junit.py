"""A JUnit report: what Ant's and Jenkins's schemas ask of it, and that no text can break it."""

import re
from datetime import UTC, datetime
from xml.etree import ElementTree as ET

import pytest

from durablectl.causes import Cause
from durablectl.render.ci import Kind, Verdict
from durablectl.render.junit import report

NOW = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
GOOD = Verdict("a", "Order", "Completed", 1.5, Kind.SATISFIED)
BAD = Verdict("b", "Order", "Failed", 2.25, Kind.FAILED, "no gold")
LATE = Verdict("c", "Order", "Running", 3.0, Kind.TIMED_OUT)
LEFT = Verdict("d", "Order", "Running", 0.0, Kind.PENDING)
ALL = [GOOD, BAD, LATE, LEFT]


def read(*verdicts, **settings):
    text = report("durablectl wait", verdicts, now=NOW, hub="https://orders.example", **settings)
    return ET.fromstring(text.encode())


def test_an_instance_is_a_test_case():
    cases = {
        case.get("name"): [(child.tag, child.get("type")) for child in case]
        for case in read(*ALL).iter("testcase")
    }
    assert cases == {
        "a": [],
        "b": [("failure", "Failed")],
        "c": [("error", "timed out")],
        "d": [("skipped", None)],
    }


def test_a_suite_has_what_the_schemas_require():
    (suite,) = read(*ALL)
    assert suite.attrib == {
        "name": "durablectl wait",
        "package": "durablectl",
        "id": "0",
        "timestamp": "2026-01-02T03:04:05",
        "hostname": "localhost",
        "tests": "4",
        "failures": "1",
        "errors": "1",
        "time": "6.750",
    }
    assert [child.tag for child in suite] == [
        "properties",
        *["testcase"] * 4,
        "system-out",
        "system-err",
    ]
    assert all(
        re.fullmatch(r"\d+\.\d{3}", case.get("time")) and case.get("classname")
        for case in suite.iter("testcase")
    )


def test_a_failure_says_what_failed_and_its_cause_when_it_is_told():
    (failure,) = read(BAD).iter("failure")
    assert (failure.get("message"), failure.text) == (
        "instance 'b' (Order) is Failed: no gold",
        "no gold",
    )


def test_a_failure_carries_its_cause_and_where_it_came_from():
    traceback = (
        'Traceback (most recent call last):\n  File "/app/a.py", line 1, in pay\n    '
        "check()\nValueError: no gold"
    )
    cause = Cause("ValueError: no gold", ("activity 'pay'", "orchestrator 'Order'"), traceback)
    (failure,) = read(Verdict("b", "Order", "Failed", 2.25, Kind.FAILED, cause=cause)).iter(
        "failure"
    )
    assert failure.get("message") == (
        "instance 'b' (Order) is Failed: ValueError: no gold (in pay, Order)"
    )
    assert failure.text == (
        "ValueError: no gold\nat /app/a.py:1, in pay\nin activity 'pay'\nin "
        f"orchestrator 'Order'\n\n{traceback}"
    )


def test_a_fault_is_an_error_of_every_instance_that_was_waited_for():
    errors = [error.get("message") for error in read(LATE, BAD, fault="no answer").iter("error")]
    assert errors == ["no answer", "no answer"]


@pytest.mark.parametrize(
    "text",
    ["<&>]]>\"'", "\x00\x1b[2J\ud800\ufffe\uffff\u202e", "\n\t\r", "x" * 2**20],
    ids=["xml", "no xml", "space", "long"],
)
def test_no_text_breaks_the_file(text):
    (suite,) = read(Verdict(text, text, "Failed", 0.0, Kind.FAILED, text))
    assert len(list(suite.iter("failure"))) == 1


def test_no_instances_are_an_empty_suite():
    assert read()[0].get("tests") == "0"
