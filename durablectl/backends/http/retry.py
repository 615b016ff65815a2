"""What a service says about sending a request again: the header Retry-After; pure."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime


def retry_after(headers: Mapping[str, str], now: datetime) -> float | None:
    """The seconds that a Retry-After header asks for, as a number or as a date; None without one
    that can be read.
    """
    text = headers.get("retry-after", "").strip()
    if text.isascii() and text.isdigit():
        return float(text[:6])
    date = http_date(text)
    return None if date is None else max((date - now).total_seconds(), 0.0)


def http_date(text: str) -> datetime | None:
    """The time in a header, UTC unless it says otherwise; None when it is not a date."""
    try:
        date = parsedate_to_datetime(text)
    except (ValueError, OverflowError):
        return None
    return date.replace(tzinfo=date.tzinfo or UTC)
