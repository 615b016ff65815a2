"""Command lines that are read without Typer, which takes longer to load than a status to show.

They are those of commands that take instance ids, with options that are written out.

`line_table.py` has the options, made from the tree of commands. What this reader does not know, it
leaves to Typer.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any, NamedTuple

from durablectl.cli.framework.command_table import GLOBALS, flags_of
from durablectl.cli.framework.completers import GIVEN
from durablectl.cli.framework.line_table import COMMANDS, SEVERAL, VALUED

VALUES = {flag: name for name in GLOBALS if GLOBALS[name][0] for flag in flags_of(name)}
"""The global options with a value."""
FLAGS = {flag: name for name in GLOBALS if not GLOBALS[name][0] for flag in flags_of(name)}
"""The global options without a value."""


class Line(NamedTuple):
    """A command line: the flags for every command that were `given`, the `values` of the options
    of `status` by its parameters, and the arguments. To a completer it is what a context of Typer's
    is.
    """

    command: str
    given: dict[str, Any]
    values: dict[str, Any]
    words: list[str]
    obj: Any = None

    def find_root(self) -> Line:
        return self

    @property
    def takes_id(self) -> bool:
        """Whether the next argument is an instance."""
        return self.command in SEVERAL.split() or not self.words

    @property
    def meta(self) -> dict[str, Any]:
        return {GIVEN: self.given}


def read_line(arguments: Sequence[str]) -> Line | None:
    """The line of these arguments; None for one that only Typer can read."""
    line: Line | None = None
    before: dict[str, Any] = {}  # the flags before the command
    rest = iter(arguments)
    for word in rest:
        if word == "-" or not word.startswith("-"):
            if line is not None:
                line.words.append(word)
            elif word in COMMANDS:
                line = Line(word, before, {}, [])
            else:
                return None
        elif not _is_taken(word, rest, before, line):
            return None
    return line


def _is_taken(word: str, rest: Iterator[str], given: dict[str, Any], line: Line | None) -> bool:
    """Whether this is a known option, with its value; it is then among what was given."""
    option, equals, text = word.partition("=")
    is_own = line is not None and option in COMMANDS[line.command].split()
    if option in VALUES or (is_own and option in VALUED.split()):
        if equals and not option.startswith("--"):
            return False
        value = text if equals else next(rest, None)
        if value is None or (value.startswith("-") and value != "-" and not equals):
            return False
        if option in VALUES:
            given[VALUES[option]] = value
        elif line is not None and option == "--from":
            line.values["from_"] = [*line.values.get("from_", ()), value]
    elif equals:
        return False
    elif option in FLAGS:
        given[FLAGS[option]] = True
    elif line is not None and is_own:
        name = option.removeprefix("--").replace("-", "_")
        line.values[name.removeprefix("no_")] = not name.startswith("no_")
    else:
        return False
    return True
