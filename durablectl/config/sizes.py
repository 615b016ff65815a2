"""Sizes as people write them."""

from __future__ import annotations

import re

from durablectl.errors import UsageError

_UNITS = {
    "": 1,
    "b": 1,
    "kb": 10**3,
    "mb": 10**6,
    "gb": 10**9,
    "kib": 2**10,
    "mib": 2**20,
    "gib": 2**30,
}
_SIZE = re.compile(r"(\d{1,12}(?:\.\d{1,6})?)\s*([kmg]?i?b|)", re.IGNORECASE | re.ASCII)


def parse_size(text: str) -> int:
    """The bytes of `500MB`, `2GB`, `64KiB` or a bare number; `UsageError` when it is not a size, or
    none at all.
    """
    parts = _SIZE.fullmatch(text.strip())
    size = int(float(parts[1]) * _UNITS.get(parts[2].lower(), 0)) if parts else 0
    if size < 1:
        raise UsageError(
            f"'{text[:40]}' is not a size", hint="write 500MB, 2GB, or a number of bytes"
        )
    return size
