"""The commands that serve, which need the packages of an extra."""

from __future__ import annotations

from typing import TYPE_CHECKING

from durablectl.config.extras import missing_extra

if TYPE_CHECKING:
    from durablectl.cli.local.serving import Servers


def servers(command: str) -> type[Servers]:
    """What serves; `MissingExtra` for that command when the packages are not installed."""
    try:
        # deferred: the help and an installation without the extra have no server
        from durablectl.cli.local.serving import Servers
    except ModuleNotFoundError as error:
        raise missing_extra("serve", command, str(error.name)) from error
    return Servers
