"""`entity`: get, list, signal and delete, on a remote hub; a local one says that it cannot yet."""

import json
import sqlite3
from contextlib import closing

import pytest

ENTITIES = [
    {
        "entityId": {"name": "counter", "key": "a"},
        "lastOperationTime": "2026-01-02T03:04:05.1234567Z",
        "state": 3,
    }
]


def test_the_state_is_printed(remote, server):
    server.on("GET", "/entities/counter/a", (200, {"n": 3}))
    assert remote("entity", "get", "@counter@a")[:2] == (0, '{"n": 3}\n')
    assert json.loads(remote("entity", "get", "counter@a", "-o", "json").out) == {"n": 3}


def test_an_entity_that_is_not_there_is_not_found(remote, server):
    assert remote("entity", "get", "@counter@a").code == 3


def test_they_are_listed_with_their_states(remote, server):
    server.on("GET", "/entities/counter", (200, ENTITIES))
    lines = remote("entity", "list", "counter", "--state").out.splitlines()
    assert [line.split("\t")[::2] for line in lines] == [["ENTITY", "STATE"], ["@counter@a", "3"]]
    assert json.loads(remote("entity", "list", "counter", "-o", "json").out)[0]["entityId"] == {
        "name": "counter",
        "key": "a",
    }
    assert remote("entity", "list", "counter", "-o", "id", "--limit", "1").out == "@counter@a\n"


def test_a_signal_carries_its_operation_and_input(remote, server):
    server.on("POST", "/entities/counter/a", (202, None))
    code, out, err = remote("entity", "signal", "@counter@a", "add", "--input-json", "3")
    assert (code, out, server.asked[-1].query, server.asked[-1].json) == (0, "", "op=add", 3)
    assert "operation 'add' sent: @counter@a" in err


def test_a_deletion_is_requested(remote, server):
    server.on("DELETE", "/entities/counter/a", (202, None))
    code, _, err = remote("entity", "delete", "@counter@a")
    assert code == 0
    assert "deletion requested: @counter@a" in err


@pytest.mark.parametrize("name", ["counter", "@counter", "@@a"])
def test_what_is_no_entity_id_is_refused(remote, server, name):
    code, _, err = remote("entity", "get", name)
    assert (code, server.asked) == (2, [])
    assert "is not an entity id" in err


def test_an_entity_of_a_local_hub_is_signalled_and_read(app, run):
    assert run("entity", "signal", "@counter@a", "add", "--input-json", "3").code == 0
    assert run("worker", "--until-idle").code == 0
    assert run("entity", "get", "@counter@a")[:2] == (0, "3\n")
    assert run("entity", "list", "-o", "id").out == "@counter@a\n"


@pytest.mark.parametrize(
    "command",
    [
        ["terminate"],
        ["terminate", "--recursive"],
        ["suspend"],
        ["resume"],
        ["rewind"],
        ["restart", "--new-id"],
        ["raise-event", "--event", "Go"],
    ],
    ids=" ".join,
)
def test_a_request_to_an_instance_is_refused_for_an_entity(app, run, command):
    run("entity", "signal", "@counter@a", "add", "--input-json", "3")
    run("worker", "--until-idle")
    refused = run(*command, "@counter@a")
    assert (refused.code, "is an entity" in refused.err) == (6, True)
    assert "durablectl entity delete @counter@a" in run("purge", "@counter@a").err


def test_an_event_for_an_entity_in_a_file_of_before_is_dropped(app, run):
    run("entity", "signal", "@counter@a", "add", "--input-json", "3")
    with closing(sqlite3.connect(".durablectl/hub.db")) as sql, sql:
        for event in ('[19,"why"]', '[4,"why"]', '[14,"Go","1"]'):
            row = "SELECT key, 0, 0, ? FROM instances"
            sql.execute(f"INSERT INTO inbox (instance, visible_at, at, event) {row}", (event,))
    assert run("why", "@counter@a").code == 0
    assert run("worker", "--until-idle").code == 0
    assert run("entity", "get", "@counter@a").out == "3\n"
