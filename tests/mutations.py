"""Recorded answers of the service, damaged at random: what a broken hub, or a hostile one, may say.

Pure; seeded by its caller.
"""

from __future__ import annotations

import gzip
import json
import random
import re
from collections.abc import Callable
from dataclasses import replace
from typing import Any

from recorded_server import Asked, Reply, steps

DEEP = 3000
RAW = "raw:"  # a text that stands in the JSON without quotes
VALUES: list[Any] = [
    *(
        None,
        True,
        False,
        0,
        -1,
        1.5,
        2**53,
        10**18,
        "",
        " ",
        [],
        {},
        [None],
        {"": None},
        "x" * 5000,
        "\ud83d",
        "\udc00 \ud800",
    ),
    *(
        "\x00\x1b[2J\r\n",
        "\u202e\u2066",
        "::error::x",
        "[bold]x[/",
        "0001-01-01T00:00:00+01:00",
        "9999-12-31T23:59:59-01:00",
    ),
    *(
        "0001-01-01T00:00:00Z",
        "9999-12-31T23:59:59.9999999Z",
        "2026-02-30T00:00:00Z",
        "-1",
        "NaN",
        "2026-01-01",
        "Failed",
        "Completed",
    ),
    *(
        "Running",
        "Pending",
        "Unknown",
        "@counter@k",
        "@",
        "@@",
        "a/b",
        "a?b=c",
        "..",
        "%",
        "http://[",
        "http://x:y/instances/a",
        "null",
    ),
    *(
        "http://127.0.0.1:1/instances/",
        "{",
        '{"a":',
        "[" * DEEP,
        '{"$type":"System.Exception","Message":1}',
        "{{}}",
        "%s%d",
        "a,b;c",
    ),
    *(
        RAW + text
        for text in (
            "NaN",
            "Infinity",
            "-Infinity",
            "1e400",
            "-1e999",
            "9" * 400,
            "9" * 5000,
            "1.7976931348623157e308",
        )
    ),
    *(
        RAW + text
        for text in (
            "[" * DEEP + "]" * DEEP,
            '{"a":' * 900 + "1" + "}" * 900,
            "[" * 900 + "]" * 900,
            "'x'",
            "undefined",
        )
    ),
    *(
        RAW + text
        for text in (
            '"\\ud800"',
            '"\\u0000"',
            "-0",
            "1E-400",
            "01",
            "{,}",
            '{"a":1,"a":2}',
            "5e-324",
            "0.1e-7",
        )
    ),
]
TEXTS = [
    *(
        "",
        "\u00e9",
        "\u20ac",
        "x" * 60_000,
        "0",
        "-1",
        "1e309",
        "9" * 400,
        "NaN",
        "Mon, 01 Jan 99999999999999999999 00:00:00 GMT",
        "%00",
        "\x7f",
    ),
    *(
        "http://[",
        "http://a:b:c/",
        "//",
        "///x",
        "?",
        "#",
        "javascript:x",
        "http://user:pass@evil.example/",
        "http://127.0.0.1:99999/",
        "\\",
    ),
    *(
        "gzip",
        "deflate",
        "br",
        "gzip, gzip",
        "identity",
        "application/json; charset=utf-16",
        "application/json; charset=zlib",
        "text/html",
    ),
    *(
        "application/json; charset=no-such",
        "chunked",
        "Bearer realm=x",
        '"',
        "a=b; Expires=Mon, 99 Jan 99999 99:99:99 GMT",
        "\t",
    ),
]
HEADERS = [
    "Content-Type",
    "Location",
    "Retry-After",
    "x-ms-continuation-token",
    "Date",
    "Content-Encoding",
    "Set-Cookie",
    "WWW-Authenticate",
]
STATUSES = [
    200,
    202,
    204,
    206,
    300,
    301,
    302,
    304,
    307,
    400,
    401,
    403,
    404,
    405,
    409,
    410,
    412,
    413,
    418,
    429,
    431,
    500,
    501,
    502,
    503,
    599,
    999,
]
HTML = b"<!DOCTYPE html><html><body>\xff\xfe</body></html>"


