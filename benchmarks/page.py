"""What the page of `durablectl ui` costs in a real Chromium, beside a static page with the same
rows, in one run.

usage: python benchmarks/page.py [--instances 100000] [--reps 7] [--minutes 1]

Prints the time from the start of the navigation to the first row (the lowest of the repetitions, as
other programs only add to it), the processor time of server and renderer, the memory of the tab
after live update, and how an instance with 5,000 history events opens and scrolls. Requires
Chromium and the package `playwright`.
"""

from __future__ import annotations

import argparse
import contextlib
import http.client
import http.server
import os
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from playwright.sync_api import sync_playwright

from durablectl.backends.local import LocalTaskHub

APP = """
from durablectl import df

app = df.DFApp()


@app.activity_trigger(input_name="number")
def step(number):
    return number


@app.orchestration_trigger(context_name="context")
def Long(context):
    for number in range(2500):
        yield context.call_activity("step", number)
"""
AT_ONCE = 10_000
ROW = "<tr><td><input type=checkbox><td>Pending<td><a href=#>i-{}</a><td>Order</tr>"
MARK = """
addEventListener("DOMContentLoaded", () => {
  const watch = new MutationObserver(look);
  function look() {
    if (!document.querySelector(SELECTOR)) return;
    watch.disconnect();
    requestAnimationFrame(() => setTimeout(() => (window.painted = performance.now())));
  }
  watch.observe(document.documentElement, { childList: true, subtree: true });
  look();
});
"""
SCROLL = """
async (list) => {
  let longest = 0, last = performance.now(), most = 0;
  for (let turn = 0; turn < 120; turn += 1) {
    list.scrollTop = (turn / 120) * list.scrollHeight;
    await new Promise(requestAnimationFrame);
    longest = Math.max(longest, performance.now() - last);
    last = performance.now();
    most = Math.max(most, list.querySelectorAll("[role=listitem]").length);
  }
  return [longest, most];
}
"""


class Browser:
    """A Chromium whose renderers are measured."""

    def __init__(self, browser: Any) -> None:
        self._browser = browser
        self._session = browser.new_browser_cdp_session()

    def renderers(self) -> dict[int, float]:
        """The processor time of each renderer in seconds, by its process."""
        found = self._session.send("SystemInfo.getProcessInfo")["processInfo"]
        return {each["id"]: each["cpuTime"] for each in found if each["type"] == "renderer"}

    @contextmanager
    def tab(self, cookie: str, origin: str) -> Iterator[Any]:
        context = self._browser.new_context(viewport={"width": 1280, "height": 860})
        if cookie:
            name, _, value = cookie.partition("=")
            context.add_cookies([{"name": name, "value": value, "url": origin}])
        yield context.new_page()
        context.close()

    def open(self, page: Any, address: str, selector: str) -> tuple[float, float]:
        """Milliseconds until the selector is painted, and seconds of the renderers."""
        page.add_init_script(f"const SELECTOR = {selector!r};{MARK}")
        before = sum(self.renderers().values())
        page.goto(address)
        page.wait_for_function("() => window.painted", polling=50)
        return page.evaluate("window.painted"), sum(self.renderers().values()) - before


def filled(folder: Path, instances: int) -> None:
    (folder / "function_app.py").write_text(APP)
    with LocalTaskHub(folder / "hub.db", create=True) as hub:
        hub.start("Long", instance_id="long")
        command = [sys.executable, "-m", "durablectl", "--hub", "hub.db", "wait", "long", "-q"]
        subprocess.run(command, cwd=folder, check=True, stdout=subprocess.DEVNULL)
        for first in range(0, instances, AT_ONCE):
            hub.start_many([("Order", None, f"i-{first + n:07}") for n in range(AT_ONCE)])


@contextmanager
def shown(folder: Path) -> Iterator[tuple[int, str, str]]:
    """`durablectl ui`: its process, its origin, the cookie."""
    command = [sys.executable, "-m", "durablectl", "--hub", "hub.db", "ui", "--no-open"]
    ui = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
    try:
        assert ui.stdout is not None
        address = ui.stdout.readline().strip()
        host = address.split("/")[2]
        connection = http.client.HTTPConnection(host)
        connection.request("GET", address.partition(host)[2])
        cookie = connection.getresponse().headers["Set-Cookie"].partition(";")[0]
        yield ui.pid, f"http://{host}", cookie
    finally:
        ui.terminate()
        ui.wait()


