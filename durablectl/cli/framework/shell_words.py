"""The words of a line that is still being typed, as bash or PowerShell reads them, and what
completes the last one.

Pure: runs no shell.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from durablectl.quoting import spelled

_BASH = r"""(?P<space>[ \t\r\n]+)
    | \\(?P<escaped>.?)
    | (?P<open>\$?')(?P<single>(?:(?<=\$')(?:[^'\\]|\\.)*|[^']*))\\?(?P<single_end>'?)
    | "(?P<double>(?:[^"\\]|\\.)*)\\?(?P<double_end>"?)
    | (?P<plain>[^\s\\'"$]+|.)"""
_POWERSHELL = r"""(?P<space>\s+)
    | `(?P<escaped>.?)
    | (?P<open>['‘’‚‛])(?P<single>(?:[^'‘’‚‛]|['‘’‚‛]{2})*)(?P<single_end>['‘’‚‛]?)
    | ["“”„](?P<double>(?:[^"“”„`]|["“”„]{2}|`.)*)`?(?P<double_end>["“”„]?)
    | (?P<plain>[^\s`'‘’‚‛"“”„]+|.)"""
_SAFE = re.compile(r"[A-Za-z0-9_@%+=:,./-]")
_CONTROLS = {
    "n": "\n",
    "r": "\r",
    "t": "\t",
    "0": "\0",
    "a": "\a",
    "b": "\b",
    "f": "\f",
    "v": "\v",
    "e": "\x1b",
}


class Typed(NamedTuple):
    """The words that are complete, and the one under the cursor as far as it goes: its value and
    the quote that it is inside of, or ''.
    """

    words: list[str]
    incomplete: str
    quote: str = ""
    is_escaping: bool = False  # the last sign typed would escape the next one


def read_bash(line: str) -> Typed:
    """The words of a line that ends at the cursor, as bash reads them."""
    return _read(line, _BASH, _bash_part)


def read_powershell(line: str) -> Typed:
    """The words of a line that ends at the cursor, as PowerShell reads them."""
    return _read(line, _POWERSHELL, _powershell_part)


def _read(line: str, pattern: str, value: Callable[[re.Match[str]], tuple[str, str]]) -> Typed:
    parts = re.compile(pattern, re.VERBOSE | re.DOTALL)  # here: a shell needs one of the two
    words: list[list[str]] = [[]]
    quote, is_escaping = "", False
    for part in parts.finditer(line):
        if part["space"]:
            words += [[]] if words[-1] else []
            continue
        text, quote = value(part)
        words[-1].append(text)
        is_escaping = part["escaped"] == "" or (
            quote != "" and max(part.end("single"), part.end("double")) < part.end()
        )
    *before, incomplete = ["".join(word) for word in words]
    return Typed(before, incomplete, quote, is_escaping)


def _bash_part(part: re.Match[str]) -> tuple[str, str]:
    if part["open"]:
        text = part["single"] if part["open"] == "'" else _unspelled(part["single"])
        return text, "" if part["single_end"] else part["open"]
    if part["double"] is not None:
        return re.sub(r"\\([$`\"\\])", r"\1", part["double"]).replace("\\\n", ""), "" if part[
            "double_end"
        ] else '"'
    return part["escaped"] if part["escaped"] is not None else part["plain"], ""


def _unspelled(text: str) -> str:
    """What stands in `$'…'`, as far as completion writes it."""

    def plain(found: re.Match[str]) -> str:
        return (
            _escaped(found[1])
            if found[1]
            else bytes.fromhex(found[0].replace("\\x", "")).decode("utf-8", "replace")
        )

    return re.sub(r"(?:\\x[0-9a-fA-F]{2})+|\\(.)", plain, text, flags=re.DOTALL)


def _powershell_part(part: re.Match[str]) -> tuple[str, str]:
    if part["single"] is not None:
        return re.sub("(['‘’‚‛])['‘’‚‛]", r"\1", part["single"]), "" if part["single_end"] else "'"
    if part["double"] is not None:
        unescaped = re.sub(
            '`(.)|(["“”„])["“”„]',
            lambda found: _escaped(found[1]) if found[1] else found[2],
            part["double"],
            flags=re.DOTALL,
        )
        return unescaped, "" if part["double_end"] else '"'
    return _escaped(part["escaped"]) if part["escaped"] is not None else part["plain"], ""


def _escaped(character: str) -> str:
    return _CONTROLS.get(character, character)


def complete_bash(value: str, typed: Typed, replaced: str) -> str | None:
    """What readline puts in the place of `replaced`, the end of what was typed, so that the word
    becomes `value`; None: nothing can.
    """
    if not value.startswith(typed.incomplete):
        return _quoted(value, "") if replaced == typed.incomplete and not typed.quote else None
    kept, rest = (
        replaced[:-1] if typed.is_escaping else replaced,
        value.removeprefix(typed.incomplete),
    )
    if not typed.quote and not set(replaced) & set("\\'\""):
        return _quoted(kept + rest, "")
    return kept + _quoted(rest, typed.quote)


def _quoted(text: str, quote: str) -> str:
    """Text as it continues a word inside of `quote`, which it closes.

    Outside of all quotes each sign is escaped by itself, so that readline finds what several
    candidates have in common.
    """
    return "".join(_quoted_sign(each, quote) for each in text) + quote.removeprefix("$")


def _quoted_sign(sign: str, quote: str) -> str:
    if _SAFE.match(sign):
        return sign
    if not sign.isprintable():
        return spelled(sign) if quote == "$'" else f"{quote}$'{spelled(sign)}'{quote}"
    match quote:
        case "":
            return f"\\{sign}" if sign.isascii() else sign
        case "$'":
            return spelled(sign)
        case "'":
            return "'\\''" if sign == "'" else sign
        case _:
            return '"\\!"' if sign == "!" else f"\\{sign}" if sign in '$`"\\' else sign
