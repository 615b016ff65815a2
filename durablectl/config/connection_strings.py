"""Connection strings of the Durable Task Scheduler: `Endpoint=...;Authentication=...;TaskHub=...`.

Pure. A message never repeats a value: what is given by mistake may hold a key.
"""

from __future__ import annotations

import re
from typing import NamedTuple

from durablectl.config.addresses import without_key
from durablectl.errors import UsageError, about

EXAMPLE = (
    "as in Endpoint=https://NAME.REGION.durabletask.io;Authentication=DefaultAzure;TaskHub=NAME"
)
AUTHENTICATIONS = (
    "AzureCLI",
    "AzurePowerShell",
    "DefaultAzure",
    "Environment",
    "InteractiveBrowser",
    "ManagedIdentity",
    "None",
    "VisualStudioCode",
    "WorkloadIdentity",
)
_MEMBERS = (
    "Endpoint",
    "Authentication",
    "TaskHub",
    "ClientID",
    "TenantId",
    "TokenFilePath",
    "AdditionallyAllowedTenants",
)
_CANONICAL = {name.lower(): name for name in _MEMBERS}


class ConnectionString(NamedTuple):
    """What a connection string says. `url` is grpcs:// or grpc://; "" is what it does not say."""

    url: str
    authentication: str
    task_hub: str = ""
    client_id: str = ""
    tenant_id: str = ""
    token_file: str = ""
    other_tenants: tuple[str, ...] = ()


def parse_connection_string(text: str, what: str) -> ConnectionString:
    """Read a connection string; `UsageError` when it cannot be one. `what` names it."""
    values = _members(text, what)
    for name in ("Endpoint", "Authentication"):
        if not values.get(name):
            raise UsageError(f"{what} has no {name}", hint=EXAMPLE)
    return ConnectionString(
        _url(values["Endpoint"], what),
        _authentication(values["Authentication"], what),
        values.get("TaskHub", ""),
        values.get("ClientID", ""),
        _tenant(values.get("TenantId", ""), what),
        values.get("TokenFilePath", ""),
        tuple(filter(None, values.get("AdditionallyAllowedTenants", "").split(","))),
    )


def _members(text: str, what: str) -> dict[str, str]:
    values: dict[str, str] = {}
    for part in filter(None, (part.strip() for part in text.split(";"))):
        name, equals, value = part.partition("=")
        canonical = _CANONICAL.get(name.strip().lower())
        if not equals or canonical is None:
            known = ", ".join(_MEMBERS)
            raise UsageError(
                f"{what} is not one of the Durable Task Scheduler: it may hold {known} (the value "
                "is not shown)",
                hint=EXAMPLE,
            )
        if canonical in values:
            raise UsageError(f"{what} has {canonical} twice", hint=EXAMPLE)
        values[canonical] = value.strip()
    return values


def _url(endpoint: str, what: str) -> str:
    address = endpoint if "://" in endpoint else f"https://{endpoint}"
    scheme, _, rest = address.partition("://")
    schemes = {"https": "grpcs", "grpcs": "grpcs", "http": "grpc", "grpc": "grpc"}
    if scheme.lower() not in schemes:
        raise UsageError(f"the Endpoint of {what} is not an https or http address", hint=EXAMPLE)
    with about(f"the Endpoint of {what}"):
        return without_key(f"{schemes[scheme.lower()]}://{rest.rstrip('/')}")


def _authentication(text: str, what: str) -> str:
    known = {name.lower(): name for name in AUTHENTICATIONS}
    if (found := known.get(text.lower())) is None:
        raise UsageError(
            f"the Authentication of {what} is unknown (the value is not shown)",
            hint=f"available: {', '.join(AUTHENTICATIONS)}",
        )
    return found


def _tenant(text: str, what: str) -> str:
    """It becomes a word of a command line."""
    if text and not re.fullmatch(r"[A-Za-z0-9.-]{1,100}", text):
        raise UsageError(f"the TenantId of {what} is not the id or domain of a tenant")
    return text
