"""Why something is done, for an instance's history: the address of the CI run, or the user.

Asks no hub.
"""

from __future__ import annotations

import getpass
from collections.abc import Mapping


def default_reason(environ: Mapping[str, str]) -> str:
    """Who does it: the address of the CI run, or the user."""
    if environ.get("GITHUB_RUN_ID"):
        repository = (environ.get(f"GITHUB_{part}", "") for part in ("SERVER_URL", "REPOSITORY"))
        return f"{'/'.join(repository)}/actions/runs/{environ['GITHUB_RUN_ID']}"
    if environ.get("TF_BUILD") and environ.get("BUILD_BUILDID"):
        base = f"{environ.get('SYSTEM_COLLECTIONURI', '')}{environ.get('SYSTEM_TEAMPROJECT', '')}"
        return f"{base}/_build/results?buildId={environ['BUILD_BUILDID']}"
    if address := environ.get("CI_JOB_URL") or environ.get("BUILD_URL"):
        return address
    try:
        return f"by {getpass.getuser()} with durablectl"
    except (OSError, KeyError):
        return "with durablectl"
