"""Text from a hub made harmless for terminals and CI runners. Pure."""

from __future__ import annotations

import re

# C0 but tab and line feed, DEL, C1, lone surrogates, and what turns the direction of a line or
# breaks it.
_UNSAFE = "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
_UNSAFE_IN_JSON = "[\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]"
# GitHub Actions reads a command where a line begins with it
_RUNNER_COLONS = r"(?m)^([^\S\n]*):(?=:)"
_RUNNER_HASHES = r"##(?=(?:vso)?\[)"  # Azure Pipelines, and old GitHub runners, anywhere in a line


def safe(text: str) -> str:
    """The text with control characters, escape sequences and direction marks spelled out (`\\x1b`);
    tabs and line ends stay.
    """
    return text if _is_printable(text) else re.sub(_UNSAFE, _spelled, text)


def safe_line(text: str) -> str:
    """As `safe`, on one line."""
    return safe(text).replace("\n", "\\n").replace("\t", "\\t")


def defuse(text: str, *, ci: bool) -> str:
    """The text with a blank inside whatever a CI runner would read as its command."""
    return re.sub(_RUNNER_HASHES, "# #", re.sub(_RUNNER_COLONS, r"\1: ", text)) if ci else text


def json_safe(text: str, *, ci: bool = False) -> str:
    """The same JSON without a character that a terminal could act on, nor a command that a CI
    runner could read.
    """
    if not _is_printable(text):
        text = re.sub(_UNSAFE_IN_JSON, lambda match: f"\\u{ord(match[0]):04x}", text)
    return re.sub(_RUNNER_HASHES, "#\\\\u0023", text) if ci else text


def _is_printable(text: str) -> bool:
    """Whether nothing but line ends may be unsafe: true of most texts, and quickly told."""
    return text.replace("\n", "").isprintable()


def _spelled(match: re.Match[str]) -> str:
    code = ord(match[0])
    return f"\\x{code:02x}" if code < 0x100 else f"\\u{code:04x}"
