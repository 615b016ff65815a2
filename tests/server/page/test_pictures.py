"""Each view in light and dark, wide and narrow: nothing overflows; some are the docs' pictures."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.server.page.conftest import Tab
from tests.server.page.shown import DECLINED, order

DOCS = Path(__file__).parents[3] / "docs"
VIEWS = {
    "instances": "/instances",
    "failed": "/instances?status=Failed",
    "nothing": "/instances?prefix=nothing-like-it",
    "instance": "/instance?id=order-1007",
    "waiting": "/instance?id=approval-7",
    "absent": "/instance?id=absent",
    "start": "/start?name=Order&like=order-1001",
    "compare": "/compare?a=order-1001&b=order-1007",
}
READY = {
    "instances": "tbody tr",
    "failed": "tbody tr",
    "nothing": ".empty p",
    "instance": ".gantt-row rect",
    "waiting": ".gantt-row rect",
    "absent": ".notice",
    "start": "form.start",
    "compare": ".pairs",
}
PICTURES = {
    ("instances", "light", 1280): "page-instances",
    ("instance", "light", 1280): "page-instance",
    ("compare", "light", 1280): "page-compare",
    ("instances", "dark", 360): "page-narrow",
}
HEIGHTS = {1280: 860, 360: 740}
HIGHER = {"instance": 1200}


@pytest.fixture(scope="module", autouse=True)
def instances(hub):
    for number in range(1001, 1013):
        card = DECLINED if number in (1007, 1010) else "4000-0001"
        hub.start(
            "Order", order(number, "cup-blue", "plate", card=card), instance_id=f"order-{number}"
        )
    hub.start("Approval", instance_id="approval-7")
    hub.start("Approval", instance_id="approval-8")
    for number in range(1001, 1013):
        hub.wait_for_completion(f"order-{number}", timeout=60)
    hub.suspend("approval-8", "until Monday")


def without_path(route, folder):
    """Let the pictures be the same wherever they are made: the app's folder is shown as /orders."""
    answer = route.fetch()
    if answer.ok:
        route.fulfill(response=answer, body=answer.text().replace(folder, "/orders"))
    else:
        route.fulfill(response=answer)


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("view", VIEWS)
def test_nothing_overflows(view, scheme, browser, shown, folder, tmp_path, request):
    tab = Tab(browser, color_scheme=scheme)
    tab.page.route("**/ui/api/*", lambda route: without_path(route, str(folder)))
    page = tab.open(shown, VIEWS[view])
    page.wait_for_selector(READY[view])
    page.wait_for_load_state("networkidle")
    wider = {}
    for width, height in HEIGHTS.items():
        height = HIGHER.get(view, height) if width > 360 else height
        page.set_viewport_size({"width": width, "height": height})
        wider[width] = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
        kept = request.config.getoption("--pictures")
        name = PICTURES.get((view, scheme, width))
        pictures = Path(kept) if kept and name else tmp_path
        pictures.mkdir(parents=True, exist_ok=True)
        page.screenshot(path=pictures / f"{name or view}.png")
    page.unroute_all(behavior="wait")  # a live update may be on its way
    tab.context.close()
    assert (max(wider.values()) <= 0, tab.faults) == (True, [])


def test_the_docs_show_the_pictures_that_are_made_here():
    text = (DOCS / "how-to" / "page.md").read_text()
    assert set(re.findall(r"\(images/([\w-]+)\.png\)", text)) == set(PICTURES.values())
    assert all((DOCS / "how-to" / "images" / f"{each}.png").is_file() for each in PICTURES.values())
