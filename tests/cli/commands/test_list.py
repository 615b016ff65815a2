"""`list`: filters, forms, order, counts; page by page."""

import io
import json
import os
from contextlib import redirect_stderr, redirect_stdout
from urllib.parse import parse_qs

import pytest
from scripted_server import status

from durablectl.cli.main import main

A = status("a", "Running", name="Order", input={"n": 1})
B = status(
    "b",
    "Failed",
    name="ship",
    createdTime="2026-01-01T00:00:00Z",
    lastUpdatedTime="2026-01-05T00:00:00Z",
)
C = status("c", name="order", lastUpdatedTime="2026-01-03T00:00:00Z")


@pytest.fixture
def three(server):
    server.on("GET", "/instances", (200, [A, B, C]))
    return server


def asked(server):
    return parse_qs(server.asked[-1].query)


def ids(result):
    assert result.code == 0
    return result.out.split()


def test_text_through_a_pipe_is_complete_and_tab_separated(remote, three):
    assert (
        remote("list", "--columns", "id,status,name").out
        == "ID\tSTATUS\tNAME\na\tRunning\tOrder\nb\tFailed\tship\nc\tCompleted\torder\n"
    )


def test_json_is_an_array_of_the_services_own(remote, three):
    assert json.loads(remote("list", "-o", "json").out) == [A, B, C]


def test_json_lines_are_one_status_a_line(remote, three):
    assert [json.loads(line) for line in remote("list", "-o", "jsonl").out.splitlines()] == [
        A,
        B,
        C,
    ]


def test_pages_are_followed_to_the_last(remote, server):
    server.on(
        "GET",
        "/instances",
        (200, [A], {"x-ms-continuation-token": "t"}),
        (200, [], {"x-ms-continuation-token": "u"}),
        (200, [B]),
    )
    assert ids(remote("list", "-o", "id")) == ["a", "b"]
    assert len(server.asked) == 3


def test_unread_rows_do_not_change_the_exit_code_of_a_failure(server):
    reader, writer = os.pipe()

    def answer(request):
        if request.token is None:
            return (
                200,
                [status(f"i-{number}") for number in range(150)],
                {"x-ms-continuation-token": "t"},
            )
        os.close(reader)
        return 400, {"Message": "no"}

    server.otherwise = answer
    with (
        os.fdopen(writer, "w") as stream,
        redirect_stdout(stream),
        redirect_stderr(io.StringIO()) as stderr,
    ):
        assert main(["list", "-o", "id", "--hub", server.url]) == 2
    assert stderr.getvalue().startswith("durablectl: ")


def test_no_match_is_an_empty_array_and_no_failure(remote, server):
    server.on("GET", "/instances", (200, []))
    assert remote("list", "-o", "json")[:2] == (0, "[]\n")


def test_entities_are_left_out_unless_asked_for(remote, server):
    server.on("GET", "/instances", (200, [status("@counter@a", "Running"), A]))
    assert ids(remote("list", "-o", "id")) == ["a"]
    assert ids(remote("list", "-o", "id", "--include-entities")) == ["@counter@a", "a"]


@pytest.mark.parametrize(
    ("flags", "expected"),
    [
        (["--status", "failed,completed"], ["b", "c"]),
        (["--status", "Failed", "--status", "Running"], ["a", "b"]),
        (["--name", "ORDER"], ["a", "c"]),
        (["--prefix", "b"], ["b"]),
        (["--updated-after", "2026-01-04T00:00:00Z"], ["b"]),
        (["--updated-before", "2026-01-02T12:00:00Z"], ["a"]),
        (["--limit", "2"], ["a", "b"]),
        (["--sort", "-updated"], ["b", "c", "a"]),
        (["--sort", "created", "--limit", "1"], ["b"]),
    ],
)
def test_filters_order_and_limit_hold_whatever_the_service_does_itself(
    remote, three, flags, expected
):
    assert ids(remote("list", "-o", "id", *flags)) == expected


def test_the_service_gets_the_filters_that_it_knows(remote, three):
    remote(
        "list",
        "--status",
        "running",
        "--prefix",
        "a",
        "--created-after",
        "2026-01-01T00:00:00Z",
        "--created-before",
        "2026-01-02",
    )
    query = asked(three)
    assert (query["runtimeStatus"], query["instanceIdPrefix"]) == (["Running"], ["a"])
    assert query["createdTimeFrom"][0].startswith("2026-01-01T00:00:00")
    assert query["createdTimeTo"][0].startswith("2026-01-0")


