"""Text files that are part of the package, also where it is a single zip file."""

from __future__ import annotations

from pkgutil import get_data


def packaged_text(package: str, name: str) -> str:
    """The text of a file in a package's folder; `name` has `/` between its parts."""
    data = get_data(package, name)
    if data is None:  # only a loader that cannot read data
        raise FileNotFoundError(f"{package}: {name}")
    return data.decode("utf-8")
