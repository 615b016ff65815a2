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


def test_the_table_says_what_the_command_says():
    said = {name: " ".join(command.help.split("\n\n")[0].split()) for name, command in ALL}
    assert [
        name for name in SUMMARIES if not said[name].startswith(SUMMARIES[name].rstrip("."))
    ] == []


def test_every_help_begins_with_a_capital():
    assert [path for path, command in ALL if not command.help[:1].isupper()] == []


def test_every_help_ends_with_an_example_of_its_command():
    def is_example(path: str, line: str) -> bool:
        piped = [shlex.split(part) for part in line.split(" | ")]
        call = ["durablectl", *path.split()]
        return line.startswith(" ") and any(words[: len(call)] == call for words in piped)

    last = {path: command.help.rstrip().splitlines()[-1] for path, command in LEAVES}
    assert [path for path, line in last.items() if not is_example(path, line)] == []


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
