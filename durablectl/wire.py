"""Durable Functions HTTP JSON <-> the model, both ways: one codec for client, server and `-o json`;
no I/O, no HTTP, no clock.

Reading is tolerant: names in camelCase or PascalCase, missing members and nulls where the model can
do without. What cannot be read is a ValueError that names the member. Writing is exact: the
service's members in the service's order.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, quote_plus, unquote_plus, urlsplit

from durablectl.json_values import finite as finite
from durablectl.json_values import json_text as json_text
from durablectl.json_values import json_value as json_value
from durablectl.json_values import same_json as same_json
from durablectl.json_values import value_from_reason as value_from_reason
from durablectl.json_values import value_from_text as value_from_text
from durablectl.model import (
    CheckStatusPayload,
    EntityId,
    EntityStatus,
    HistoryEvent,
    InstanceDetails,
    InstanceStatus,
    RuntimeStatus,
    utc,
)
from durablectl.redaction import redact

MOST_DELETED = 10**12
EARLIEST, LATEST = datetime.min.replace(tzinfo=UTC), datetime.max.replace(tzinfo=UTC)
CONTINUATION_HEADER = "x-ms-continuation-token"
BASE_PATH = "/runtime/webhooks/durabletask"

_NUMBERS = "Running Completed ContinuedAsNew Failed Canceled Terminated Pending Suspended"
"""The service's own numbers of the statuses, from 0 on."""
_STATUSES = {status.value.lower(): status for status in RuntimeStatus}
_STATUSES |= {str(number): RuntimeStatus(name) for number, name in enumerate(_NUMBERS.split())}


def time_from_text(text: str) -> datetime:
    """An aware UTC time from the service's text; what has no zone is UTC.

    Digits beyond microseconds are dropped.

    A time that its zone puts before the year 1 or after the year 9999 becomes the first or the last
    one that there is.
    """
    time = datetime.fromisoformat(text)
    try:
        return utc(time)
    except OverflowError:
        return EARLIEST if time.year == 1 else LATEST


def time_to_text(time: datetime) -> str:
    """Whole seconds and `Z`, as status objects have it: truncated, never rounded."""
    return utc(time).strftime("%Y-%m-%dT%H:%M:%SZ").rjust(20, "0")


def exact_time_to_text(time: datetime, zone: str = "Z") -> str:
    """With as many fraction digits as it needs, none when it is a whole second: as histories,
    entities and queries have it.
    """
    fraction = f".{time.microsecond:06d}".rstrip("0") if time.microsecond else ""
    return time_to_text(time)[:-1] + fraction + zone


def runtime_status(text: str) -> RuntimeStatus:
    """A status by name (in any case) or by the service's number; ValueError if unknown."""
    status = _STATUSES.get(text.strip().lower())
    if status is None:
        raise ValueError(
            f"'{text}' is not a runtime status (one of "
            f"{', '.join(status.value for status in RuntimeStatus)})"
        )
    return status


def status_from_json(obj: Any) -> InstanceStatus:
    """The status of an instance.

    An unknown status is UNKNOWN; name, input, output and custom status may be missing.
    """
    members = _object(obj, "status object")
    history = _member(members, "historyEvents")
    return InstanceStatus(
        name=_optional_text(members, "name"),
        instance_id=_text(members, "instanceId"),
        runtime_status=_STATUSES.get(
            str(_member(members, "runtimeStatus")).lower(), RuntimeStatus.UNKNOWN
        ),
        created_time=_time(members, "createdTime"),
        last_updated_time=_time(members, "lastUpdatedTime"),
        input=_member(members, "input"),
        custom_status=_member(members, "customStatus"),
        output=_member(members, "output"),
        history=tuple(map(history_event_from_json, history)) if isinstance(history, list) else None,
    )


def is_status(obj: Any) -> bool:
    """Whether an answer is a status object: also a 500 may carry one, and so may the answer of
    create-and-wait.
    """
    return isinstance(obj, dict) and all(
        isinstance(_member(obj, name), str)
        for name in ("instanceId", "runtimeStatus", "createdTime")
    )


def status_to_json(status: InstanceStatus) -> dict[str, Any]:
    """The service's status object: eight members, always, and `historyEvents` when there is a
    history. What a hub tells beyond that is in `InstanceDetails`, and not here.
    """
    members = {
        "name": status.name,
        "instanceId": status.instance_id,
        "runtimeStatus": status.runtime_status.value,
        "input": status.input,
        "customStatus": status.custom_status,
        "output": status.output,
        "createdTime": time_to_text(status.created_time),
        "lastUpdatedTime": time_to_text(status.last_updated_time),
    }
    if status.history is not None:
        members["historyEvents"] = [history_event_to_json(event) for event in status.history]
    return members


def condition_json(status: InstanceStatus, details: InstanceDetails | None) -> dict[str, Any]:
    """What an expression of --where or --until is about: the status object, and the tags where they
    are known, so that instances can be chosen by them.
    """
    return status_to_json(status) | ({} if details is None else {"tags": dict(details.tags)})


