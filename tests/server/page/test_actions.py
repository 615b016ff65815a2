"""What can be done through the page, in a real browser."""

from __future__ import annotations

import pytest

from tests.server.page.shown import DECLINED, order, showing
from tests.server.page.test_door import contexts


def act(page, action, send=None):
    """Press an action's button and, in its dialog, the button that sends it."""
    page.get_by_role("toolbar").or_(page.locator(".toolbar")).get_by_role(
        "button", name=action
    ).first.click()
    page.get_by_role("dialog").get_by_role(
        "button", name=send or action, exact=send is None
    ).click()


@pytest.mark.parametrize(
    ("before", "action", "status"),
    [
        ([], "Suspend", "Suspended"),
        (["suspend"], "Resume", "Running"),
        ([], "Terminate", "Terminated"),
    ],
)
def test_a_running_instance_is_steered(before, action, status, tab, shown, hub):
    name = f"steered-{action}"
    hub.start("Approval", instance_id=name)
    for each in before:
        getattr(hub, each)(name)
    page = tab.open(shown, f"/instance?id={name}")
    page.locator(".badge", has_text="Suspended" if before else "Running").wait_for()
    act(page, action)
    page.locator(".badge", has_text=status).wait_for()


def test_an_event_is_raised_with_its_data(tab, shown, hub):
    hub.start("Approval", instance_id="event-1")
    page = tab.open(shown, "/instance?id=event-1")
    page.locator(".badge", has_text="Running").wait_for()
    page.get_by_role("button", name="Raise event").click()
    page.get_by_label("Name of the event").fill("Approve")
    page.get_by_label("Data").fill('{"by": "ada"}')
    page.get_by_role("dialog").get_by_role("button", name="Raise event").click()
    page.locator(".badge", has_text="Completed").wait_for()
    assert hub.get_status("event-1").output == {"approved": {"by": "ada"}}


def test_a_question_offers_the_awaited_event_and_warns_before_a_purge(tab, shown, hub):
    hub.start("Approval", instance_id="asked")
    page = tab.open(shown, "/instance?id=asked")
    page.locator(".why strong", has_text="event").wait_for()
    page.get_by_role("button", name="Raise event").click()
    page.get_by_role("heading", name="Raise an event to an instance").wait_for()
    assert page.get_by_label("Name of the event").input_value() == "Approve"
    page.get_by_role("button", name="Cancel").click()
    act(page, "Terminate")
    page.get_by_role("button", name="Purge").click()
    page.get_by_role("dialog").get_by_text("cannot be brought back").wait_for()


def test_a_failed_instance_is_rewound_restarted_and_purged(tab, shown, hub):
    hub.start("Order", order(1, card=DECLINED), instance_id="failed-1")
    hub.wait_for_completion("failed-1", timeout=20)
    first = hub.get_status("failed-1").last_updated_time
    page = tab.open(shown, "/instance?id=failed-1")
    page.locator(".badge", has_text="Failed").wait_for()
    act(page, "Rewind")
    page.get_by_role("dialog").wait_for(state="detached")
    page.wait_for_function("() => !document.querySelector('dialog')")
    hub.wait_for_completion("failed-1", timeout=20)
    assert hub.get_status("failed-1").last_updated_time > first
    page.locator(".badge", has_text="Failed").wait_for()
    act(page, "Restart")
    page.get_by_text("Restarted as").wait_for()
    act(page, "Purge")
    page.get_by_text("This instance has been purged").wait_for()


def test_what_does_not_fit_the_status_cannot_be_pressed_and_says_why(tab, shown, hub):
    hub.start("Echo", 1, instance_id="finished")
    hub.wait_for_completion("finished", timeout=20)
    page = tab.open(shown, "/instance?id=finished")
    page.locator(".badge", has_text="Completed").wait_for()
    button = page.get_by_role("button", name="Terminate")
    assert button.is_disabled()
    assert button.get_attribute("title") == "the instance has finished"


