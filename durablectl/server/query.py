"""A query string, read as the service's own runtime reads it: what cannot be read counts as not
given.

No I/O.
"""

from __future__ import annotations

import math
import re
from datetime import UTC, datetime, timedelta, timezone
from urllib.parse import unquote_plus

from durablectl.model import RuntimeStatus
from durablectl.wire import runtime_status

_INT = re.compile(r"[+-]?\d+", re.ASCII)
DOUBLE = r"[+-]?(?:\d[\d,]*(?:\.\d*)?|\.\d+)(?:e[+-]?\d+)?"
_DOUBLE = re.compile(DOUBLE, re.ASCII | re.IGNORECASE)
_SPECIAL = {"nan": math.nan, "infinity": math.inf, "+infinity": math.inf, "-infinity": -math.inf}
_STATUS_NAMES = frozenset(status.value for status in RuntimeStatus)
_SHOWN_DEFAULT_TOP = 100
MOST_ROWS = 10_000


class Query:
    """The parameters of one request.

    Names are compared without regard to case, blank values count as absent.
    """

    def __init__(self, text: str) -> None:
        self._values: dict[str, list[str]] = {}
        for part in text.split("&"):
            name, equals, value = part.partition("=")
            if equals:  # a bare flag has an empty name, which is never read
                self._values.setdefault(unquote_plus(name).lower(), []).append(unquote_plus(value))

    def first(self, name: str) -> str | None:
        """The first value that is not blank."""
        return next((value for value in self._values.get(name.lower(), ()) if value.strip()), None)

    def text(self, name: str) -> str | None:
        """The value; several of them are joined with commas."""
        values = self._values.get(name.lower())
        return None if values is None else ",".join(values)

    def flag(self, name: str, default: bool) -> bool:
        return {"true": True, "false": False}.get((self.text(name) or "").strip().lower(), default)

    def top(self) -> int:
        """How many rows a page has at most."""
        text = (self.text("top") or "").strip()
        asked = int(text) if _INT.fullmatch(text) and len(text) <= 11 else _SHOWN_DEFAULT_TOP
        return min(asked, MOST_ROWS) if asked > 0 else _SHOWN_DEFAULT_TOP

    def seconds(self, name: str) -> float | None:
        """A number of seconds; NaN and the infinities are numbers."""
        text = (self.text(name) or "").strip()
        if text.lower() in _SPECIAL:
            return _SPECIAL[text.lower()]
        return float(text.replace(",", "")) if _DOUBLE.fullmatch(text) else None

    def moment(self, name: str) -> datetime | None:
        text = self.text(name)
        return None if text is None else moment_from_text(text)

    def statuses(self) -> frozenset[RuntimeStatus]:
        """The statuses that `runtimeStatus` names, by exact name or number; a number that stands
        for none is UNKNOWN.
        """
        found = set()
        for name in (self.text("runtimeStatus") or "").split(","):
            name = name.strip()
            if name in _STATUS_NAMES:
                found.add(RuntimeStatus(name))
            elif _INT.fullmatch(name):
                found.add(_numbered(name))
        return frozenset(found)


def _numbered(text: str) -> RuntimeStatus:
    try:
        return runtime_status(str(int(text)))
    except ValueError:
        return RuntimeStatus.UNKNOWN


_MONTH_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {month: number for number, month in enumerate(_MONTH_NAMES, 1)}
_SECONDS = r"(?::(?P<second>\d{1,2})(?:\.(?P<fraction>\d+))?)?"
_CLOCK = rf"(?P<hour>\d{{1,2}}):(?P<minute>\d{{1,2}}){_SECONDS}(?:\s*(?P<half>[AP]M))?"
_ZONE = r"(?:\s*(?P<zone>Z|GMT|UTC|[+-]\d{1,2}(?::?\d{2})?))?"
_DATES = (
    r"(?P<year>\d{4})[-/.](?P<month>\d{1,2})[-/.](?P<day>\d{1,2})",
    r"(?P<year>\d{1,3})-(?P<month>\d{2})-(?P<day>\d{2})(?=T)",
    r"(?P<month>\d{1,2})/(?P<day>\d{1,2})/(?P<year>\d{4})",
    r"(?:[A-Z]{3,9},\s*)?(?P<day>\d{1,2})[\s-](?P<name>[A-Z]{3,9})[\s-](?P<year>\d{4})",
    r"(?:[A-Z]{3,9},\s*)?(?P<name>[A-Z]{3,9})\s+(?P<day>\d{1,2}),?\s+(?P<year>\d{4})",
)
_MOMENTS = [
    re.compile(rf"{date}(?:(?:T|\s+){_CLOCK}{_ZONE})?", re.IGNORECASE | re.ASCII) for date in _DATES
]
_MOMENTS.append(re.compile(_CLOCK + _ZONE, re.IGNORECASE | re.ASCII))


def moment_from_text(text: str) -> datetime | None:
    """A moment in any of the forms that DateTime.TryParse reads; without a zone it is UTC.

    None when it is not one.
    """
    found = next(
        (match for pattern in _MOMENTS if (match := pattern.fullmatch(text.strip()))), None
    )
    if found is None:
        return None
    try:
        return _moment({"year": None, "month": None, "day": None, "name": None} | found.groupdict())
    except (ValueError, OverflowError, KeyError):
        return None


def _moment(parts: dict[str, str | None]) -> datetime:
    today = datetime.now(UTC)
    month = (
        _MONTHS[parts["name"][:3].lower()] if parts["name"] else int(parts["month"] or today.month)
    )
    hour, half = int(parts["hour"] or 0), (parts["half"] or "").upper()
    if half:
        hour = hour % 12 + (12 if half == "PM" else 0)
    micros = int(((parts["fraction"] or "") + "000000")[:6])
    year, day = int(parts["year"] or today.year), int(parts["day"] or today.day)
    time = datetime(
        year,
        month,
        day,
        hour,
        int(parts["minute"] or 0),
        int(parts["second"] or 0),
        micros,
        _zone(parts["zone"]),
    )
    return time.astimezone(UTC)


def _zone(text: str | None) -> timezone:
    if text is None or text.upper() in ("Z", "GMT", "UTC"):
        return UTC
    digits = text[1:].replace(":", "")
    hours, minutes = (digits[:-2], digits[-2:]) if len(digits) > 2 else (digits, "0")
    offset = timedelta(hours=int(hours), minutes=int(minutes))
    return timezone(-offset if text[0] == "-" else offset)
