"""The page of a remote hub: a time range, few requests, what the service lacks, and a hub that goes
away.
"""

from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta

import pytest
from scripted_server import scripted_server, status

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.model import InstanceFilter, RuntimeStatus
from durablectl.server.page_listing import MOST_PAGES, ListQuery, RemoteListing, spans
from durablectl.wire import time_to_text
from tests.server.page.shown import showing
from tests.server.serving import RECORDINGS, serving

NOW = datetime.now(UTC)


def rows(first, count, state="Completed"):
    return [
        status(
            f"r-{number:05}",
            state,
            createdTime=time_to_text(NOW - timedelta(seconds=number % 3000)),
        )
        for number in range(first, first + count)
    ]


@pytest.fixture
def endless():
    """A service that always has another page, and a listing of it with a clock of its own."""
    with scripted_server() as server:
        pages = iter(range(10_000))

        def answer(_request):
            page = next(pages)
            return 200, rows(page * 10, 10), {"x-ms-continuation-token": f"t{page}"}

        server.otherwise = answer
        clock = [1000.0]
        with HttpTaskHub(server.url) as hub:
            yield server, RemoteListing(hub, lambda: clock[0]), clock


def test_a_remote_list_is_read_at_most_twenty_pages_and_says_so(endless):
    server, listing, _ = endless
    listed = listing.page(ListQuery(InstanceFilter(created_from=NOW - timedelta(hours=1))))
    assert len(server.asked) == MOST_PAGES == 20
    assert (listed.read, listed.is_complete, len(listed.rows)) == (200, False, 50)


def test_a_remote_list_is_read_again_after_ten_seconds(endless):
    server, listing, clock = endless
    query = ListQuery(InstanceFilter(created_from=NOW - timedelta(hours=1)))
    for seconds, requests in ((0, 20), (9, 20), (2, 40)):
        clock[0] += seconds
        listing.page(query)
        assert len(server.asked) == requests


def test_filters_and_pages_of_a_remote_list_ask_for_nothing_more(endless):
    server, listing, _ = endless
    begin = NOW - timedelta(hours=1)
    first = listing.page(ListQuery(InstanceFilter(created_from=begin)))
    second = listing.page(ListQuery(InstanceFilter(created_from=begin), at=first.next))
    failed = InstanceFilter(statuses=frozenset({RuntimeStatus.FAILED}), created_from=begin)
    assert len(server.asked) == 20
    assert [row.instance_id for row in first.rows + second.rows] == [
        f"r-{number:05}" for number in range(100)
    ]
    assert (second.newer, listing.page(ListQuery(failed)).rows) == (50, [])


@pytest.mark.parametrize(
    ("seconds", "length"), [(0.5, 1), (59, 2), (3600, 120), (86400, 1800), (10**9, 365 * 86400)]
)
def test_spans_are_round_and_few(seconds, length):
    begin, found, count = spans(NOW, NOW + timedelta(seconds=seconds))
    assert (found, count <= 60, begin <= NOW) == (length, True, True)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("remote")


def test_a_remote_hub_is_listed_by_time_and_changed_through_the_page(tab, folder):
    with (
        serving(folder, app=RECORDINGS / "function_app.py") as served,
        showing(folder, "--hub", f"http://127.0.0.1:{served.port}") as shown,
    ):
        served.ask("POST", "orchestrators/approval/remote-1")
        page = tab.open(shown)
        page.get_by_role("link", name="remote-1").wait_for()
        page.get_by_text("in the time range; refreshed every 10 s").wait_for()
        assert page.get_by_label("Started").input_value() == "1h"
        page.get_by_role("link", name="remote-1").click()
        page.locator(".badge", has_text="Running").wait_for()
        page.get_by_role("button", name="Terminate").click()
        page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
        page.locator(".badge", has_text="Terminated").wait_for()


def test_a_hub_that_goes_away_is_said_and_found_again_and_nothing_is_lost(tab, folder):
    app = RECORDINGS / "function_app.py"
    with serving(folder, app=app) as served:
        served.ask("POST", "orchestrators/echo/kept", {"kept": True})
        port = served.port
        with showing(
            folder, "--request-timeout", "1", "--hub", f"http://127.0.0.1:{port}"
        ) as shown:
            page = tab.open(shown, "/instance?id=kept")
            page.get_by_text('"kept": true').first.wait_for()
            served.stop()
            page.get_by_text("The hub does not answer.").wait_for()
            assert page.get_by_text('"kept": true').first.is_visible()
            with serving(folder, app=app, port=port):
                page.get_by_text("The hub does not answer.").wait_for(
                    state="hidden", timeout=30_000
                )


def test_clocks_that_differ_disturb_no_view(tab, folder):
    """A service that is an hour ahead of the browser, and a worker that is behind the service."""
    ahead = [time_to_text(NOW + timedelta(seconds=3600 + each)) for each in (0, -20)]
    event = {"EventType": "TaskCompleted", "FunctionName": "early", "Result": "1"}
    begun = {"EventType": "ExecutionStarted", "FunctionName": "Order", "Timestamp": ahead[0]}
    done = {**event, "Timestamp": ahead[1], "ScheduledTime": ahead[0]}
    times = {"createdTime": ahead[0], "lastUpdatedTime": ahead[1]}
    with scripted_server() as server:
        server.on("GET", "/instances", (200, [status("c-1", "Running", **times)]))
        one = status("c-1", "Running", historyEvents=[begun, done], **times)
        server.on("GET", "/instances/c-1", (200, one))
        with showing(folder, "--hub", server.url) as shown:
            page = tab.open(shown)
            assert page.locator("tr", has_text="c-1").locator(".took").inner_text() == "0 ms …"
            page.get_by_role("link", name="c-1").click()
            page.locator(".gantt-row", has_text="early").wait_for()
            assert page.locator(".facts", has_text="Running for").inner_text().endswith("0 ms")
            assert not re.search(r"NaN|Infinity|-\d+ m?s", page.locator("main").inner_text())


def test_what_the_service_lacks_is_said_by_the_button(tab, folder):
    failed = status("f-1", "Failed", output="boom", historyEvents=[])
    with scripted_server() as server:
        server.on("GET", "/instances/f-1", (200, failed))
        server.on("GET", "/instances", (200, [failed]))
        lacking = {"Message": "m", "ExceptionMessage": "Rewind is not supported here."}
        server.on("POST", "/instances/f-1/rewind", (501, lacking))
        with showing(folder, "--hub", server.url) as shown:
            page = tab.open(shown, "/instance?id=f-1")
            page.locator(".badge", has_text="Failed").wait_for()
            page.get_by_role("button", name="Rewind").click()
            page.get_by_role("dialog").get_by_role("button", name="Rewind").click()
            page.get_by_role("dialog").get_by_text("f-1: ").wait_for()
            page.get_by_role("button", name="Close").click()
            page.wait_for_selector("button[title='this hub does not support rewind']")
