"""The state of an instance as the protocol has it, and our status object; no protobuf, no I/O."""

from __future__ import annotations

from typing import Any

from durablectl.model import InstanceDetails, InstanceStatus, Page, RuntimeStatus
from durablectl.protocol.failures import (
    FailureDetails,
    exception_text,
    failure_fields,
    failure_of,
    failure_of_output,
    read_failure,
)
from durablectl.protocol.fields import (
    Fields,
    Message,
    malformed,
    plain,
    read_needed,
    read_needed_time,
    read_status,
    read_text,
    read_time,
    read_token,
    status_field,
    tag_fields,
    text_field,
    time_field,
)
from durablectl.wire import json_text, value_from_text


def read_instance(state: Message, asked_id: str = "") -> InstanceStatus:
    """The instance in an OrchestrationState. Inputs and outputs that were not asked for are None.

    `asked_id` is its id where the server does not repeat it. The output of a failed instance is
    that of the service (`ErrorType: ErrorMessage`) where the server sends none.
    """
    failure = read_failure(state)
    created = read_needed_time(state, "createdTimestamp")
    output = _read_payload(state, "output")
    return InstanceStatus(
        name=state.name,
        instance_id=asked_id
        if asked_id and not state.instanceId
        else read_needed(state, "instanceId"),
        runtime_status=read_status(state.orchestrationStatus),
        created_time=created,
        last_updated_time=read_time(state, "lastUpdatedTimestamp") or created,
        input=value_from_text(_read_payload(state, "input")),
        custom_status=value_from_text(_read_payload(state, "customStatus")),
        output=value_from_text(output) if failure is None or output is not None else failure.text,
        failure_details=None if failure is None else exception_text(failure),
        details=_read_details(state),
    )


def read_response(response: Message, asked_id: str = "") -> InstanceStatus | None:
    """The instance in a GetInstanceResponse; None when there is none."""
    if not response.exists:
        return None
    if not response.HasField("orchestrationState"):
        raise malformed(response, "'orchestrationState' is missing")
    return read_instance(response.orchestrationState, asked_id)


def read_page(response: Message) -> Page[InstanceStatus]:
    """The page in a QueryInstancesResponse."""
    instances = tuple(read_instance(state) for state in response.orchestrationState)
    return Page(instances, read_token(response, "continuationToken"))


def instance_fields(status: InstanceStatus, *, payloads: bool = True) -> Fields:
    """The fields of an OrchestrationState; without `payloads` neither input nor output."""
    more = status.details or InstanceDetails()
    fields: Fields = {
        "instanceId": plain(status.instance_id),
        "name": plain(status.name),
        "version": text_field(more.version),
        "orchestrationStatus": status_field(status.runtime_status),
        "scheduledStartTimestamp": time_field(more.scheduled_start),
        "createdTimestamp": time_field(status.created_time),
        "lastUpdatedTimestamp": time_field(status.last_updated_time),
        "failureDetails": failure_fields(failure_of_status(status)),
        "executionId": text_field(more.execution_id),
        "completedTimestamp": time_field(more.completed_time),
        "parentInstanceId": text_field(more.parent_instance_id),
        "tags": tag_fields(more.tags),
        "customStatus": _payload(status.custom_status),
    }
    if payloads:
        fields |= {"input": _payload(status.input), "output": _payload(status.output)}
    return fields


def response_fields(instance: InstanceStatus | None, *, payloads: bool) -> Fields:
    """The fields of a GetInstanceResponse; None is an instance that does not exist."""
    if instance is None:
        return {"exists": False}
    return {"exists": True, "orchestrationState": instance_fields(instance, payloads=payloads)}


def page_fields(page: Page[InstanceStatus], *, payloads: bool) -> Fields:
    """The fields of a QueryInstancesResponse."""
    states = [instance_fields(instance, payloads=payloads) for instance in page]
    return {"orchestrationState": states, "continuationToken": text_field(page.continuation_token)}


def failure_of_status(status: InstanceStatus) -> FailureDetails | None:
    """Why an instance failed, from its status object; None when it has not failed, or does not
    say."""
    if status.runtime_status is not RuntimeStatus.FAILED:
        return None
    output = status.output if isinstance(status.output, str) else None
    if status.failure_details is not None:
        return failure_of(output or "", status.failure_details)
    return None if output is None else failure_of_output(output)


def _read_details(state: Message) -> InstanceDetails:
    return InstanceDetails(
        read_text(state, "version"),
        dict(sorted(state.tags.items())),  # the order on the wire means nothing
        read_text(state, "executionId"),
        read_text(state, "parentInstanceId"),
        read_time(state, "scheduledStartTimestamp"),
        read_time(state, "completedTimestamp"),
    )


def _read_payload(state: Message, name: str) -> str | None:
    """The JSON text of a value; some servers send an empty text where there is none."""
    return read_text(state, name) or None


def _payload(value: Any) -> Fields | None:
    return None if value is None else text_field(json_text(value))
