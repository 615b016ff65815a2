"""From the names on the command line to instances in one hub, and from the input options to one
input.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cached_property
from typing import TYPE_CHECKING

from durablectl import config, wire
from durablectl.cli.arguments.input import STDIN, read_input
from durablectl.cli.arguments.instance_ids import Named, is_status_url, named_instances
from durablectl.cli.session.command_lines import hub_place
from durablectl.errors import UsageError
from durablectl.quoting import quoted
from durablectl.redaction import redact
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.cli.arguments.new_instance import Input
    from durablectl.cli.session import Session


class Targets:
    """The instances that were named, and the one hub that they are in."""

    def __init__(
        self, session: Session, names: Sequence[str] | None, from_files: Sequence[str] | None = None
    ) -> None:
        named = named_instances(
            names or (), from_files or (), read_stdin=lambda: read_stdin(session)
        )
        self.ids = list(dict.fromkeys(each.id for each in named))
        self._words = [*(names or ()), *(f"@{each}" for each in from_files or ())]
        self._session, self._named = session, named
        self._hubs: dict[object, TaskHub] = {}

    @cached_property
    def hub(self) -> TaskHub:
        """The hub of all of them; `UsageError` when they belong to several."""
        addressed = sorted(
            self._named,
            key=lambda each: each.payload is None or wire.redacted(each.payload) == each.payload,
        )
        hubs = {id(hub): hub for hub in map(self._hub_of, addressed)} or {0: self._session.hub}
        if len(hubs) > 1:
            hubs = self._named_ones(hubs)
        if len(hubs) > 1:
            places = " and ".join(
                sorted(
                    f"{hub.address}{f' (task hub {hub.name})' if hub.name else ''}"
                    for hub in hubs.values()
                )
            )
            raise UsageError(
                f"these instances are in different hubs: {places}",
                hint="name those of one hub at a time",
            )
        hub = next(iter(hubs.values()))
        self._session.led_to = hub, self.ids[0] if self.ids else ""
        return hub

    def _named_ones(self, hubs: dict[int, TaskHub]) -> dict[int, TaskHub]:
        """Ids alone are in the hub of the settings; where a payload has that hub's full name, it
        stands for both.
        """
        own = [hub for hub in hubs.values() if self._session.payloads.is_own(hub)]
        rest = (
            {key: hub for key, hub in hubs.items() if not self._session.holds(hub)} if own else hubs
        )
        return rest if len(own) == 1 else hubs

    def begin_change(self, *, yes: bool = False, confirm: str | None = None) -> TaskHub:
        """The hub, announced as one that is about to be changed."""
        refuse_query(self._session)
        return self.guarded(yes=yes, confirm=confirm)

    def guarded(self, *, yes: bool = False, confirm: str | None = None) -> TaskHub:
        """The hub, announced, unless a context forbids to change it: the one that was chosen, or
        the one of the payload's address.
        """
        hub = self.hub
        if self.is_foreign:
            self._session.begin_change_at(hub.address, hub.name or None, yes=yes, confirm=confirm)
            self._session.out.note(
                f"using the task hub at {hub.address}, named by the instance's payload"
            )
        else:
            self._session.begin_change(yes=yes, confirm=confirm)
        return hub

    @property
    def words(self) -> Sequence[str]:
        """What names them on a command line to copy: what was typed, or what standard input had,
        unless that led to another hub.

        Of a status URL only its id, or where it leads to another hub than an id, the URL without
        its key.
        """
        if STDIN in self._words and not self.is_foreign:
            return self.ids
        is_plain = not self.is_foreign and self._session.holds(self.hub)
        shown = (lambda url: wire.payload_from_url(url).id) if is_plain else redact
        return [shown(word) if is_status_url(word) else word for word in self._words]

    @property
    def is_foreign(self) -> bool:
        """Whether a payload, and not the settings, chose the hub."""
        settings = self._session.settings
        if not settings.has_hub:
            return True
        hub = self.hub
        return not (self._session.holds(hub) or self._session.payloads.is_own(hub))

    def _hub_of(self, named: Named) -> TaskHub:
        if named.place is not None:
            _refuse_other(self._session, named.id, *named.place)
            return self._session.hub
        if named.payload is None:
            return self._hub_of_id(named.id)
        try:
            place = hub_place(wire.address_from_payload(named.payload))
        except ValueError as error:
            raise UsageError(
                f"the payload of instance '{named.id}' cannot be used: {error}"
            ) from error
        if place not in self._hubs:
            self._hubs[place] = self._session.payloads.hub_of(named.payload)
        return self._hubs[place]

    def _hub_of_id(self, instance_id: str) -> TaskHub:
        """The hub of an id alone: the session's, or, unless a flag or a variable chose that one,
        where a starter function began it.
        """
        kept = self._session.kept(instance_id) if not self._session.settings.explicit else None
        if kept is None:
            return self._session.hub
        place = hub_place(wire.address_from_payload(kept))
        if place not in self._hubs:
            self._hubs[place] = self._session.payloads.hub_of_started(kept)
        return self._hubs[place]


def _refuse_other(session: Session, instance_id: str, address: str, task_hub: str) -> None:
    """`UsageError` when an instance was started on another hub over gRPC than the session's."""
    settings = session.settings
    ours, theirs = (settings.task_hub or "").lower(), task_hub.lower()
    if (
        settings.url is not None
        and config.place_of(settings.url) == config.place_of(address)
        and (not ours or not theirs or ours == theirs)
    ):
        return
    where = f"task hub '{task_hub}' at {address}" if task_hub else f"the task hub at {address}"
    flags = ["--hub", address, *(("--task-hub", task_hub) if task_hub else ())]
    raise UsageError(
        f"instance '{instance_id}' belongs to {where}, which is not the selected hub",
        hint=f"name that one: {' '.join(map(quoted, flags))}",
    )


def required(
    session: Session, names: Sequence[str] | None, from_files: Sequence[str] | None = None
) -> Targets:
    """The instances that were named; `UsageError` when there is none."""
    targets = Targets(session, names, from_files)
    if not targets.ids:
        raise UsageError(
            "no instance was named", hint="name ids, @FILE, --from FILE, or - for standard input"
        )
    return targets


def read_stdin(session: Session) -> bytes:
    """All of standard input."""
    buffer = getattr(session.stdin, "buffer", None)
    return (
        buffer.read()
        if buffer is not None
        else session.stdin.read().encode("utf-8", "surrogateescape")
    )


def input_of(session: Session, given: Input) -> object:
    """The input that was given, encoded as asked for or as the context requires it."""
    return read_input(
        given.input,
        given.input_json,
        given.fields or (),
        read_stdin=lambda: read_stdin(session),
        encode=given.encode or session.settings.encode,
    )


def refuse_query(session: Session) -> None:
    """Commands that change instances take no --query: it would look like a selection, and is
    none."""
    if session.options.query is not None:
        raise UsageError(
            "--query selects no instances",
            hint="give ids, or pipe them: durablectl list -o id | durablectl … -",
        )


def refuse_stdin_twice(names: Sequence[str], file: str | None) -> None:
    """`UsageError` when standard input would be the names and the input."""
    if STDIN in names and file == STDIN:
        raise UsageError(
            "standard input cannot name the instances and be the input too",
            hint="put one of them into a file",
        )
