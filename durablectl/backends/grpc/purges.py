"""Purges over gRPC."""

from __future__ import annotations

from datetime import timedelta

from durablectl.backends.grpc.calls import Calls
from durablectl.errors import ServiceError
from durablectl.model import InstanceFilter
from durablectl.protocol.requests import (
    PurgeFilter,
    PurgeRequest,
    purge_fields,
    read_purged,
)

PURGE_SLICE = timedelta(seconds=20)
MOST_PURGES = 10_000


def purge_one(calls: Calls, instance_id: str, *, recursive: bool) -> int:
    """How many instances were deleted; 0 when it was gone already."""
    answer = calls.call("PurgeInstances", purge_fields(PurgeRequest(instance_id, recursive)))
    count = read_purged(answer.message).deleted
    return max(count, 1) if answer.resent else count


def purge_created(calls: Calls, wanted: InstanceFilter, timeout: float) -> int:
    """Delete the instances of those statuses that were created in that time; how many.

    A server that runs out of time says so, and is asked again for the rest.
    """
    slice = min(PURGE_SLICE, timedelta(seconds=timeout / 2))
    times = wanted.created_from, wanted.created_to
    fields = purge_fields(PurgeRequest(PurgeFilter(*times, wanted.statuses, slice)))
    total = 0
    for _ in range(MOST_PURGES):
        purged = read_purged(calls.call("PurgeInstances", fields).message)
        total += purged.deleted
        if purged.is_complete is not False:
            return total
        if not purged.deleted:
            break
    raise ServiceError(f"{calls.place.label} has deleted {total} instances and does not finish")
