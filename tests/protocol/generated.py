"""Values for property tests of the protocol: times, failures, events, instances."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from hypothesis import strategies as st

from durablectl.history import events as e
from durablectl.model import (
    EntityId,
    EntityStatus,
    InstanceDetails,
    InstanceFilter,
    InstanceStatus,
    RuntimeStatus,
)
from durablectl.protocol.failures import FailureDetails, exception_text, reason_and_details
from durablectl.protocol.fields import EPOCH

texts = st.text(max_size=12)
some_text = st.none() | texts
names = st.text(min_size=1, max_size=8)
ids = st.integers(0, 2**31 - 1)
# which stands for no time in a history
times = st.datetimes(timezones=st.just(UTC)).filter(lambda time: time != EPOCH)
some_time = st.none() | times
tags = st.dictionaries(texts, texts, max_size=3)


def objects(values: Any) -> Any:
    """JSON objects whose members are in order: a map of the protocol has none."""
    return st.dictionaries(texts, values, max_size=3).map(
        lambda members: dict(sorted(members.items()))
    )


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**53) + 1, 2**53 - 1)
    | st.floats(allow_nan=False, allow_infinity=False).filter(
        lambda number: not number.is_integer()
    )
    | texts,
    lambda inner: st.lists(inner, max_size=3) | objects(inner),
    max_leaves=6,
)
statuses = st.sampled_from(
    [status for status in RuntimeStatus if status is not RuntimeStatus.UNKNOWN]
)
final_statuses = st.sampled_from(
    [RuntimeStatus.COMPLETED, RuntimeStatus.TERMINATED, RuntimeStatus.CANCELED]
)

_flat = st.builds(
    FailureDetails,
    texts,
    texts,
    some_text,
    st.none(),
    st.booleans(),
    st.none() | objects(json_values).filter(bool),
)
failures = st.recursive(
    _flat,
    lambda inner: st.builds(lambda outer, it: outer._replace(inner=it), _flat, inner),
    max_leaves=4,
)


def _failed(kind: Any) -> Any:
    return st.builds(
        lambda at, task_id, failure: kind(at, task_id, *reason_and_details(failure)),
        times,
        ids,
        failures,
    )


parents = st.none() | st.builds(e.ParentInstance, texts, texts, ids)
events = st.one_of(
    st.builds(e.ExecutionStarted, times, texts, some_text, texts, st.none(), parents),
    st.builds(e.ExecutionCompleted, times, final_statuses, some_text),
    st.builds(e.ExecutionCompleted, times, st.just(RuntimeStatus.FAILED), some_text),
    st.builds(e.ExecutionTerminated, times, some_text),
    st.builds(e.ContinueAsNew, times, some_text),
    st.builds(e.TaskScheduled, times, ids, texts, some_text),
    st.builds(e.TaskCompleted, times, ids, some_text),
    _failed(e.TaskFailed),
    st.builds(e.SubOrchestrationCreated, times, ids, texts, texts, some_text, some_text),
    st.builds(e.SubOrchestrationCompleted, times, ids, some_text),
    _failed(e.SubOrchestrationFailed),
    st.builds(e.TimerCreated, times, ids, times),
    st.builds(e.TimerFired, times, ids, times),
    st.builds(e.EventSent, times, ids, texts, texts, some_text),
    st.builds(e.EventRaised, times, texts, some_text),
    st.builds(e.ExecutionSuspended, times, some_text),
    st.builds(e.ExecutionResumed, times, some_text),
    st.builds(e.ExecutionRewound, times, some_text, some_text),
    st.builds(e.OrchestratorStarted, times),
    st.builds(e.OrchestratorCompleted, times),
)

details = st.builds(InstanceDetails, some_text, tags, some_text, some_text, some_time, some_time)


@st.composite
def instances(draw: Any) -> InstanceStatus:
    """An instance with its details. Of a failed one the output tells the failure."""
    status, more = draw(statuses | st.just(RuntimeStatus.UNKNOWN)), draw(details)
    failure = draw(failures) if status is RuntimeStatus.FAILED else None
    output = failure.text if failure is not None else draw(json_values)
    return InstanceStatus(
        draw(texts),
        draw(names),
        status,
        draw(times),
        draw(times),
        draw(json_values),
        draw(json_values),
        output,
        failure_details=None if failure is None else exception_text(failure),
        details=more,
    )


filters = st.builds(
    InstanceFilter,
    statuses=st.frozensets(statuses),
    prefix=texts,
    created_from=some_time,
    created_to=st.none() | st.datetimes(max_value=datetime(9999, 12, 31), timezones=st.just(UTC)),
)
entity_ids = st.builds(
    EntityId,
    st.text(min_size=1, max_size=5).filter(lambda text: "@" not in text and text.lower() == text),
    texts,
)
entities = st.builds(EntityStatus, entity_ids, times, json_values)
