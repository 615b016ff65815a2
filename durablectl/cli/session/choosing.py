"""Naming an instance without its whole id: the last one that was started, a prefix, or a choice
from the recent ones.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from durablectl.cli.session.near import hint_of, ids_like, may_begin_an_id
from durablectl.cli.session.targets import Targets, required
from durablectl.errors import InstanceNotFound, UsageError
from durablectl.model import InstanceFilter, InstanceStatus, utc_now
from durablectl.render import views
from durablectl.render.sanitize import safe_line
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.session import Session

OFFERED = 15
READ = 500


def last_started(session: Session, names: Sequence[str] | None, *, last: bool) -> list[str]:
    """The names, or the id that --last stands for; `UsageError` for both."""
    if not last:
        return [*(names or ())]
    if names:
        raise UsageError("--last and an id exclude each other", hint="give only one of them")
    instance_id = session.last_started.find(hub_key(session.hub))
    if instance_id is None:
        raise UsageError(
            f"nothing is known to have been started in the {session.settings.label}",
            hint="name the instance: durablectl list",
        )
    session.out.note(f"the last one is {instance_id}")
    return [instance_id]


def remember(session: Session, hub: TaskHub, instance_id: str) -> None:
    """Keep what was started for --last."""
    session.last_started.keep(hub_key(hub), instance_id)


def hub_key(hub: TaskHub) -> str:
    """What tells a hub from all others, without a key."""
    return f"{hub.address} {hub.name}".strip().lower()


def wanted(
    session: Session,
    names: Sequence[str] | None,
    from_files: Sequence[str] | None = None,
    *,
    last: bool = False,
    takes_prefix: bool = True,
) -> Targets:
    """The instances that were named.

    On a terminal a name may be the beginning of one id, unless only whole ids are taken, and
    without a name one of the recent instances is chosen.
    """
    named = last_started(session, names, last=last)
    if not session.is_terminal:
        return required(session, named, from_files)
    if not named and not from_files:
        named = [_chosen(session)]
    if takes_prefix:
        named = [_whole(session, each) for each in named]
    return required(session, named, from_files)


def wanted_one(
    session: Session, name: str | None, refusal: str, *, last: bool
) -> tuple[TaskHub, str]:
    """The one instance that was named, and its hub; `UsageError` with the refusal for several."""
    targets = wanted(session, [name] if name else [], last=last)
    if len(targets.ids) > 1:
        raise UsageError(refusal, hint="name one id")
    return targets.hub, targets.ids[0]


def _whole(session: Session, name: str) -> str:
    """The one id that begins with `name`, or that a listing shortens to it, where no instance has
    exactly that id.
    """
    if not may_begin_an_id(name) or session.kept(name) is not None:
        return name
    try:
        session.hub.get_status(name, show_input=False)
    except InstanceNotFound as error:
        found = ids_like(session.hub, name)
        if len(found) != 1:
            raise InstanceNotFound(
                f"no instance '{name}' in {session.settings.place}",
                hint=hint_of(found) if found else error.hint,
            ) from error
        session.out.note(f"no instance '{name}'; taking {found[0]}")
        return found[0]
    return name


def _chosen(session: Session) -> str:
    """Ask for one of the recent instances: its number, or text that it must hold."""
    recent = session.hub.newest(InstanceFilter(), top=READ).items
    if not recent:
        raise UsageError(
            "no instance was named, and the hub has none", hint="durablectl start NAME"
        )
    shown = recent[:OFFERED]
    while True:
        _offer(session, shown)
        session.out.talk("which one? (a number; text to filter; Ctrl-C to leave)")
        line = session.stdin.readline()
        if not line:
            raise UsageError("no instance was named", hint="durablectl list")
        answer = line.strip()
        if answer.isascii() and answer.isdigit() and 1 <= int(answer) <= len(shown):
            return shown[int(answer) - 1].instance_id
        shown = tuple(each for each in recent if answer.lower() in _searched(each))[:OFFERED]
        if not shown:
            session.out.talk(f"none of the recent instances holds '{safe_line(answer)}'")
            shown = recent[:OFFERED]


def _offer(session: Session, shown: Sequence[InstanceStatus]) -> None:
    now = utc_now()
    for number, each in enumerate(shown, 1):
        age = views.ago_text((now - each.created_time).total_seconds())
        session.out.talk(
            f"{number:>3}  {safe_line(each.instance_id)}  {safe_line(each.name)}  "
            f"{each.runtime_status.value}  {age}"
        )


def _searched(status: InstanceStatus) -> str:
    return f"{status.instance_id} {status.name} {status.runtime_status.value}".lower()
