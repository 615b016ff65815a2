"""JSON as the service takes it in: strictly when it can, else with its parser's liberties. No I/O.

The service's parser also reads single quotes, bare names, comments, trailing commas and NaN; what only it can read is stored as plain
JSON, so that an app can read it too.
"""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any

from durablectl.wire import json_text, json_value

DEEPEST = 64  # levels; the parser's own limit

_STRINGS_AND_BRACKETS = re.compile(r'"(?:[^"\\]|\\.)*"|[\[{]|[\]}]', re.DOTALL)
_SURROGATES = re.compile("[\ud800-\udbff][\udc00-\udfff]")
_HUGE = re.compile(r"[eE]\+?\d{3}|\d{300}")
_SPACE = re.compile(r"(?:\s|/\*.*?\*/|//[^\r\n]*)*", re.DOTALL)
_NUMBER = re.compile(r"[+-]?(?:0[xX][0-9a-fA-F]+|\d+\.?\d*(?:[eE][+-]?\d+)?|\.\d+(?:[eE][+-]?\d+)?)")
_WORD = re.compile(r"[^\W\d]\w*|\$\w*")
_WORDS = {"true": True, "false": False, "null": None, "undefined": None, "NaN": "NaN", "Infinity": "Infinity"}
_ESCAPES = {"b": "\b", "f": "\f", "n": "\n", "r": "\r", "t": "\t"}


class NotJson(ValueError):
    """The text is not JSON. `is_cut_off`: it ends inside of an object or array, which the service answers differently."""

    def __init__(self, message: str, *, is_cut_off: bool = False) -> None:
        super().__init__(message)
        self.is_cut_off = is_cut_off


@dataclass(frozen=True, slots=True)
class Parsed:
    """A JSON value, and the JSON text to store for it."""

    value: Any
    text: str


def parse(text: str) -> Parsed:
    """The one value of a text; `NotJson` when it is none, or is followed by something."""
    try:
        parsed = Parsed(json_value(text), text)
        _refuse_endless(parsed)
    except NotJson:
        raise
    except ValueError:
        parsed, end = _read(text)
        rest = _after_space(text, end)
        if rest < len(text):
            raise _wrong(text, rest, f"Additional text encountered after finished reading JSON content: {text[rest]}") from None
    _refuse_depth(parsed.text)
    return parsed


def parse_first(text: str) -> Parsed:
    """The first value of a text, whatever follows it, to be stored compactly; `NotJson` when there is none."""
    try:
        value, _ = json.JSONDecoder(parse_constant=_refuse).raw_decode(text, len(text) - len(text.lstrip()))
        _refuse_depth(text)
        parsed = Parsed(value, text)
        _refuse_endless(parsed)
        return Parsed(value, json_text(value))
    except NotJson:
        raise
    except (ValueError, RecursionError):
        return _read(text)[0]


def _refuse(name: str) -> Any:
    raise ValueError(name)


def _refuse_endless(parsed: Parsed) -> None:
    """A number beyond all floats would be shown as what is no JSON."""
    if _HUGE.search(parsed.text):
        try:
            json_text(parsed.value, strict=True)
        except ValueError:
            raise NotJson("A number is too large to be read. Path '', line 1, position 1.") from None


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:
        return
    depth = 0
    for found in _STRINGS_AND_BRACKETS.finditer(text):
        depth += {"[": 1, "{": 1, "]": -1, "}": -1}.get(found[0], 0)
        if depth > DEEPEST:
            raise NotJson(f"The reader's MaxDepth of {DEEPEST} has been exceeded. Path '', line 1, position {found.end()}.")


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
        if depth > DEEPEST:
            raise _wrong(self.text, self.at, f"The reader's MaxDepth of {DEEPEST} has been exceeded")
        if mark == "":
            if depth == 1:
                raise NotJson("Error reading JToken from JsonReader. Path '', line 0, position 0.")
            raise self.cut_off()
        if mark == "{":
            return self.object(depth)
        if mark == "[":
            return self.array(depth)
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
                if colon == "":
                    raise _wrong(self.text, self.at, "Unexpected end while parsing property name")
                raise _wrong(self.text, self.at, f"Invalid character after parsing property name. Expected ':' but got: {colon}")
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
            raise _wrong(self.text, self.at, f"After parsing a value an unexpected character was encountered: {mark}")

    def string(self) -> str:
        quote = self.text[self.at]
        parts: list[str] = []
        self.at += 1
        while self.at < len(self.text):
            mark = self.text[self.at]
            self.at += 1
            if mark == quote:
                return _SURROGATES.sub(lambda pair: pair[0].encode("utf-16", "surrogatepass").decode("utf-16"), "".join(parts))
            parts.append(self.escape() if mark == "\\" else mark)
        raise _wrong(self.text, self.at, f"Unterminated string. Expected delimiter: {quote}")

    def escape(self) -> str:
        mark = self.text[self.at : self.at + 1]
        self.at += 1
        if mark == "u":
            digits = self.text[self.at : self.at + 4]
            self.at += 4
            if not re.fullmatch("[0-9a-fA-F]{4}", digits):
                raise _wrong(self.text, self.at, f"Could not convert Unicode escape: {digits}")
            return chr(int(digits, 16))
        if mark in _ESCAPES:
            return _ESCAPES[mark]
        if mark and mark in "\"'\\/":
            return mark
        raise _wrong(self.text, self.at, f"Bad JSON escape sequence: \\{mark}")

    def bare_name(self) -> str:
        found = _WORD.match(self.text, self.at)
        if found is None:
            raise _wrong(self.text, self.at, f"Invalid property identifier character: {self.text[self.at]}")
        self.at = found.end()
        if self.at >= len(self.text):
            raise _wrong(self.text, self.at, "Unexpected end while parsing unquoted property name")
        return found[0]

    def scalar(self) -> Any:
        for pattern in (_NUMBER, _WORD):
            found = pattern.match(self.text, self.at)
            if found is None:
                continue
            if pattern is _NUMBER:
                self.at = found.end()
                return _number(found[0])
            if found[0] in _WORDS:
                self.at = found.end()
                return _WORDS[found[0]]
        raise _wrong(self.text, self.at, f"Unexpected character encountered while parsing value: {self.text[self.at]}")

    def peek(self) -> str:
        self.at = _after_space(self.text, self.at)
        return self.text[self.at : self.at + 1]

    def cut_off(self) -> NotJson:
        return _wrong(self.text, len(self.text), "Unexpected end when reading JSON", is_cut_off=True)


def _number(text: str) -> int | float:
    try:
        return int(text, 16) if "x" in text.lower() else int(text)
    except ValueError:
        number = float(text)
    if math.isinf(number):
        raise NotJson("A number is too large to be read. Path '', line 1, position 1.")
    return number
