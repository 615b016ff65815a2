"""A client of the watched runs: `python -m tests.powerloss.client HUB NOTES NAME STEPS SEED`
starts, sends, looks, and tends the file.

Each line of NOTES, written at once, says what it is about to try, what was acknowledged, and how an
instance has ended.
"""

from __future__ import annotations

import json
import os
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing, suppress
from pathlib import Path
from random import Random

from durablectl.backends.local import LocalTaskHub
from durablectl.errors import AlreadyExists, HubUnusable
from durablectl.model import EntityId

WEIGHTS = {"work": 6, "tick": 8, "signal": 4, "look": 6, "checkpoint": 1, "vacuum": 0.3}

COLLECTING = 3


class Client:
    """Takes random steps, each with a connection of its own.

    `wal_checkpoint` is what another program may do with the file.
    """

    def __init__(self, path: Path, notes: int, name: str, rng: Random) -> None:
        self._path, self._notes, self.name, self._rng = path, notes, name, rng
        self._works: list[str] = []
        self._count = 0

    def begin(self) -> None:
        """Make the hub and some instances, alone: who closes the only connection puts all into the
        file and drops the WAL.
        """
        for part in range(COLLECTING):
            while not self._try(
                "start",
                f"{self.name}-collect-{part}",
                lambda hub, id_: hub.start("collect", instance_id=id_),
            ):
                pass
        self._try(
            "backup",
            self.name,
            lambda hub, name: hub.database.copy_to(self._path.with_name(f"copy-{name}.db")),
        )

    def step(self) -> None:
        self._count += 1
        number = self._count
        match self._rng.choices(list(WEIGHTS), list(WEIGHTS.values()))[0]:
            case "work":
                input = {
                    "name": f"{self.name}-{number}",
                    "filling": "x" * self._rng.choice([0, 0, 1000, 20_000]),
                }
                if self._try(
                    "start",
                    input["name"],
                    lambda hub, id_: hub.start("work", input, instance_id=id_),
                ):
                    self._works.append(input["name"])
            case "tick":
                collect = f"{self.name}-collect-{self._rng.randrange(COLLECTING)}"
                self._try(
                    "tick", collect, lambda hub, id_: hub.raise_event(id_, "Tick", number), number
                )
            case "signal":
                self._try(
                    "signal",
                    self.name,
                    lambda hub, key: hub.signal_entity(EntityId("ledger", key), "add", number),
                    number,
                )
            case "look" if self._works:
                self._look(self._rng.choice(self._works))
            case "checkpoint":
                with suppress(sqlite3.Error), closing(sqlite3.connect(self._path)) as foreign:
                    foreign.execute("PRAGMA wal_checkpoint").fetchall()
            case "vacuum":
                self._try("vacuum", "", lambda hub, _: hub.database.compact())

    def _try(
        self,
        what: str,
        whom: str,
        act: Callable[[LocalTaskHub, str], object],
        number: int | None = None,
    ) -> bool:
        self._note("try", what, whom, number)
        try:
            with LocalTaskHub(self._path, create=True) as hub:
                act(hub, whom)
        except AlreadyExists:
            pass  # an attempt that had been refused
        except HubUnusable:
            return False
        self._note("did", what, whom, number)
        return True

    def _look(self, instance_id: str) -> None:
        with LocalTaskHub(self._path) as hub:
            status = hub.get_status(instance_id)
        if status.runtime_status.is_final:
            self._note("did", "end", instance_id, status.output)

    def _note(self, *what: object) -> None:
        os.write(self._notes, json.dumps(what).encode() + b"\n")


def main(path: str, notes: str, name: str, steps: str, seed: str) -> None:
    client = Client(
        Path(path), os.open(notes, os.O_WRONLY | os.O_APPEND | os.O_CREAT), name, Random(seed)
    )
    if int(steps) == 0:
        client.begin()
    for _ in range(int(steps)):
        client.step()


if __name__ == "__main__":
    main(*sys.argv[1:])
