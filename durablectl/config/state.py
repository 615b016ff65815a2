"""What is kept for the user between two commands: the instance that was started last in each hub,
and the payloads that starter functions returned, with the keys in them, until their instances have
ended.
"""

from __future__ import annotations

import json
import time
from collections.abc import Mapping
from pathlib import Path

from durablectl.config.toml import replace_text
from durablectl.errors import DurablectlError

MOST_HUBS = 200
MOST_SECONDS = 30 * 86400.0


class LastStarted:
    """One file in the user's state folder: a JSON object, hub -> instance id, the latest last."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def keep(self, hub: str, instance_id: str) -> None:
        """Remember it; what cannot be written is not remembered, as the start is done."""
        known = {name: id for name, id in self._read().items() if name != hub}
        kept = [*known.items(), (hub, instance_id)][-MOST_HUBS:]
        try:
            replace_text(self._path, json.dumps(dict(kept)))
        except DurablectlError:
            return

    def find(self, hub: str) -> str | None:
        """The id; None when nothing was started there, or what is kept cannot be read."""
        return self._read().get(hub)

    def _read(self) -> dict[str, str]:
        try:
            known = json.loads(self._path.read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return {}
        pairs = known.items() if isinstance(known, dict) else ()
        return {name: id for name, id in pairs if isinstance(id, str)}


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
            entries = json.loads((self._folder / _name(instance_id)).read_text(encoding="utf-8"))
        except (OSError, ValueError):
            return None
        return entries if isinstance(entries, dict) and entries.get("id") == instance_id else None

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
