"""How the hub's file writes times and statuses: as integers; imported by everything that reads a
row, so it imports next to nothing.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

from durablectl.model import RuntimeStatus

EPOCH = datetime(1970, 1, 1, tzinfo=UTC)

STATUS_NUMBERS = {
    RuntimeStatus.RUNNING: 0,
    RuntimeStatus.COMPLETED: 1,
    RuntimeStatus.CONTINUED_AS_NEW: 2,
    RuntimeStatus.FAILED: 3,
    RuntimeStatus.CANCELED: 4,
    RuntimeStatus.TERMINATED: 5,
    RuntimeStatus.PENDING: 6,
    RuntimeStatus.SUSPENDED: 7,
}
STATUSES = {number: status for status, number in STATUS_NUMBERS.items()}


def micros(moment: datetime) -> int:
    """Microseconds since 1970 (UTC)."""
    delta = moment - EPOCH
    return (delta.days * 86400 + delta.seconds) * 1_000_000 + delta.microseconds


def moment(micros: int) -> datetime:
    return EPOCH + timedelta(microseconds=micros)
