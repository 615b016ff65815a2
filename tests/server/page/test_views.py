"""What the page shows, in a real browser."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

import durablectl.server
from tests.server.page.shown import DECLINED, order

FILES = Path(durablectl.server.__file__).parent / "page"


CHILDREN, LARGE = 2000, 10_000_000


@pytest.fixture(scope="module", autouse=True)
def instances(hub):
    """One instance of each kind, which has come as far as it can."""
    hub.start("Order", order(1, "cup", "plate"), instance_id="order-1")
    hub.start("Order", order(4, card=DECLINED), instance_id="order-4")
    hub.start("Long", 2500, instance_id="long-1")
    hub.start("Wide", CHILDREN, instance_id="wide-1")
    hub.start("Echo", "x" * LARGE, instance_id="large-1")
    hub.start("Approval", instance_id="approval-1")
    for each in ("order-1", "order-4", "long-1", "wide-1", "large-1"):
        hub.wait_for_completion(each, timeout=60)


def ids(page):
    page.wait_for_selector("tbody a.id")
    return page.locator("tbody tr:not(.child) a.id").all_inner_texts()


def test_the_list_has_the_newest_first_and_the_cause_of_a_failure(tab, shown):
    page = tab.open(shown, "/instances?name=Order")
    assert ids(page) == ["order-4", "order-1"]
    assert "card 4000-9001 was declined" in page.locator("tr", has_text="order-4").inner_text()


def test_the_statuses_are_counted_and_chosen(tab, shown):
    page = tab.open(shown)
    page.get_by_role("button", name=re.compile("^Failed 1")).click()
    page.wait_for_selector("tbody tr:only-child")
    assert ids(page) == ["order-4"]
    assert "status=Failed" in page.url


def test_filters_are_kept_in_the_address(tab, shown):
    page = tab.open(shown)
    page.get_by_label("Id starts with").fill("order-")
    page.wait_for_url("**prefix=order-*")
    page.reload()
    assert ids(page) == ["order-4", "order-1"]
    assert page.get_by_label("Id starts with").input_value() == "order-"


def test_sub_orchestrations_are_folded_below_their_parent(tab, shown):
    page = tab.open(shown)
    page.get_by_role("button", name="2 sub-orchestrations of order-1").click()
    page.wait_for_selector("tr.child a.id")
    assert page.locator("tr.child .name").all_inner_texts() == ["Parcel", "Parcel"]


def test_a_change_is_shown_without_a_reload(tab, shown, hub):
    page = tab.open(shown)
    hub.start("Approval", instance_id="approval-2")
    row = page.locator("tr", has_text="approval-2")
    row.get_by_text("Running").wait_for()
    hub.raise_event("approval-2", "Approve", "ada")
    row.get_by_text("Completed").wait_for()


def test_rows_that_are_read_do_not_move(tab, shown, hub):
    page = tab.open(shown)
    page.wait_for_load_state("networkidle")  # what its rows wait for is shown
    read = page.get_by_role("link", name="order-1", exact=True)
    read.focus()
    before = read.bounding_box()
    hub.start("Echo", 1, instance_id="pushed")
    newer = page.get_by_role("button", name="1 newer: show")
    newer.wait_for()
    assert read.bounding_box() == before
    newer.click()
    page.get_by_role("link", name="pushed").wait_for()


def test_an_instance_says_why_it_failed_and_where(tab, shown):
    page = tab.open(shown, "/instance?id=order-4")
    why = page.get_by_role("region", name="Why")
    why.get_by_text("ValueError: card 4000-9001 was declined by the bank").first.wait_for()
    assert "function_app.py:" in why.inner_text()
    assert "in activity 'charge', called by orchestrator 'Order'" in why.inner_text()


def test_an_instance_says_what_it_waits_for(tab, shown):
    page = tab.open(shown, "/instance?id=approval-1")
    page.get_by_role("region", name="Why").get_by_text("timer").first.wait_for()


def test_an_event_that_nothing_waits_for_is_named(tab, shown, hub):
    hub.raise_event("approval-1", "Aproval", 1)
    page = tab.open(shown, "/instance?id=approval-1")
    why = page.get_by_role("region", name="Why")
    why.get_by_text("event 'Aproval' came at").wait_for()
    assert "has not let it continue" in why.inner_text()


def test_the_timeline_shows_steps_and_unfolds_those_of_a_child(tab, shown):
    page = tab.open(shown, "/instance?id=order-1")
    steps = page.get_by_role("region", name="Timeline")
    steps.get_by_role("button", name=re.compile("Steps of")).first.click()
    steps.get_by_role("button", name="ship, done").wait_for()
    steps.get_by_role("button", name="reserve, done").click()
    assert "reserved" in page.locator(".gantt .details").inner_text()


def test_a_child_leads_to_its_parent(tab, shown, hub):
    child = shown.read("children?id=order-1")["rows"][0]["id"]
    page = tab.open(shown, f"/instance?id={child}")
    page.locator(".facts").get_by_role("link", name="order-1").click()
    page.get_by_role("heading", name="order-1").wait_for()


def test_a_long_history_makes_only_the_rows_in_sight(tab, shown):
    page = tab.open(shown, "/instance?id=long-1")
    page.get_by_role("heading", name="History").click()
    rows = page.locator(".event-row")
    rows.first.wait_for()
    events = page.get_by_role("region", name="History events")
    events.evaluate("element => element.scrollTo(0, element.scrollHeight)")
    rows.get_by_text("ExecutionCompleted").wait_for()
    assert rows.count() < 60
    assert page.locator(".gantt-row").count() < 60


def test_a_large_output_is_cut_and_can_be_downloaded(tab, shown):
    page = tab.open(shown, "/instance?id=large-1")
    output = page.locator(".payload", has=page.get_by_role("heading", name="Output"))
    output.get_by_text("The first 16 KB").wait_for()
    with page.expect_download() as downloading:
        output.get_by_role("link", name="Download Output").click()
    assert len(downloading.value.path().read_text()) == LARGE


def test_of_many_children_the_list_shows_some_and_the_timeline_those_in_sight(tab, shown):
    page = tab.open(shown)
    page.get_by_role("button", name="2000 sub-orchestrations of wide-1").click()
    page.get_by_text("1,900 more: open the instance to see them").wait_for()
    assert page.locator("tr.child a.id").count() == 100
    page.get_by_role("link", name="wide-1", exact=True).click()
    page.get_by_text("2,000 steps").wait_for()
    assert 0 < page.locator(".gantt-row").count() < 60


def test_the_printed_address_opens_the_list(tab, shown):
    tab.page.goto(shown.url)
    tab.page.get_by_role("link", name="order-1", exact=True).wait_for()
    assert shown.token not in tab.page.url


def test_the_modules_are_fetched_together(shown):
    html = shown.ask("GET", "/ui/", Cookie=shown.cookie()).text
    named = set(re.findall(r'modulepreload" href="(.*?)"', html)) | {"main.js"}
    assert named == {file.name for file in FILES.glob("*.js")}


def test_rows_are_answered_without_counts_where_they_are_asked_for_so(shown):
    listed = shown.read("instances?counts=false")
    assert (listed["counts"], listed["starts"], len(listed["rows"]) > 4) == (None, None, True)


def test_a_hub_without_histories_shows_the_rest(tab, shown):
    refusal = {"status": 501, "json": "this hub keeps no histories"}
    tab.page.route("**/ui/api/steps*", lambda route: route.fulfill(**refusal))
    page = tab.open(shown, "/instance?id=order-1")
    page.locator(".gantt").get_by_text("this hub keeps no histories").wait_for()
    assert page.locator(".payload", has_text="tracking-plate").is_visible()
    assert page.locator("#banner").is_hidden()


def test_an_instance_that_is_purged_while_it_is_open_is_said_and_stays_shown(tab, shown, hub):
    hub.start("Echo", {"kept": True}, instance_id="purged")
    hub.wait_for_completion("purged", timeout=20)
    page = tab.open(shown, "/instance?id=purged")
    page.get_by_text('"kept": true').first.wait_for()
    hub.purge("purged")
    page.get_by_text("This instance has been purged").wait_for()
    assert page.get_by_text('"kept": true').first.is_visible()


def test_an_instance_that_is_not_there_is_said(tab, shown):
    tab.open(shown, "/instance?id=none").get_by_text("There is no such instance").wait_for()


def test_two_instances_are_compared(tab, shown):
    page = tab.open(shown, "/compare?a=order-1&b=order-4")
    steps = page.locator("section", has=page.get_by_role("heading", name="Steps"))
    steps.wait_for()
    assert "charge ×3" in steps.inner_text()
    assert "tracking-plate" in page.locator(".comparison").inner_text()


def test_what_is_selected_in_the_histogram_becomes_the_range(tab, shown):
    page = tab.open(shown)
    page.wait_for_selector(".bars rect")
    box = page.locator(".plot").bounding_box()
    page.mouse.move(box["x"] + 1, box["y"] + 20)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] - 1, box["y"] + 20)
    page.mouse.up()
    page.wait_for_url("**from=*to=*")
    assert page.get_by_label("From (UTC)").is_visible()


def test_a_lost_connection_is_said_and_ends_when_the_page_is_back(tab, shown, folder):
    page = tab.open(shown)
    page.get_by_role("link", name="order-1", exact=True).wait_for()
    page.context.set_offline(True)
    page.get_by_text("Connection lost.").wait_for()
    assert page.get_by_role("link", name="order-1", exact=True).is_visible()
    page.context.set_offline(False)
    page.get_by_text("Connection lost.").wait_for(state="hidden")


def test_a_cookie_that_has_expired_is_said(tab, shown):
    page = tab.open(shown)
    page.get_by_role("link", name="order-1", exact=True).wait_for()
    page.context.clear_cookies()
    page.get_by_text("This address has expired.").wait_for()
