"""The help: the table says what the commands say, and every command ends with an example."""

from __future__ import annotations

import shlex

import pytest
import typer

from durablectl.cli.framework.command_table import SUMMARIES
from durablectl.cli.framework.completers import GIVEN
from durablectl.cli.framework.groups import root


def commands(name: str) -> list[tuple[str, typer.core.TyperCommand]]:
    """A command, and those below it, by their path."""
    command = root().get_command(None, name)
    below = getattr(command, "commands", {})
    return [(name, command), *((f"{name} {sub}", each) for sub, each in below.items())]


ALL = [pair for name in SUMMARIES for pair in commands(name)]
LEAVES = [(path, command) for path, command in ALL if not hasattr(command, "commands")]


@pytest.mark.parametrize("name", SUMMARIES)
def test_the_table_says_what_the_command_says(name):
    text = " ".join(root().get_command(None, name).help.split("\n\n")[0].split())
    assert text.startswith(SUMMARIES[name].rstrip("."))


@pytest.mark.parametrize(("path", "command"), LEAVES, ids=[path for path, _command in LEAVES])
def test_every_help_ends_with_an_example_of_its_command(path, command):
    last = command.help.rstrip().splitlines()[-1]
    assert last.startswith(" ")
    piped = [shlex.split(part) for part in last.split(" | ")]
    assert any(words[: len(path.split()) + 1] == ["durablectl", *path.split()] for words in piped)


@pytest.mark.parametrize(("path", "command"), ALL, ids=[path for path, _command in ALL])
def test_every_example_parses(path, command):
    for line in (
        line.strip()
        for line in command.help.splitlines()
        if line.startswith(" ") and line.strip().startswith("durablectl ")
    ):
        words = shlex.split(line.partition(" > ")[0].partition(" | ")[0])[1:]
        context = root().make_context("durablectl", words)
        while hasattr(context.command, "resolve_command"):
            rest = [*context._protected_args, *context.args]
            name, found, rest = context.command.resolve_command(context, rest)
            context = found.make_context(name, rest, parent=context)
        assert isinstance(context.meta[GIVEN], dict)


def test_examples_keep_their_lines(run):
    out = run("context", "add", "--help").out
    assert (
        "\n    durablectl context add prod --url https://orders.azurewebsites.net --key-env "
        "ORDERS_KEY"
    ) in out


def test_help_fits_a_narrow_terminal(run):
    out = run("--help", env={"COLUMNS": "50"}).out
    assert max(map(len, out.splitlines())) <= 60