def shape(method: str, path: str) -> tuple[str, str, str]:
    """What kind of a request it is: its method, what it is about, and what it wants of it."""
    parts = path.strip("/").lower().split("/")
    verb = (
        parts[2]
        if parts[0] == "instances" and len(parts) > 2
        else str(min(len(parts), 2 if parts[0] != "entities" else 3))
    )
    return method, parts[0], verb


class Answers:
    """What the service has said to each kind of request."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, str, str], list[Reply]] = {}
        for step in steps():
            self._known.setdefault(shape(step.method, step.path), []).append(step.reply)

    def good(self, asked: Asked, chance: random.Random) -> Reply:
        """One of them, a good one as a rule; a plain refusal where there is none."""
        known = self._known.get(shape(asked.method, asked.path), [Reply(404)])
        fine = [reply for reply in known if reply.status < 300]
        return chance.choice(fine if fine and chance.random() < 0.8 else known)


def damaged(reply: Reply, chance: random.Random) -> Reply:
    """The same answer with one to three faults in it."""
    for _ in range(chance.choice([1, 1, 1, 2, 3])):
        reply = chance.choice(FAULTS)(reply, chance)
    return reply


def _tree(reply: Reply, chance: random.Random) -> Reply:
    """A value in it, or all of it, becomes another one, goes, or comes twice."""
    try:
        document = json.loads(reply.body)
    except ValueError:
        document = {}
    body = json.dumps(_changed(document, chance))
    return replace(
        reply,
        body=re.sub(
            f'"{RAW}((?:[^"\\\\]|\\\\.)*)"', lambda raw: json.loads(f'"{raw[1]}"'), body
        ).encode(),
    )


def _changed(value: Any, chance: random.Random) -> Any:
    if isinstance(value, dict) and value and chance.random() < 0.85:
        name = chance.choice(list(value))
        match chance.randrange(8):
            case 0:
                return {other: each for other, each in value.items() if other != name}
            case 1:
                return {**value, name.swapcase(): chance.choice(VALUES)}
        return {**value, name: _changed(value[name], chance)}
    if isinstance(value, list) and value and chance.random() < 0.85:
        index = chance.randrange(len(value))
        match chance.randrange(8):
            case 0:
                return value[:index] + value[index + 1 :]
            case 1:
                return value * chance.choice([2, 50])
        return [*value[:index], _changed(value[index], chance), *value[index + 1 :]]
    return chance.choice(VALUES)


def _bytes(reply: Reply, chance: random.Random) -> Reply:
    body = reply.body
    at = chance.randrange(len(body) + 1)
    change: Callable[[], bytes] = chance.choice(
        [
            lambda: body[:at],
            lambda: body[:at] + bytes([chance.randrange(256)]) + body[at + 1 :],
            lambda: body[:at] + b"\xff\xfe\x80" + body[at:],
            lambda: body + body,
            lambda: b"",
            lambda: b"\xef\xbb\xbf" + body,
            lambda: body.decode("utf-8", "replace").encode("utf-16"),
            lambda: gzip.compress(body),
            lambda: b"[" * 100_000,
            lambda: b'{"a":' * 50_000,
            lambda: b" " * 100_000,
            lambda: HTML,
            lambda: b'"' + body.replace(b'"', b'\\"') + b'"',
        ]
    )
    return replace(reply, body=change())


def _header(reply: Reply, chance: random.Random) -> Reply:
    name = chance.choice(HEADERS)
    headers = {key: value for key, value in reply.headers.items() if key.lower() != name.lower()}
    return replace(
        reply,
        headers=headers
        if chance.random() < 0.1
        else {**headers, name: chance.choice(TEXTS).encode().decode("latin-1")},
    )


def _status(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply, status=chance.choice(STATUSES))


def _broken(reply: Reply, chance: random.Random) -> Reply:
    return replace(reply, fault=chance.choice(["cut", "reset"]))


FAULTS = [
    _tree,
    _tree,
    _tree,
    _tree,
    _tree,
    _tree,
    _bytes,
    _bytes,
    _header,
    _header,
    _status,
    _broken,
]
