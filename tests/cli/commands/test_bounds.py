"""What a hub sends is bounded, in bytes and in time; the bounds are the user's."""

from __future__ import annotations

import json
import time

import pytest
from raw_server import drip, raw_server
from scripted_server import status

LARGE = "x" * 1_500_000


@pytest.fixture
def large(server):
    server.on("GET", "/instances/a", (200, status("a", output=LARGE)))
    return server


def test_an_answer_beyond_the_variables_limit_is_refused_with_its_size_and_the_cure(remote, large):
    code, out, err = remote("status", "a", env={"DURABLECTL_MAX_RESPONSE": "1MB"})
    assert (code, out) == (5, "")
    assert err == (
        f"durablectl: the answer of {large.url}/runtime/webhooks/durabletask has 1.5 MB, and the "
        "limit is 1 MB\n"
        "hint: raise the limit with DURABLECTL_MAX_RESPONSE=2GB, or max-response in the context\n"
    )
    assert len(large.asked) == 1


def test_an_answer_within_the_limit_is_read(remote, large):
    assert remote("status", "a", env={"DURABLECTL_MAX_RESPONSE": "2MB"}).code == 0


def test_a_context_has_a_limit_of_its_own_and_the_variable_overrules_it(run, large):
    run("context", "add", "small", "--url", large.url, "--max-response", "1MB", "--use")
    assert run("status", "a").code == 5
    assert run("status", "a", env={"DURABLECTL_MAX_RESPONSE": "2MB"}).code == 0
    shown = json.loads(run("context", "show", "--sources", "-o", "json").out)
    assert shown["maxResponse"] == {"value": "1MB", "source": "context small"}


def test_the_limit_of_a_context_may_be_a_number_of_bytes(run, large, user_file):
    user_file.parent.mkdir(parents=True)
    user_file.write_text(f'[contexts.a]\nurl = "{large.url}"\nmax-response = 1000000\n')
    assert run("status", "a", "--context", "a").code == 5


@pytest.mark.parametrize(
    "text",
    ["", "0", "-1", "1e309", "nan", "many", "1XB", "9" * 5000, "1.5.5MB", "½GB", "٣MB", "0.4"],
)
def test_a_limit_that_is_no_size_is_refused(remote, large, text):
    code, _, err = remote("status", "a", env={"DURABLECTL_MAX_RESPONSE": text})
    if not text:
        assert code == 0  # as if it was not set
        return
    assert (code, large.asked) == (2, [])
    assert err == (
        f"durablectl: DURABLECTL_MAX_RESPONSE: '{text[:40]}' is not a size\nhint: "
        "write 500MB, 2GB, or a number of bytes\n"
    )


def test_a_projects_file_does_not_set_the_limit(run, project):
    (project / "durablectl.toml").write_text(
        '[contexts.a]\nurl = "https://a.example"\nmax-response = "9GB"\n'
    )
    code, _, err = run("list", "--context", "a")
    assert (code, "'max-response'" in err and "is refused" in err) == (2, True)


def test_the_request_time_out_is_for_the_whole_answer(run):
    with raw_server(drip(b"H")) as server:
        started = time.monotonic()
        code, _, err = run(
            "raise-event", "a", "Paid", "--hub", server.url, "--request-timeout", "300ms"
        )
        assert (code, "in time" in err) == (5, True)
        assert time.monotonic() - started < 3.0


def test_an_endless_listing_is_mentioned_and_ends(remote, server):
    def empty(request):
        return 200, [], {"x-ms-continuation-token": f"{int(request.token or 0) + 1}"}

    server.otherwise = empty
    code, out, err = remote("list")
    assert (code, out, len(server.asked)) == (5, "", 1000)
    assert "has sent 20 empty pages in a row; still listing\n" in err
    assert (
        "has sent 1000 empty pages in a row, each with the token of another one\nhint: "
        f"durablectl doctor --hub {server.url}\n"
    ) in err


@pytest.mark.parametrize(
    "command",
    ["list", "list --count", "entity list", "drain", "terminate --status Running --dry-run"],
)
def test_a_listing_in_circles_ends(remote, server, command):
    server.otherwise = lambda request: (
        200,
        [],
        {"x-ms-continuation-token": "ab"[request.token == "a"]},
    )
    code, _, err = remote(*command.split())
    assert (code, "in circles" in err) == (5, True)
