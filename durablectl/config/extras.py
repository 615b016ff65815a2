"""What to say where the packages of an extra are not installed; loads nothing before."""

from __future__ import annotations

from durablectl.errors import MissingExtra


def missing_extra(extra: str, what: str, package: str) -> MissingExtra:
    """See `durablectl.installation`."""
    from durablectl import installation  # deferred: it finds out how durablectl was installed

    return installation.missing_extra(extra, what, package)
