"""The shell of the program: help, errors, exit codes, global options wherever they stand."""

from __future__ import annotations

import os
import signal
import subprocess
import sys

import pytest

from durablectl.cli.framework.command_table import ELSEWHERE, GROUPS, SUMMARIES

VERSION = [sys.executable, "-m", "durablectl", "--version"]


def test_no_arguments_show_the_help(run):
    code, out, err = run()
    assert (code, err) == (0, "")
    assert out.startswith("Usage: durablectl")


def test_help_lists_every_command_in_its_group(run):
    out = run("--help").out
    places = [out.index(f"\n{title}:") for title in GROUPS]
    assert places == sorted(places)
    assert all(f"\n  {name} " in out for name in SUMMARIES)


def test_help_is_plain_when_piped(run):
    out = run("context", "--help").out
    assert "\x1b" not in out
    assert "╭" not in out


def test_the_help_of_the_program_shows_the_global_options(run):
    out = run("--help").out
    options = ("--context", "--hub", "--task-hub", "--query", "--debug", "DURABLECTL_HUB")
    assert "Global options:" in out
    assert all(option in out for option in options)


@pytest.mark.parametrize("name", ["context", "completion", "worker", "links"])
def test_every_command_says_where_the_global_options_are(run, name):
    out = run(name, "--help").out
    assert out.endswith("\nGlobal options: see `durablectl --help`.\n")
    assert "--no-progress" not in out


def test_version_is_printed_by_the_fast_path():
    done = subprocess.run(VERSION, capture_output=True, text=True, check=True)
    assert done.stdout.startswith("durablectl ")


def test_version_is_printed_beside_other_options(run):
    assert run("-q", "--version").out.startswith("durablectl ")


@pytest.mark.parametrize("verb", ELSEWHERE)
def test_verbs_of_other_tools_are_answered_with_ours(run, verb):
    code, out, err = run(verb, "x")
    assert (code, out) == (2, "")
    assert err == (
        f"durablectl: no command '{verb}'\nhint: here it is: durablectl {ELSEWHERE[verb]}\n"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("stauts", "durablectl status"),
        ("lst", "durablectl list"),
        ("start_new", "durablectl start"),
    ],
    ids=str,
)
def test_a_mistyped_command_is_told_the_right_one(run, typed, meant):
    assert run(typed) == (
        2,
        "",
        f"durablectl: no command '{typed}'\nhint: did you mean '{meant}'?\n",
    )


def test_a_command_like_no_other_is_pointed_to_the_help(run):
    assert run("zzzzzz") == (2, "", "durablectl: no command 'zzzzzz'\nhint: durablectl --help\n")


def test_a_mistyped_option_is_told_the_right_one(run):
    code, out, err = run("context", "list", "--ouptut", "json")
    assert (code, out) == (2, "")
    assert err == (
        "durablectl: no option '--ouptut' in 'durablectl context list'\nhint: did you "
        "mean '--output'?\n"
    )


@pytest.mark.parametrize(
    ("typed", "meant"),
    [("--id", "--instance-id"), ("--ouptut", "--output"), ("--timout", "--timeout")],
)
def test_an_option_is_told_by_a_part_of_its_name_or_the_most_similar_one(typed, meant, run):
    assert run("start", typed).err.endswith(f"hint: did you mean '{meant}'?\n")


def test_a_mistyped_subcommand_is_told_the_right_one(run):
    assert (
        run("context", "lst").err == "durablectl: no command 'lst' in 'durablectl context'\nhint: "
        "did you mean 'durablectl context list'?\n"
    )


def test_a_missing_argument_is_a_usage_error_in_our_form(run):
    code, _out, err = run("context", "use")
    assert code == 2
    assert err == "durablectl: missing argument 'NAME'\nhint: durablectl context use --help\n"


def test_an_argument_too_many_is_named(run):
    code, _, err = run("watch", "order-7")
    assert (code, err) == (
        2,
        "durablectl: unexpected argument: order-7\nhint: durablectl watch --help\n",
    )


def test_an_option_without_its_value_is_a_usage_error_in_our_form(run):
    code, _out, err = run("context", "list", "--hub")
    assert code == 2
    assert err.startswith("durablectl: option '--hub' requires an argument")