def test_many_are_purged_at_once_with_their_number_and_the_hub_in_the_question(tab, shown, hub):
    for number in range(12):
        hub.start("Echo", number, instance_id=f"many-{number}")
        hub.wait_for_completion(f"many-{number}", timeout=20)
    page = tab.open(shown, "/instances?prefix=many-")
    page.get_by_role("link", name="many-11").wait_for()
    page.get_by_label("Select all that are shown").check()
    page.get_by_role("toolbar").get_by_role("button", name="Purge").click()
    dialog = page.get_by_role("dialog")
    assert "Purge 12 instances" in dialog.inner_text()
    assert "local hub hub.db" in dialog.inner_text()
    assert "and 2 more" in dialog.inner_text()
    dialog.get_by_role("button", name="Purge: 12 instances").click()
    page.get_by_text("No instance matches.").wait_for()


def test_an_action_that_fails_says_why_in_the_services_words(tab, shown, hub):
    hub.start("Approval", instance_id="gone")
    page = tab.open(shown, "/instance?id=gone")
    page.locator(".badge", has_text="Running").wait_for()
    page.get_by_role("button", name="Suspend").click()
    hub.terminate("gone")
    hub.wait_for_completion("gone", timeout=20)
    page.get_by_role("dialog").get_by_role("button", name="Suspend").click()
    page.get_by_role("dialog").get_by_text("gone: the instance has finished already").wait_for()


def test_an_instance_is_started_with_the_input_of_another(tab, shown, hub):
    hub.start("Order", order(7, "lamp"), instance_id="template")
    page = tab.open(shown, "/start?name=Order&like=template")
    page.wait_for_function("() => document.getElementById('input').value.includes('lamp')")
    page.get_by_label("Instance id").fill("copied")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_role("heading", name="copied").wait_for()
    assert hub.get_status("copied").input == order(7, "lamp")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ('{"a": 1,\n "b" 2}', "Line 2, column 6: ':' is expected"),
        ("[1, 2", "Line 1, column 6: ']' or ',' is expected"),
        ("{'a': 1}", "Line 1, column 2: a name in double quotes is expected"),
        ('"open', "Line 1, column 1: this string has no end"),
        ("1 2", "Line 1, column 3: nothing is expected behind the value"),
        ("NaN", "Line 1, column 1: a value is expected"),
    ],
)
def test_an_input_that_is_not_json_is_said_with_line_and_column(text, said, tab, shown, hub):
    page = tab.open(shown, "/start")
    page.get_by_label("Orchestrator", exact=True).fill("Echo")
    page.get_by_label("Input", exact=True).fill(text)
    page.get_by_text(said).wait_for()
    before = hub.counts()
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text(said).wait_for()
    assert hub.counts() == before


def test_a_start_does_not_replace_a_finished_instance(tab, shown, hub):
    hub.start("Echo", "first", instance_id="taken")
    hub.wait_for_completion("taken", timeout=20)
    page = tab.open(shown, "/start?name=Echo")
    page.get_by_label("Instance id").fill("taken")
    page.get_by_role("button", name="Start", exact=True).click()
    page.get_by_text("an instance 'taken' is there already (Completed)").wait_for()
    assert hub.get_status("taken").output == "first"


def test_a_protected_hub_is_changed_only_by_who_types_its_name(tab, folder, hub):
    contexts(folder, protected=True)
    hub.start("Approval", instance_id="guarded")
    with showing(folder, "--context", "prod") as shown:
        page = tab.open(shown, "/instance?id=guarded")
        page.locator(".badge", has_text="Running").wait_for()
        page.get_by_role("button", name="Terminate").click()
        page.get_by_label("type prod to confirm").fill("production")
        page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
        page.get_by_role("dialog").get_by_text("a change needs its name").wait_for()
        page.get_by_label("type prod to confirm").fill("prod")
        page.get_by_role("dialog").get_by_role("button", name="Terminate").click()
        page.locator(".badge", has_text="Terminated").wait_for()


def test_a_read_only_hub_offers_no_change(tab, folder, hub):
    contexts(folder, **{"read-only": True})
    hub.start("Approval", instance_id="read")
    with showing(folder, "--context", "prod") as shown:
        page = tab.open(shown, "/instance?id=read")
        page.locator(".badge", has_text="Running").wait_for()
        assert page.get_by_role("button", name="Terminate").get_attribute("title") == (
            "this hub is read-only"
        )
        assert page.get_by_text("read-only", exact=True).is_visible()
