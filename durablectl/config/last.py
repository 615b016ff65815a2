"""The instance that this user started last in each hub, for `--last`."""

from __future__ import annotations

import json
from pathlib import Path

from durablectl.config.toml import replace_text
from durablectl.errors import DurablectlError

MOST_HUBS = 200


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