@pytest.mark.parametrize(
    ("flags", "wanted"),
    [
        ([], "false"),
        (["--columns", "id,input"], "true"),
        (["-o", "json"], "true"),
        (["-o", "json", "--no-show-input"], "false"),
        (["--count"], "false"),
    ],
)
def test_inputs_are_fetched_only_when_shown(remote, three, flags, wanted):
    remote("list", *flags)
    assert asked(three)["showInput"] == [wanted]


def test_they_can_be_counted_by_state_and_name(remote, three):
    assert remote("list", "--count").out == "3\n"
    assert json.loads(remote("list", "--by", "status", "-o", "json").out) == {
        "Running": 1,
        "Failed": 1,
        "Completed": 1,
    }
    assert remote("list", "--count", "--by", "name").out.splitlines()[0] == "NAME\tCOUNT"


def _failed(number: int, output: str) -> dict[str, object]:
    return {**status(f"f-{number}", "Failed"), "output": output}


CAUSES = [
    _failed(1, "Orchestrator function 'o' failed: Activity function 'pay' failed:  KeyError: 'a1'"),
    _failed(2, "Orchestrator function 'o' failed: ValueError: order 17 is late by 3.5 s"),
    _failed(3, "Orchestrator function 'p' failed: ValueError: order 18 is late by 20 s"),
]


def test_failures_are_counted_by_cause_with_an_example(remote, server):
    server.otherwise = lambda _request: (200, CAUSES)
    late = {"cause": "ValueError: order # is late by # s", "count": 2, "example": "f-2"}
    key = {"cause": "KeyError: 'a#'", "count": 1, "example": "f-1"}
    assert json.loads(remote("list", "--count", "--by", "cause", "-o", "json").out) == [late, key]
    assert parse_qs(server.asked[-1].query)["runtimeStatus"] == ["Failed"]
    text = remote("list", "--by", "cause").out.splitlines()
    assert text[:2] == ["CAUSE\tCOUNT\tEXAMPLE", f"{late['cause']}\t2\tf-2"]
    table = remote("list", "--by", "cause", "-o", "csv").out
    assert table.startswith(f"cause,count,example\r\n{late['cause']},2,f-2\r\n")
    assert remote("list", "--by", "cause", "-o", "id").out == "f-2\nf-1\n"


def test_a_cause_is_that_of_failed_instances(remote, server):
    code, _, err = remote("list", "--count", "--by", "cause", "--status", "Completed")
    assert (code, "only failed instances have a cause" in err) == (2, True)


def test_a_local_hub_counts_by_cause_too(app, run):
    for number in range(3):
        assert run("run", "failing", "--instance-id", f"f-{number}").code == 10
    assert run("run", "hello").code == 0
    found = json.loads(run("list", "--count", "--by", "cause", "-o", "json").out)
    assert [(each["count"], each["example"]) for each in found] == [(3, "f-0")]
    assert "no luck" in found[0]["cause"]


def test_query_filters_the_json(remote, three):
    assert json.loads(remote("list", "-o", "json", "--query", "[].instanceId").out) == [
        "a",
        "b",
        "c",
    ]


def test_a_line_stays_a_line_whatever_an_instance_holds(remote, server):
    server.on("GET", "/instances", (200, [status("a", output="one\ntwo\tthree\x1b[2J")]))
    assert remote("list", "--columns", "id,output").out.splitlines()[1:] == [
        "a\tone\\ntwo\\tthree\\x1b[2J"
    ]


def test_the_reading_of_a_moment_is_told_on_demand(remote, three):
    assert (
        "--created-after 2026-01-01 is 2026-01-01T00:00:00Z"
        in remote("list", "-v", "--created-after", "2026-01-01").err
    )


@pytest.mark.parametrize(
    ("flags", "message"),
    [
        (["--status", "Finished"], "unknown status 'Finished'"),
        (["--columns", "id,size"], "no column 'size'"),
        (["--sort", "size"], "cannot sort by 'size'"),
        (["--by", "size"], "cannot count by 'size'"),
        (["--created-after", "someday"], "'someday' is not a date or time"),
        (["--created-after", "1h", "--created-before", "2h"], "nothing can match"),
        (["--limit", "0"], "0"),
        (["--count", "--limit", "1"], "--limit, --columns and --sort are for rows"),
        (["--by", "cause", "--sort", "id"], "--limit, --columns and --sort are for rows"),
    ],
)
def test_a_filter_that_makes_no_sense_is_refused(remote, three, flags, message):
    code, out, err = remote("list", *flags)
    assert (code, out) == (2, "")
    assert message in err


def test_a_local_hub_lists_its_own(app, run):
    run("run", "echo", "--instance-id", "one", "--timeout", "30s")
    assert (
        run("list", "--columns", "id,name,status").out == "ID\tNAME\tSTATUS\none\techo\tCompleted\n"
    )
