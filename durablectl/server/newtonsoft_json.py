"""JSON as the service takes it in: strictly when it can, else with its parser's liberties. No I/O.

The service's parser also reads single quotes, bare names, comments, trailing commas and NaN; what
only it can read is stored as plain JSON, so that an app can read it too.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from durablectl.wire import json_text, json_value

DEEPEST = 64  # levels; the parser's own limit

# A body is foreign: no pattern looks at a character more often than a fixed number of times. What
# repeats is possessive (`++`), a string ends with the text at the latest, and a run of digits is
# counted from its beginning only.
_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]++|\\.)*+"?|[\[{]|[\]}]', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HUGE = re.compile(r"[eE]\+?\d{3}|(?<!\d)\d{300}")
_SPACE = re.compile(r"(?:\s++|/\*.*?\*/|//[^\r\n]*+)*+", re.DOTALL)
_NUMBER = re.compile(
    r"[+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)"
)
_WORD = re.compile(r"[^\W\d]\w*|\$\w*")
_STRING = {
    quote: re.compile(rf"{quote}((?:[^{quote}\\]++|\\.)*+)({quote}?)", re.DOTALL) for quote in "\"'"
}
_ESCAPE = re.compile(r"\\(?:u([0-9a-fA-F]{4})|(.))", re.DOTALL)
_LONGEST_HEX = 3500  # digits: as many as Python writes in decimals
_WORDS = {
    "true": True,
    "false": False,
    "null": None,
    "undefined": None,
    "NaN": "NaN",
    "Infinity": "Infinity",
}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}
_ESCAPES |= {mark: mark for mark in "\"'\\/"}


class NotJson(ValueError):
    """The text is not JSON.

    `is_cut_off`: it ends inside of an object or array, which the service answers differently.
    """

    def __init__(self, message: str, *, is_cut_off: bool = False) -> None:
        super().__init__(message)
        self.is_cut_off = is_cut_off


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value, and the JSON text to store for it."""

    value: Any
    text: str


def parse(text: str) -> Parsed:
    """The one value of a text; `NotJson` when it is not one, or is followed by something."""
    try:
        return _bounded(Parsed(json_value(text), text))
    except NotJson:
        raise
    except ValueError:
        parsed, end = _read(text)
    rest = _after_space(text, end)
    if rest < len(text):
        raise _wrong(
            text,
            rest,
            f"Additional text encountered after finished reading JSON content: {text[rest]}",
        )
    return parsed


def parse_first(text: str) -> Parsed:
    """The first value of a text, whatever follows it, to be stored compactly; `NotJson` when there
    is none.
    """
    begin = len(text) - len(text.lstrip())
    try:
        value, end = json.JSONDecoder(parse_constant=_refuse).raw_decode(text, begin)
        _bounded(Parsed(value, text[:end]))
        return Parsed(value, json_text(value))
    except NotJson:
        raise
    except (ValueError, RecursionError):
        return _read(text)[0]


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _bounded(parsed: Parsed) -> Parsed:
    """Refuse what is nested too deeply, and a number beyond all floats, which would be shown as
    what is not JSON.
    """
    _refuse_depth(parsed.text)
    if _HUGE.search(parsed.text):
        try:
            json_text(parsed.value, strict=True)
        except ValueError:
            raise _too_large() from None
    return parsed


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEEPEST:
            raise NotJson(
                f"The reader's MaxDepth of {DEEPEST} has been exceeded. Path '', line "
                f"1, position {found.end()}."
            )


def _too_large() -> NotJson:
    return NotJson("A number is too large to be read. Path '', line 1, position 1.")


def _read(text: str) -> tuple[Parsed, int]:
    reader = _Reader(text)
    value = reader.value(1)
    return Parsed(value, json_text(value)), reader.at


def _after_space(text: str, at: int) -> int:
    found = _SPACE.match(text, at)
    return found.end() if found else at


def _wrong(text: str, at: int, what: str, *, is_cut_off: bool = False) -> NotJson:
    before = text[:at]
    line, column = before.count("\n") + 1, at - (before.rfind("\n") + 1)
    return NotJson(f"{what}. Path '', line {line}, position {column}.", is_cut_off=is_cut_off)


