"""Commands to copy that work on the same hub as this one."""

from __future__ import annotations

import re
from collections.abc import Sequence
from enum import Enum
from typing import TYPE_CHECKING

from durablectl import wire
from durablectl.cli.framework.command_table import GROUPS, SUMMARIES
from durablectl.quoting import command, quoted
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session

_WITHOUT_HUB = {*GROUPS["Configure"], "init"} - {"doctor"}
_COMMAND = (
    r"((?:^|`|: |\bor )durablectl )"
    rf"((?:hub|entity) [a-z]+|{'|'.join(SUMMARIES)})(?![\w-])([^`]*)"
)
SELECTORS = ("context", "hub", "task_hub", "connection", "key_env", "app")


def command_line(
    session: Session,
    *words: str,
    options: Sequence[str] = (),
    more: Sequence[str] = (),
    hub: TaskHub | None = None,
) -> str:
    """A command to copy that works on the same hub: what flags chose it is repeated, and those of
    `more`.

    Its own `options` come before the words.

    `hub` is where the instances are that the words name by their ids; a payload may have led to it.
    """
    flags = _selectors(session, hub, words[-1], (*SELECTORS, *more))
    return command(words[0], *words[1:], options=[*flags, *options])


def on_same_hub(session: Session, text: str) -> str:
    """What was written without knowing the flags: each command in it is for the same hub as this
    one.
    """
    if "durablectl " not in text:
        return text
    return re.sub(_COMMAND, lambda found: _repeating(session, found), text)


def _repeating(session: Session, found: re.Match[str]) -> str:
    head, verb, rest = found.groups()
    if verb.split()[0] in _WITHOUT_HUB or re.search(r" --(hub|context)\b", rest):
        return found[0]
    flags = _selectors(session, *session.led_to, SELECTORS)
    pairs = zip(flags[::2], flags[1::2], strict=True)
    missing = [part for pair in pairs if f"{pair[0]} " not in rest for part in pair]
    return " ".join([head + verb, *map(quoted, missing)]) + rest


def hub_place(address: wire.HubAddress) -> tuple[str, ...]:
    """What tells two hubs apart; one address with a key and one without it are of the same."""
    return tuple((part or "").lower() for part in address[:3])


def _selectors(
    session: Session, hub: TaskHub | None, instance_id: str, repeated: Sequence[str]
) -> list[str]:
    """The flags of a command on the same hub as this one's; `hub` and `instance_id` where a payload
    may have led to another.
    """
    values = {
        name: getattr(session.options, name)
        for name in repeated
        if session.options.given.get(name, "").startswith("flag")
    }
    if hub is not None and not session.holds(hub):
        values = _of_payload(session, hub, instance_id, values)
    return [
        part
        for name, value in values.items()
        for part in (
            f"--{name.replace('_', '-')}",
            str(value.value if isinstance(value, Enum) else value),
        )
    ]


def _of_payload(
    session: Session, hub: TaskHub, instance_id: str, given: dict[str, object]
) -> dict[str, object]:
    """The flags that lead to a hub which a payload chose, and what else was given.

    An id that is kept with its payload needs none.
    """
    address = wire.address_from_payload(hub.check_status(instance_id))
    named = {"task_hub": address.task_hub, "connection": address.connection}
    if session.payloads.is_own(hub):
        return given | {name: value for name, value in named.items() if value is not None}
    rest = {name: value for name, value in given.items() if name not in SELECTORS}
    kept = session.kept(instance_id)
    if kept is not None and hub_place(wire.address_from_payload(kept)) == hub_place(address):
        return rest
    flags: dict[str, object] = {"hub": address.base, **named, **rest}
    return {name: value for name, value in flags.items() if value is not None}
