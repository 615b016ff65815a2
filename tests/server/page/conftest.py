"""A hub with a worker, the page of it, and a real Chromium; tests are skipped where there is none."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from durablectl.backends.local import LocalTaskHub
from tests.server.page.shown import Shown, showing, working

CHROMIUM = next(
    filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("shop")


@pytest.fixture(scope="module")
def hub(folder: Path) -> Iterator[LocalTaskHub]:
    """A local hub with a worker."""
    with working(folder) as hub:
        yield hub


@pytest.fixture(scope="module")
def shown(folder: Path, hub: LocalTaskHub) -> Iterator[Shown]:
    """The page of that hub."""
    with showing(folder, "--hub", "hub.db") as shown:
        yield shown


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    """A real Chromium, for one module: while it is driven, no other event loop can run here."""
    if CHROMIUM is None:
        pytest.skip("Chromium is not installed")
    sync_api = pytest.importorskip("playwright.sync_api", reason="playwright is not installed")
    arguments = ["--no-sandbox"] if os.geteuid() == 0 else []
    with sync_api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=CHROMIUM, args=arguments)
        yield browser
        browser.close()


class Tab:
    """A tab of the browser. What goes wrong in it is a fault of the test that uses it."""

    def __init__(self, browser: Any, **options: Any) -> None:
        self.context = browser.new_context(
            **{"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce", **options}
        )
        self.context.set_default_timeout(10_000)
        self.page = self.context.new_page()
        self.faults: list[str] = []
        self.page.on("pageerror", lambda error: self.faults.append(str(error)))
        self.page.on("console", self._note)

    def open(self, shown: Shown, route: str = "/instances") -> Any:
        """The page at a route, in Playwright's hands, with the cookie that the address gives."""
        name, _, value = shown.cookie().partition("=")
        self.context.add_cookies([{"name": name, "value": value, "url": shown.origin}])
        self.page.goto(f"{shown.origin}/ui/#{route}")
        self.page.wait_for_selector("#top nav a")
        return self.page

    def _note(self, message: Any) -> None:
        is_answer = message.text.startswith("Failed to load resource")  # tests ask for these
        if message.type in ("error", "warning") and not is_answer:
            self.faults.append(message.text)


@pytest.fixture
def tab(browser: Any) -> Iterator[Tab]:
    tab = Tab(browser)
    yield tab
    tab.context.close()
    assert tab.faults == []
