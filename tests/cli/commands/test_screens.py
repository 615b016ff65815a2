"""What a person sees on a terminal, and what a spreadsheet gets."""

from __future__ import annotations

import re
from uuid import uuid4

import pytest
from scripted_server import status
from terminal import durablectl, terminal

COUNT = 30


def screen(*arguments, columns=100, lines=24):
    with terminal(durablectl(*arguments), columns=columns, lines=lines) as shown:
        assert shown.end() == 0
        return re.sub(r"\x1b\[[0-9;]*m", "", shown.text).replace("\r\n", "\n")


@pytest.fixture
def hub(app, run):
    """A local hub with 30 instances, of which the first failed, and its file."""
    assert run("run", "failing", "--instance-id", "n0").code == 10
    for number in range(1, COUNT):
        assert run("start", "approval", "--instance-id", f"n{number}").code == 0
    return ".durablectl/hub.db"


def test_a_list_shows_the_newest_that_fit_and_how_many_there_are(hub):
    rows = screen("list", "--hub", hub, "--color", "never", lines=14).splitlines()
    assert [row.split()[0] for row in rows] == ["ID", *(f"n{29 - n}" for n in range(10)), "10"]
    assert rows[-1] == "10 of 30; --limit N shows more of them"


@pytest.mark.parametrize("more", [(), ("--where", "name!=''")], ids=["newest", "where"])
def test_a_list_of_folded_columns_fits_the_screen_too(hub, more):
    words = ("--hub", hub, "--color", "never", "--columns", "id,name,created,updated", *more)
    rows = screen("list", *words, columns=40, lines=14).splitlines()
    assert 8 < len(rows) < 14
    assert "ID" in rows[0]
    (told,) = (int(each[1]) for row in rows if (each := re.match(r"(?:and )?(\d+) (of|more)", row)))
    names = [row for row in rows if re.match(r"n\d+ ", row)]
    assert len(names) == (30 - told if more else told)


def test_a_list_of_nothing_is_a_sentence_and_no_table(hub):
    listed = ("list", "--hub", hub, "--name", "Nope")
    for more in ((), ("--where", "name=='Nope'"), ("--sort", "name"), ("--columns", "id")):
        assert screen(*listed, *more) == "no instances found\n"
    assert screen("entity", "list", "Nope", "--hub", hub) == "no entities found\n"


def test_a_list_says_why_an_instance_failed_where_there_is_room(hub):
    listed = ("list", "--hub", hub, "--status", "Failed", "--color", "never")
    assert "DETAILS" in screen(*listed).splitlines()[0]
    assert "DETAILS" not in screen(*listed, columns=24).splitlines()[0]


@pytest.mark.parametrize("columns", [60, 80, 100])
def test_an_id_of_the_hubs_own_leaves_room_for_why_an_instance_failed(app, run, columns):
    assert run("run", "failing").code == 10
    words = ("--hub", ".durablectl/hub.db", "--color", "never")
    header, row, *_ = screen("list", *words, columns=columns).splitlines()
    at = header.index("DETAILS")
    assert len(row[at:]) > 20
    assert screen("status", row.split()[0], *words).count("Failed") == 1


def test_a_list_and_its_causes_name_the_exception_of_an_orchestrator(app, run):
    (app / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n\n"
        "@app.orchestration_trigger(context_name='context')\n"
        "def broken(context):\n    raise KeyError('Rome')\n"
    )
    assert run("run", "broken").code == 10
    assert "KeyError: 'Rome'" in screen("list", columns=140)
    assert "KeyError: 'Rome'" in run("list", "--count", "--by", "cause").out


def test_a_long_cause_is_cut_on_a_terminal_only(app, run):
    (app / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n\n"
        "@app.orchestration_trigger(context_name='context')\n"
        "def broken(context):\n    raise ValueError('long ' * 80 + 'end')\n"
    )
    assert run("run", "broken").code == 10
    counted = ("list", "--count", "--by", "cause")
    assert "long end\t1" in run(*counted).out
    shown = screen(*counted, columns=400)
    assert ("…" in shown, "end" in shown) == (True, False)


