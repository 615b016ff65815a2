"""The one way from settings to a task hub."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from durablectl.config.addresses import is_grpc, is_plaintext
from durablectl.config.extras import missing_extra
from durablectl.config.settings import Settings
from durablectl.errors import Unsupported, UsageError
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
    from durablectl.backends.grpc.hub import GrpcTaskHub
    from durablectl.backends.http.starter import StarterTaskHub
    from durablectl.backends.local import LocalTaskHub
    from durablectl.engine.registry import Registry

REQUEST_SECONDS = 30.0


def open_hub(
    settings: Settings,
    *,
    key: str | None = None,
    timeout: float = REQUEST_SECONDS,
    note: Callable[[str], None] = lambda _text: None,
    registry: Registry | None = None,
    create: bool = False,
    late: bool = False,
) -> TaskHub:
    """The hub that the settings name.

    `key`, `timeout` (seconds for one request) and `note` are for a remote hub; the rest is for a
    local one, see `open_local_hub`.
    """
    if settings.url is None:
        return open_local_hub(settings, registry=registry, create=create, late=late)
    if is_grpc(settings.url):
        options = grpc_options(settings, settings.url, timeout)
        return grpc_hub(settings.url)(settings.url, **options)
    return http_hub()(
        settings.url,
        key=key or settings.key(),
        task_hub=settings.task_hub,
        connection=settings.connection,
        timeout=timeout,
        note=note,
        **settings.keys.route(settings.url, settings.task_hub),
    )


def load_backend(settings: Settings) -> None:
    """Import what opens the hub, which takes its time, and open nothing."""
    if settings.url is None:
        _local_hub()
    elif is_grpc(settings.url):
        grpc_hub(settings.url)
    else:
        http_hub()


def grpc_hub(url: str) -> type[GrpcTaskHub]:
    """The class of a hub over gRPC; `MissingExtra` when what it needs is not installed."""
    # what is imported stays: looking through it for garbage finds none
    collects = gc.isenabled()
    gc.disable()
    try:
        from durablectl.backends.grpc.hub import GrpcTaskHub  # deferred: few hubs are over gRPC
    except ImportError as error:
        if (error.name or "").partition(".")[0] not in ("grpc", "google"):
            raise
        raise missing_extra("grpc", f"a hub at {url}", str(error.name)) from error
    finally:
        if collects:
            gc.enable()
    return GrpcTaskHub


def http_hub() -> type[StarterTaskHub]:
    """The class of a hub over HTTP, which also calls starter functions."""
    from durablectl.backends.http.starter import StarterTaskHub  # deferred: a local hub needs none

    return StarterTaskHub


def _local_hub() -> type[LocalTaskHub]:
    from durablectl.backends.local import LocalTaskHub  # deferred: a remote hub needs no engine

    return LocalTaskHub


def grpc_options(settings: Settings, url: str, timeout: float) -> dict[str, Any]:
    """How to reach a hub over gRPC, as the options of `GrpcTaskHub`.

    `UsageError` when a token would travel unencrypted to another machine.
    """
    if settings.sources.get("connection", "").startswith("flag"):
        raise UsageError("a hub over gRPC has no storage connection", hint="leave out --connection")
    options = settings.keys.route(url, settings.task_hub)
    token = settings.keys.token(url, settings.task_hub)
    if token is not None:
        if is_plaintext(url):
            raise UsageError(
                f"a token is not sent to {url} without TLS", hint="use grpcs:// in the context"
            )
        options["token"] = token
    return {**options, "task_hub": settings.task_hub, "timeout": timeout}


def open_local_hub(
    settings: Settings,
    *,
    registry: Registry | None = None,
    create: bool = False,
    late: bool = False,
) -> LocalTaskHub:
    """The local hub that the settings name: `create` makes its file, `late` lets the first start
    make it. With a `registry` it starts nothing else.

    `Unsupported` for a remote hub; `UsageError` when no hub is named, or its file is not there.
    """
    if settings.path is None and settings.url is not None:
        raise Unsupported(
            f"the {settings.label} is not a file", hint="this is for a local hub: --hub PATH"
        )
    path = settings.require_hub()
    if not (create or late or path.exists()):
        raise UsageError(
            f"there is no {settings.label} yet", hint="a start makes one: durablectl start NAME"
        )
    return _local_hub()(path, registry=registry, create=create, late=late)