def history_event_from_json(obj: Any) -> HistoryEvent:
    members = _object(obj, "history event")
    kind, timestamp = _member(members, "EventType"), _member(members, "Timestamp")
    try:
        time = time_from_text(timestamp) if isinstance(timestamp, str) else None
    except ValueError:
        time = None
    return HistoryEvent(str(kind) if kind is not None else "", time, members)


def history_event_to_json(event: HistoryEvent) -> dict[str, Any]:
    return dict(event.members)


def entity_from_json(obj: Any) -> EntityStatus:
    members = _object(obj, "entity")
    identity = _object(_member(members, "entityId"), "entity id")
    entity_id = EntityId(_text(identity, "name"), _optional_text(identity, "key"))
    return EntityStatus(entity_id, _time(members, "lastOperationTime"), _member(members, "state"))


def entity_to_json(entity: EntityStatus) -> dict[str, Any]:
    return {
        "entityId": {"name": entity.entity_id.name, "key": entity.entity_id.key},
        "lastOperationTime": exact_time_to_text(entity.last_operation_time),
        "state": entity.state,
    }


def deleted_from_json(obj: Any) -> int:
    """How many instances a purge deleted."""
    count = _member(_object(obj, "answer to a purge"), "instancesDeleted")
    if not isinstance(count, int) or isinstance(count, bool) or not 0 <= count <= MOST_DELETED:
        raise ValueError("'instancesDeleted' is missing or no count")
    return count


_OPERATIONS = {
    "statusQueryGetUri": "",
    "sendEventPostUri": "/raiseEvent/{eventName}",
    "terminatePostUri": "/terminate?reason={text}",
    "rewindPostUri": "/rewind?reason={text}",
    "purgeHistoryDeleteUri": "",
    "restartPostUri": "/restart",
    "suspendPostUri": "/suspend?reason={text}",
    "resumePostUri": "/resume?reason={text}",
}
_NAMES = {name.lower(): name for name in ("id", *_OPERATIONS)}


class HubAddress(NamedTuple):
    """Where a task hub answers: the base of its addresses without a slash at the end, and what
    their queries name.

    `query` is the webhook's own part, `code=KEY` as a rule, taken as it is and never shown.
    """

    base: str
    task_hub: str | None = None
    connection: str | None = None
    query: str = ""

    @property
    def code(self) -> str | None:
        """The key in the query, byte for byte; None without one, or when it was struck out."""
        for part in self.query.split("&"):
            name, _, value = part.partition("=")
            if name.lower() == "code" and value not in ("", "***"):
                return value
        return None

    def __repr__(self) -> str:
        return f"HubAddress({self.base!r}, {self.task_hub!r}, {self.connection!r})"


def check_status_payload(address: HubAddress, instance_id: str) -> CheckStatusPayload:
    """The eight members that the service answers a start with, also where a client asked for
    `returnInternalServerErrorOnFailure` (recordings, start 30).
    """
    payload = management_payload(address, instance_id)
    return replace(
        payload,
        entries={name: uri for name, uri in payload.entries.items() if name != "rewindPostUri"},
    )


def management_payload(address: HubAddress, instance_id: str) -> CheckStatusPayload:
    """The check-status payload with `rewindPostUri`."""
    start, query = f"{address.base}/instances/{_encoded(instance_id)}", _query(address)
    uris = {name: _joined(start + rest, query) for name, rest in _OPERATIONS.items()}
    return CheckStatusPayload(instance_id, {"id": instance_id} | uris)


def creation_urls(address: HubAddress) -> dict[str, str]:
    """The addresses that start instances; without a key they end in a bare `?` or `&`, as the
    service's own do.
    """
    start = f"{address.base}/orchestrators/{{functionName}}[/{{instanceId}}]"
    return {
        "createNewInstancePostUri": f"{start}?{address.query}",
        "createAndWaitOnNewInstancePostUri": f"{start}?timeout={{timeoutInSeconds}}"
        f"&pollingInterval={{intervalInSeconds}}&{address.query}",
    }


def payload_from_json(obj: Any) -> CheckStatusPayload:
    """A payload of any of the service's writers: names come out in camelCase, nulls are left out,
    unknown texts are kept.
    """
    members = _object(obj, "check-status payload")
    entries = {
        _NAMES.get(name.lower(), name): value
        for name, value in members.items()
        if isinstance(value, str)
    }
    if not entries.get("id"):
        raise ValueError("the check-status payload has no 'id'")
    return CheckStatusPayload(entries["id"], entries)


def is_payload(obj: Mapping[str, Any]) -> bool:
    """Whether a JSON object has an address of a check-status payload."""
    return any(_NAMES.get(name.lower(), "id") != "id" for name in obj)


def payload_to_json(payload: CheckStatusPayload) -> dict[str, str]:
    return (
        dict(payload.entries) if "id" in payload.entries else {"id": payload.id, **payload.entries}
    )


