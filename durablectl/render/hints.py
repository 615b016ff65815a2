"""Lines folded to the width of a terminal: between words, and never within a command, which is
copied.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

INDENT = "  "
COMMAND = r"(?:(?<=^)|(?<=: ))durablectl [a-z].*$"  # to the end; within a sentence in backticks
_PIECE = rf"\s*(?:[^\s`]*`[^`]+`\S*|{COMMAND}|\S+)"


def folded(text: str, width: int) -> str:
    """The text with those of its lines folded that are wider."""
    return "\n".join(
        each
        for line in text.split("\n")
        for each in hanging(line, width, line[: len(line) - len(line.lstrip())] + INDENT)
    )


def hanging(line: str, width: int, indent: str) -> Iterator[str]:
    """A line folded where it is wider, its further lines indented."""
    if len(line) <= width:
        yield line
        return
    width = max(width, len(indent) + 20)
    shown = ""
    for piece in re.findall(_PIECE, line):
        if shown.strip() and len(shown) + len(piece) > width:
            yield shown
            shown = indent + piece.lstrip()
        else:
            shown += piece
    yield shown
