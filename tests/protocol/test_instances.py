"""The state of an instance survives the way through the protocol's messages."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from generated import instances
from hypothesis import given
from hypothesis import strategies as st
from message_classes import CLASSES, PROPERTY, T0, sent

from durablectl.model import InstanceStatus, Page, RuntimeStatus
from durablectl.protocol.failures import FailureDetails
from durablectl.protocol.fields import MalformedMessage
from durablectl.protocol.instances import (
    failure_of_status,
    instance_fields,
    page_fields,
    read_instance,
    read_page,
    read_response,
    response_fields,
)
from durablectl.protocol.messages import dapr, durable_task

MESSAGES = durable_task().messages
STAMPS = {"createdTimestamp": {"seconds": 1}, "lastUpdatedTimestamp": {"seconds": 2}}


def state(**fields):
    return sent(MESSAGES.OrchestrationState, {"instanceId": "a", **STAMPS, **fields})


@pytest.mark.parametrize("kinds", CLASSES)
@PROPERTY
@given(instance=instances())
def test_an_instance_survives(kinds, instance):
    made = read_instance(sent(kinds.OrchestrationState, instance_fields(instance)))
    assert (made, made.details) == (instance, instance.details)
    assert failure_of_status(made) == failure_of_status(instance)


@PROPERTY
@given(instance=instances())
def test_an_instance_survives_in_daprs_dialect(instance):
    if instance.failure_details is None:  # Dapr's failures have no properties
        made = read_instance(sent(dapr().messages.OrchestrationState, instance_fields(instance)))
        assert (made, made.details) == (instance, instance.details)


@PROPERTY
@given(page=st.lists(instances(), max_size=3), token=st.none() | st.text(min_size=2))
def test_a_page_survives(page, token):
    whole = Page(tuple(page), token)
    assert (
        read_page(sent(MESSAGES.QueryInstancesResponse, page_fields(whole, payloads=True))) == whole
    )


@pytest.mark.parametrize(
    "status", [status for status in RuntimeStatus if status is not RuntimeStatus.UNKNOWN], ids=str
)
def test_a_status_has_the_number_of_its_name(status):
    message = MESSAGES.OrchestrationState(
        **instance_fields(InstanceStatus("F", "a", status, T0, T0))
    )
    enum = message.DESCRIPTOR.fields_by_name["orchestrationStatus"].enum_type
    assert (
        enum.values_by_number[message.orchestrationStatus].name
        == f"ORCHESTRATION_STATUS_{status.name}"
    )


@pytest.mark.parametrize("number", [-1, 8, 99, 2**31 - 1])
def test_a_number_without_a_meaning_is_an_unknown_status(number):
    status = read_instance(state(orchestrationStatus=number))
    assert (status.runtime_status, status.is_final) == (RuntimeStatus.UNKNOWN, False)


def test_a_stalled_instance_of_dapr_is_not_finished():
    kind = dapr().messages.OrchestrationState
    stalled = kind(instanceId="a", orchestrationStatus=8, **STAMPS)
    assert (
        kind.DESCRIPTOR.fields_by_name["orchestrationStatus"]
        .enum_type.values_by_number[8]
        .name.endswith("_STALLED")
    )
    assert not read_instance(stalled).is_final


def test_the_failure_is_the_output_where_the_server_sends_none():
    failure = {
        "errorType": "ValueError",
        "errorMessage": "no",
        "stackTrace": {"value": 'File "/app/f.py", line 3, in pay'},
    }
    status = read_instance(state(orchestrationStatus=3, failureDetails=failure))
    assert status.output == "ValueError: no"
    assert status.cause.place == "/app/f.py:3, in pay"
    assert failure_of_status(status) == FailureDetails(
        "no", "ValueError", 'File "/app/f.py", line 3, in pay'
    )


def test_an_empty_text_is_no_value():
    empty, failure = {"value": ""}, {"errorType": "ValueError", "errorMessage": "no"}
    sent = dict.fromkeys(("input", "output", "customStatus"), empty)
    status = read_instance(state(orchestrationStatus=3, failureDetails=failure, **sent))
    assert (status.input, status.custom_status, status.output) == (None, None, "ValueError: no")


def test_a_failed_instance_of_the_engine_has_its_failure():
    text = '{"ClassName": "ValueError", "Message": "no", "StackTraceString": "File x"}'
    failed = InstanceStatus(
        "F",
        "a",
        RuntimeStatus.FAILED,
        T0,
        T0,
        output="Orchestrator function 'F' failed: no",
        failure_details=text,
    )
    status = read_instance(sent(MESSAGES.OrchestrationState, instance_fields(failed)))
    assert failure_of_status(status) == FailureDetails("no", "ValueError", "File x")
    assert status.output == failed.output


def test_payloads_are_json_and_what_is_none_is_its_text():
    status = read_instance(
        state(input={"value": '{"a": 1}'}, output={"value": "plain"}, customStatus={"value": " "})
    )
    assert (status.input, status.output, status.custom_status) == ({"a": 1}, "plain", "")


def test_payloads_that_were_not_asked_for_are_left_out():
    known = InstanceStatus("F", "a", RuntimeStatus.COMPLETED, T0, T0, 1, 2, 3)
    message = MESSAGES.GetInstanceResponse(**response_fields(known, payloads=False))
    status = read_response(message)
    assert (status.input, status.custom_status, status.output) == (None, 2, None)


def test_no_instance_is_none():
    assert (
        read_response(sent(MESSAGES.GetInstanceResponse, response_fields(None, payloads=True)))
        is None
    )


def test_an_id_that_the_server_does_not_repeat_is_the_one_that_was_asked_for():
    response = MESSAGES.GetInstanceResponse(exists=True, orchestrationState={"name": "F", **STAMPS})
    assert read_response(response, "a").instance_id == "a"


@pytest.mark.parametrize("token", ["", "0"])
def test_the_last_page_has_no_token(token):
    assert read_page(MESSAGES.QueryInstancesResponse(continuationToken={"value": token})) == Page(
        ()
    )


def test_times_are_exact_to_the_microsecond_over_their_whole_range():
    first, last = (
        datetime(1, 1, 1, tzinfo=UTC),
        datetime(9999, 12, 31, 23, 59, 59, 999_999, tzinfo=UTC),
    )
    known = InstanceStatus("F", "a", RuntimeStatus.RUNNING, first, last)
    assert read_instance(sent(MESSAGES.OrchestrationState, instance_fields(known))) == known


BROKEN = {
    "no id": (state(instanceId=""), "'instanceId' is missing"),
    "no time": (MESSAGES.OrchestrationState(instanceId="a"), "'createdTimestamp' is missing"),
    "a time before the year 1": (
        state(createdTimestamp={"seconds": -(2**40)}),
        "'createdTimestamp' is not a time",
    ),
    "a completion that is not a time": (
        state(completedTimestamp={"nanos": -1}),
        "'completedTimestamp' is not a time",
    ),
}


@pytest.mark.parametrize(("message", "problem"), BROKEN.values(), ids=BROKEN.keys())
def test_a_broken_state_is_malformed(message, problem):
    with pytest.raises(MalformedMessage) as raised:
        read_instance(message)
    assert problem in raised.value.message


def test_an_instance_that_exists_and_is_not_there_is_malformed():
    with pytest.raises(MalformedMessage, match="'orchestrationState' is missing"):
        read_response(MESSAGES.GetInstanceResponse(exists=True))
