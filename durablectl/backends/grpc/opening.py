"""Opens a hub over gRPC, or says how to install what that needs; imports nothing of it before."""

from __future__ import annotations

from typing import Any

from durablectl.errors import Unsupported
from durablectl.taskhub import TaskHub


def open_grpc_hub(url: str, **options: Any) -> TaskHub:
    """The hub at an address; `options` are those of `GrpcTaskHub`.

    `Unsupported` when the packages of the extra are not installed.
    """
    try:
        from durablectl.backends.grpc.hub import GrpcTaskHub  # deferred: grpc is slow to import
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("grpc", "google"):
            raise
        raise Unsupported(
            f"a hub at {url} needs the packages grpcio and protobuf, which are not installed",
            hint="pip install 'durablectl[grpc]'",
        ) from error
    return GrpcTaskHub(url, **options)
