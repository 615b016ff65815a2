"""What a restart of many has done already, on disk, so that doing it again goes on instead of starting twice. Asks no hub."""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime
from pathlib import Path
from typing import Any, TextIO

from durablectl import config
from durablectl.errors import DurablectlError, UsageError
from durablectl.wire import exact_time_to_text


class Journal:
    """A file of JSON lines. An instance is told apart by its id and the time of its last change: one that ran again since is another.

    A line is written before an instance is restarted and another one after it; the first alone means that nobody knows. Any thread may
    write.
    """

    def __init__(self, path: Path) -> None:
        """`UsageError` when the file is no journal, or cannot be written."""
        self.path = path
        self._lock = threading.Lock()
        self._done: dict[tuple[str, str], str | None] = {}
        self._is_cut = False
        self._file = self._opened()

    def find(self, instance_id: str, updated: datetime) -> tuple[bool, str | None]:
        """Whether the instance, as it is now, was restarted before, and the id of the new one; None when nobody knows how that ended."""
        key = (instance_id, exact_time_to_text(updated))
        return key in self._done, self._done.get(key)

    def begin(self, instance_id: str, updated: datetime) -> None:
        """Note that it is about to be restarted."""
        self._write({"id": instance_id, "updated": exact_time_to_text(updated)})

    def end(self, instance_id: str, updated: datetime, new_id: str | None) -> None:
        """Note its new id; None when it was not restarted after all."""
        self._write({"id": instance_id, "updated": exact_time_to_text(updated), "newId": new_id})

    def close(self) -> None:
        self._file.close()

    def _opened(self) -> TextIO:
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise UsageError(f"the journal {self.path} cannot be used: {(error.strerror or str(error)).lower()}") from error
        try:
            file.seek(0)
            self._read_all(file.read())
        except (UsageError, UnicodeDecodeError) as error:
            file.close()
            raise UsageError(f"{self.path} is no journal of restarts", hint="name another --journal FILE") from error
        if self._is_cut:
            file.write("\n")
        return file

    def _read_all(self, text: str) -> None:
        *lines, last = text.split("\n")
        self._is_cut = bool(last)  # the last line of a run that was killed
        for line in lines:
            self._read(line)

    def _read(self, line: str) -> None:
        try:
            entry: dict[str, Any] = json.loads(line)
            key = (str(entry["id"]), str(entry["updated"]))
        except (ValueError, KeyError, TypeError) as error:
            raise UsageError("not a line of a journal") from error
        if "newId" in entry and entry["newId"] is None:
            self._done.pop(key, None)
        else:
            self._done[key] = entry.get("newId")

    def _write(self, entry: dict[str, Any]) -> None:
        try:
            with self._lock:
                self._file.write(json.dumps(entry) + "\n")
                self._file.flush()
        except OSError as error:
            raise DurablectlError(f"the journal {self.path} cannot be written: {(error.strerror or str(error)).lower()}") from error


def journal_path(given: str | None, cwd: Path, address: str, task_hub: str, *, new_id: bool) -> Path:
    """The file that was named, or else one of the user's for that hub and that kind of restart."""
    if given is not None:
        return cwd / Path(given).expanduser()
    name = hashlib.sha256("\n".join((address, task_hub, str(new_id))).encode("utf-8", "surrogatepass")).hexdigest()[:16]
    return config.state_folder() / f"restarts-{name}.jsonl"