def address_from_payload(payload: CheckStatusPayload) -> HubAddress:
    """Where the hub of a payload answers, read from its status address; ValueError when it has none
    that can be read.
    """
    uri = payload.status_query_get_uri or ""
    url = urlsplit(uri)
    path, found, _ = url.path.rpartition("/instances/")
    if url.scheme not in ("http", "https") or not url.hostname or not found:
        raise ValueError("the payload has no status address (statusQueryGetUri)")
    named = {name.lower(): value for name, value in parse_qsl(url.query)}
    code = next((part for part in url.query.split("&") if part.lower().startswith("code=")), "")
    host = url.netloc.rpartition("@")[2]
    return HubAddress(
        f"{url.scheme}://{host}{path}", named.get("taskhub"), named.get("connection"), code
    )


def payload_from_url(url: str) -> CheckStatusPayload:
    """The payload of a status address alone, as a payload has it; ValueError, which does not repeat
    it, when it is another address.
    """
    _, found, last = urlsplit(url).path.rstrip("/").rpartition("/instances/")
    if not found or not last or "/" in last:
        raise ValueError("not the status address of an instance")
    return CheckStatusPayload(
        instance_id := unquote_plus(last, errors="strict"),
        {"id": instance_id, "statusQueryGetUri": url},
    )


def instance_id_from_payload(obj: Any) -> str:
    """The instance id in a check-status payload or a status object; ValueError when it is
    neither."""
    members = _object(obj, "check-status payload or status object")
    for name in ("id", "instanceId"):
        value = _member(members, name)
        if isinstance(value, str) and value:
            return value
    raise ValueError("there is neither an 'id' nor an 'instanceId'")


def redacted(payload: CheckStatusPayload) -> CheckStatusPayload:
    """The payload with `code=***` in place of every key."""
    return replace(
        payload,
        entries={
            name: uri if name == "id" else redact(uri) for name, uri in payload.entries.items()
        },
    )


def _query(address: HubAddress) -> str:
    named = (("taskHub", address.task_hub), ("connection", address.connection))
    return "&".join(
        [
            *(f"{name}={_encoded(value)}" for name, value in named if value),
            *filter(None, [address.query]),
        ]
    )


def _joined(uri: str, query: str) -> str:
    return f"{uri}{'&' if '?' in uri else '?'}{query}" if query else uri


def _encoded(text: str) -> str:
    """As WebUtility.UrlEncode does it, in which the service writes its addresses."""
    return quote_plus(text, safe="!*()", errors="replace").replace("~", "%7E")


class ServiceFault(NamedTuple):
    """What the service says of a failure.

    `exception_message` is the telling one where there is one; `bare` is its shape: a JSON string.
    """

    message: str
    exception_message: str | None = None
    exception_type: str | None = None
    bare: bool = False

    @property
    def text(self) -> str:
        return (self.exception_message or self.message).strip()


def fault_from_json(obj: Any) -> ServiceFault | None:
    """A failure in any of the service's three shapes (full, short, bare string); None when it is
    none of them.
    """
    if isinstance(obj, str):
        return ServiceFault(obj, bare=True)
    if not isinstance(obj, dict) or not isinstance(_member(obj, "message"), str):
        return None
    detail, kind = _member(obj, "exceptionMessage"), _member(obj, "exceptionType")
    return ServiceFault(
        _member(obj, "message"),
        detail if isinstance(detail, str) else None,
        kind if isinstance(kind, str) else None,
    )


def fault_to_json(fault: ServiceFault) -> dict[str, Any] | str:
    if fault.bare:
        return fault.message
    if fault.exception_message is None:
        return {"Message": fault.message}
    return {
        "Message": fault.message,
        "ExceptionMessage": fault.exception_message,
        "ExceptionType": fault.exception_type or "System.Exception",
        "StackTrace": None,
    }


def _object(obj: Any, what: str) -> Mapping[str, Any]:
    if not isinstance(obj, dict):
        raise ValueError(f"not a {what}: a JSON object is expected")  # noqa: TRY004 (of the text, not of an argument)
    return obj


def _member(members: Mapping[str, Any], name: str) -> Any:
    """A member by its camelCase or PascalCase name; None when it is missing."""
    if name in members:
        return members[name]
    return members.get(name[0].swapcase() + name[1:])


def _text(members: Mapping[str, Any], name: str) -> str:
    value = _member(members, name)
    if not isinstance(value, str) or not value:
        raise ValueError(f"'{name}' is missing or no text")
    return value


def _optional_text(members: Mapping[str, Any], name: str) -> str:
    value = _member(members, name)
    return value if isinstance(value, str) else ""


def _time(members: Mapping[str, Any], name: str) -> datetime:
    try:
        return time_from_text(_text(members, name))
    except ValueError as error:
        raise ValueError(f"'{name}' is not a time: {error}") from None
