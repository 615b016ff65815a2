"""Purges of many ids over gRPC, in batches, with an account of each."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from durablectl.backends.grpc.calls import Calls
from durablectl.errors import (
    Conflict,
    DurablectlError,
    InstanceNotFound,
    NotFound,
    ServiceError,
    Unsupported,
    UsageError,
)
from durablectl.polling.parallel import Runner, each_by_itself
from durablectl.protocol.requests import MOST_IN_BATCH, PurgeRequest, purge_fields, read_purged

AT_ONCE = 8
Result = int | DurablectlError


def purge_each(
    calls: Calls,
    instance_ids: Sequence[str],
    check: Callable[[str], int],
    purge: Callable[[str], int],
) -> list[Result]:
    """Delete finished instances, many with one call: of each how many, or the error.

    `check` raises why an instance must not be deleted. A batch is answered with one number. Where
    that is not all of them, `purge` is tried with each; what is gone then, the batch has deleted.
    """
    results = _each(instance_ids, check)
    ready = [each for each, result in results.items() if isinstance(result, int)]
    for start in range(0, len(ready), MOST_IN_BATCH):
        batch = ready[start : start + MOST_IN_BATCH]
        deleted = _purge_batch(calls, batch)
        if deleted == len(batch):
            results |= dict.fromkeys(batch, 1)
        else:
            for each, result in _each(batch, purge).items():
                is_gone = deleted > 0 and isinstance(result, NotFound)
                results[each] = 1 if is_gone else result
    return [_once(each, results) for each in instance_ids]


def _once(instance_id: str, results: dict[str, Result]) -> Result:
    """The result of an id; of one that is named again, that it is gone."""
    result = results[instance_id]
    if isinstance(result, int):
        results[instance_id] = InstanceNotFound(f"instance '{instance_id}' was named before")
    return result


def _purge_batch(calls: Calls, instance_ids: Sequence[str]) -> int:
    """How many of the instances were deleted; 0 where the server takes no batches."""
    fields = purge_fields(PurgeRequest(tuple(instance_ids)))
    try:
        answer = calls.call("PurgeInstances", fields)
    except (NotFound, ServiceError, Unsupported, UsageError):
        return 0
    deleted = read_purged(answer.message).deleted
    return max(deleted, 1) if answer.resent else deleted


def _each(instance_ids: Sequence[str], operate: Callable[[str], int]) -> dict[str, Result]:
    """What an operation gives for each, or the error; what is not about one instance is raised."""
    results: dict[str, Result] = {}

    def run(instance_id: str) -> None:
        try:
            results[instance_id] = operate(instance_id)
        except (NotFound, Conflict) as error:
            results[instance_id] = error

    runner = Runner(dict.fromkeys(instance_ids), each_by_itself(run), concurrency=AT_ONCE)
    for outcome in runner:
        if outcome.error is not None:
            runner.stop()
            raise outcome.error
    return results
