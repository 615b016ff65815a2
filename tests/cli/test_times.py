"""Durations and moments as people write them."""

import time
from datetime import UTC, datetime

import pytest

from durablectl.config.quantities import parse_duration, parse_interval, parse_moment
from durablectl.errors import UsageError

NOW = datetime(2026, 1, 31, 12, 0, tzinfo=UTC)


@pytest.fixture(params=["America/Los_Angeles", "Asia/Tokyo"])
def zone(request, monkeypatch):
    """The machine's own zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("30s", 30),
        ("5m", 300),
        ("1h30m", 5400),
        ("2d", 172800),
        ("1w", 604800),
        ("500ms", 0.5),
        ("30", 30),
        ("0.5", 0.5),
        ("0", 0),
        ("PT30S", 30),
        ("pt1m", 60),
        ("P1DT2H", 93600),
        ("00:00:30", 30),
        ("1.00:00:00", 86400),
        (" 5M ", 300),
    ],
)
def test_a_duration_is_read_in_every_form(text, seconds):
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text",
    ["", "soon", "-5s", "5 minuets", "PT", "P", "1h-30m", "nan", "inf", "1e3", "30:00", "0x10"],
)
def test_what_is_no_duration_is_refused_with_the_forms_that_are(text):
    with pytest.raises(UsageError, match="is not a duration") as refused:
        parse_duration(text)
    assert "1h30m" in str(refused.value.hint)


def test_a_duration_beyond_a_century_is_refused():
    with pytest.raises(UsageError, match="too long"):
        parse_duration("99999999d")


def test_an_interval_of_nothing_is_refused():
    with pytest.raises(UsageError, match="must be more than 0"):
        parse_interval("0s")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-01-02T03:04:05Z", datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)),
        ("2026-01-02t03:04:05.5z", datetime(2026, 1, 2, 3, 4, 5, 500000, tzinfo=UTC)),
        ("2026-01-02T03:04:05+02:00", datetime(2026, 1, 2, 1, 4, 5, tzinfo=UTC)),
        ("2026-01-02", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2026-01-02 09:00", datetime(2026, 1, 2, 9, 0, tzinfo=UTC)),
        ("20260102", datetime(2026, 1, 2, tzinfo=UTC)),
        ("2h", datetime(2026, 1, 31, 10, 0, tzinfo=UTC)),
        ("30d", datetime(2026, 1, 1, 12, 0, tzinfo=UTC)),
        ("PT1M", datetime(2026, 1, 31, 11, 59, tzinfo=UTC)),
        ("90", datetime(2026, 1, 31, 11, 58, 30, tzinfo=UTC)),
    ],
)
@pytest.mark.usefixtures("zone")
def test_a_moment_without_a_zone_is_utc_and_a_duration_means_ago(text, expected):
    assert parse_moment(text, NOW) == expected


@pytest.mark.parametrize("text", ["", "yesterday", "2026-13-01", "31.01.2026", "-2h"])
def test_what_is_no_moment_is_refused_with_the_forms_that_are(text):
    with pytest.raises(UsageError, match="is not a date or time"):
        parse_moment(text, NOW)


def test_a_bare_year_is_refused_since_it_could_be_seconds():
    with pytest.raises(UsageError, match="year or a number of seconds") as refused:
        parse_moment("2026", NOW)
    assert refused.value.hint == "write 2026-01-01 or 2026s"


def test_a_moment_before_all_calendars_is_refused():
    with pytest.raises(UsageError, match="too far away"):
        parse_moment("999999d", NOW)
