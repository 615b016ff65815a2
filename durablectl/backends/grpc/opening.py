"""Opens a hub over gRPC, or says how to install what that needs; imports nothing of it before."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.backends.grpc.probe import Probe


def open_grpc_hub(url: str, **options: Any) -> TaskHub:
    """The hub at an address; `options` are those of `GrpcTaskHub`.

    `MissingExtra` when the packages of the extra are not installed.
    """
    with _needed(url):
        from durablectl.backends.grpc.hub import GrpcTaskHub  # deferred: grpc is slow to import

        return GrpcTaskHub(url, **options)


def open_grpc_probe(url: str, **options: Any) -> Probe:
    """What asks the hub at an address single questions; the rest as above."""
    with _needed(url):
        from durablectl.backends.grpc.hub import GrpcTaskHub  # deferred, as above
        from durablectl.backends.grpc.probe import Probe  # deferred, as above

        return Probe(GrpcTaskHub(url, **options))


@contextmanager
def _needed(url: str) -> Iterator[None]:
    try:
        yield
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("grpc", "google"):
            raise
        # deferred: only a missing package needs it
        from durablectl.installation import missing_extra

        raise missing_extra("grpc", f"a hub at {url}", str(error.name)) from error
