"""`--limit`: the same command again goes on with the next ones, and a dry run shows what it will
do.
"""

import json

import pytest
from faulty_hub import FaultyHub
from scripted_server import status

NAMES = [f"i{number:03}" for number in range(265)]
FAILED = ("--status", "Failed", "--new-id")


@pytest.fixture
def hub(server):
    return FaultyHub(server, dict.fromkeys(NAMES, "Failed"), page=1000)


def ids(result):
    return result.out.split()


def test_waves_of_a_restart_advance_until_all_are_done(remote, hub):
    for wave in range(5):
        assert ids(remote("restart", *FAILED, "--limit", "50", "--yes", "-o", "id")) != []
        assert sorted(hub.restarted) == NAMES[: 50 * (wave + 1)]
    assert (
        "restarted: 15 of 15 instances" in remote("restart", *FAILED, "--limit", "50", "--yes").err
    )
    assert sorted(hub.restarted) == NAMES
    assert (
        "restarted before: 265 instances\nnothing matches"
        in remote("restart", *FAILED, "--limit", "50", "--yes").err
    )


def test_a_dry_run_shows_what_the_journal_leaves(remote, hub):
    remote("restart", *FAILED, "--limit", "50", "--yes")
    shown = remote("restart", *FAILED, "--dry-run", "-o", "id")
    assert ids(shown) == NAMES[50:]
    assert "215 to restart in " in shown.err
    assert "restarted before: 50 instances" in shown.err
    assert (
        ids(remote("restart", *FAILED, "--dry-run", "--limit", "50", "-o", "id")) == NAMES[50:100]
    )


def test_a_dry_run_makes_no_journal(remote, hub, project, home):
    before = [*home.rglob("*"), *project.rglob("*")]
    remote("restart", *FAILED, "--dry-run")
    remote("restart", *FAILED, "--dry-run", "--journal", "mine.jsonl")
    assert [*home.rglob("*"), *project.rglob("*")] == before


def test_what_a_cut_off_run_leaves_unclear_does_not_use_up_a_wave(remote, hub, project):
    lines = [{"id": name, "updated": "2026-01-02T03:04:06Z"} for name in NAMES[:60]]
    (project / "cut.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines))
    shown = remote("restart", *FAILED, "--journal", "cut.jsonl", "--dry-run")
    assert "205 to restart in " in shown.err
    assert "may have been restarted by a run that was cut off: 60 instances" in shown.err
    result = remote("restart", *FAILED, "--journal", "cut.jsonl", "--limit", "50", "--yes")
    assert (result.code, sorted(hub.restarted)) == (1, NAMES[60:110])
    assert "60 of 110 failed" in result.err


def test_waves_of_named_ids_advance_too(remote, hub):
    for wave in range(3):
        remote("restart", "-", "--new-id", "--limit", "50", stdin="\n".join(NAMES))
        assert sorted(hub.restarted) == NAMES[: 50 * (wave + 1)]
    assert (
        ids(
            remote(
                "restart",
                "-",
                "--new-id",
                "--limit",
                "50",
                "--dry-run",
                "-o",
                "id",
                stdin="\n".join(NAMES),
            )
        )
        == NAMES[150:200]
    )


def test_an_instance_that_changed_since_is_another_one(remote, hub, server):
    remote("restart", *FAILED, "--limit", "265", "--yes")
    server.on(
        "GET",
        "/instances",
        (
            200,
            [
                status("i000", "Failed", lastUpdatedTime="2026-02-02T00:00:00Z"),
                status("i001", "Failed"),
            ],
        ),
    )
    assert ids(remote("restart", *FAILED, "--dry-run", "-o", "id")) == ["i000"]


def test_one_id_is_restarted_as_often_as_it_is_asked_for(remote, hub):
    remote("restart", "i000", "i001", "--new-id")
    assert ids(remote("restart", "i000", "--new-id", "--dry-run", "-o", "id")) == ["i000"]
    assert remote("restart", "i000", "--new-id").code == 0
    assert hub.restarted.count("i000") == 2


@pytest.mark.parametrize(
    ("verb", "flag"), [("purge", "--ignore-not-found"), ("terminate", "--ignore-finished")]
)
def test_ids_for_which_there_is_nothing_to_do_do_not_use_up_a_wave(remote, server, verb, flag):
    hub = FaultyHub(server, dict.fromkeys("abcdef", "Completed" if verb == "purge" else "Running"))
    for left in (4, 2, 0):
        result = remote(verb, "-", flag, "--limit", "2", stdin="a b c d e f".replace(" ", "\n"))
        assert result.code == 0
        assert sum(state in ("Running", "Completed") for state in hub.instances.values()) == left


@pytest.mark.parametrize("verb", ["terminate", "suspend"])
def test_waves_of_requests_say_when_the_next_ones_come(remote, server, verb):
    FaultyHub(server, dict.fromkeys("abcd", "Running"))
    told = "once they are done (--wait waits for that) the same command takes the next ones"
    assert told in remote(verb, "--name", "order", "--limit", "2", "--yes").err
    assert told not in remote(verb, "--name", "order", "--yes").err
    FaultyHub(server, dict.fromkeys("abcd", "Running"))
    assert (
        told
        not in remote(
            verb, "--name", "order", "--limit", "2", "--yes", "--wait", "--timeout", "9s"
        ).err
    )


def test_an_event_has_no_waves_and_says_so(remote, server):
    server.on("GET", "/instances", (200, [status("a", "Running"), status("b", "Running")]))
    server.on("POST", "/instances/a/raiseEvent/Go", (202, None))
    assert (
        "sends it to the same instances again"
        in remote("raise-event", "--event", "Go", "--name", "order", "--limit", "1", "--yes").err
    )


def test_a_filter_without_either_kind_of_id_is_refused_before_it_is_shown(remote, hub, server):
    code, _, err = remote("restart", "--status", "Failed", "--yes")
    assert (code, server.asked) == (2, [])
    assert "hint: add --new-id or --same-id" in err