class _Reader:
    """A recursive reader with the liberties."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.at = 0

    def value(self, depth: int) -> Any:
        mark = self.peek()
        if mark == "":
            if depth == 1:
                raise NotJson("Error reading JToken from JsonReader. Path '', line 0, position 0.")
            raise self.cut_off()
        if mark in ("{", "["):
            if depth > DEEPEST:
                raise self.wrong(f"The reader's MaxDepth of {DEEPEST} has been exceeded")
            return self.object(depth) if mark == "{" else self.array(depth)
        if mark in "\"'":
            return self.string()
        return self.scalar()

    def object(self, depth: int) -> dict[str, Any]:
        members: dict[str, Any] = {}
        self.at += 1
        while (mark := self.peek()) != "}":
            if mark == "":
                raise self.cut_off()
            name = self.string() if mark in "\"'" else self.bare_name()
            if (colon := self.peek()) != ":":
                raise self.wrong(
                    f"Invalid character after parsing property name. Expected ':' but got: {colon}"
                    if colon
                    else "Unexpected end while parsing property name"
                )
            self.at += 1
            members[name] = self.value(depth + 1)
            self.comma("}")
        self.at += 1
        return members

    def array(self, depth: int) -> list[Any]:
        items: list[Any] = []
        self.at += 1
        while (mark := self.peek()) != "]":
            if mark == "":
                raise self.cut_off()
            items.append(self.value(depth + 1))
            self.comma("]")
        self.at += 1
        return items

    def comma(self, end: str) -> None:
        mark = self.peek()
        if mark == ",":
            self.at += 1
        elif mark == "":
            raise self.cut_off()
        elif mark != end:
            raise self.wrong(
                f"After parsing a value an unexpected character was encountered: {mark}"
            )

    def string(self) -> str:
        quote = self.text[self.at]
        found = _STRING[quote].match(self.text, self.at)
        assert found is not None
        begin, body = found.span(1)[0], found[1]
        if "\\" in body:
            body = _ESCAPE.sub(lambda escape: self.unescaped(escape, begin), body)
            body = _SURROGATES.sub(
                lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), body
            )
        self.at = found.end()
        if not found[2]:
            if self.at < len(self.text):
                raise self.wrong("Bad JSON escape sequence: \\", self.at + 2)
            raise self.wrong(f"Unterminated string. Expected delimiter: {quote}")
        return body

    def unescaped(self, escape: re.Match[str], begin: int) -> str:
        """What an escape stands for; `begin` is where its string begins in the text."""
        if escape[1]:
            return chr(int(escape[1], 16))
        mark, at = escape[2], begin + escape.end()
        if mark == "u":
            digits = self.text[at : at + 4]
            raise self.wrong(f"Could not convert Unicode escape: {digits}", at + 4)
        if mark in _ESCAPES:
            return _ESCAPES[mark]
        raise self.wrong(f"Bad JSON escape sequence: \\{mark}", at)

    def bare_name(self) -> str:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise self.wrong(f"Invalid property identifier character: {self.text[self.at]}")
        self.at = found.end()
        if self.at >= len(self.text):
            raise self.wrong("Unexpected end while parsing unquoted property name")
        return found[0]

    def scalar(self) -> Any:
        if (number := _NUMBER.match(self.text, self.at)) is not None:
            self.at = number.end()
            return _number(number[0])
        if (word := _WORD.match(self.text, self.at)) is not None and word[0] in _WORDS:
            self.at = word.end()
            return _WORDS[word[0]]
        character = self.text[self.at]
        raise self.wrong(f"Unexpected character encountered while parsing value: {character}")

    def peek(self) -> str:
        self.at = _after_space(self.text, self.at)
        return self.text[self.at : self.at + 1]

    def wrong(self, what: str, at: int | None = None) -> NotJson:
        return _wrong(self.text, self.at if at is None else at, what)

    def cut_off(self) -> NotJson:
        what = "Unexpected end when reading JSON"
        return _wrong(self.text, len(self.text), what, is_cut_off=True)


def _number(text: str) -> int | float:
    if "x" in text.lower():
        if len(text) > _LONGEST_HEX:
            raise _too_large()
        return int(text, 16)
    try:
        return int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number):
        raise _too_large()
    return number
