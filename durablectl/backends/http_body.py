"""The body of an answer, read piece by piece within a bound, compressed or not."""

from __future__ import annotations

import zlib
from collections.abc import Iterable, Iterator

import httpx

ENCODINGS = "gzip"
"""What a request asks for. What packs more tightly, or in several layers, could be unpacked in no bounded step."""
MOST_BYTES = 200 * 1000 * 1000
PIECE = 1024 * 1024


class TooLarge(Exception):
    """The body has more bytes than are allowed; its text says how many."""


class Garbled(Exception):
    """The body is not what its headers say; its text says why."""


def read_body(response: httpx.Response, most: int) -> bytes:
    """The whole body, decompressed; `TooLarge` when that has more than `most` bytes, `Garbled` when it cannot be decompressed."""
    encoding = response.headers.get("content-encoding", "").strip().lower()
    if encoding not in ("", "identity", "gzip", "x-gzip", "deflate"):
        raise Garbled(f"it is encoded as '{encoding[:40]}'")
    length = response.headers.get("content-length", "")
    if length.isdecimal() and len(length) < 19 and int(length) > most:
        raise TooLarge(f"has {_shown(int(length))}, and the limit is {_shown(most)}")
    pieces, size = [], 0
    for piece in response.iter_raw() if encoding in ("", "identity") else _unpacked(response.iter_raw()):
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
