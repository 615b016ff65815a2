"""Durations, moments, rates and sizes as people write them; no clock of its own: `now` comes in as
an argument, and no zone but UTC is assumed.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta

from durablectl.errors import UsageError
from durablectl.model import utc

_SECONDS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0}
_NUMBER = r"\d+(?:\.\d+)?"
_UNITS = rf"(?:{_NUMBER}(?:ms|[smhdw]))+"
_PART = rf"({_NUMBER})(ms|[smhdw])"
_ISO = (
    rf"P(?:({_NUMBER})W)?(?:({_NUMBER})D)?(?:T(?:({_NUMBER})H)?(?:({_NUMBER})M)?(?:({_NUMBER})S)?)?"
)
_CLOCK = r"(?:(\d+)[.:])?(\d{1,2}):(\d{2}):(\d{2}(?:\.\d+)?)"
_YEAR = r"(?:19|20|21)\d\d"
_BYTES = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_SIZE = r"(?ia)(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?i?b|)"
SLOWEST = 0.001
LONGEST = 100 * 366 * 86400.0


def parse_duration(text: str) -> float:
    """The seconds of `30s`, `5m`, `1h30m`, `2d`, bare seconds, `PT30S` or `00:00:30`."""
    seconds = _seconds(text.strip())
    if seconds is None:
        raise UsageError(
            f"'{text}' is not a duration",
            hint="write 30s, 5m, 1h30m, 2d, seconds as a number, PT30S or 00:00:30",
        )
    if not math.isfinite(seconds) or seconds > LONGEST:
        raise UsageError(f"'{text}' is too long: a duration is at most 100 years")
    return seconds


def parse_interval(text: str) -> float:
    """A duration that is longer than nothing."""
    seconds = parse_duration(text)
    if seconds <= 0:
        raise UsageError(
            f"'{text}' is not an interval: it must be more than 0",
            hint="write for example 1s or 500ms",
        )
    return seconds


def parse_rate(text: str) -> float:
    """How many in a second, as in `10` or `0.5`."""
    try:
        rate = float(text)
    except ValueError:
        rate = math.nan
    if not SLOWEST <= rate < math.inf:
        raise UsageError(
            f"'{text}' is not a rate",
            hint=f"write a number of instances per second, as 10 or 0.5; at least {SLOWEST}",
        )
    return rate


def _seconds(text: str) -> float | None:
    if re.fullmatch(_NUMBER, text):
        return float(text)
    if re.fullmatch(_UNITS, text.lower()):
        return sum(
            float(number) * _SECONDS[unit] for number, unit in re.findall(_PART, text.lower())
        )
    for pattern, units in ((_ISO, "wdhms"), (_CLOCK, "dhms")):
        if (parts := re.fullmatch(pattern, text.upper())) and any(parts.groups()):
            named = zip(parts.groups(), units, strict=True)
            return sum(float(part or 0) * _SECONDS[unit] for part, unit in named)
    return None


def parse_moment(text: str, now: datetime) -> datetime:
    """The UTC time of an RFC 3339 time, a date, or a duration meaning "ago"; without a zone it is
    UTC, as in `func durable`.
    """
    stripped = text.strip()
    if re.fullmatch(_YEAR, stripped):
        raise UsageError(
            f"'{text}' may be a year or a number of seconds",
            hint=f"write {stripped}-01-01 or {stripped}s",
        )
    try:
        if (read := _date_and_time(stripped)) is not None:
            return utc(read)
        if (seconds := _seconds(stripped)) is not None:
            return now.astimezone(UTC) - timedelta(seconds=seconds)
    except (OverflowError, OSError) as error:
        raise UsageError(f"'{text}' is too far away") from error
    raise UsageError(
        f"'{text}' is not a date or time",
        hint="write 2026-01-31T12:00:00Z, 2026-01-31, or how long ago, such as 2h or 30d",
    )


def parse_start(text: str, now: datetime) -> datetime:
    """The same, but a duration is one from now on."""
    moment, stripped = parse_moment(text, now), text.strip()
    seconds = None if _date_and_time(stripped) is not None else _seconds(stripped)
    try:
        return moment if seconds is None else now.astimezone(UTC) + timedelta(seconds=seconds)
    except OverflowError as error:
        raise UsageError(f"'{text}' is too far away") from error


def _date_and_time(text: str) -> datetime | None:
    try:
        return datetime.fromisoformat(text.upper())
    except ValueError:
        return None


def parse_size(text: str) -> int:
    """The bytes of `500MB`, `2GB`, `64KiB` or a bare number; `UsageError` when it is not a size, or
    none at all.
    """
    parts = re.fullmatch(_SIZE, text.strip())
    size = int(float(parts[1]) * _BYTES.get(parts[2].lower(), 0)) if parts else 0
    if size < 1:
        raise UsageError(
            f"'{text[:40]}' is not a size", hint="write 500MB, 2GB, or a number of bytes"
        )
    return size
