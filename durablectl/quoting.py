"""Command lines to copy: words quoted so that a shell reads each as the one argument it is, and
runs nothing in it.

Pure.
"""

from __future__ import annotations

import os
import re
from collections.abc import Iterable

_PLAIN = re.compile(r"[A-Za-z0-9_@%+=:,./-]+")
_PLAIN_POWERSHELL = r"(?:[A-Za-z0-9_+./]|--?[a-z])[A-Za-z0-9_+=:./-]*"
_SINGLE_QUOTES = "'\u2018\u2019\u201a\u201b"  # PowerShell reads all of them as the same quote


def command(
    verb: str, *words: str, options: Iterable[str] = (), windows: bool = os.name == "nt"
) -> str:
    """`durablectl VERB OPTIONS WORDS`, quoted; a word that looks like an option is one argument all
    the same.
    """
    ends_options = ["--"] if any(word.startswith("-") and word != "-" for word in words) else []
    return " ".join(
        quoted(word, windows=windows)
        for word in ["durablectl", *verb.split(), *options, *ends_options, *words]
    )


def quoted(text: str, *, windows: bool = os.name == "nt") -> str:
    """One argument for the shell that people have here: PowerShell on Windows, else a POSIX
    shell."""
    return powershell(text) if windows else posix(text)


def posix(text: str) -> str:
    """One argument for bash and zsh.

    What cannot be printed is written as `$'\\x1b'`, so that a line stays one line.
    """
    if _PLAIN.fullmatch(text) and not text.startswith("="):  # zsh reads =ls as the path of ls
        return text
    if text.isprintable():
        return "'" + text.replace("'", "'\"'\"'") + "'"
    return (
        "$'"
        + "".join(each if _PLAIN.fullmatch(each) or each == " " else spelled(each) for each in text)
        + "'"
    )


def spelled(character: str) -> str:
    """A character as `$'…'` spells it: the bytes of its UTF-8."""
    return "".join(f"\\x{byte:02x}" for byte in character.encode("utf-8", "surrogatepass"))


def powershell(text: str) -> str:
    """One argument for PowerShell."""
    if re.fullmatch(_PLAIN_POWERSHELL, text):
        return text
    return "'" + "".join(each * 2 if each in _SINGLE_QUOTES else each for each in text) + "'"


def nearest(name: str, known: Iterable[str]) -> str | None:
    """The known name that `name` was probably meant to be; upper and lower case are the same."""
    from difflib import get_close_matches  # deferred: only a mistake needs it

    by_lower = {each.lower(): each for each in known}
    near = get_close_matches(name.lower(), list(by_lower), 1)
    return by_lower[near[0]] if near else None


def did_you_mean(name: str, known: Iterable[str]) -> str | None:
    """A hint at the nearest of the known names, if one is near."""
    return f"did you mean '{near}'?" if (near := nearest(name, known)) else None
