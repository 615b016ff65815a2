"""Every error that durablectl raises on purpose; knows no layer above it and no exit code.

DurablectlError              what went wrong, and a hint what to do next
├── UsageError               the request makes no sense (bad input, unknown context, no hub)
├── HubUnusable              a local hub file cannot be opened, read or written
│   ├── HubBusy              another process holds it too long
│   └── HubLost              it was deleted, moved or replaced while it was open
├── AppError                 the function app cannot be loaded or used
├── MissingExtra             a package that this feature needs is not installed
├── NotFound
│   ├── InstanceNotFound
│   ├── EntityNotFound
│   └── FunctionNotFound
├── KeyRefused               the key is missing, unknown or not allowed (401, 403)
├── Unreachable              no answer from the service
│   ├── BadAddress           the host is unknown, or does not prove who it is: do not ask again
│   └── OutcomeUnknown       no answer, and the request may have been carried out
├── NotATaskHub              something answers, but not the Durable Functions API
├── Conflict
│   ├── AlreadyExists        an instance with this id is there
│   └── WrongState           the instance's status does not allow the operation
├── Unsupported              this hub cannot do it
├── WaitTimeout              not finished in time
└── ServiceError             the service says that it failed
"""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

from durablectl.redaction import redact

if TYPE_CHECKING:  # what this module holds besides is public
    from collections.abc import Iterator


class DurablectlError(Exception):
    """An error with a message for people: lower case, which, what, where, no final dot.

    `hint` is the next command or the thing to fix, or None. A key in either is replaced: what is
    wrong with a value often quotes it. The hint is also a note of the exception, so tracebacks show
    it.
    """

    def __init__(self, message: str, *, hint: str | None = None) -> None:
        self.message = redact(message)
        self.hint = None if hint is None else redact(hint)
        super().__init__(self.message)
        if self.hint:
            self.add_note(f"hint: {self.hint}")


class UsageError(DurablectlError):
    """The request makes no sense as it was given."""


class HubUnusable(DurablectlError):
    """A local hub file cannot be opened, read or written."""


class HubBusy(HubUnusable):
    """Another process holds the hub file for too long."""


class HubLost(HubUnusable):
    """The hub file is not the one that was opened: it was deleted, moved or replaced."""


class AppError(DurablectlError):
    """The function app cannot be loaded or used."""


class MissingExtra(DurablectlError):
    """A package that only this feature needs is not installed.

    The hint is the command that installs it here.
    """


class NotFound(DurablectlError):
    """There is no such thing in the task hub."""


class InstanceNotFound(NotFound):
    """No instance has this id.

    `instance_id` is that of a hub which has never had it; "" where more is known than that.
    """

    def __init__(self, message: str, *, hint: str | None = None, instance_id: str = "") -> None:
        super().__init__(message, hint=hint)
        self.instance_id = instance_id


class EntityNotFound(NotFound):
    """There is not an entity with this id."""


class FunctionNotFound(NotFound):
    """The app has no function of this name and kind."""


class KeyRefused(DurablectlError):
    """The service refused the key, or none was given."""


class Unreachable(DurablectlError):
    """The service gave no answer."""


class BadAddress(Unreachable):
    """The service cannot be reached at this address: its host is unknown, or its certificate is not
    trusted.

    Asking again does not help.
    """


class OutcomeUnknown(Unreachable):
    """The service gave no answer to a request that it may have carried out, and that must not be
    sent twice.
    """


class NotATaskHub(DurablectlError):
    """Something answers at the address, but it is not the Durable Functions HTTP API."""


class Conflict(DurablectlError):
    """The task hub's state does not allow this."""


class AlreadyExists(Conflict):
    """An instance with this id is already there."""


class WrongState(Conflict):
    """The instance's state does not allow the operation."""


class Unsupported(DurablectlError):
    """This hub cannot do it."""


class WaitTimeout(DurablectlError):
    """What was waited for did not happen in time."""


class ServiceError(DurablectlError):
    """The service answered that it failed."""


LONGEST_ON_WINDOWS = 259  # characters of a path, where the system has not been told otherwise
LONG_PATH = "\\\\?\\"


def reason_of(error: OSError) -> str:
    """What the system says of it, as the end of a message: "no such file or directory"."""
    reason = (error.strerror or str(error)).lower()
    name = error.filename if isinstance(error.filename, str) else ""
    is_long = len(name) > LONGEST_ON_WINDOWS and not name.startswith(LONG_PATH)
    if os.name == "nt" and is_long:
        reason += (
            f" (the path has {len(name)} characters; Windows takes {LONGEST_ON_WINDOWS}, "
            f"or more behind {LONG_PATH})"
        )
    return reason


@contextmanager
def about(what: str) -> Iterator[None]:
    """While inside, a usage error says first what it is about."""
    try:
        yield
    except UsageError as error:
        raise UsageError(f"{what}: {error.message}", hint=error.hint) from error
