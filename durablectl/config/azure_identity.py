"""Tokens from azure-identity, by the kinds that a connection string names.

Importing this needs the extra `azure`.
"""

from __future__ import annotations

import logging
from functools import cache
from typing import Any

import azure.identity
from azure.core.exceptions import AzureError

from durablectl.config.connection_strings import ConnectionString
from durablectl.config.shell import COMMAND_SECONDS
from durablectl.errors import KeyRefused
from durablectl.polling.threads import in_thread

SIGN_IN_SECONDS = 300.0  # as long as azure-identity waits for the browser
_CREDENTIALS: dict[str, tuple[str, dict[str, str]]] = {
    "AzurePowerShell": ("AzurePowerShellCredential", {"tenant_id": "tenant_id"}),
    "DefaultAzure": (
        "DefaultAzureCredential",
        {"managed_identity_client_id": "client_id", "workload_identity_client_id": "client_id"},
    ),
    "Environment": ("EnvironmentCredential", {}),
    "InteractiveBrowser": (
        "InteractiveBrowserCredential",
        {"client_id": "client_id", "tenant_id": "tenant_id"},
    ),
    "ManagedIdentity": ("ManagedIdentityCredential", {"client_id": "client_id"}),
    "VisualStudioCode": ("VisualStudioCodeCredential", {"tenant_id": "tenant_id"}),
    "WorkloadIdentity": (
        "WorkloadIdentityCredential",
        {
            "client_id": "client_id",
            "tenant_id": "tenant_id",
            "token_file_path": "token_file",
            "additionally_allowed_tenants": "other_tenants",
        },
    ),
}
"""The class of each kind, with its options and what a connection string calls them."""


def fetch_token(
    parsed: ConnectionString, what: str, scope: str, seconds: float, *, hint: str
) -> Any:
    """A token and when it ends, in at most that many seconds; `KeyRefused` with that hint when
    there is none.

    `what` names its source in messages.
    """
    is_interactive = parsed.authentication == "InteractiveBrowser"
    limit = max(min(seconds, SIGN_IN_SECONDS if is_interactive else COMMAND_SECONDS), 0.0)
    try:
        asked = in_thread(lambda: _credential(parsed).get_token(scope), name="token")
        return asked.result(limit)
    except TimeoutError as error:
        raise KeyRefused(f"{what} gave no answer in {round(limit, 1):g} s") from error
    except (AzureError, ValueError) as error:
        said = str(getattr(error, "message", None) or error).strip().splitlines()
        reason = said[0] if said else "no reason was given"
        raise KeyRefused(f"{what} gave no token: {reason}", hint=hint) from error


@cache
def _credential(parsed: ConnectionString) -> Any:
    """It remembers what it was told; ValueError when it lacks something."""
    # Without any handler Python would print each credential that it tries in vain.
    logging.getLogger("azure.identity").addHandler(logging.NullHandler())
    kind, options = _CREDENTIALS[parsed.authentication]
    given = {name: ours for name, field in options.items() if (ours := getattr(parsed, field))}
    return getattr(azure.identity, kind)(**given)
