"""The help of the program, for a terminal of any width; loads nothing but its table."""

from __future__ import annotations

import os
import sys

from durablectl.cli.framework.command_table import (
    GLOBALS,
    GROUPS,
    PROGRAM,
    SUMMARY,
    VERSION_HELP,
    flags_of,
    global_help,
)

NARROWEST, WIDEST = 50, 98
COMMANDS_COLUMN, OPTIONS_COLUMN = 20, 30


def program_help(columns: int) -> str:
    """The help for a terminal of that width, without the end of its last line."""
    width = min(max(columns - 2, NARROWEST), WIDEST)
    lines = [f"Usage: {PROGRAM} [OPTIONS] COMMAND [ARGS]...", ""]
    lines += _paragraph(SUMMARY, width)
    for title, commands in GROUPS.items():
        lines += _section(title, commands, COMMANDS_COLUMN, width)
    column = min(OPTIONS_COLUMN, width - 34)  # the longest variable fits beside it
    own = {"-V, --version": VERSION_HELP, "-h, --help": "Show this message and exit."}
    lines += _section("Options", own, column, width)
    shared = {
        f"{', '.join(reversed(flags_of(name)))} {metavar}".rstrip(): global_help(name)
        for name, (metavar, _) in GLOBALS.items()
    }
    lines += _section("Global options", shared, column, width)
    more = _paragraph(f"{PROGRAM} COMMAND --help shows its options and examples.", width)
    return "\n".join([*lines, "", *more])


def terminal_columns() -> int:
    """The width of the terminal, as `shutil.get_terminal_size` finds it, which is slow to load."""
    try:
        columns = int(os.environ["COLUMNS"])
    except (KeyError, ValueError):
        columns = 0
    if columns > 0:
        return columns
    try:
        return os.get_terminal_size(sys.__stdout__.fileno()).columns or 80  # type: ignore[union-attr]
    except (AttributeError, ValueError, OSError):
        return 80


def _paragraph(text: str, width: int) -> list[str]:
    return [f"  {line}" for line in _wrapped(text, width - 2)]


def _section(title: str, rows: dict[str, str], most: int, width: int) -> list[str]:
    """A title, then two columns, the first of which is at most that wide."""
    first = min(max(map(len, rows)), most)
    lines = ["", f"{title}:"]
    for term, meaning in rows.items():
        shown = term
        if len(term) > first:
            lines.append(f"  {term}")
            shown = ""
        for line in _wrapped(meaning, width - first - 4):
            lines.append(f"  {shown:<{first}}  {line}")
            shown = ""
    return lines


def _wrapped(text: str, width: int) -> list[str]:
    lines = [""]
    for word in text.split():
        if lines[-1] and len(lines[-1]) + 1 + len(word) > width:
            lines.append("")
        lines[-1] += f" {word}" if lines[-1] else word
    return lines
