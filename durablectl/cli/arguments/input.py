"""The input of a start, an event or an operation, from exactly one source; reads files and standard
input, starts nothing.
"""

from __future__ import annotations

import json
import math
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

from durablectl.errors import UsageError, reason_of
from durablectl.json_values import fault_text

STDIN = "-"
TELL_INPUT_JSON = "inline JSON goes to --input-json, fields need no option: city=Tokyo count:=3"


def read_input(
    file: str | None,
    text: str | None,
    fields: Sequence[str],
    *,
    read_stdin: Callable[[], bytes],
    encode: str = "json",
) -> Any:
    """The JSON value of `--input file`, `--input-json text` or `name=value` fields; None when there
    is not a source.

    With `encode="string"` it is JSON held in a string, which is what a Python 1.x app on Azure
    reads back with get_input().
    """
    sources = {"--input": file, "--input-json": text, "fields": fields or None}
    given = [name for name, source in sources.items() if source is not None]
    if len(given) > 1:
        raise UsageError(
            f"two inputs at once: {' and '.join(given)}",
            hint="give exactly one of --input FILE, --input-json TEXT, name=value",
        )
    if not given:
        return None
    if file is not None:
        value = _from_file(file, read_stdin)
    else:
        value = parse_json(text, "--input-json") if text is not None else from_fields(fields)
    return json.dumps(value, ensure_ascii=False) if encode == "string" else value


def parse_json(text: str, source: str) -> Any:
    """Decode JSON; UsageError with `source`, line and column when it is not valid."""
    try:
        return json.loads(text, parse_constant=_refuse_constant, parse_float=_finite)
    except json.JSONDecodeError as error:
        raise UsageError(
            f"{source} is not JSON: {fault_text(error)}",
            hint="check it with: python3 -m json.tool",
        ) from error
    except _NotJson as error:
        raise UsageError(
            f"{source} is not JSON: it holds {error}",
            hint="JSON has no NaN and no Infinity: use null or a string",
        ) from error
    except (RecursionError, ValueError) as error:
        is_deep = isinstance(error, RecursionError)
        reason = "it is nested too deeply" if is_deep else "a number in it has too many digits"
        raise UsageError(f"{source} cannot be used: {reason}") from error


class _NotJson(ValueError):
    """A number that JSON does not have."""


def _refuse_constant(name: str) -> Any:
    raise _NotJson(name)


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise _NotJson(f"{text}, which no number can hold")
    return number


def _from_file(file: str, read_stdin: Callable[[], bytes]) -> Any:
    if file == STDIN:
        return _from_bytes(read_stdin(), "standard input")
    name = file.removeprefix("@")
    return _from_bytes(_read_input_file(name), name)


def _read_input_file(name: str) -> bytes:
    if name.lstrip().startswith(("{", "[", '"')) and not Path(name).is_file():
        raise UsageError("--input takes a file, not JSON", hint=TELL_INPUT_JSON)
    return read_named_file(name, hint=TELL_INPUT_JSON)


def read_named_file(name: str, *, hint: str) -> bytes:
    """The content of a file; UsageError when it cannot be read, with the hint when it is not
    there.
    """
    try:
        return Path(name).read_bytes()
    except FileNotFoundError as error:
        raise UsageError(f"no such file: {name}", hint=hint) from error
    except OSError as error:
        raise UsageError(f"{name!r} cannot be read: {reason_of(error)}") from error
    except ValueError as error:
        raise UsageError(f"{name!r} cannot be read: its name holds a null character") from error


def decode(content: bytes, source: str) -> str:
    """UTF-8 text, with or without a byte order mark; UsageError that names the place when it is
    none.
    """
    try:
        return content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        is_utf16 = content.startswith((b"\xff\xfe", b"\xfe\xff"))
        hint = "it looks like UTF-16: save it as UTF-8" if is_utf16 else "save it as UTF-8"
        raise UsageError(f"{source} is not valid UTF-8: byte {error.start}", hint=hint) from error


def _from_bytes(content: bytes, source: str) -> Any:
    text = decode(content, source)
    if not text.strip():
        raise UsageError(
            f"{source} is empty, which is not JSON",
            hint="leave the input out to start without one, or write null",
        )
    return parse_json(text, source)


def from_fields(fields: Sequence[str]) -> dict[str, Any]:
    """The object of `name=text`, `name:=json`, `name=@file` (its text) and `name:=@file` (its
    JSON).
    """
    value: dict[str, Any] = {}
    for field in fields:
        name, member = _field(field)
        if name in value:
            raise UsageError(f"the field '{name}' is given twice")
        value[name] = member
    return value


def _field(field: str) -> tuple[str, Any]:
    name, separator, content = field.partition("=")
    is_json = name.endswith(":")
    name = name.removesuffix(":")
    if not separator or not name:
        raise UsageError(
            f"'{field}' is not a field",
            hint="write name=text, name:=json, name=@file.txt or name:=@file.json",
        )
    if content.startswith("@"):
        source = content[1:]
        text = decode(_read_input_file(source), source)
        return name, parse_json(text, source) if is_json else text
    return name, parse_json(content, f"the field '{name}'") if is_json else content
