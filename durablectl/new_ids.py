"""Which ids a new instance may have, and which names an address may carry."""

from __future__ import annotations

import os
import re

from durablectl.errors import UsageError


class FreshId(str):
    """An id that was just made at random: a start need not look whether it is taken."""

    __slots__ = ()


MAX_ID_LENGTH = 256
TAKEN_HINT = "--if-exists attach continues with it, replace ends it first"
COMFORTABLE_ID_LENGTH = 100
_REFUSED_IN_IDS = "/\\?#"


def check_new_instance_id(instance_id: str) -> None:
    """Refuse (`UsageError`) an id that a new instance must not have; the same rule on every hub.

    Existing ids are taken as they are.

    The service answers to such ids wrongly, late or not at all: `@` in front means an entity, the
    other characters do not survive a URL.
    """
    reason = None
    if not instance_id:
        reason = "is empty"
    elif len(instance_id) > MAX_ID_LENGTH:
        reason = f"has {len(instance_id)} characters, {MAX_ID_LENGTH} are allowed"
    elif instance_id.startswith("@"):
        reason = "starts with '@', which stands for an entity"
    elif instance_id in (".", ".."):
        reason = "is a step in a path"
    elif found := next((character for character in instance_id if _is_refused(character)), None):
        reason = f"contains {found!r}"
    if reason is not None:
        shown = (
            instance_id
            if len(instance_id) <= COMFORTABLE_ID_LENGTH
            else instance_id[:COMFORTABLE_ID_LENGTH] + "…"
        )
        raise UsageError(
            f"the instance id {shown!r} {reason}",
            hint="take letters, digits, '-', '_', ':' and '.'",
        )


def check_connection(name: str, what: str = "the connection") -> None:
    """Refuse (`UsageError`, which does not repeat it) what cannot be the name of a connection:
    addresses carry it, and end in logs.
    """
    if not re.fullmatch(r"[\w.:-]{1,256}", name):
        raise UsageError(
            f"{what} must be the name of an app setting, not a connection string (the value is "
            "not shown)",
            hint="name the setting that holds the connection string, for example "
            "AzureWebJobsStorage",
        )


def check_task_hub(name: str, what: str = "the task hub") -> None:
    """Refuse (`UsageError`, which does not repeat it) a connection string where the name of a task
    hub belongs.
    """
    if ";" in name or "=" in name:
        raise UsageError(
            f"{what} must be the name of a task hub, not a connection string (the "
            "value is not shown)"
        )


def instance_id_warnings(instance_id: str) -> tuple[str, ...]:
    """What speaks against an id that is allowed; nothing as a rule."""
    warnings = []
    if len(instance_id) > COMFORTABLE_ID_LENGTH:
        warnings.append(
            f"the instance id has {len(instance_id)} characters; not every task hub "
            f"takes more than {COMFORTABLE_ID_LENGTH}"
        )
    if found := [character for character in "%+" if character in instance_id]:
        warnings.append(
            f"the instance id contains {' and '.join(map(repr, found))}; not every "
            "client can address it"
        )
    return tuple(warnings)


def _is_refused(character: str) -> bool:
    return (
        character in _REFUSED_IN_IDS
        or character < " "
        or "\x7f" <= character <= "\x9f"
        or "\ud800" <= character <= "\udfff"
    )


def random_uuid() -> str:
    """A random UUID, with its hyphens."""
    # as `uuid.uuid4` makes it, which loads `platform` first
    digits = os.urandom(16).hex()
    variant = "89ab"[int(digits[16], 16) % 4]
    return f"{digits[:8]}-{digits[8:12]}-4{digits[13:16]}-{variant}{digits[17:20]}-{digits[20:]}"


def random_id() -> str:
    """A new instance id: 32 hexadecimal digits."""
    return random_uuid().replace("-", "")
