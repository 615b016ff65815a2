"""Naming an instance by --last, by the beginning of its id, or from a list."""

from __future__ import annotations

import pytest
from terminal import durablectl, terminal

ID = "order-7-of-ada"


@pytest.fixture
def started(app, run):
    """A hub in which `ID` was started last."""
    for each in ("order-6-of-bob", ID):
        assert run("start", "approval", "--instance-id", each).code == 0
    return app


def on_terminal(*arguments, typed=""):
    with terminal(durablectl(*arguments, "--color", "never"), columns=100) as shown:
        if typed:
            shown.wait_for("which one?")
            shown.type(typed)
        return shown.end(), shown.text


def test_last_is_the_instance_that_was_started_last(started, run):
    shown = run("status", "--last", "-o", "id")
    assert (shown.code, shown.out) == (0, f"{ID}\n")
    assert f"the last one is {ID}" in shown.err


def test_an_event_reaches_the_last_instance(started, run):
    assert run("raise-event", "--last", "Approve").code == 0
    assert run("wait", "--last", "--timeout", "20s").code == 0


def test_last_and_an_id_exclude_each_other(started, run):
    refused = run("status", ID, "--last")
    assert (refused.code, refused.out) == (2, "")


def test_last_is_refused_where_nothing_was_started(app, run, tmp_path):
    assert run("start", "approval").code == 0
    assert run("hub", "backup", tmp_path / "other.db").code == 0
    refused = run("status", "--last", "--hub", tmp_path / "other.db")
    assert (refused.code, "nothing is known to have been started" in refused.err) == (2, True)


def test_last_is_no_option_of_what_ends_instances(started, run):
    assert run("terminate", "--last").code == 2


@pytest.mark.parametrize("command", ["status", "history", "why", "links"])
def test_a_person_may_give_the_beginning_of_an_id(started, command):
    code, shown = on_terminal(command, "order-7")
    assert code == 0
    assert f"no instance 'order-7'; taking {ID}" in shown


@pytest.mark.parametrize("word", ["order-7…", "order-…ada"])
def test_a_person_may_give_an_id_as_a_narrow_listing_shortens_it(started, word):
    code, shown = on_terminal("status", word)
    assert code == 0
    assert f"taking {ID}" in shown


def test_a_beginning_that_several_ids_have_names_them(started):
    code, shown = on_terminal("status", "order-")
    assert code == 3
    assert "several ids start with it: order-6-of-bob, order-7-of-ada" in shown


@pytest.mark.parametrize("command", ["wait", "terminate"])
def test_what_waits_or_changes_takes_whole_ids_only(started, command):
    code, _ = on_terminal(command, "order-7")
    assert code == 3


def test_a_pipe_takes_whole_ids_only(started, run):
    assert run("status", "order-7").code == 3


def test_without_an_id_a_person_chooses_from_the_recent_instances(started):
    code, shown = on_terminal("status", typed="bob\n1\n")
    assert code == 0
    assert shown.index("order-7-of-ada") < shown.index("which one?")
    assert "order-6-of-bob" in shown[shown.rindex("which one?") :]


def test_without_an_id_a_pipe_is_refused(started, run):
    assert run("status").code == 2


@pytest.mark.parametrize(
    "command",
    [("status",), ("wait",), ("terminate",), ("purge",), ("raise-event",), ("why", "-o", "json")],
    ids=lambda words: words[0],
)
def test_without_a_terminal_or_for_a_change_the_match_is_the_hint(started, run, command):
    verb, *options = command
    code, _, err = run(verb, "order-7", *(["Approve"] if verb == "raise-event" else []), *options)
    assert (code, f"did you mean '{ID}'?" in err) == (3, True)
    assert "no instance 'order-7' in the local hub .durablectl/hub.db" in err


def test_what_is_not_there_is_said_with_the_hub_and_the_context(run, server):
    server.otherwise = lambda request: (200, []) if request.path.endswith("s") else (404, None)
    run("context", "add", "prod", "--url", server.url, "--task-hub", "orders")
    code, _, err = run("terminate", "abc", "--context", "prod")
    where = "no instance 'abc' in task hub 'orders' (context prod)"
    hint = "hint: durablectl list --context prod --prefix abc"
    assert (code, *err.splitlines()[-2:]) == (3, f"durablectl: {where}", hint)
