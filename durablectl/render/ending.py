"""How a command ended, for programs: with `-o json`, one JSON object as the last line on stderr.

Knows no command and no stream.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence

from durablectl.redaction import redact

JSON_FORMATS = ("json", "jsonl")


class Ending:
    """What a command has said about its failure, kept for its last line while `is_json`."""

    def __init__(self, *, is_json: bool = False) -> None:
        self.is_json = is_json
        self.hint: str | None = None
        self.signal: int | None = None
        """The signal that the process ends by, once all is said."""
        self.more: list[str] = []
        """Lines that follow what was said."""
        self._messages: list[str] = []

    def add(self, message: str, hint: str | None = None) -> None:
        """One more thing that went wrong, and what to do about it."""
        self._messages.append(message)
        self.hint = hint or self.hint

    def line(self, exit_code: int, meaning: str) -> str:
        """The object as one line of ASCII; `meaning` stands where nothing was said."""
        return json.dumps(
            {
                "message": redact("\n".join([*self._messages, *self.more]) or meaning),
                "hint": None if self.hint is None else redact(self.hint),
                "exitCode": exit_code,
            }
        )


def asks_json(arguments: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether a command line asks for JSON, as far as that shows before it is parsed: it may be one
    that cannot be. `--query` asks for it where no `-o` asks for something else.
    """
    options = list(arguments)
    options = options[: options.index("--")] if "--" in options else options
    format = environ.get("DURABLECTL_OUTPUT", "")
    is_given = is_queried = False
    for word, following in zip(options, [*options[1:], ""], strict=False):
        name, equals, value = word.partition("=")
        if name in ("--output", "-o"):
            format, is_given = value if equals else following, True
        elif word.startswith("-o") and not word.startswith("--"):
            format, is_given = word.removeprefix("-o"), True
        elif name == "--query":
            is_queried = True
    return format.lower() in JSON_FORMATS or (is_queried and not is_given)