@pytest.mark.parametrize(
    "args",
    [
        ("-o", "json", "context", "list"),
        ("context", "-o", "json", "list"),
        ("context", "list", "-o", "json"),
    ],
    ids=str,
)
def test_global_options_stand_before_or_after_the_command(run, args):
    assert run(*args) == (0, "[]\n", "")


def test_the_nearest_of_two_flags_wins(run):
    assert run("-o", "id", "context", "list", "-o", "json").out == "[]\n"


def test_a_value_that_looks_like_an_option_stays_a_value(run):
    assert "no context '-q'" in run("context", "use", "--", "-q").err


@pytest.mark.parametrize(
    ("variable", "value", "said"),
    [
        (
            "DURABLECTL_OUTPUT",
            "xml",
            "DURABLECTL_OUTPUT: 'xml' is not one of text, json, jsonl, id, csv",
        ),
        ("DURABLECTL_COLOR", "pink", "DURABLECTL_COLOR: 'pink' is not one of auto, always, never"),
        ("DURABLECTL_QUIET", "maybe", "DURABLECTL_QUIET: 'maybe' is neither 1 nor 0"),
        (
            "DURABLECTL_REQUEST_TIMEOUT",
            "soon",
            "DURABLECTL_REQUEST_TIMEOUT: 'soon' is not a duration",
        ),
    ],
    ids=lambda value: str(value)[:20],
)
def test_a_variable_with_a_wrong_value_is_named(run, variable, value, said):
    code, out, err = run("context", "list", env={variable: value})
    assert (code, out) == (2, "")
    assert err.startswith(f"durablectl: {said}\nhint:") or err == f"durablectl: {said}\n"


def test_a_wrong_flag_value_names_the_flag(run):
    assert run("context", "list", "-o", "xml") == (
        2,
        "",
        "durablectl: --output: 'xml' is not one of text, json, jsonl, id, csv\n",
    )


@pytest.mark.parametrize(
    "pair", [("--hub", "x.db", "--context", "prod"), ("-q", "-v")], ids=lambda pair: pair[0]
)
def test_flags_that_contradict_each_other_are_refused(run, pair):
    code, _out, err = run("context", "show", *pair)
    assert code == 2
    assert "exclude each other" in err


def test_a_variable_takes_effect_and_a_flag_overrules_it(run):
    assert run("context", "list", env={"DURABLECTL_OUTPUT": "json"}).out == "[]\n"
    assert run("context", "list", "-o", "jsonl", env={"DURABLECTL_OUTPUT": "json"}).out == ""


def test_a_traceback_is_shown_with_debug_only(run):
    assert "Traceback" not in run("context", "use", "x").err
    code, out, err = run("--debug", "context", "use", "x")
    assert (code, out) == (2, "")
    assert "Traceback" in err


def test_a_traceback_shows_no_key(run):
    err = run("--debug", "list", "--context", "https://h?code=S3CRET").err
    assert ("no context 'https://h?code=***'" in err, "Traceback" in err, "S3CRET" in err) == (
        True,
        True,
        False,
    )


def test_no_hub_and_no_app_says_what_to_do(run):
    code, out, err = run("links", "x")
    assert (code, out) == (2, "")
    assert err.startswith("durablectl: no task hub: ")
    assert "hint: `durablectl init`, or --hub" in err


def test_ctrl_c_ends_with_130_and_no_traceback(home, project):
    (project / "function_app.py").write_text(
        "import time\nprint('loading', flush=True)\ntime.sleep(60)\n"
    )
    process = subprocess.Popen(
        [sys.executable, "-m", "durablectl", "functions"],
        stderr=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env={**os.environ},
    )
    assert process.stderr is not None
    assert process.stderr.readline() == "loading\n"
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (process.returncode, out) == (130, "")
    assert "Traceback" not in err


def test_a_query_brings_json_along(run):
    run("context", "add", "a", "--hub", "a.db")
    assert run("context", "list", "--query", "[].name").out == '[\n  "a"\n]\n'
    assert (
        run("context", "list", "--query", "name", env={"DURABLECTL_OUTPUT": "jsonl"}).out == '"a"\n'
    )


@pytest.mark.parametrize("format", ["text", "id"])
def test_a_query_beside_another_form_is_refused(run, format):
    code, _out, err = run("context", "list", "--query", "[]", "-o", format)
    assert (code, err) == (
        2,
        f"durablectl: --query filters JSON, not -o {format}\nhint: use -o json or -o jsonl\n",
    )
