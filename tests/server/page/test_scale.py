"""The page over a large hub: it asks for pages, and its tab stays small."""

from __future__ import annotations

import pytest

from durablectl.backends.local import LocalTaskHub
from tests.server.page.shown import showing

MANY, AT_ONCE = 100_000, 10_000
MOST_BYTES = 150 * 1024 * 1024
HEAP = "performance.memory.usedJSHeapSize"


@pytest.fixture(scope="module")
def crowd(tmp_path_factory):
    """A hub of 100,000 instances, without a worker."""
    folder = tmp_path_factory.mktemp("crowd")
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        for first in range(0, MANY, AT_ONCE):
            hub.start_many([("Order", None, f"i-{first + number:06}") for number in range(AT_ONCE)])
    with showing(folder, "--hub", "hub.db") as shown:
        yield shown


def test_a_hundred_thousand_instances_are_paged_through(tab, crowd):
    page = tab.open(crowd)
    page.get_by_role("link", name="i-099999").wait_for()
    page.get_by_text("100,000 instances").wait_for()
    page.get_by_role("button", name="Older").click()
    page.get_by_role("link", name="i-099949").wait_for()
    page.get_by_role("button", name="Newer").click()
    page.get_by_role("link", name="i-099999").wait_for()
    assert page.locator("tbody tr").count() == 50
    assert page.evaluate(HEAP) < MOST_BYTES


def test_the_first_of_them_is_found_by_its_id(tab, crowd):
    page = tab.open(crowd)
    page.get_by_label("Id starts with").fill("i-000000")
    page.wait_for_selector("tbody tr:only-child")
    assert page.locator("tbody a.id").inner_text() == "i-000000"


def test_a_missing_worker_is_said(tab, crowd):
    tab.open(crowd).get_by_text("no worker is running").wait_for()


def test_a_page_has_at_most_200_rows_whatever_is_asked_for(crowd):
    assert len(crowd.read("instances?top=9999999")["rows"]) == 200
