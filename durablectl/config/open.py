"""The one way from settings to a task hub."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

from durablectl.config.addresses import is_grpc
from durablectl.config.settings import Settings
from durablectl.errors import Unsupported, UsageError
from durablectl.taskhub import TaskHub

if TYPE_CHECKING:
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
        return _open_grpc(settings, settings.url, timeout)
    # deferred: a local hub needs no HTTP
    from durablectl.backends.http.hub import HttpTaskHub

    return HttpTaskHub(
        settings.url,
        key=key or settings.key(),
        task_hub=settings.task_hub,
        connection=settings.connection,
        timeout=timeout,
        note=note,
        **settings.keys.route(settings.url, settings.task_hub),
    )


def _open_grpc(settings: Settings, url: str, timeout: float) -> TaskHub:
    from durablectl.backends.grpc.opening import open_grpc_hub  # deferred: few hubs are over gRPC

    route = settings.keys.route(url, settings.task_hub)
    return open_grpc_hub(url, task_hub=settings.task_hub, timeout=timeout, **route)


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
    # deferred: a remote hub needs no engine
    from durablectl.backends.local import LocalTaskHub

    return LocalTaskHub(path, registry=registry, create=create, late=late)
