"""Times without a zone: UTC on every machine, and shown as such by every command that deletes or
changes by them.
"""

import os
import re
import subprocess
import sys
import time
from datetime import UTC, datetime, timedelta
from urllib.parse import parse_qs

import pytest
from scripted_server import status
from terminal import durablectl, terminal

from durablectl import InstanceFilter, RuntimeStatus
from durablectl.backends.http.hub import HttpTaskHub
from durablectl.backends.local import LocalTaskHub

HOURS = [
    status(
        f"i{hour:02}",
        createdTime=f"2026-01-02T{hour:02}:00:00Z",
        lastUpdatedTime=f"2026-01-02T{hour:02}:30:00Z",
    )
    for hour in range(24)
]
VERBS = {
    "purge": [],
    "restart": ["--new-id"],
    "terminate": [],
    "suspend": [],
    "resume": [],
    "rewind": [],
    "raise-event": ["--event", "Go"],
}


@pytest.fixture(params=["America/Los_Angeles", "UTC", "Asia/Tokyo"])
def zone(request, monkeypatch):
    """The machine's own zone."""
    monkeypatch.setenv("TZ", request.param)
    time.tzset()
    yield request.param
    monkeypatch.undo()
    time.tzset()


@pytest.fixture
def hours(server):
    server.on("GET", "/instances", (200, HOURS))


@pytest.mark.usefixtures("zone", "hours")
@pytest.mark.parametrize(
    ("option", "query"),
    [("--created-before", "createdTimeTo"), ("--created-after", "createdTimeFrom")],
)
def test_the_same_line_selects_the_same_set_on_every_machine(remote, server, option, query):
    assert remote("purge", option, "2026-01-02", "--status", "Completed", "--dry-run").code == 0
    assert parse_qs(server.asked[-1].query)[query] == ["2026-01-02T00:00:00Z"]


@pytest.mark.usefixtures("zone", "hours")
@pytest.mark.parametrize("option", ["--updated-before", "--updated-after"])
def test_what_is_filtered_here_is_in_utc_too(remote, option):
    ids = remote("list", option, "2026-01-02T12:00", "-o", "id").out.split()
    assert ids == [
        f"i{hour:02}" for hour in (range(12) if option == "--updated-before" else range(12, 24))
    ]


@pytest.mark.usefixtures("hours")
@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("how", ["--dry-run", "--yes", "--limit=3"])
def test_the_resolved_moments_are_shown_before_anything_is_changed(remote, verb, how):
    err = remote(
        verb,
        *VERBS[verb],
        "--created-after",
        "2026-01-01",
        "--updated-before",
        "2026-01-03T00:00+01:00",
        how,
    ).err
    assert (
        "instances created after 2026-01-01T00:00:00Z and updated before 2026-01-02T23:00:00Z\n"
        in err
    )


def test_a_duration_is_shown_as_the_moment_it_means(remote, server):
    server.on("GET", "/instances", (200, []))
    err = remote("terminate", "--stuck=2h", "--created-before", "1d", "--dry-run").err
    found = re.search(r"instances created before (\S+Z) and updated before (\S+Z)\n", err)
    ages = [datetime.now(UTC) - datetime.fromisoformat(time) for time in found.groups()]
    assert [round(age / timedelta(hours=1)) for age in ages] == [24, 2]


def test_no_moment_is_shown_where_none_was_given(remote, server):
    server.on("GET", "/instances", (200, [status("a")]))
    assert "created before" not in remote("purge", "--status", "Completed", "--dry-run").err


def test_the_question_tells_the_moment_also_when_all_else_is_quiet(app, run):
    run("run", "echo", "--timeout", "30s")
    with terminal(
        durablectl("purge", "--created-before", "2100-01-01", "-q", "--hub", ".durablectl/hub.db")
    ) as screen:
        screen.wait_for("purge 1 instance created before 2100-01-01T00:00:00Z? [y/N]")
        screen.type("n\r")
        assert screen.end() == 2


@pytest.mark.usefixtures("zone")
def test_the_library_takes_a_time_without_a_zone_as_utc(server, tmp_path):
    server.on("GET", "/instances", (200, HOURS))
    server.on("DELETE", "/instances", (200, {"instancesDeleted": 1}))
    noon, completed = datetime(2026, 1, 2, 12), frozenset({RuntimeStatus.COMPLETED})
    assert InstanceFilter(created_to=noon).created_to == datetime(2026, 1, 2, 12, tzinfo=UTC)
    with HttpTaskHub(server.url) as remote, LocalTaskHub(tmp_path / "hub.db", create=True) as local:
        assert len(remote.list_page(InstanceFilter(updated_from=noon)).items) == 12
        assert list(local.list_page(InstanceFilter(created_from=noon, updated_to=noon))) == []
        assert remote.purge_by(created_from=noon, created_to=noon, statuses=completed) == 1
        assert local.purge_by(created_from=noon, created_to=noon, statuses=completed) == 0
    assert parse_qs(server.asked[-1].query)["createdTimeFrom"] == ["2026-01-02T12:00:00Z"]


def test_help_says_so():
    command = [sys.executable, "-m", "durablectl", "purge", "--help"]
    shown = subprocess.run(
        command, capture_output=True, text=True, check=True, env={**os.environ, "COLUMNS": "200"}
    ).stdout
    assert "(UTC without a zone)" in shown
