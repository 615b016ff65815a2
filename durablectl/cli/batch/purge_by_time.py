"""A purge by time: slice after slice, halved where the service does not get through one in time.

Asks for no confirmation.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from durablectl import wire
from durablectl.errors import DurablectlError, ServiceError, Unreachable
from durablectl.model import InstanceFilter
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.displays import batch_display
from durablectl.render.views import time_text
from durablectl.taskhub import TaskHub

IN_A_SLICE = 2000
SHORTEST = timedelta(seconds=1)
MOST_FAILURES = 5
PATIENCE = 5  # slices in a row without an answer: the service is down


@dataclass(slots=True)
class _Purge:
    """What became of the slices: `count` instances were deleted for sure; more where a slice failed
    half way.
    """

    out: Output
    hub: TaskHub
    filter: InstanceFilter
    count: int = 0
    failed: list[tuple[datetime, datetime, DurablectlError]] = field(default_factory=list)
    is_sure: bool = True
    reached: datetime | None = None
    unanswered: int = 0

    def one(self, start: datetime, end: datetime) -> list[tuple[datetime, datetime]]:
        """Purge one slice; what is to be done next instead of it, the later half first, when the
        service did not get through.
        """
        statuses = self.filter.statuses
        try:
            self.count += self.hub.purge_by(created_from=start, created_to=end, statuses=statuses)
        except KeyboardInterrupt:
            self.is_sure = False  # the service may have deleted some of them
            raise
        except (Unreachable, ServiceError) as error:
            self.is_sure, self.unanswered = False, self.unanswered + 1
            if self.unanswered >= PATIENCE and isinstance(error, Unreachable):
                raise
            if end - start <= SHORTEST:
                self.failed.append((start, end, error))
                return []
            middle = start + (end - start) / 2
            times = f"{time_text(start)} to {time_text(end)}"
            self.out.detail(f"{error.message}; retrying with halves of {times}")
            return [(middle, end), (start, middle)]
        self.reached, self.unanswered = end, 0
        return []


def purge_slices(
    out: Output, hub: TaskHub, filter: InstanceFilter, created: Sequence[datetime]
) -> bool:
    """Delete what the filter's times and states say; `created` are the times of creation that were
    found. Whether no slice failed.
    """
    purge, total = _Purge(out, hub, filter), len(created)
    todo = list(reversed(list(slices(filter, created))))
    try:
        with batch_display(out, "purge", total) as progress:
            while todo and len(purge.failed) < MOST_FAILURES:
                todo += purge.one(*todo.pop())
                progress(min(purge.count, total), len(purge.failed))
    except (KeyboardInterrupt, DurablectlError):
        _show(out, purge, is_complete=False)
        raise
    _show(out, purge, is_complete=not todo and not purge.failed)
    return not purge.failed


def slices(
    filter: InstanceFilter, created: Sequence[datetime]
) -> Iterator[tuple[datetime, datetime]]:
    """The time from the first to the last that was found, in pieces of about N instances;
    bounds are inclusive.
    """
    times = sorted(created)
    start = times[0] if filter.created_from is None else filter.created_from
    start = min(start, times[0]).replace(microsecond=0)  # the service shows whole seconds
    for index in range(IN_A_SLICE, len(times), IN_A_SLICE):
        if times[index] > start + SHORTEST:
            yield start, times[index]
            start = times[index]
    yield start, filter.created_to or times[-1]


def _show(out: Output, deleted: _Purge, *, is_complete: bool) -> None:
    sure = "" if deleted.is_sure else "at least "
    if not out.is_text:
        answer: dict[str, object] = {"instancesDeleted": deleted.count}
        if deleted.failed:
            answer["failed"] = [
                {
                    "from": wire.time_to_text(start),
                    "to": wire.time_to_text(end),
                    "error": error.message,
                }
                for start, end, error in deleted.failed
            ]
        out.show("", answer, id=str(deleted.count))
    for start, end, error in deleted.failed:
        out.more(
            f"  {time_text(start)} to {time_text(end)}  {safe_line(error.message)}", in_data=True
        )
    if not is_complete:
        has_reached = deleted.reached is not None and not deleted.failed
        reached = f", complete up to {time_text(deleted.reached)}" if has_reached else ""
        again = "run the command again to continue"
        out.error(f"stopped: {sure}{deleted.count} purged{reached}; {again}")
    elif out.is_text:
        out.note(f"{sure}{deleted.count} purged")
