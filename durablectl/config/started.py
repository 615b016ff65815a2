"""Payloads that starter functions returned, with the keys in them: kept for the user alone until
their instances have ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from durablectl.config.toml import replace_text

MOST_SECONDS = 30 * 86400.0


class Started:
    """The payloads in one folder, a file of mode 0600 each, by the instance's id."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._names: set[str] | None = None

    def keep(self, entries: Mapping[str, str]) -> None:
        """Keep a payload, and delete those unused for a month."""
        self._sweep()
        replace_text(self._folder / _name(entries["id"]), json.dumps(dict(entries)))
        self._names = None

    def find(self, instance_id: str) -> dict[str, str] | None:
        """The payload of an instance; None when there is none, or none that can be read."""
        if self._names is None:
            self._names = {path.name for path in self._folder.glob("*.json")}
        if not self._names or _name(instance_id) not in self._names:
            return None
        try:
            entries: dict[str, str] = json.loads(
                (self._folder / _name(instance_id)).read_text(encoding="utf-8")
            )
        except (OSError, ValueError):
            return None
        return entries if entries.get("id") == instance_id else None

    def forget(self, instance_id: str) -> None:
        (self._folder / _name(instance_id)).unlink(missing_ok=True)
        self._names = None

    def _sweep(self) -> None:
        for path in self._folder.glob("*.json"):
            try:
                if time.time() - path.stat().st_mtime > MOST_SECONDS:
                    path.unlink(missing_ok=True)
            except OSError:
                continue


def _name(instance_id: str) -> str:
    from hashlib import sha256  # deferred: most people have no such payload

    return f"{sha256(instance_id.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"
