"""Every kind of history event has each of the forms in which events are written and read."""

from __future__ import annotations

from typing import get_args

import pytest
from histories import ONE_OF_EACH, T0, T1, running

from durablectl.history import events as e
from durablectl.history.dtfx import dtfx_from_json
from durablectl.history.proofs import timeline_of
from durablectl.history.saved import ServiceHistory
from durablectl.history.sdk import document
from durablectl.history.service import history_view
from durablectl.history.stored import Outline, decode_episode, encode_episode

BOOKENDS = (e.OrchestratorStarted, e.OrchestratorCompleted)
each_event = pytest.mark.parametrize("event", ONE_OF_EACH, ids=lambda event: type(event).__name__)


def test_every_kind_of_event_is_tried_here() -> None:
    assert {type(event) for event in ONE_OF_EACH} == set(get_args(e.Event))


@each_event
def test_the_file_keeps_it(event: e.Event) -> None:
    started = event if isinstance(event, e.ExecutionStarted) else e.ExecutionStarted(T0, "o")
    text = encode_episode([event], T1)
    kept = decode_episode(text, 1_767_225_601_000_000, Outline(started, '"why"'))
    assert event in kept


@each_event
def test_the_sdk_sees_it_and_its_form_is_read_back(event: e.Event) -> None:
    (read,) = dtfx_from_json([document(event, "i", "x")]).events
    assert type(read) is type(event)


@each_event
def test_the_protocol_carries_it(event: e.Event) -> None:
    pytest.importorskip("google.protobuf", reason="protobuf is not installed (the extra grpc)")
    from durablectl.protocol.history import Execution, event_fields, read_event
    from durablectl.protocol.messages import durable_task

    message = durable_task().messages.HistoryEvent(**event_fields(event, Execution("i")))
    assert type(read_event(message)) is type(event)


@each_event
def test_the_service_shows_it_and_its_form_is_known_to_a_replay(event: e.Event) -> None:
    shown = history_view([event], show_input=True, show_output=True)
    assert bool(shown) is not isinstance(event, BOOKENDS)
    doubts = timeline_of(ServiceHistory("i", "o", shown)).doubts
    assert [each for each in doubts if "unknown type" in each] == []


@pytest.mark.parametrize(
    "event",
    [each for each in ONE_OF_EACH if isinstance(each, e.Inbound)],
    ids=lambda event: type(event).__name__,
)
def test_an_episode_takes_it_in(event: e.Inbound) -> None:
    assert event in running(lambda context: iter([])).run([event], T1).history
