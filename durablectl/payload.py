"""User values to JSON text and back, custom classes included; no I/O, no history.

A class takes part by `to_json(obj)` and a static `from_json(data)`; its objects travel in the
envelope of the Azure SDK, `{"__class__", "__module__", "__data__"}`, and are read back only from
modules that are already imported.
"""

from __future__ import annotations

import json
import os
import sys
from json.encoder import encode_basestring_ascii
from typing import Any

_ENVELOPE = frozenset({"__class__", "__module__", "__data__"})


def dumps(value: Any) -> str:
    """JSON text in ASCII.

    TypeError or ValueError for what JSON cannot hold: other objects, NaN, infinity, circles.
    """
    kind = type(value)
    if kind is str:
        return encode_basestring_ascii(value)
    if kind is int:
        return int.__repr__(value)
    if value is None:
        return "null"
    return _encode_with(_CUSTOM, value)


def dumps_plain(value: Any) -> str:
    """As `dumps`, but custom objects are refused: an orchestrator's output is plain JSON (point
    16).
    """
    return encode_basestring_ascii(value) if type(value) is str else _encode_with(_PLAIN, value)


def loads(text: str, expected_type: Any = None) -> Any:
    """The value of JSON text.

    `expected_type` is checked: a mismatch is logged, or raised under strict typing.
    """
    if '"__class__"' in text:
        return _loads_custom(text, expected_type)
    try:
        # quicker than `decode`, which also takes blanks around it
        value, end = _DECODER.raw_decode(text)
    except ValueError:
        end = -1
    if end != len(text):
        value = _DECODER.decode(text)
    if expected_type is not None and not _is_compatible(value, expected_type):
        _mismatch(f"a value of type {type(value).__name__} came where {expected_type} was expected")
    return value


def storable(text: str) -> str:
    """Text that UTF-8 can hold: lone surrogates are written as escapes."""
    return text if text.isascii() else text.encode("utf-8", "backslashreplace").decode("utf-8")


def _encode_with(encoder: json.JSONEncoder, value: Any) -> str:
    try:
        return encoder.encode(value)
    except ValueError as error:
        if "JSON compliant" in str(error):
            raise ValueError("JSON cannot hold NaN or an infinite number") from error
        raise
    except RecursionError as error:
        raise ValueError(
            "JSON cannot hold a value that contains itself, or is nested this deeply"
        ) from error


def _envelope(obj: Any) -> dict[str, Any]:
    if not hasattr(obj, "to_json"):
        raise TypeError(f"class {type(obj)} does not expose a `to_json` function")
    data = type(obj).to_json(obj)
    if _is_strict():
        _PLAIN.encode(data)  # strict typing lets only the outermost object be a custom one
    return {"__class__": type(obj).__name__, "__module__": type(obj).__module__, "__data__": data}


def _unwrapped(pairs: dict[str, Any]) -> Any:
    if not pairs.keys() >= _ENVELOPE:
        return pairs
    name, module_name = pairs["__class__"], pairs["__module__"]
    module = sys.modules.get(module_name)
    if module is None:
        raise ValueError(
            f"cannot read an object of class {name!r}: its module {module_name!r} is not imported"
        )
    found = getattr(module, name, None)
    if not hasattr(found, "from_json"):
        raise TypeError(
            f"cannot read an object of class {module_name}.{name}: there is no such "
            "class with a `from_json` function"
        )
    return found.from_json(pairs["__data__"])  # type: ignore[union-attr]


_PLAIN = json.JSONEncoder(allow_nan=False, separators=(",", ":"))
_CUSTOM = json.JSONEncoder(allow_nan=False, separators=(",", ":"), default=_envelope)
_DECODER = json.JSONDecoder()
_CUSTOM_DECODER = json.JSONDecoder(object_hook=_unwrapped)


def _loads_custom(text: str, expected_type: Any) -> Any:
    raw = _DECODER.decode(text)
    if not (isinstance(raw, dict) and raw.keys() >= _ENVELOPE):
        return raw if _is_strict() else _CUSTOM_DECODER.decode(text)
    declared = f"{raw['__module__']}.{raw['__class__']}"
    if expected_type is None:
        if _is_strict():
            raise TypeError(
                f"strict typing requires an expected_type to read an object of class {declared}"
            )
    elif declared != f"{expected_type.__module__}.{expected_type.__name__}":
        _mismatch(f"an object of class {declared} came where {expected_type} was expected")
    if _is_strict():
        return expected_type.from_json(raw["__data__"])
    return _CUSTOM_DECODER.decode(text)


def _is_strict() -> bool:
    return os.environ.get("AZURE_FUNCTIONS_DURABLE_STRICT_TYPING", "").strip().lower() in (
        "1",
        "true",
        "yes",
    )


def _is_compatible(value: Any, expected_type: Any) -> bool:
    try:
        return isinstance(value, expected_type)
    except TypeError:  # list[int] and the like
        return True


def _mismatch(message: str) -> None:
    if _is_strict():
        raise TypeError(message)
    import logging  # deferred: a command that only reads has nothing to warn of

    logging.getLogger("durablectl.payload").warning(message)