def test_a_list_with_a_condition_is_newest_first_and_says_how_long_ago(hub):
    words = ("--where", "runtimeStatus=='Pending'", "--limit", "3", "--color", "never")
    rows = screen("list", "--hub", hub, *words).splitlines()
    assert [row.split()[0] for row in rows[:4]] == ["ID", "n29", "n28", "n27"]
    assert " ago" in rows[3] or "now" in rows[3]
    assert rows[-1] == "and 26 more; --limit N shows more of them"


def test_the_verdict_of_a_time_out_is_last_and_no_word_is_broken(app, run):
    words = ("run", "approval", "--timeout", "1s", "--color", "never")
    with terminal(durablectl(*words), columns=80) as shown:
        assert shown.end() == 124
    text = re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", shown.text)
    rows = [row for row in re.split(r"[\r\n]+", text) if row]
    (verdict,) = [row for row in rows if row.startswith("durablectl: timed out after")]
    (following,) = [row for row in rows if row.startswith("next ")]
    assert rows.index(verdict) > rows.index(following)
    assert rows[-1].startswith("hint: durablectl why ")
    assert all(len(row) <= 80 for row in rows)


def test_a_remote_hub_is_read_until_the_screen_is_full_and_no_further(server):
    server.otherwise = lambda _request: (
        200,
        [status(uuid4().hex[:8], "Running") for _ in range(5)],
        {"x-ms-continuation-token": uuid4().hex},  # there is always more
    )
    shown = screen("list", "--hub", server.url, "--color", "never")
    assert "20 newest of the last hour; add a filter or --limit" in shown
    assert len(server.asked) == 20


def test_a_start_shows_no_address_at_which_nobody_answers(app):
    shown = screen("start", "approval", "--instance-id", "a", "--hub", ".durablectl/hub.db")
    assert "http" not in shown
    assert "durablectl wait --hub .durablectl/hub.db a" in shown


def test_a_dry_run_shows_ten_then_counts_then_the_verdict(hub):
    arguments = ("terminate", "--prefix", "n", "--status", "Pending,Running", "--dry-run")
    rows = screen(*arguments, "--hub", hub, "--color", "never", lines=40).splitlines()
    assert sum(row.startswith("n") for row in rows) == 10
    assert rows[-3].startswith("and 19 more")
    assert rows[-2].split() == ["29", "approval", "Pending"]
    assert rows[-1].startswith("29 to terminate")


def test_what_a_dry_run_leaves_out_comes_before_its_verdict(app, run):
    run("entity", "signal", "@counter@a", "add", "--input-json", "1")
    assert run("worker", "--until-idle").code == 0
    run("start", "approval", "--instance-id", "a")
    words = ("terminate", "--created-after", "1d", "--dry-run", "--hub", ".durablectl/hub.db")
    rows = run(*words).err.splitlines()
    assert rows[-2].startswith("1 entity left out")
    assert rows[-1].startswith("1 to terminate in local hub ")


def test_csv_has_a_header_and_quotes_what_needs_it(remote, server):
    server.on("GET", "/instances", (200, [status("a", name='say "hi", you')]))
    listed = remote("list", "-o", "csv", "--columns", "id,name")
    assert listed.out == 'id,name\r\na,"say ""hi"", you"\r\n'


def test_csv_has_counts_and_the_words_of_json(app, run):
    run("start", "approval")
    assert run("list", "--count", "--by", "name", "-o", "csv").out == "name,count\r\napproval,1\r\n"
    run("context", "add", "prod", "--url", "https://orders.azurewebsites.net", "--protected")
    header, row = run("context", "list", "-o", "csv").out.splitlines()
    assert dict(zip(header.split(","), row.split(","), strict=True))["protected"] == "true"


def test_csv_is_refused_where_there_are_no_rows_and_nothing_is_done(app, run):
    refused = run("start", "approval", "-o", "csv")
    assert (refused.code, refused.out) == (2, "")
    assert "'start' has no CSV" in refused.err
    assert run("list").code == 2  # no hub was made


def test_a_query_leaves_out_the_lines_in_which_it_finds_nothing(remote, server):
    server.on("GET", "/instances", (200, [status("a"), status("b", customStatus="x")]))
    assert remote("list", "-o", "jsonl", "--query", "customStatus").out == '"x"\n'