@contextmanager
def static() -> Iterator[str]:
    """A page of 50 rows that is one file."""
    body = f"<!doctype html><table>{''.join(ROW.format(n) for n in range(50))}</table>".encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/html")
            self.end_headers()
            self.wfile.write(body)

        def handle(self) -> None:
            with contextlib.suppress(ConnectionError):  # of a tab that was closed
                super().handle()

        def log_message(self, *_: Any) -> None:
            pass

    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}"
    server.shutdown()


def processor(pid: int) -> float:
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory(pid: int) -> float:
    """Of a process, in MB: what is its own, and its part of what it shares."""
    lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("Pss:")) / 1024


def said(what: str, value: str, limit: str = "") -> None:
    print(f"{what:<58}{value:>16}  {limit}")


def opened(browser: Browser, ui: tuple[int, str, str], reps: int, instances: int) -> None:
    pid, origin, cookie = ui
    views = {
        f"list of {instances:,}": (
            origin,
            cookie,
            "/ui/#/instances",
            "tbody a.id",
            "limit 1,000 ms",
        ),
        "5,000 events": (
            origin,
            cookie,
            "/ui/#/instance?id=long",
            ".gantt-row rect",
            "limit 2,000 ms",
        ),
    }
    with static() as plain:
        views["static page of 50 rows"] = (plain, "", "/", "tr a", "")
        figures: dict[str, list[tuple[float, float, float]]] = {name: [] for name in views}
        for _ in range(reps):
            for name, (base, ticket, path, selector, _limit) in views.items():
                with browser.tab(ticket, base) as page:
                    before = processor(pid)
                    took, renderer = browser.open(page, base + path, selector)
                    figures[name].append((took, renderer, processor(pid) - before))
    for name, (*_, limit) in views.items():
        times, renderers, servers = zip(*figures[name], strict=True)
        said(f"{name}: first row", f"{min(times):.0f} ms", limit)
        costs = f"{min(servers) * 1000:.0f} + {min(renderers) * 1000:.0f} ms"
        said(f"{name}: processor time, server + renderer", costs)


def lived(browser: Browser, ui: tuple[int, str, str], folder: Path, minutes: float) -> None:
    """The list while four instances a second are started."""
    _, origin, cookie = ui
    with browser.tab(cookie, origin) as page, LocalTaskHub(folder / "hub.db") as hub:
        before = browser.renderers()
        browser.open(page, f"{origin}/ui/#/instances", "tbody a.id")
        end = time.monotonic() + 60 * minutes
        while time.monotonic() < end:
            hub.start("Order")
            page.wait_for_timeout(250)
        heap = page.evaluate("performance.memory.usedJSHeapSize") / 2**20
        used = {pid: cpu - before.get(pid, 0.0) for pid, cpu in browser.renderers().items()}
        tab = memory(max(used, key=lambda pid: used[pid]))  # others are spare ones
    said(
        f"tab after {minutes:g} min of live update, all of its process",
        f"{tab:.0f} MB",
        "limit 150 MB",
    )
    said(f"tab after {minutes:g} min of live update, JavaScript heap", f"{heap:.1f} MB")


def scrolled(browser: Browser, ui: tuple[int, str, str]) -> None:
    _, origin, cookie = ui
    with browser.tab(cookie, origin) as page:
        browser.open(page, f"{origin}/ui/#/instance?id=long", ".gantt-row rect")
        page.get_by_role("heading", name="History").click()
        page.locator(".event-row").first.wait_for()
        for name in ("Timeline", "History events"):
            longest, most = page.get_by_role("region", name=name).evaluate(SCROLL)
            said(f"scrolling {name.lower()}: longest frame, most rows", f"{longest:.0f} ms, {most}")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--instances", type=int, default=100_000)
    parser.add_argument("--reps", type=int, default=7)
    parser.add_argument("--minutes", type=float, default=1.0)
    given = parser.parse_args()
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    arguments = ["--enable-precise-memory-info", *(["--no-sandbox"] if os.geteuid() == 0 else [])]
    with tempfile.TemporaryDirectory() as made, sync_playwright() as driver:
        folder = Path(made)
        filled(folder, given.instances)
        with shown(folder) as ui:
            launched = driver.chromium.launch(executable_path=chromium, args=arguments)
            browser = Browser(launched)
            opened(browser, ui, given.reps, given.instances)
            scrolled(browser, ui)
            lived(browser, ui, folder, given.minutes)
            launched.close()


if __name__ == "__main__":
    main()
