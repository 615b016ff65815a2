"""Names of environment variables that hold keys, and what is more likely a key given by mistake:
that is never repeated.
"""

from __future__ import annotations

import os
import re
from collections.abc import Mapping

from durablectl.errors import KeyRefused, UsageError

SHORTEST_KEY = 20
HINT = "put the key into a variable, and name that one: --key-env ORDERS_KEY"


def check_variable(name: str, what: str = "--key-env") -> None:
    """Refuse (`UsageError`, which does not repeat it) what cannot be the name of a variable."""
    if not re.fullmatch(r"[A-Za-z_][A-Za-z0-9_]{0,254}", name):
        raise UsageError(
            f"{what} must be the name of an environment variable, not the key itself "
            "(the value is not shown)",
            hint=HINT,
        )


def key_of_variable(name: str, environ: Mapping[str, str], owner: str) -> str:
    """The key in a variable.

    `KeyRefused` when it holds none; a name that looks like a key itself is not repeated.
    """
    if key := environ.get(name, ""):
        return key
    owner = owner.removeprefix("flag ")
    if looks_like_key(name):
        raise KeyRefused(f"the variable that {owner} names is not set", hint=HINT)
    raise KeyRefused(f"the variable {name} ({owner}) is not set", hint=f"set it: export {name}=…")


def refuse_key(text: str, option: str) -> None:
    """Refuse (`UsageError`, which does not repeat it) a key where the place of one belongs."""
    if looks_like_key(text):
        raise UsageError(f"{option}: this looks like a key (the value is not shown)", hint=HINT)


def refuse_key_as_file(path: str) -> None:
    """`refuse_key` for --key-file: a file that is there, or whose folder is, is not a key."""
    folder = os.path.dirname(path)  # noqa: PTH120 - a key may be too long for a path
    if not os.path.exists(path) and not (folder.strip("/") and os.path.isdir(folder)):  # noqa: PTH110, PTH112 - as above
        refuse_key(path, "--key-file")


def looks_like_key(text: str) -> bool:
    """Whether a text is more likely a key than a name: long, with digits, and mixed as no variable
    and no file is named.
    """
    return (
        len(text) >= SHORTEST_KEY
        and re.fullmatch(r"[A-Za-z0-9+/_=-]+", text) is not None
        and re.search(r"[0-9]", text) is not None
        and (re.search(r"[a-z]", text) is not None or "_" not in text)
    )
