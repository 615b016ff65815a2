"""What the clients of a soak were told, to be compared with what the hub holds."""

from __future__ import annotations

import math
import threading
import time
from collections import Counter
from datetime import UTC, datetime, timedelta

YOUNG_SECONDS = 5.0


class Ledger:
    """Every instance is `begun`, then verified and `kept`, then purged. For many threads."""

    def __init__(self) -> None:
        self.begun: dict[str, float] = {}
        """When (a Unix time) those were begun whose end has not been seen."""
        self.kept: dict[str, datetime] = {}
        """When those were created that have ended as they should."""
        self.added: Counter[str] = Counter()
        self.counts: Counter[str] = Counter()
        self.troubles: list[str] = []
        self._lock = threading.Lock()

    def begin(self, instance_id: str) -> None:
        with self._lock:
            self.begun[instance_id] = time.time()

    def finish(self, instance_id: str, created: datetime, *, known_as: str | None = None) -> None:
        """An instance has ended as it should; `known_as` is what it was begun as when its id was
        not known then.
        """
        with self._lock:
            del self.begun[known_as or instance_id]
            self.kept[instance_id] = created

    def add(self, key: str, amount: int) -> None:
        """An entity was told to add something, and that was acknowledged."""
        with self._lock:
            self.added[key] += amount

    def count(self, what: str, number: int = 1) -> None:
        with self._lock:
            self.counts[what] += number

    def tell(self, trouble: str) -> None:
        with self._lock:
            self.troubles.append(trouble)

    def cut(self) -> datetime:
        """The last moment before which nothing is under way and everything is old enough to be
        purged.
        """
        with self._lock:
            oldest = min([time.time() - YOUNG_SECONDS, *self.begun.values()])
        return datetime.fromtimestamp(math.floor(oldest), UTC) - timedelta(microseconds=1)

    def purged_until(self, cut: datetime) -> None:
        """Everything created until then was purged."""
        with self._lock:
            gone = [each for each, created in self.kept.items() if created <= cut]
            for each in gone:
                del self.kept[each]
            self.counts["purged by time"] += len(gone)

    def take_old(self, number: int) -> list[str]:
        """Some that are to be purged now, by id."""
        with self._lock:
            ids = list(self.kept)[:number]
            for each in ids:
                del self.kept[each]
            self.counts["purged by id"] += len(ids)
        return ids
