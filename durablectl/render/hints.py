"""Lines with a command that is copied: a terminal must not break it, as it would break prose."""

from __future__ import annotations

import textwrap
from collections.abc import Iterator

INDENT = "  "
_COMMAND = " durablectl "


def before_command(text: str, width: int) -> str:
    """A hint with its first command on a line of its own where both do not fit on one."""
    prose, found, rest = text.partition(_COMMAND)
    if len(text) <= width or not found or "`" in prose[-2:]:
        return text
    return f"{prose}\n{INDENT}{_COMMAND.strip()} {rest}"


def hanging(text: str, width: int, indent: str) -> Iterator[str]:
    """A line of prose broken between words, its further lines indented."""
    yield from textwrap.wrap(
        text,
        max(width, len(indent) + 20),
        subsequent_indent=indent,
        break_long_words=False,
        break_on_hyphens=False,
        drop_whitespace=True,
        replace_whitespace=False,
        tabsize=1,
    ) or [""]
