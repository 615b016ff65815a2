"""Every view and every action on the hubs of others: a served one with a key, and one over gRPC."""

from __future__ import annotations

import time
from contextlib import ExitStack

import pytest

from tests.grpc_server import durable_task_server, needs_durabletask
from tests.server.page.shown import API, showing
from tests.server.page.test_actions import act
from tests.server.serving import RECORDINGS, serving

KEY = "0123-secret.key=="


@pytest.fixture(scope="module", params=["http", pytest.param("grpc", marks=needs_durabletask)])
def other(request, tmp_path_factory):
    """The page of a hub that runs `tests/recordings/function_app.py` elsewhere."""
    folder, environ = tmp_path_factory.mktemp(request.param), {"HUB_KEY": KEY}
    options = ["--key-env", "HUB_KEY"] if request.param == "http" else []
    with ExitStack() as stack:
        if request.param == "http":
            app = RECORDINGS / "function_app.py"
            served = stack.enter_context(serving(folder, *options, app=app, environ=environ))
            url = f"http://127.0.0.1:{served.port}"
        else:
            url = stack.enter_context(durable_task_server())
        yield stack.enter_context(showing(folder, "--hub", url, *options, environ=environ))


def start(other, name, instance_id, value=b"null"):
    headers = {"Cookie": other.cookie(), "Origin": other.origin}
    address = f"{API}/orchestrators/{name}/{instance_id}"
    assert other.ask("POST", address, value, **headers).status == 202


def finished(other, instance_id):
    end = time.monotonic() + 20
    while not other.read(f"instance?id={instance_id}")["isFinal"]:
        assert time.monotonic() < end


def test_an_instance_is_started_listed_and_opened(tab, other):
    page = tab.open(other, "/start")
    page.get_by_label("Orchestrator", exact=True).fill("echo")
    page.get_by_label("Instance id").fill("started")
    page.get_by_label("Input", exact=True).fill('{"cups": 2}')
    page.get_by_role("button", name="Start", exact=True).click()
    page.locator(".badge", has_text="Completed").wait_for()
    assert page.locator(".payload", has_text="Output").get_by_text('"cups": 2').is_visible()
    page.get_by_role("heading", name="History").click()
    page.locator(".event-row", has_text="ExecutionCompleted").wait_for()
    page.get_by_role("link", name="Instances").click()
    page.get_by_role("link", name="started", exact=True).wait_for()
    page.get_by_text("in the time range; refreshed every 10 s").wait_for()


def test_a_waiting_instance_says_so_and_is_steered_until_its_event(tab, other):
    start(other, "approval", "steered")
    page = tab.open(other, "/instance?id=steered")
    page.get_by_role("heading", name="What it waits for").wait_for()
    act(page, "Suspend")
    page.locator(".badge", has_text="Suspended").wait_for()
    act(page, "Resume")
    page.locator(".badge", has_text="Running").wait_for()
    page.get_by_role("button", name="Raise event").click()
    page.get_by_label("Name of the event").fill("Approve")
    page.get_by_label("Data").fill('"ada"')
    page.get_by_role("dialog").get_by_role("button", name="Raise event").click()
    page.locator(".badge", has_text="Completed").wait_for()
    page.locator(".payload", has_text="Output").get_by_text("ada").wait_for()


def test_a_running_instance_is_terminated(tab, other):
    start(other, "approval", "ended")
    page = tab.open(other, "/instance?id=ended")
    page.locator(".badge", has_text="Running").wait_for()
    act(page, "Terminate")
    page.locator(".badge", has_text="Terminated").wait_for()


def test_a_failed_instance_says_why_and_is_rewound_restarted_and_purged(tab, other):
    start(other, "failing", "failed", b'"no luck"')
    finished(other, "failed")
    page = tab.open(other, "/instance?id=failed")
    page.get_by_role("region", name="Why").locator(".cause").wait_for()
    act(page, "Rewind")
    page.get_by_role("dialog").wait_for(state="detached")
    finished(other, "failed")
    page.locator(".badge", has_text="Failed").wait_for()
    act(page, "Restart")
    page.get_by_text("Restarted as").wait_for()
    act(page, "Purge")
    page.get_by_text("This instance has been purged").wait_for()


def test_two_instances_are_compared(tab, other):
    for number in (1, 2):
        start(other, "echo", f"pair-{number}", str(number).encode())
        finished(other, f"pair-{number}")
    page = tab.open(other, "/compare?a=pair-1&b=pair-2")
    page.get_by_role("heading", name="Output 1 line differs").wait_for()


def test_many_are_purged_at_once(tab, other):
    for number in (1, 2):
        start(other, "echo", f"many-{number}")
        finished(other, f"many-{number}")
    page = tab.open(other, "/instances?prefix=many-")
    page.get_by_role("link", name="many-2").wait_for(timeout=15_000)
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("toolbar").get_by_role("button", name="Purge").click()
    page.get_by_role("dialog").get_by_role("button", name="Purge: 2 instances").click()
    page.get_by_role("dialog").wait_for(state="detached")
    assert other.ask("GET", "/ui/api/instance?id=many-1", Cookie=other.cookie()).status == 404
