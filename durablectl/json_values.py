"""JSON texts and values as the service writes and reads them; no model, no I/O."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Mapping
from typing import Any

LARGEST = sys.float_info.max


def json_text(value: Any, *, indent: int | None = None, strict: bool = False) -> str:
    """A value as JSON text that is valid UTF-8, whatever its strings hold: lone surrogates and
    U+2028/9 are escaped, nothing else is.

    Compact unless `indent`. With `strict`, ValueError for NaN and the infinities, which JSON cannot
    hold.
    """
    separators = (",", ":") if indent is None else (",", ": ")
    text = json.dumps(
        value, ensure_ascii=False, allow_nan=not strict, indent=indent, separators=separators
    )
    return (
        text if text.isascii() else re.sub(_UNSAFE, lambda found: f"\\u{ord(found[0]):04x}", text)
    )


_UNSAFE = "[\ud800-\udfff\u2028\u2029]"


def json_value(text: str | bytes) -> Any:
    """Decode JSON; ValueError when it is not valid, NaN and too deep nesting included."""
    try:
        return _DECODER.decode(
            text
            if isinstance(text, str)
            else text.decode(json.detect_encoding(text), "surrogatepass")
        )
    except RecursionError:
        raise ValueError("the JSON is nested too deeply") from None


def fault_text(error: json.JSONDecodeError) -> str:
    """Where a text is not JSON, and why."""
    reason = error.msg[:1].lower() + error.msg[1:]
    reason = reason.removesuffix(" at").removesuffix(" starting")
    return f"line {error.lineno}, column {error.colno}: {reason}"


def _refuse_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def finite(value: Any) -> Any:
    """A value with the largest numbers that JSON can hold in place of the infinite ones, and null
    in place of NaN.
    """
    return json.loads(
        json.dumps(value), parse_constant={"Infinity": LARGEST, "-Infinity": -LARGEST}.get
    )


# `json.loads` would make one for each text
_DECODER = json.JSONDecoder(parse_constant=_refuse_constant)


def value_from_text(stored: str | None) -> Any:
    """What the service shows of a stored text: null without one, "" of blanks, the JSON that it is,
    else the text itself.
    """
    if stored is None:
        return None
    if not stored.strip():
        return ""
    try:
        return json_value(stored)
    except ValueError:
        return stored


def value_from_reason(stored: str | None) -> Any:
    """What the service shows as the output of a terminated instance: only the first JSON token of
    the reason counts, if it has one.
    """
    text = (stored or "").strip()
    try:
        value, end = _DECODER.raw_decode(text)
    except (ValueError, RecursionError):
        return stored
    ended = end == len(text) or text[end - 1] in '"]}' or text[end].isspace() or text[end] in ",]}"
    return value if ended else stored


def decoded(value: Any) -> Any:
    """The value, or the JSON that a string holds (a Python 1.x app's clients put it there)."""
    if isinstance(value, str) and value.lstrip().startswith(("{", "[", '"')):
        try:
            return json.loads(value)
        except (ValueError, RecursionError):
            return value
    return value


def line_text(value: Any) -> str:
    """A JSON value for people on one line, complete."""
    shown = decoded(value)
    return (
        ""
        if shown is None
        else shown
        if isinstance(shown, str)
        else json.dumps(shown, ensure_ascii=False)
    )


def json_object(value: Any) -> Mapping[str, Any]:
    """A JSON object, or the one that a text holds; an empty one when it is neither."""
    try:
        read = json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return {}
    return read if isinstance(read, dict) else {}


def text_in(members: Mapping[str, Any], name: str) -> str:
    """The text of a member; "" where there is none, or something else."""
    value = members.get(name)
    return value if isinstance(value, str) else ""


def same_json(left: Any, right: Any) -> bool:
    """Whether two JSON values are the same one: 1 and 1.0 are, 1 and true are not."""
    if isinstance(left, dict) and isinstance(right, dict):
        return left.keys() == right.keys() and all(
            same_json(left[name], right[name]) for name in left
        )
    if isinstance(left, list) and isinstance(right, list):
        return len(left) == len(right) and all(map(same_json, left, right))
    return bool(left == right) and isinstance(left, bool) == isinstance(right, bool)
