"""A failure keeps its structure in each of its forms."""

from __future__ import annotations

import json

import pytest
from generated import failures, texts
from hypothesis import given
from message_classes import CLASSES, PROPERTY, sent

from durablectl.causes import cause_of
from durablectl.protocol import failures as f
from durablectl.protocol.failures import MOST_LEVELS, FailureDetails
from durablectl.protocol.messages import durable_task

MESSAGES = durable_task().messages
BROKEN = FailureDetails(
    "no",
    "shop.Broken",
    "File x",
    FailureDetails("key", "KeyError"),
    True,
    {"code": 7, "why": ["a", None]},
)


def there_and_back(kinds, failure):
    message = sent(kinds.TaskFailedEvent, {"failureDetails": f.failure_fields(failure)})
    return f.read_failure(message)


def chain(levels):
    failure = None
    for level in reversed(range(levels)):
        failure = FailureDetails(str(level), inner=failure)
    return failure


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(failure=failures)
def test_a_failure_survives_as_message(kinds, failure):
    assert there_and_back(kinds, failure) == failure


@PROPERTY
@given(failure=failures)
def test_a_failure_survives_as_json(failure):
    assert f.failure_from_json(json.loads(f.exception_text(failure))) == failure
    assert f.failure_from_json(f.core_json(failure)) == failure
    assert f.failure_of(*f.reason_and_details(failure)) == failure


@PROPERTY
@given(text=texts)
def test_an_output_survives(text):
    assert f.failure_of_output(text).text == text


def test_no_failure_is_none():
    assert there_and_back(MESSAGES, None) is None


def test_the_forms_have_the_members_that_others_know():
    assert json.loads(f.exception_text(BROKEN)) == {
        "ClassName": "shop.Broken",
        "Message": "no",
        "StackTraceString": "File x",
        "InnerException": {
            "ClassName": "KeyError",
            "Message": "key",
            "StackTraceString": None,
            "InnerException": None,
        },
        "IsNonRetriable": True,
        "Data": {"code": 7, "why": ["a", None]},
    }
    assert f.core_json(BROKEN) == {
        "ErrorType": "shop.Broken",
        "ErrorMessage": "no",
        "StackTrace": "File x",
        "InnerFailure": {
            "ErrorType": "KeyError",
            "ErrorMessage": "key",
            "StackTrace": None,
            "InnerFailure": None,
        },
        "IsNonRetriable": True,
        "Properties": {"code": 7, "why": ["a", None]},
    }


def test_the_cause_of_a_failure_is_shown_with_its_traceback():
    cause = cause_of(*f.reason_and_details(BROKEN))
    assert (cause.text, cause.traceback) == ("Broken: no", "File x")


def test_an_output_is_read_as_class_and_message():
    assert f.failure_of_output("shop.Broken: no: more") == FailureDetails("no: more", "shop.Broken")
    assert f.failure_of_output("Orchestrator function 'F' failed: no") == FailureDetails(
        "Orchestrator function 'F' failed: no"
    )


def test_details_that_are_not_json_are_the_stack_trace():
    assert f.failure_of("no", "at pay()") == FailureDetails("no", stack_trace="at pay()")
    assert f.failure_of("no", "[1]") == FailureDetails("no", stack_trace="[1]")
    assert f.failure_of("no", None) == FailureDetails("no")


def test_members_of_other_types_are_left_out():
    document = {
        "ClassName": 1,
        "Message": None,
        "StackTraceString": [],
        "InnerException": "x",
        "Data": "y",
        "IsNonRetriable": "yes",
    }
    assert f.failure_from_json(document) == FailureDetails("")


def test_inner_failures_end_at_a_depth():
    assert there_and_back(MESSAGES, chain(200)) == chain(MOST_LEVELS)
    assert f.failure_from_json(f.core_json(chain(200))) == chain(MOST_LEVELS)
    message = MESSAGES.TaskFailedEvent(failureDetails={"errorMessage": "0"})
    inner = message.failureDetails
    for level in range(1, 200):
        inner = inner.innerFailure
        inner.errorMessage = str(level)
    assert f.read_failure(message) == chain(MOST_LEVELS)
    deep = {}
    for _ in range(900):
        deep = {"ClassName": "E", "Message": "m", "InnerException": deep}
    assert f.failure_of("no", json.dumps(deep)).error_type == "E"


def test_values_that_are_nested_too_deep_end_at_a_depth():
    text = '{"Message": "no", "Data": {"deep": ' + "[" * 900 + "]" * 900 + "}}"
    failure = f.failure_of("no", text)
    assert there_and_back(MESSAGES, failure) == failure
    assert f.failure_from_json(json.loads(f.exception_text(failure))) == failure
    # no JSON any more
    assert (
        f.failure_of("no", text.replace("[", "[" * 100).replace("]", "]" * 100)).stack_trace
        is not None
    )


def test_a_failure_at_every_limit_fits_into_a_message():
    value = "end"
    for _ in range(MOST_LEVELS):
        value = {"in": value}
    failure = None
    for _ in range(MOST_LEVELS):
        failure = FailureDetails("no", inner=failure, properties={"deep": value})
    assert there_and_back(MESSAGES, failure) == failure


def test_numbers_that_json_or_a_message_cannot_hold_are_text():
    properties = {
        "large": {"number_value": 2.0**80},
        "nan": {"number_value": float("nan")},
        "inf": {"number_value": float("-inf")},
    }
    message = sent(MESSAGES.TaskFailedEvent, {"failureDetails": {"properties": properties}})
    assert f.read_failure(message).properties == {"large": 2.0**80, "nan": "nan", "inf": "-inf"}
    huge = FailureDetails("no", properties={"number": 10**400})
    assert there_and_back(MESSAGES, huge).properties == {"number": str(10**400)}


def test_lone_surrogates_are_written_as_escapes():
    failure = FailureDetails("a\ud800", "E\ud800", "s\ud800", properties={"k\ud800": ["v\ud800"]})
    assert there_and_back(MESSAGES, failure) == FailureDetails(
        "a\\ud800", "E\\ud800", "s\\ud800", properties={"k\\ud800": ["v\\ud800"]}
    )
