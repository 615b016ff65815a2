"""`durablectl help`: the tree of commands, for people and for programs."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import pytest

from durablectl.cli.framework.command_table import PROGRAM, SUMMARIES
from durablectl.cli.framework.exit_codes import MEANINGS, ExitCode
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.shapes import OUTPUTS, SHAPES
from durablectl.cli.framework.tree import described

ORDERS = Path(__file__).parents[3] / "examples" / "orders"
COMMANDS = {each["name"]: each for each in described()["commands"]}


def test_without_a_command_it_is_the_help_of_the_program(run):
    assert run("help").out == run("--help").out


@pytest.mark.parametrize("words", [["list"], ["context"], ["context", "add"]], ids=" ".join)
def test_it_is_the_help_of_a_command(run, words):
    assert run("help", *words).out == run(*words, "--help").out


@pytest.mark.parametrize("flag", [["--json"], ["-o", "json"]], ids=str)
def test_json_describes_what_was_named(run, flag):
    told = json.loads(run("help", "context", *flag).out)
    assert [each["name"] for each in told["commands"]] == [
        f"context {name}" for name in ("add", "use", "list", "show", "remove")
    ]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["lits"], "no command 'lits'"),
        (["context", "lits"], "no command 'lits' in 'durablectl context'"),
        (["list", "all"], "'durablectl list' has no commands"),
    ],
    ids=str,
)
def test_an_unknown_command_is_refused(run, words, message):
    code, out, err = run("help", *words)
    assert (code, out, err.splitlines()[0]) == (2, "", f"durablectl: {message}")


def test_help_has_no_ids(run):
    assert run("help", "-o", "id").code == 2


def test_every_command_is_described_with_what_it_prints():
    assert {name.split()[0] for name in COMMANDS} == set(SUMMARIES)
    assert set(OUTPUTS) == set(COMMANDS)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_option_of_a_command_is_described(name):
    context = root().make_context(PROGRAM, [], resilient_parsing=True)
    command = context.command
    for word in name.split():
        command = command.get_command(context, word)
    shown = [param for param in command.params if not getattr(param, "hidden", False)]
    flags = {flag for param in shown for flag in param.opts if flag.startswith("-")}
    told = described(name.split())
    assert flags - {"--help", "-h"} == {
        flag
        for option in [*told["commands"][0]["options"], *told["globalOptions"]]
        for flag in option["names"]
        if flag in flags
    }


def test_an_option_has_its_default_and_its_choices():
    options = {each["names"][0]: each for each in COMMANDS["start"]["options"]}
    if_exists = options["--if-exists"]
    assert (if_exists["type"], if_exists["default"], if_exists["choices"]) == (
        "choice",
        "fail",
        ["fail", "attach", "replace"],
    )
    assert (options["--wait"]["type"], options["--wait"]["default"]) == ("flag", False)


def test_a_global_option_has_its_variable():
    options = {each["names"][0]: each for each in described()["globalOptions"]}
    assert (options["--hub"]["variable"], options["--output"]["default"]) == (
        "DURABLECTL_HUB",
        "text",
    )


def test_every_exit_code_has_its_meaning():
    assert list(MEANINGS) == list(ExitCode)
    assert [each["code"] for each in described()["exitCodes"]] == [int(code) for code in ExitCode]


def test_every_output_names_shapes_that_are_described():
    named = {word for texts in OUTPUTS.values() for text in texts for word in text.split()}
    assert set(SHAPES) - named - {"event"} == set()


@pytest.fixture
def orders(run, project):
    """A project with the example, and one finished and one waiting instance in its hub."""
    shutil.copytree(
        ORDERS,
        project,
        dirs_exist_ok=True,
        ignore=shutil.ignore_patterns(".durablectl", "__pycache__"),
    )
    (project / "lines.jsonl").write_text('{"name": "Order", "input": {}}\n')
    run("run", "Order", "--input", "order.json", "--instance-id", "a")
    run("start", "Order", "--input", "dear-order.json", "--instance-id", "c")
    run("context", "add", "spare", "--hub", "spare.db")


@pytest.mark.parametrize(
    ("words", "shape"),
    [
        ("start Order --input order.json", "payload"),
        ("start Order --input order.json --wait", "status"),
        ("start --batch lines.jsonl", "started"),
        ("wait a", "status"),
        ("status a --history", "status"),
        ("list", "status"),
        ("drain --hub .durablectl/hub.db --timeout 0", "status"),
        ("history a", "event"),
        ("why c", "explanation"),
        ("replay a", "verdict"),
        ("diff a c", "difference"),
        ("links a --management", "payload"),
        ("terminate c", "result"),
        ("raise-event c Approval approved:=true", "result"),
        ("restart a --new-id", "payload"),
        ("purge a nobody", "result"),
        ("entity delete @counter@k", "result"),
        ("functions", "function"),
        ("init elsewhere", "files"),
        ("hub check", "report"),
        ("hub backup copy.db", "file"),
        ("hub vacuum", "sizes"),
        ("context list", "context"),
        ("context show spare", "context"),
        ("doctor", "finding"),
        ("skill --install skills", "file"),
        ("help links", "description"),
    ],
)
def test_a_command_prints_the_members_that_are_described(orders, run, words, shape):
    code, out, _err = run(*words.split(), "-o", "json")
    name = max((name for name in COMMANDS if f"{words} ".startswith(f"{name} ")), key=len)
    assert code in COMMANDS[name]["exitCodes"]
    assert any(shape in text for text in OUTPUTS[name])
    printed = json.loads(out)
    fields = SHAPES[shape].fields
    for value in printed if isinstance(printed, list) else [printed]:
        assert {each.name for each in fields if each.always} <= set(value)
        if fields and shape != "event":
            assert set(value) <= {each.name for each in fields}
