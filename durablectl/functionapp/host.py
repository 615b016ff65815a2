"""What an app's host.json says: the settings that are applied here, and the names of those that are
not; loads no app.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from durablectl.errors import AppError
from durablectl.functionapp.settings import read_object

_DURABLE, _HTTP = "extensions.durableTask.", "extensions.http."
_PREFIX, _HUB = f"{_HTTP}routePrefix", f"{_DURABLE}hubName"
_VERSION, _OVERRIDABLE, _TIMEOUT = (
    f"{_DURABLE}defaultVersion",
    f"{_DURABLE}overridableExistingInstanceStates",
    "functionTimeout",
)


def _names(section: str, names: str) -> tuple[str, ...]:
    return tuple(section + name for name in names.split())


# Settings that Azure applies to what runs here too.
_NOT_APPLIED = (
    *_names("", "functions retry concurrency customHandler"),
    *_names(
        _HTTP,
        "maxConcurrentRequests maxOutstandingRequests dynamicThrottlesEnabled customHeaders hsts",
    ),
    *_names(
        _DURABLE,
        """
        maxConcurrentActivityFunctions maxConcurrentOrchestratorFunctions
        maxConcurrentEntityFunctions extendedSessionsEnabled extendedSessionIdleTimeoutInSeconds
        maxOrchestrationActions maxEntityOperationBatchSize entityMessageReorderWindowInMinutes
        rollbackEntityOperationsOnExceptions storeInputsInOrchestrationHistory
        throwStatusExceptionsOnRaiseEvent versionMatchStrategy versionFailureStrategy httpSettings
        notifications storageProvider localRpcEndpointEnabled
        """,
    ),
)
# Settings that change nothing of what runs here: of the machines of Azure, of telemetry, of
# services that are not reached from here.
_OF_NO_CONCERN = (
    *_names(
        "",
        "$schema version logging telemetryMode extensionBundle managedDependency watchDirectories "
        "watchFiles aggregator healthMonitor singleton",
    ),
    *_names(
        _DURABLE,
        "tracing useAppLease appLeaseOptions useGracefulShutdown maxGrpcMessageSizeInBytes",
    ),
    *_names(
        "extensions.",
        "blobs cosmosDB dapr eventGrid eventHubs kafka mcp mysql queues rabbitMQ redis sendGrid "
        "serviceBus signalR sql tables twilio webPubSub",
    ),
)
_APPLIED = (_PREFIX, _HUB, _VERSION, _OVERRIDABLE, _TIMEOUT)
_NAMES = {name.lower(): name for name in (*_NOT_APPLIED, *_OF_NO_CONCERN, *_APPLIED)}
_OVERLAY = "azurefunctionsjobhost__"
_DURATION = re.compile(r"(?:(\d{1,4})\.)?(\d{1,2}):(\d{1,2})(?::(\d{1,2}(?:\.\d{1,7})?))?")


@dataclass(frozen=True, slots=True)
class HostSettings:
    """The settings that are applied. `function_timeout` is in seconds.

    `not_applied` are the names of those that Azure applies, `unknown` those of no setting;
    `warnings` say what cannot be used.
    """

    route_prefix: str = "api"
    hub_name: str | None = None
    default_version: str = ""
    overrides_any: bool = False
    function_timeout: float | None = None
    not_applied: tuple[str, ...] = ()
    unknown: tuple[str, ...] = ()
    warnings: tuple[str, ...] = ()


def read_host(folder: Path, environ: Mapping[str, str]) -> HostSettings:
    """The host.json in `folder`, with what `environ` puts over it
    (`AzureFunctionsJobHost__extensions__...`); defaults without it.
    """
    warnings: list[str] = []
    settings = {
        name.lower(): (name, value)
        for name, value in _leaves(_document(folder / "host.json", warnings))
    }
    for key, value in environ.items():
        if key.lower().startswith(_OVERLAY):
            name = key[len(_OVERLAY) :].replace("__", ".")
            settings[name.lower()] = name, value
    values = {name: value for name, (_, value) in settings.items()}
    prefix, hub, version = (values.get(name.lower()) for name in (_PREFIX, _HUB, _VERSION))
    known = {name: _known(name) for name in settings}
    return HostSettings(
        prefix.strip("/") if isinstance(prefix, str) else "api",
        _hub_name(hub, environ),
        version if isinstance(version, str) else "",
        _overrides_any(values.get(_OVERRIDABLE.lower()), warnings),
        _seconds(values.get(_TIMEOUT.lower()), warnings),
        tuple(dict.fromkeys(name for name in known.values() if name in _NOT_APPLIED)),
        tuple(shown for name, (shown, _) in settings.items() if known[name] is None),
        tuple(warnings),
    )


def _document(path: Path, warnings: list[str]) -> dict[str, Any]:
    try:
        return read_object(path) if path.exists() else {}
    except AppError as error:
        warnings.append(f"{error.message}; no setting of it is applied")
    return {}


def _leaves(value: Any, path: str = "") -> Iterator[tuple[str, Any]]:
    if not isinstance(value, dict):
        yield path, value
        return
    for name, member in value.items():
        yield from _leaves(member, f"{path}.{name}" if path else name)


def _known(name: str) -> str | None:
    """The known setting that `name` is, or is a part of."""
    parts = name.split(".")
    return next(
        (found for end in range(len(parts), 0, -1) if (found := _NAMES.get(".".join(parts[:end])))),
        None,
    )


def _hub_name(value: Any, environ: Mapping[str, str]) -> str | None:
    """`%NAME%` stands for an app setting."""
    if isinstance(value, str) and len(value) > 2 and value[0] == value[-1] == "%":
        value = environ.get(value[1:-1])
    return value if isinstance(value, str) and value else None


def _overrides_any(value: Any, warnings: list[str]) -> bool:
    states = str(value).lower()
    if value is not None and states not in ("anystate", "nonrunningstates"):
        warnings.append(
            "host.json: overridableExistingInstanceStates is AnyState or "
            f"NonRunningStates, not {value!r}"
        )
    return states == "anystate"


def _seconds(value: Any, warnings: list[str]) -> float | None:
    if value is None or value in ("-1", -1):
        return None
    found = _DURATION.fullmatch(str(value))
    days, hours, minutes, seconds = (
        (float(part or 0) for part in found.groups()) if found else (0, 0, 0, 0)
    )
    total = ((days * 24 + hours) * 60 + minutes) * 60 + seconds
    if total <= 0:
        warnings.append(
            f"host.json: functionTimeout is a time like 00:05:00, not {value!r}; it is not applied"
        )
        return None
    return total
