"""The lines of a batch of starts: read one by one, and refused with their number.

Starts nothing.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any
from uuid import uuid4

from durablectl.cli.arguments.input import decode, parse_json
from durablectl.errors import UsageError
from durablectl.new_ids import FreshId, check_new_instance_id

MEMBERS = ("name", "instanceId", "input", "version")
HINT = 'a line is an object: {"name": "order", "instanceId": "order-7", "input": {"city": "Tokyo"}}'


@dataclass(frozen=True, slots=True)
class Line:
    """One start. A line that names no id has got one."""

    number: int
    name: str
    instance_id: str
    input: Any = field(default=None, hash=False)
    version: str | None = None

    def to_json(self) -> dict[str, Any]:
        """The line, to be run again."""
        version = {"version": self.version} if self.version is not None else {}
        return {"name": self.name, "instanceId": self.instance_id, "input": self.input, **version}


def check_lines(file: Iterable[bytes], source: str, name: str | None) -> int:
    """How many there are; `UsageError` that names the first line which makes no sense."""
    return sum(1 for _ in lines_of(file, source, name))


def lines_of(
    file: Iterable[bytes], source: str, name: str | None, *, as_text: bool = False
) -> Iterator[Line]:
    """The starts, one a line that is not empty.

    `as_text` puts the inputs into strings, as Python 1.x apps read them.
    """
    for number, content in enumerate(file, 1):
        if content.strip():
            where = f"{source}, line {number}"
            yield _line(
                parse_json(decode(content, where), where), number, where, name, as_text=as_text
            )


def _line(value: Any, number: int, where: str, name: str | None, *, as_text: bool) -> Line:
    if not isinstance(value, dict):
        raise UsageError(f"{where} is not an object", hint=HINT)
    if unknown := [member for member in value if member not in MEMBERS]:
        raise UsageError(
            f"{where} has a member {unknown[0]!r} that means nothing",
            hint=f"the members are {', '.join(MEMBERS)}",
        )
    for member in ("name", "instanceId", "version"):
        if not isinstance(value.get(member), str | None):
            raise UsageError(f"{where}: {member} is not a string", hint=HINT)
    named = value.get("name") or name
    if not named:
        raise UsageError(
            f"{where} names no orchestrator",
            hint="give it a name, or name one for all: durablectl start NAME --batch FILE",
        )
    if (instance_id := value.get("instanceId")) is not None:
        try:
            check_new_instance_id(instance_id)
        except UsageError as error:
            raise UsageError(f"{where}: {error.message}", hint=error.hint) from error
    input = value.get("input")
    text = json.dumps(input, ensure_ascii=False) if as_text and input is not None else input
    return Line(number, named, instance_id or FreshId(uuid4().hex), text, value.get("version"))
