"""What is answered without Typer is what Typer would have answered."""

from __future__ import annotations

import importlib.util
import os
import subprocess
import sys
from itertools import chain
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from durablectl.cli.framework import completion
from durablectl.cli.framework.completers import GIVEN
from durablectl.cli.framework.groups import root
from durablectl.cli.framework.help_text import program_help
from durablectl.cli.framework.line_reader import FLAGS, VALUES, read_line
from durablectl.cli.framework.line_table import COMMANDS, VALUED
from durablectl.cli.framework.program import complete
from durablectl.cli.session import open_session

ROOT = Path(__file__).parents[2]
OWN = COMMANDS["status"].split()
OWN_VALUED = [flag for flag in OWN if flag in VALUED.split()]
NOT_READ = ["--", "--help", "-h", "--no-such", "-qv", "-ojson", "--hub", "--version", "--quiet=1"]
VALUE = st.sampled_from(["a", "", "x y", "-", "-q", "--hub", "a=b", "@f", "é", "status"])
OPTION = st.sampled_from([*VALUES, *OWN_VALUED])
PART = st.one_of(
    st.sampled_from([*FLAGS, *(flag for flag in OWN if flag not in OWN_VALUED)]).map(
        lambda flag: [flag]
    ),
    st.builds(lambda option, value: [option, value], OPTION, VALUE),
    st.builds(lambda option, value: [f"{option}={value}"], OPTION, VALUE),
    VALUE.map(lambda word: [word]),
    st.sampled_from(NOT_READ).map(lambda word: [word]),
)
LINE = st.builds(
    lambda before, after: [*chain(*before), "status", *chain(*after)],
    st.lists(PART, max_size=3),
    st.lists(PART, max_size=6),
)


@pytest.fixture(scope="module")
def update():
    spec = importlib.util.spec_from_file_location("update", ROOT / "completions" / "update.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_what_is_known_is_made_from_the_tree(update):
    made = update.modules()
    kept = {name: (update.FRAMEWORK / name).read_text(encoding="utf-8") for name in made}
    assert kept == made, "run: python completions/update.py"


@pytest.mark.parametrize("arguments", [["--help"], ["-h"], [], ["--help", "-q"], ["help"]], ids=str)
@pytest.mark.parametrize("columns", [50, 99, 250])
def test_the_help_of_the_program_is_the_same_however_it_is_asked_for(arguments, columns):
    done = subprocess.run(
        [sys.executable, "-m", "durablectl", *arguments],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "COLUMNS": str(columns)},
    )
    assert done.stdout == f"{program_help(columns)}\n"


def test_the_help_of_the_program_has_every_option_of_the_tree():
    program = root().make_context("durablectl", [], resilient_parsing=True)
    options = [each.get_help_record(program) for each in program.command.get_params(program)]
    text = program_help(200)
    flat = " ".join(text.split())
    assert [name for name, meaning in options if f"{name} {meaning}" not in flat] == []
    assert len([line for line in text.splitlines() if line.startswith("  -")]) == len(options)


@pytest.mark.parametrize("columns", [1, 50, 80, 100, 250])
def test_the_help_of_the_program_fits_its_terminal_and_cuts_no_word(columns):
    text = program_help(columns)
    assert text.isascii()  # for every console
    assert max(map(len, text.splitlines())) <= max(50, min(columns, 100))
    assert text.split() == program_help(100).split()


@settings(max_examples=400, deadline=None)
@given(LINE)
def test_a_line_that_is_read_is_read_as_typer_reads_it(words):
    line = read_line(words)
    if line is None:
        return
    program = root().make_context("durablectl", list(words))
    name, command, rest = program.command.resolve_command(
        program, [*program._protected_args, *program.args]
    )
    context = command.make_context(name, rest, parent=program)
    expected = {
        name: list(value) if isinstance(value, tuple) else value
        for name, value in context.params.items()
        if name in line.values
    }
    assert (line.command, line.given, line.values) == (name, context.meta[GIVEN], expected)
    assert line.words == list(context.params["instances"] or [])
    defaults = root().get_command(None, "status").make_context("status", ["x"]).params
    rest = context.params.keys() - line.values.keys() - {"instances"}
    assert all(context.params[each] == defaults[each] for each in rest)


@pytest.mark.parametrize(
    "words",
    [["status", word] for word in NOT_READ]
    + [["list"], ["context", "list"], ["--version"], [], ["status", "--hub", "--quiet"], ["stat"]],
    ids=" ".join,
)
def test_other_lines_are_left_to_typer(words):
    assert read_line(words) is None


@pytest.mark.parametrize("command", COMMANDS)
def test_ids_are_completed_as_typer_completes_them(run, project, command):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n"
        "@app.orchestration_trigger(context_name='c')\ndef f(c): yield\n"
    )
    for name in ("order-1", "order-2", "other"):
        assert run("start", "f", "--instance-id", name, "-q").code == 0
    for before in ([command], ["-q", command, "--no-progress"], [command, "--hub", "no.db"]):
        ours = [each.value for each in completion.candidates(before, "order-", open_session)]
        assert read_line(before).takes_id
        assert ours == [each.value for each in complete(before, "order-", open_session)]
    assert [each.value for each in completion.candidates([command], "order-", open_session)] == [
        "order-1",
        "order-2",
    ]
