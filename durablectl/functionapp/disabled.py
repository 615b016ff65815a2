"""Whether a function is switched off by an app setting; reads no file."""

from __future__ import annotations

from collections.abc import Mapping


def is_disabled(name: str, environ: Mapping[str, str], declared: object = None) -> bool:
    """Whether `AzureWebJobs.NAME.Disabled` switches a function off, or the `disabled` that its
    function.json declared.

    The latter is true or names an app setting. Names of settings have no case; a shell that cannot
    export a dot has `_` instead (HostListenerFactory.cs).
    """
    names = {f"azurewebjobs{mark}{name}{mark}disabled".lower() for mark in "._"}
    if isinstance(declared, str):
        names.add(declared.strip("%").lower())
    values = (value for key, value in environ.items() if key.lower() in names)
    return declared is True or any(value.strip().lower() in ("1", "true") for value in values)
