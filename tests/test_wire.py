"""The service's JSON is read whatever its writer, and written exactly as the service writes it."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from recorded_server import NOTHING, VALUES, steps

from durablectl import wire
from durablectl.model import (
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    HistoryEvent,
    InstanceStatus,
    RuntimeStatus,
)

T0 = datetime(2026, 1, 2, 3, 4, 5, 999_000, tzinfo=UTC)
ADDRESS = wire.HubAddress(
    VALUES["base"], VALUES["hub"], VALUES["connection"], f"code={VALUES['key']}"
)
PAYLOADS = [
    step for step in steps() if isinstance(step.json, dict) and "statusQueryGetUri" in step.json
]
STATUSES = [step.json for step in steps() if wire.is_status(step.json)]


@pytest.mark.parametrize("step", PAYLOADS, ids=lambda step: f"{step.scenario}-{step.name}")
def test_a_recorded_payload_is_written_as_it_was(step):
    written = wire.check_status_payload(ADDRESS, step.json["id"])
    assert json.dumps(wire.payload_to_json(written)) == json.dumps(step.json)
    assert written == wire.payload_from_json(step.json)
    assert written.status_query_get_uri == step.answer_headers["location"]


def test_recorded_status_objects_survive_the_way_through_the_model():
    assert len(STATUSES) > 100
    for status in STATUSES:
        assert json.dumps(wire.status_to_json(wire.status_from_json(status))) == json.dumps(status)


def test_recorded_faults_survive_the_way_through_the_model():
    faults = [
        step.json
        for step in steps()
        if step.status >= 400 and step.json is not NOTHING and not wire.is_status(step.json)
    ]
    for recorded in faults:
        fault = wire.fault_from_json(recorded)
        assert fault is not None
        written = wire.fault_to_json(fault)
        assert (
            (list(written), fault.text) == (list(recorded), fault.text)
            if isinstance(recorded, dict)
            else written == recorded
        )
    assert len(faults) > 10


def test_a_status_has_eight_members_and_a_history_only_when_there_is_one():
    status = InstanceStatus("hello", "a", RuntimeStatus.CONTINUED_AS_NEW, T0, T0)
    assert json.dumps(wire.status_to_json(status)) == (
        '{"name": "hello", "instanceId": "a", "runtimeStatus": "ContinuedAsNew", "input": null, '
        '"customStatus": null, "output": null, '
        '"createdTime": "2026-01-02T03:04:05Z", "lastUpdatedTime": "2026-01-02T03:04:05Z"}'
    )
    event = HistoryEvent("TimerFired", T0, {"EventType": "TimerFired"})
    shown = wire.status_to_json(
        InstanceStatus("hello", "a", RuntimeStatus.RUNNING, T0, T0, history=(event,))
    )
    assert shown["historyEvents"] == [{"EventType": "TimerFired"}]


def test_a_status_of_another_writer_is_read():
    status = wire.status_from_json(
        {
            "InstanceId": "a",
            "RuntimeStatus": "running",
            "CreatedTime": "2026-01-02T04:04:05.1234567+01:00",
            "LastUpdatedTime": "2026-01-02T03:04:05",
            "Input": 1,
        }
    )
    created = datetime(2026, 1, 2, 3, 4, 5, 123456, UTC)
    assert status == InstanceStatus(
        "", "a", RuntimeStatus.RUNNING, created, created.replace(microsecond=0), input=1
    )


@pytest.mark.parametrize(
    ("obj", "message"),
    [
        (None, "not a status object"),
        ([], "not a status object"),
        ({}, "'instanceId' is missing"),
        ({"instanceId": "a", "createdTime": 5}, "'createdTime' is not a time"),
        ({"instanceId": "a", "createdTime": "soon"}, "'createdTime' is not a time"),
    ],
)
def test_what_is_no_status_object_is_refused(obj: Any, message: str):
    with pytest.raises(ValueError, match=message):
        wire.status_from_json(obj)


@pytest.mark.parametrize(
    ("text", "status"),
    [
        ("completed", "Completed"),
        (" Failed ", "Failed"),
        ("0", "Running"),
        ("7", "Suspended"),
        ("Unknown", "Unknown"),
    ],
)
def test_a_status_is_read_by_name_or_number(text: str, status: str):
    assert wire.runtime_status(text) is RuntimeStatus(status)


@pytest.mark.parametrize("text", ["", "done", "99", "-1"])
def test_a_status_that_is_none_is_refused(text: str):
    with pytest.raises(ValueError, match="is not a runtime status"):
        wire.runtime_status(text)


def test_a_history_event_without_a_time_that_can_be_read_is_kept():
    assert wire.history_event_from_json({"EventType": "X", "Timestamp": "?"}) == HistoryEvent(
        "X", None, {"EventType": "X", "Timestamp": "?"}
    )


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (None, None),
        ("  ", ""),
        ("", ""),
        ('{"a":1}', {"a": 1}),
        ("null", None),
        ("{} x", "{} x"),
        ("plain", "plain"),
        ("NaN", "NaN"),
        ("[" * 9999, "[" * 9999),
    ],
    ids=repr,
)
def test_a_stored_text_is_shown_as_the_json_that_it_is(stored: str | None, value: Any):
    assert wire.value_from_text(stored) == value


@pytest.mark.parametrize(
    ("stored", "value"),
    [
        (None, None),
        ("5 minutes late", 5),
        ("null and void", None),
        ("true story", True),
        ('"quoted" text', "quoted"),
        ("no longer needed", "no longer needed"),
        ("2024-01-02 late", "2024-01-02 late"),
        ("nullify", "nullify"),
        ("5x", "5x"),
        ("[1] and more", [1]),
    ],
)
def test_of_the_reason_of_a_termination_the_first_json_token_counts(stored: str | None, value: Any):
    assert wire.value_from_reason(stored) == value


@pytest.mark.parametrize(
    ("time", "whole", "exact"),
    [
        (T0, "2026-01-02T03:04:05Z", "2026-01-02T03:04:05.999Z"),
        (T0.replace(microsecond=0), "2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"),
        (
            T0.astimezone(timezone(timedelta(hours=2))),
            "2026-01-02T03:04:05Z",
            "2026-01-02T03:04:05.999Z",
        ),
        (datetime(1, 1, 1, tzinfo=UTC), "0001-01-01T00:00:00Z", "0001-01-01T00:00:00Z"),
    ],
)
def test_times_are_utc_in_whole_seconds_or_as_exact_as_need_be(
    time: datetime, whole: str, exact: str
):
    assert (wire.time_to_text(time), wire.exact_time_to_text(time)) == (whole, exact)
    assert wire.time_from_text(exact) == time


@pytest.mark.parametrize(
    ("text", "time"),
    [
        ("0001-01-01T00:00:00+01:00", datetime(1, 1, 1, tzinfo=UTC)),
        ("9999-12-31T23:59:59-01:00", datetime(9999, 12, 31, 23, 59, 59, 999999, UTC)),
        ("0001-01-01T00:00:00", datetime(1, 1, 1, tzinfo=UTC)),
    ],
)
def test_a_time_beyond_the_first_or_last_year_becomes_the_first_or_last_there_is(
    text: str, time: datetime
):
    assert wire.time_from_text(text) == time


@given(
    st.recursive(
        st.none()
        | st.booleans()
        | st.integers()
        | st.floats(allow_nan=False, allow_infinity=False)
        | st.text(st.characters()),
        st.lists,
    )
)
def test_any_value_survives_as_utf8_text(value: Any):
    assert wire.json_value(wire.json_text(value).encode()) == value


def test_lone_surrogates_are_escaped_and_other_letters_are_not():
    assert wire.json_text({"é": "\ud83d \u2028 😀"}) == '{"é":"\\ud83d \\u2028 😀"}'


def test_strict_text_refuses_what_json_cannot_hold():
    with pytest.raises(ValueError, match="not JSON compliant"):
        wire.json_text([float("nan")], strict=True)


@pytest.mark.parametrize(
    ("left", "right", "same"),
    [
        (1, 1.0, True),
        (1, True, False),
        ([1, {"a": None}], [1, {"a": None}], True),
        ({"a": 1}, {"a": 1, "b": 2}, False),
        ([0], [False], False),
        ("1", 1, False),
    ],
)
def test_json_values_are_compared_as_json(left: Any, right: Any, same: bool):
    assert wire.same_json(left, right) is same


def test_an_entity_survives_the_way_through_the_model():
    entity = {
        "entityId": {"name": "counter", "key": "k"},
        "lastOperationTime": "2026-01-02T03:04:05.999Z",
        "state": {"n": 1},
    }
    assert wire.entity_from_json(entity) == EntityStatus(EntityId("counter", "k"), T0, {"n": 1})
    assert json.dumps(wire.entity_to_json(wire.entity_from_json(entity))) == json.dumps(entity)


def test_addresses_are_encoded_as_the_service_does_it():
    payload = wire.management_payload(
        wire.HubAddress("https://app", "My Hub", "S~1", "code=K=="), "a b:ø/~!"
    )
    assert (
        payload.rewind_post_uri
        == "https://app/instances/a+b%3A%C3%B8%2F%7E!/rewind?reason={text}&taskHub=My+Hub&connection=S%7E1&code=K=="
    )
    assert list(payload.entries)[3:6] == [
        "terminatePostUri",
        "rewindPostUri",
        "purgeHistoryDeleteUri",
    ]


def test_an_address_without_hub_and_key_has_no_empty_query():
    payload = wire.check_status_payload(wire.HubAddress("http://localhost"), "a")
    assert payload.status_query_get_uri == "http://localhost/instances/a"
    assert payload.terminate_post_uri == "http://localhost/instances/a/terminate?reason={text}"


def test_creation_urls_end_bare_without_a_key():
    start = "B/orchestrators/{functionName}[/{instanceId}]"
    assert wire.creation_urls(wire.HubAddress("B")) == {
        "createNewInstancePostUri": f"{start}?",
        "createAndWaitOnNewInstancePostUri": f"{start}?timeout={{timeoutInSeconds}}&pollingInterval={{intervalInSeconds}}&",
    }


def test_a_payload_of_another_writer_is_read():
    payload = wire.payload_from_json(
        {
            "SendEventPostUri": "e",
            "Id": "a",
            "StatusQueryGetUri": "s",
            "RestartPostUri": None,
            "extra": "x",
        }
    )
    assert payload == CheckStatusPayload(
        "a", {"sendEventPostUri": "e", "id": "a", "statusQueryGetUri": "s", "extra": "x"}
    )
    assert (payload.status_query_get_uri, payload.restart_post_uri) == ("s", None)


@pytest.mark.parametrize("obj", [None, [], {}, {"id": None}, {"id": ""}], ids=repr)
def test_what_is_no_payload_is_refused(obj: Any):
    with pytest.raises(ValueError, match="check-status payload"):
        wire.payload_from_json(obj)


def test_an_address_is_read_back_from_a_payload():
    assert wire.address_from_payload(wire.check_status_payload(ADDRESS, "a/instances/b")) == ADDRESS
    assert VALUES["key"] not in repr(ADDRESS)


@pytest.mark.parametrize(
    "uri", [None, "", "https://app/other", "ftp://app/instances/a", "/instances/a"]
)
def test_a_payload_without_an_address_has_none(uri: str | None):
    with pytest.raises(ValueError, match="no status address"):
        wire.address_from_payload(
            CheckStatusPayload("a", {"statusQueryGetUri": uri} if uri is not None else {})
        )


def test_a_key_that_was_struck_out_is_none():
    assert (
        wire.address_from_payload(wire.redacted(wire.check_status_payload(ADDRESS, "a"))).code
        is None
    )


@pytest.mark.parametrize(
    "obj", [{"id": "a"}, {"Id": "a"}, {"instanceId": "a"}, {"InstanceId": "a", "id": ""}], ids=repr
)
def test_an_id_is_found_in_payloads_and_status_objects(obj: Any):
    assert wire.instance_id_from_payload(obj) == "a"


@pytest.mark.parametrize("obj", ["a", 5, {}, {"id": 5}], ids=repr)
def test_an_id_is_not_found_where_none_is(obj: Any):
    with pytest.raises(ValueError, match=r"id|check-status"):
        wire.instance_id_from_payload(obj)


def test_an_address_in_a_traceback_or_a_log_shows_no_key():
    assert VALUES["key"] not in f"{ADDRESS!r} {ADDRESS}"


def test_no_key_is_left_in_a_redacted_payload():
    payload = wire.redacted(wire.check_status_payload(ADDRESS, "code=a"))
    assert (
        payload.send_event_post_uri
        == f"{VALUES['base']}/instances/code%3Da/raiseEvent/{{eventName}}?taskHub=SampleHub&connection=Storage&code=***"
    )
    assert VALUES["key"] not in json.dumps(wire.payload_to_json(payload))


@pytest.mark.parametrize(
    ("obj", "text"),
    [
        ("plain", "plain"),
        ({"Message": "short"}, "short"),
        ({"message": "m", "exceptionMessage": "why"}, "why"),
        ({"Message": "m", "ExceptionMessage": None}, "m"),
    ],
)
def test_a_fault_is_read_in_every_shape(obj: Any, text: str):
    fault = wire.fault_from_json(obj)
    assert fault is not None
    assert fault.text == text


@pytest.mark.parametrize("obj", [None, 5, [], {}, {"Message": 5}], ids=repr)
def test_what_is_no_fault_is_none(obj: Any):
    assert wire.fault_from_json(obj) is None
