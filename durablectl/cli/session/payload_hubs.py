"""The hub that a check-status payload belongs to: never another one
(docs/adr/0023-which-hub.md)."""

from __future__ import annotations

from enum import Enum
from typing import TYPE_CHECKING

from durablectl import config
from durablectl.backends.http.requests import base_address
from durablectl.backends.local_address import CONNECTION, OWN_CONNECTIONS, is_nominal, names_a_file
from durablectl.errors import DurablectlError, UsageError
from durablectl.model import CheckStatusPayload
from durablectl.wire import HubAddress, address_from_payload

if TYPE_CHECKING:
    from durablectl.cli.session import Session
    from durablectl.taskhub import TaskHub


class _Sameness(Enum):
    """How an address goes with the remote hub of the settings."""

    SAME = "the same hub"
    UNNAMED = (
        "the same app; the address names a task hub or connection that the settings leave "
        "to the app"
    )
    OTHER = "another hub"


class PayloadHubs:
    """The hubs of one session's payloads.

    All addresses here have a payload's status address; ValueError when it has none.
    """

    def __init__(self, session: Session) -> None:
        self._session, self._settings = session, session.settings
        self._own: list[TaskHub] = []

    def hub_of(self, payload: CheckStatusPayload) -> TaskHub:
        """The session's hub when it wrote the payload, else the one at the payload's address, with
        the key of that address only.

        `UsageError` when a flag or a variable chose another hub, or when it is a local hub's
        payload that no server answers for.
        """
        session, address = self._session, address_from_payload(payload)
        if self._is_of_local_hub(address):
            return session.hub
        sameness = self._compared(address)
        if sameness is _Sameness.SAME:
            own_key = self._settings.keys.key_name(address.base, address.task_hub)
            if not address.code or own_key is not None:
                return session.hub
        if sameness is _Sameness.OTHER:
            self._refuse_other(payload, address)
            return self._at(payload.id, address)
        settings = self._settings
        named = address._replace(
            task_hub=address.task_hub or settings.task_hub,
            connection=address.connection or settings.connection,
        )
        self._own.append(self._at(payload.id, named))
        return self._own[-1]

    def is_own(self, hub: TaskHub) -> bool:
        """Whether a hub is that of the settings, under names that a payload has for it."""
        return any(hub is each for each in self._own)

    def hub_of_started(self, kept: CheckStatusPayload) -> TaskHub:
        """Where a starter function began an instance that was named by its id alone.

        `UsageError` when the session's hub has an instance of this id, too.
        """
        address = address_from_payload(kept)
        is_other = not self._is_of_local_hub(address) and self._compared(address) is _Sameness.OTHER
        if is_other and self._has(kept.id):
            raise UsageError(
                f"instance '{kept.id}' is in two hubs: the {self._session.settings.label}, and "
                f"{_shown(address)}",
                hint="name the right one with --hub",
            )
        return self.at_started(kept)

    def at_started(self, kept: CheckStatusPayload) -> TaskHub:
        """Where a starter function began an instance, whatever the settings say."""
        return self._at(kept.id, address_from_payload(kept))

    def _is_of_local_hub(self, address: HubAddress) -> bool:
        """Whether our local hub wrote an address: only one that names its file, or that its own
        live server answers at.
        """
        path = self._settings.path
        if (
            path is None
            or not path.exists()
            or not (names_a_file(address) or config.is_loopback(address.base))
        ):
            return False
        return self._session.open().wrote(address)

    def _compared(self, address: HubAddress) -> _Sameness:
        settings = self._settings
        if settings.url is None or config.is_grpc(settings.url):
            return _Sameness.OTHER
        if config.place_of(base_address(settings.url)) != config.place_of(address.base):
            return _Sameness.OTHER
        ours = ((settings.task_hub or "").lower(), _connection(settings.connection))
        theirs = ((address.task_hub or "").lower(), _connection(address.connection))
        if any(our and their and our != their for our, their in zip(ours, theirs, strict=True)):
            return _Sameness.OTHER
        is_named = (
            bool(ours[0] or not theirs[0]),
            bool(ours[1] or theirs[1] in ("", CONNECTION.lower())),
        )
        return _Sameness.SAME if all(is_named) else _Sameness.UNNAMED

    def _refuse_other(self, payload: CheckStatusPayload, address: HubAddress) -> None:
        settings, label = self._settings, self._session.settings.label
        if is_nominal(address):
            where = "a local hub that is not here"
            if settings.path is not None:
                where = f"another local hub than the {label}"
            elif settings.url is not None:
                where = f"a local hub, not in the {label}"
            hint = "run the command where that hub is, or name the hub's file with --hub"
            raise UsageError(f"instance '{payload.id}' is in {where}", hint=hint)
        if settings.explicit:
            raise UsageError(
                f"instance '{payload.id}' belongs to {_shown(address)}, not to the {label}",
                hint=f"leave out what chose that hub ({settings.hub_source}), "
                "or name the right one",
            )

    def _has(self, instance_id: str) -> bool:
        """Whether the session's hub is known to have an instance of this id."""
        settings = self._settings
        if settings.url is None and (settings.path is None or not settings.path.exists()):
            return False
        try:
            self._session.open().get_status(instance_id, show_input=False)
        except DurablectlError:  # it is not there, or the hub does not say
            return False
        return True

    def _at(self, instance_id: str, address: HubAddress) -> TaskHub:
        """The hub at an address, with the key that a context has for it, else the one in the
        address or of the instance's start.
        """
        kept = self._session.kept(instance_id)
        if kept is not None and (place := address_from_payload(kept))._replace(
            query=""
        ) == address._replace(query=""):
            address = place
        hub = config.http_hub()(
            address.base,
            key=self._settings.keys.key_for(address.base, address.task_hub) or address.code,
            task_hub=address.task_hub,
            connection=address.connection,
            note=self._session.out.note,
            **self._session.route(address.base, address.task_hub),
        )
        hub.on_end = self._session.started.forget
        return self._session.opened(hub)


def _connection(name: str | None) -> str:
    """A connection to be compared: one that apps use by themselves has several names."""
    lower = (name or "").lower()
    return CONNECTION.lower() if lower in OWN_CONNECTIONS else lower


def _shown(address: HubAddress) -> str:
    return f"task hub '{address.task_hub}' at {address.base}" if address.task_hub else address.base
