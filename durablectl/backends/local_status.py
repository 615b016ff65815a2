"""The status object of an instance, from its row."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from durablectl.engine.store.queries import InstanceRow, Queries
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.wire import json_value, value_from_reason, value_from_text


def statuses_of(queries: Queries, rows: Iterable[InstanceRow]) -> tuple[InstanceStatus, ...]:
    """Those of a listing; the failed ones with what their code raised."""
    return tuple(status_of(row, None, queries.failure_details(row)) for row in rows)


def status_of(row: InstanceRow, history: Any = None, details: str | None = None) -> InstanceStatus:
    output = row.output
    return InstanceStatus(
        name=row.instance_id if row.instance_id.startswith("@") else row.name,
        instance_id=row.instance_id,
        runtime_status=row.status,
        created_time=row.created_at,
        last_updated_time=row.updated_at,
        input=value_from_text(row.input),
        custom_status=value_from_text(row.custom_status),
        output=value_from_text(output)
        if row.status is RuntimeStatus.COMPLETED
        else _text_output(row),
        history=history,
        failure_details=details,
    )


def _text_output(row: InstanceRow) -> Any:
    """A failure's text stays text; of a termination's reason the service shows its first JSON
    token.
    """
    if row.output is None:
        return None
    text = json_value(row.output)
    return value_from_reason(text) if row.status is RuntimeStatus.TERMINATED else text
