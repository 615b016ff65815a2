"""The page without a mouse, and for who hears it: keys do everything, and axe-core finds nothing
serious.
"""

from __future__ import annotations

import shutil
import subprocess
import tarfile

import pytest

from tests.server.page.conftest import Tab
from tests.server.page.shown import DECLINED, order

AXE = "axe-core@4.10.3"
SERIOUS = ("serious", "critical")


@pytest.fixture(scope="module", autouse=True)
def instances(hub):
    hub.start("Order", order(1, "cup", "plate"), instance_id="order-1")
    hub.start("Order", order(4, card=DECLINED), instance_id="order-4")
    hub.start("Approval", instance_id="approval-1")
    for each in ("order-1", "order-4"):
        hub.wait_for_completion(each, timeout=30)


def focused(page):
    return page.evaluate("document.activeElement.textContent || document.activeElement.id")


def until_focused(page, text):
    page.wait_for_function(
        "text => (document.activeElement.textContent || document.activeElement.id) === text",
        arg=text,
    )


def test_an_instance_is_found_opened_and_terminated_with_keys_alone(tab, shown, hub):
    hub.start("Approval", instance_id="keyed")
    page = tab.open(shown)
    page.get_by_role("link", name="keyed").wait_for()
    page.keyboard.press("/")
    until_focused(page, "search")
    page.keyboard.type("key")
    page.wait_for_selector("tbody tr:only-child")
    page.keyboard.press("Escape")
    page.keyboard.press("ArrowDown")
    until_focused(page, "keyed")
    page.keyboard.press("Enter")
    page.get_by_role("heading", name="keyed").wait_for()
    page.locator(".badge", has_text="Running").wait_for()
    while focused(page) != "Terminate":
        page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    until_focused(page, "action-reason")
    page.keyboard.press("Enter")
    page.locator(".badge", has_text="Terminated").wait_for()


def test_rows_are_moved_through_selected_and_unfolded_with_keys(tab, shown):
    page = tab.open(shown, "/instances?name=Order")
    page.get_by_role("link", name="order-1", exact=True).wait_for()
    page.keyboard.press("j")
    until_focused(page, "order-4")
    page.keyboard.press("x")
    page.get_by_text("1 selected").wait_for()
    page.keyboard.press("ArrowDown")
    until_focused(page, "order-1")
    page.keyboard.press("ArrowRight")
    page.locator("tr.child").first.wait_for()
    page.keyboard.press("ArrowLeft")
    page.locator("tr.child").first.wait_for(state="detached")


def test_views_are_reached_and_keys_are_listed_with_keys(tab, shown):
    page = tab.open(shown)
    page.keyboard.press("n")
    page.get_by_role("heading", name="Start an instance").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("c")
    page.get_by_role("heading", name="Compare two instances").wait_for()
    page.keyboard.press("Escape")
    page.keyboard.press("?")
    page.get_by_role("dialog").get_by_text("search the instances").wait_for()
    page.keyboard.press("Escape")
    page.get_by_role("dialog").wait_for(state="detached")


def test_the_timeline_is_read_and_zoomed_with_keys(tab, shown):
    page = tab.open(shown, "/instance?id=order-1")
    step = page.get_by_role("region", name="Timeline").get_by_role("button", name="reserve, done")
    step.focus()
    page.keyboard.press("Enter")
    page.locator(".gantt .details").get_by_text("Took").wait_for()
    page.keyboard.press("+")
    fit = page.get_by_role("button", name="Show the whole time")
    assert fit.is_enabled()
    page.keyboard.press("0")
    assert fit.is_disabled()


@pytest.fixture(scope="module")
def axe(tmp_path_factory):
    """The text of axe-core from npm."""
    if shutil.which("npm") is None:
        pytest.skip("npm is not installed")
    folder = tmp_path_factory.mktemp("axe")
    done = subprocess.run(
        ["npm", "pack", "--silent", AXE], cwd=folder, capture_output=True, text=True, timeout=100
    )
    if done.returncode:
        pytest.skip("npm cannot fetch axe-core")
    with tarfile.open(next(folder.glob("*.tgz"))) as package:
        member = package.extractfile("package/axe.min.js")
        assert member is not None
        return member.read().decode()


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    ("route", "ready"),
    [
        ("/instances", "tbody tr"),
        ("/instance?id=order-4", ".gantt-row rect"),
        ("/start", "form.start"),
        ("/compare?a=order-1&b=order-4", ".pairs"),
        ("/instances?prefix=nothing-like-it", ".empty p"),
        ("/instance?id=approval-1", ".gantt-row rect"),
        ("/instance?id=absent", ".notice"),
    ],
)
def test_axe_finds_nothing_serious(route, ready, scheme, axe, browser, shown):
    tab = Tab(browser, color_scheme=scheme, bypass_csp=True)
    page = tab.open(shown, route)
    page.wait_for_selector(ready)
    page.evaluate(axe)
    violations = page.evaluate("axe.run().then(result => result.violations)")
    tab.context.close()
    assert [
        (each["id"], each["nodes"][0]["html"]) for each in violations if each["impact"] in SERIOUS
    ] == []


DIALOGS = {
    "approval-1": ["Raise event", "Suspend", "Terminate", "Keys"],
    "order-4": ["Rewind", "Restart", "Purge"],
}


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("instance", DIALOGS)
def test_axe_finds_nothing_serious_in_the_dialogs_which_fit_a_phone(
    instance, scheme, axe, browser, shown
):
    phone = {"width": 360, "height": 740}
    tab = Tab(browser, color_scheme=scheme, bypass_csp=True, viewport=phone)
    page = tab.open(shown, f"/instance?id={instance}")
    page.evaluate(axe)
    found = []
    for name in DIALOGS[instance]:
        page.get_by_role("button", name=name).click()
        box = page.get_by_role("dialog").bounding_box()
        assert (box["x"] >= 0, box["x"] + box["width"] <= 360, box["height"] <= 740) == (True,) * 3
        violations = page.evaluate("axe.run('dialog').then(result => result.violations)")
        found += [(name, each["id"]) for each in violations if each["impact"] in SERIOUS]
        page.keyboard.press("Escape")
        page.get_by_role("dialog").wait_for(state="detached")
    tab.context.close()
    assert found == []
