"""The body of an answer, read piece by piece within a bound, compressed or not; the charset of a
body.
"""

from __future__ import annotations

import codecs
import zlib
from collections.abc import Iterable, Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import httpx

ENCODINGS = "gzip"
"""What a request asks for. What packs more tightly, or in several layers, could be unpacked in no
bounded step."""
MOST_BYTES = 200 * 1000 * 1000
PIECE = 1024 * 1024
_CHARSETS = frozenset({"utf-8", "utf-16", "utf-16-le", "utf-16-be", "utf-32", "iso8859-1", "ascii"})


class TooLarge(Exception):
    """The body has more bytes than are allowed; its text says how many."""


class Garbled(Exception):
    """The body is not what its headers say; its text says why."""


def read_body(response: httpx.Response, most: int) -> bytes:
    """The whole body, decompressed; `TooLarge` when that has more than `most` bytes, `Garbled` when
    it cannot be decompressed.
    """
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Garbled(f"it is encoded as '{encoding[:40]}'")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 19 and int(length) > most:
        raise TooLarge(f"has {_shown(int(length))}, and the limit is {_shown(most)}")
    pieces, size = [], 0
    for piece in (
        response.iter_raw() if encoding in ("", "identity") else _unpacked(response.iter_raw())
    ):
        pieces.append(piece)
        size += len(piece)
        if size > most:
            raise TooLarge(f"has more than {_shown(most)}, the limit")
    return b"".join(pieces)


def _shown(size: int) -> str:
    return f"{size / 1e6:,.1f}".removesuffix(".0") + " MB"


def _unpacked(packed: Iterable[bytes]) -> Iterator[bytes]:
    unpacker = zlib.decompressobj(zlib.MAX_WBITS | 32)  # gzip or zlib, by its head
    is_empty = True
    try:
        for piece in packed:
            left, is_empty = piece, False
            while left and not unpacker.eof:
                yield unpacker.decompress(left, PIECE)
                left = unpacker.unconsumed_tail
        yield unpacker.flush()
    except zlib.error as error:
        raise Garbled("it cannot be decompressed") from error
    if not unpacker.eof and not is_empty:
        raise Garbled("its end is missing")


def charset(content_type: str) -> str:
    """The codec that a Content-Type names, if it is one of those that read any body in no time;
    else UTF-8.
    """
    named = next(
        (
            part.partition("=")[2]
            for part in content_type.lower().split(";")[1:]
            if part.strip().startswith("charset=")
        ),
        "utf-8",
    )
    try:
        name = codecs.lookup(named.strip().strip("\"'")).name
    except (LookupError, ValueError):
        return "utf-8"
    return name if name in _CHARSETS else "utf-8"
