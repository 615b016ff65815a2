"""Whatever a hub says is text: names, ids, payloads, failures and events that look like markup."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from scripted_server import scripted_server, status

import durablectl.server
from tests.server.page.shown import showing

FILES = Path(durablectl.server.__file__).parent / "page"
MARKUP = '<img src=x onerror="document.title=1"><script>alert(1)</script>&amp;</title>'
TIMES = {"createdTime": "2026-01-02T03:04:05Z", "lastUpdatedTime": "2026-01-02T03:04:06Z"}
HOSTILE = status(
    MARKUP,
    "Failed",
    name=MARKUP,
    input={MARKUP: MARKUP},
    customStatus=MARKUP,
    output=f"Orchestrator function '{MARKUP}' failed: Activity function 'x' failed: {MARKUP}",
    historyEvents=[
        {
            "EventType": kind,
            "Timestamp": "2026-01-02T03:04:05Z",
            "ScheduledTime": "2026-01-02T03:04:05Z",
            "FunctionName": MARKUP,
            "Name": MARKUP,
            "Result": MARKUP,
            "Reason": MARKUP,
            "InstanceId": MARKUP,
        }
        for kind in (
            "ExecutionStarted",
            "TaskCompleted",
            "SubOrchestrationInstanceFailed",
            "EventRaised",
            MARKUP,
        )
    ],
    **TIMES,
)


@pytest.fixture(scope="module")
def hostile(tmp_path_factory):
    folder = tmp_path_factory.mktemp("hostile")
    with scripted_server() as server:
        server.on("GET", "/instances", (200, [{**HOSTILE, "historyEvents": None}]))
        server.otherwise = lambda request: (
            (200, HOSTILE) if request.path.startswith("/instances/") else (404, None)
        )
        with showing(folder, "--hub", server.url) as shown:
            yield shown


@pytest.mark.parametrize(
    "route",
    ["/instances?range=30d", "/instance?id=x", "/start?name=y&like=x", "/compare?a=x&b=x"],
)
def test_markup_from_a_hub_is_shown_as_text(route, tab, hostile):
    page = tab.open(hostile, route)
    page.get_by_text("onerror=").or_(page.locator("#input")).first.wait_for()
    page.wait_for_load_state("networkidle")
    assert page.locator("main img, main script").count() == 0
    assert not page.title().startswith("1")


def test_history_from_a_hub_is_shown_as_text(tab, hostile):
    page = tab.open(hostile, "/instance?id=x")
    page.get_by_role("heading", name="History").click()
    page.locator(".event-row").nth(4).wait_for()
    page.locator(".event-row .name").nth(4).click()
    page.locator(".history .details pre").wait_for()
    assert page.locator("main img, main script").count() == 0


def test_a_download_cannot_become_a_page(hostile):
    answer = hostile.ask("GET", "/ui/api/payload?id=x&part=custom_status", Cookie=hostile.cookie())
    assert answer.headers["Content-Disposition"].startswith("attachment")
    assert answer.headers["Content-Type"].startswith("text/plain")
    assert MARKUP in answer.text


@pytest.mark.parametrize("file", sorted(FILES.glob("*.js")), ids=lambda file: file.name)
def test_no_module_makes_markup_or_code_out_of_text(file):
    text = file.read_text(encoding="utf-8")
    forbidden = (
        r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\(|new Function|https?:"
    )
    assert re.findall(forbidden, text.replace("http://www.w3.org/2000/svg", "")) == []
    assert len(text.splitlines()) <= 400


def test_the_page_loads_nothing_from_elsewhere():
    for file in FILES.iterdir():
        found = re.findall(r"https?://[^\s\"')]+", file.read_text(encoding="utf-8"))
        assert set(found) <= {"http://www.w3.org/2000/svg"}
