"""What a restart of many has done already, on disk, so that doing it again continues instead of
starting twice.

Asks no hub.
"""

from __future__ import annotations

import hashlib
import json
import threading
from datetime import datetime
from enum import StrEnum
from pathlib import Path
from typing import Any, TextIO

from durablectl import config
from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.model import InstanceStatus
from durablectl.wire import exact_time_to_text


class Standing(StrEnum):
    """What a journal knows of an instance as it is now, in words for people.

    UNCLEAR: a run was cut off before it was known.
    """

    NEW = "not restarted before"
    DONE = "restarted before"
    UNCLEAR = "may have been restarted by a run that was cut off"


class Journal:
    """A file of JSON lines.

    An instance is told apart by its id and the time of its last change: one that ran again since is
    another.

    A line is written before an instance is restarted and another one after it; the first alone
    means that it is not known. Any thread may write.
    """

    def __init__(self, path: Path) -> None:
        """Reads the file, if there is one; `UsageError` when it is not a journal."""
        self.path = path
        self._lock = threading.Lock()
        self._done: dict[tuple[str, str], str | None] = {}
        self._is_cut = False
        self._file: TextIO | None = None
        try:
            with path.open(encoding="utf-8") as file:
                self._read_all(file)
        except FileNotFoundError:
            pass
        except OSError as error:
            raise self._unusable(error) from error

    def open(self) -> None:
        """Make it ready to be written to, and take in what was written since; `UsageError` when it
        cannot be.
        """
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._file = self.path.open("a+", encoding="utf-8")
        except OSError as error:
            raise self._unusable(error) from error
        self._file.seek(0)
        self._read_all(self._file)
        if self._is_cut:
            self._file.write("\n")

    def standing(self, status: InstanceStatus) -> Standing:
        """Whether the instance, as it is now, was restarted before."""
        key = (status.instance_id, exact_time_to_text(status.last_updated_time))
        if key not in self._done:
            return Standing.NEW
        return Standing.UNCLEAR if self._done[key] is None else Standing.DONE

    def begin(self, instance_id: str, updated: datetime) -> None:
        """Note that it is about to be restarted."""
        self._write({"id": instance_id, "updated": exact_time_to_text(updated)})

    def end(self, instance_id: str, updated: datetime, new_id: str | None) -> None:
        """Note its new id; None when it was not restarted after all."""
        self._write({"id": instance_id, "updated": exact_time_to_text(updated), "newId": new_id})

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def _read_all(self, file: TextIO) -> None:
        try:
            *lines, last = file.read().split("\n")
            for line in lines:
                self._read(line)
        except (UsageError, UnicodeDecodeError) as error:
            file.close()
            raise UsageError(
                f"{self.path} is not a restart journal", hint="name another --journal FILE"
            ) from error
        except OSError as error:
            raise self._unusable(error) from error
        self._is_cut = bool(last)  # the last line of a run that was killed

    def _unusable(self, error: OSError) -> UsageError:
        return UsageError(f"the journal {self.path} cannot be used: {reason_of(error)}")

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
        if self._file is None:
            raise ValueError("a journal that was not opened cannot be written")
        try:
            with self._lock:
                self._file.write(json.dumps(entry) + "\n")
                self._file.flush()
        except OSError as error:
            raise DurablectlError(
                f"the journal {self.path} cannot be written: {reason_of(error)}"
            ) from error


def journal_path(
    given: str | None, cwd: Path, address: str, task_hub: str, *, new_id: bool
) -> Path:
    """The file that was named, or else one of the user's for that hub and that kind of restart."""
    if given is not None:
        return cwd / Path(given).expanduser()
    name = hashlib.sha256(
        "\n".join((address, task_hub, str(new_id))).encode("utf-8", "surrogatepass")
    ).hexdigest()[:16]
    return config.state_folder() / f"restarts-{name}.jsonl"
