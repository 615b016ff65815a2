"""From the names on the command line to instances in one hub, and from the input options to one input."""

from __future__ import annotations

from collections.abc import Sequence
from enum import Enum
from functools import cached_property

from durablectl import wire
from durablectl.cli.inputs import STDIN, read_input
from durablectl.cli.instances import Named, named_instances
from durablectl.cli.parameters import Encode
from durablectl.cli.session import Session
from durablectl.errors import UsageError
from durablectl.model import InstanceStatus
from durablectl.quoting import command
from durablectl.taskhub import TaskHub

SELECTORS = ("context", "hub", "task_hub", "connection", "key_env", "app")


class Targets:
    """The instances that were named, and the one hub that they are in."""

    def __init__(self, session: Session, names: Sequence[str] | None, from_files: Sequence[str] | None = None) -> None:
        named = named_instances(names or (), from_files or (), read_stdin=lambda: read_stdin(session))
        self.ids = [each.id for each in named]
        self._words = [*(names or ()), *(f"@{each}" for each in from_files or ())]
        self._session, self._named = session, named
        self._hubs: dict[object, TaskHub] = {}

    @cached_property
    def hub(self) -> TaskHub:
        """The hub of all of them; `UsageError` when they belong to several."""
        hubs = {id(hub): hub for hub in map(self._hub_of, self._named)} or {0: self._session.hub}
        if len(hubs) > 1:
            places = " and ".join(sorted(hub.address for hub in hubs.values()))
            raise UsageError(f"these instances are in different hubs: {places}", hint="name those of one hub at a time")
        return next(iter(hubs.values()))

    def begin_change(self, *, yes: bool = False, confirm: str | None = None) -> TaskHub:
        """The hub, announced as one that is about to be changed."""
        refuse_query(self._session)
        return self.guarded(yes=yes, confirm=confirm)

    def guarded(self, *, yes: bool = False, confirm: str | None = None) -> TaskHub:
        """The hub, announced, unless a context forbids to change it: the one that was chosen, or the one of the payload's address."""
        hub = self.hub
        if self.is_foreign:
            self._session.begin_change_at(hub.address, hub.name or None, yes=yes, confirm=confirm)
            self._session.out.note(f"using the task hub at {hub.address}, named by the instance's payload")
        else:
            self._session.begin_change(yes=yes, confirm=confirm)
        return hub

    @property
    def words(self) -> Sequence[str]:
        """What names them on a command line to copy: what was typed, or what standard input had, unless that led to another hub."""
        return self.ids if STDIN in self._words and not self.is_foreign else self._words

    @property
    def is_foreign(self) -> bool:
        """Whether a payload, and not the settings, chose the hub."""
        settings = self._session.settings
        return (settings.url is None and settings.path is None) or self.hub is not self._session.hub

    def _hub_of(self, named: Named) -> TaskHub:
        if "statusQueryGetUri" not in named.payload and "StatusQueryGetUri" not in named.payload:
            return self._hub_of_id(named.id)
        try:
            payload = wire.payload_from_json(named.payload)
            place: object = wire.address_from_payload(payload)
        except ValueError as error:
            raise UsageError(f"the payload of instance '{named.id}' cannot be used: {error}") from error
        if place not in self._hubs:
            self._hubs[place] = self._session.hub_of(payload)
        return self._hubs[place]

    def _hub_of_id(self, instance_id: str) -> TaskHub:
        """The hub of an id alone: the session's, or, unless a flag or a variable chose that one, where a starter function began it."""
        kept = self._session.kept(instance_id) if not self._session.settings.explicit else None
        if kept is None:
            return self._session.hub
        place = wire.address_from_payload(kept)
        if place not in self._hubs:
            self._hubs[place] = self._session.hub_of_started(kept)
        return self._hubs[place]


def required(session: Session, names: Sequence[str] | None, from_files: Sequence[str] | None = None) -> Targets:
    """The instances that were named; `UsageError` when there is none."""
    targets = Targets(session, names, from_files)
    if not targets.ids:
        raise UsageError("no instance was named", hint="name ids, @FILE, --from FILE, or - for standard input")
    return targets


def read_stdin(session: Session) -> bytes:
    """All of standard input."""
    buffer = getattr(session.stdin, "buffer", None)
    return buffer.read() if buffer is not None else session.stdin.read().encode("utf-8", "surrogateescape")


def input_of(session: Session, file: str | None, text: str | None, fields: Sequence[str] | None, encode: Encode | None) -> object:
    """The input that was given, encoded as asked for or as the context wants it."""
    how = encode.value if encode else session.settings.encode
    return read_input(file, text, fields or (), read_stdin=lambda: read_stdin(session), encode=how)


def refuse_query(session: Session) -> None:
    """Commands that change instances take no --query: it would look like a selection, and is none."""
    if session.options.query is not None:
        raise UsageError("--query selects no instances", hint="give ids, or pipe them: durablectl list -o id | durablectl … -")


def refuse_stdin_twice(names: Sequence[str], file: str | None) -> None:
    """`UsageError` when standard input would be the names and the input."""
    if STDIN in names and file == STDIN:
        raise UsageError("standard input cannot name the instances and be the input too", hint="put one of them into a file")


def command_line(session: Session, *words: str, options: Sequence[str] = (), repeated: Sequence[str] = SELECTORS) -> str:
    """A command to copy that works on the same hub: what flags chose it is `repeated`. Its own `options` come before the words."""
    flags = [
        part
        for name in repeated
        if session.options.given.get(name, "").startswith("flag")
        for value in [getattr(session.options, name)]
        for part in (f"--{name.replace('_', '-')}", str(value.value if isinstance(value, Enum) else value))
    ]
    return command(words[0], *words[1:], options=[*flags, *options])


def statuses_json(statuses: Sequence[InstanceStatus], *, single: bool) -> object:
    """The service's JSON of one status, or of several as an array."""
    shown = [wire.status_to_json(status) for status in statuses]
    return shown[0] if single and shown else shown
