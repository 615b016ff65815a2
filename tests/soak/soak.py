"""One soak: starts the processes, lets the clients loose, watches, and at the end compares
everything with what was told.
"""

from __future__ import annotations

import http.client
import json
import os
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from datetime import UTC, datetime
from itertools import count
from pathlib import Path
from random import Random

from durablectl import connect
from durablectl.backends.local import LocalTaskHub
from durablectl.model import FINAL_STATUSES, EntityId, InstanceFilter
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import TaskHub, list_instances
from tests.soak.commands import COMMANDS, Shell, purge_ids, purge_time
from tests.soak.growth import Series
from tests.soak.ledger import Ledger
from tests.soak.missions import KEYS, MISSIONS, STUCK_SECONDS, Client, sequence
from tests.soak.processes import Running, sample

PAUSE_SECONDS = 0.05
PURGE_SECONDS = 1.0
LONG_AGO = datetime(2020, 1, 1, tzinfo=UTC)


class Soak:
    """A hub in `folder` with everybody who works on it.

    `pace` is how long clients rest between two missions, in seconds.
    """

    def __init__(self, folder: Path, seed: int, *, pace: float = PAUSE_SECONDS) -> None:
        self.ledger = Ledger()
        self.troubles: list[str] = []
        self._folder, self._rng, self._pace = folder, Random(seed), pace
        (folder / "function_app.py").write_text(
            Path(__file__).with_name("function_app.py").read_text()
        )
        (folder / "runs").touch()
        self._path = folder / "hub.db"
        self._local = LocalTaskHub(self._path, create=True)
        self._stopping = threading.Event()
        self._threads: list[threading.Thread] = []
        self._samples: dict[tuple[str, str], list[float]] = {}
        self._started = time.monotonic()

    def run(self, seconds: float, every: float) -> None:
        """All of it; what went wrong is in `troubles` afterwards."""
        with self._processes() as running:
            address = (
                running["serve"]
                .wait_for("/runtime/webhooks")
                .partition("://")[2]
                .partition("/")[0]
                .split()[0]
            )
            self._url = f"http://{address}"
            self._local.start("monitor", 0, instance_id="monitor")
            with (
                connect(self._url) as remote,
                closing(http.client.HTTPConnection(address, timeout=90)) as connection,
            ):
                self._let_loose(remote, connection)
                self._watch(running, time.monotonic() + seconds, every)
                self._stopping.set()
                for thread in self._threads:
                    thread.join(2 * STUCK_SECONDS)
                self.troubles += [
                    f"{thread.name} is stuck" for thread in self._threads if thread.is_alive()
                ]
                self._compare()
            self._local.close()
            for each in reversed(running.values()):
                self.troubles += each.end()
                self.troubles += [f"{each.name} said: {line}" for line in each.surprises]
        self.troubles += self.ledger.troubles

    def series(self) -> list[Series]:
        return [Series(who, kind, values) for (who, kind), values in self._samples.items()]

    @contextmanager
    def _processes(self) -> Iterator[dict[str, Running]]:
        hub = ("--hub", str(self._path))
        work = ("--app", str(self._folder), "--concurrency", "8")
        running: dict[str, Running] = {}
        try:
            for name in ("worker 1", "worker 2"):
                running[name] = Running(name, self._folder, "worker", *hub, *work)
                running[name].wait_for("working")
            running["serve"] = Running(
                "serve", self._folder, "serve", *hub, *work, "--port", "0", "--log", "off"
            )
            running["watch"] = Running(
                "watch",
                self._folder,
                "watch",
                *hub,
                "--status",
                "Running",
                "-o",
                "id",
                "--interval",
                "0.5s",
            )
            yield running
        finally:
            for each in running.values():
                if each.process.poll() is None:
                    each.process.kill()
                    each.process.wait()

    # The load

    def _let_loose(self, remote: TaskHub, connection: http.client.HTTPConnection) -> None:
        for name, hub in (("a", self._local), ("b", self._local), ("r", remote), ("s", remote)):
            client = self._client(name, hub)
            self._loop(name, lambda client=client: client.rng.choice(MISSIONS)(client))
        lone = self._client("t", self._local)
        self._loop("t", lambda: self._in_a_new_thread(lambda: sequence(lone)))
        shell = Shell(self._client("c", self._local), self._folder, str(self._path))
        self._loop("c", lambda: shell.client.rng.choice(COMMANDS)(shell))
        far = Shell(self._client("d", remote), self._folder, self._url)
        self._loop("d", lambda: far.client.rng.choice(COMMANDS)(far))
        function = self._client("f", self._local)
        self._loop("f", lambda: self._call_function(function, connection))
        purges = self._purges(remote, shell, far)
        self._loop("purge", lambda: next(purges)(), PURGE_SECONDS)

    def _client(self, name: str, hub: TaskHub) -> Client:
        return Client(f"soak-{name}", hub, self.ledger, Random(self._rng.random()), count())

    def _loop(self, name: str, step: Callable[[], None], pause: float | None = None) -> None:
        """Do it again and again until the soak is over; what goes wrong is told, and the others go
        on.
        """

        def loop() -> None:
            while not self._stopping.wait(self._pace if pause is None else pause):
                try:
                    step()
                except Exception as error:
                    self.ledger.tell(f"{name}: {type(error).__name__}: {error}")

        thread = threading.Thread(target=loop, name=name, daemon=True)
        self._threads.append(thread)
        thread.start()

    def _in_a_new_thread(self, step: Callable[[], None]) -> None:
        """As a web server does it that has a thread for each request."""
        thread = threading.Thread(target=step)
        thread.start()
        thread.join()

    def _call_function(self, client: Client, connection: http.client.HTTPConnection) -> None:
        """Start and wait through the app's own HTTP function, on one connection that is kept."""
        instance_id = client.new_id()
        connection.request(
            "POST",
            f"/api/wait/sequence?id={instance_id}",
            b"[8]",
            {"Content-Type": "application/json"},
        )
        answer = connection.getresponse()
        text = answer.read()
        assert (answer.status, json.loads(text)) == (200, [8]), text
        client.expect(instance_id, [8], runs=1)

    def _purges(self, remote: TaskHub, near: Shell, far: Shell) -> Iterator[Callable[[], None]]:
        """One who purges, in all ways by turns."""
        while True:
            yield lambda: self._purge_by(self._local)
            yield lambda: self._purge_each(self._local, recursive=True)
            yield lambda: purge_ids(far)
            yield lambda: self._purge_by(remote)
            yield lambda: self._purge_each(remote)
            yield lambda: purge_time(near)

    def _purge_by(self, hub: TaskHub) -> None:
        cut = self.ledger.cut()
        hub.purge_by(created_from=LONG_AGO, created_to=cut, statuses=FINAL_STATUSES)
        self.ledger.purged_until(cut)

    def _purge_each(self, hub: TaskHub, **options: bool) -> None:
        for each in self.ledger.take_old(10):
            purged = hub.purge(each, **options)
            assert purged >= 1, each

    # What is watched, and the end

    def _watch(self, running: dict[str, Running], until: float, every: float) -> None:
        while (left := until - time.monotonic()) > 0:
            time.sleep(min(every, left))
            for name, pid in [
                *((each.name, each.process.pid) for each in running.values()),
                ("clients", os.getpid()),
            ]:
                if (code := running[name].process.poll() if name in running else None) is not None:
                    self.troubles.append(f"{name} ended with {code}: {running[name].said[-5:]}")
                    return
                found = sample(pid)
                for kind in ("memory", "threads", "handles"):
                    self._samples.setdefault((name, kind), []).append(getattr(found, kind))
            for name, file in (
                ("the file", self._path),
                ("its WAL", self._path.with_name("hub.db-wal")),
            ):
                self._samples.setdefault((name, "size"), []).append(
                    file.stat().st_size if file.exists() else 0
                )

    def _compare(self) -> None:
        """What the hub holds against what the clients were told."""
        self._local.raise_event("monitor", "Stop")
        looks = wait_for_completion(self._local, "monitor", timeout=STUCK_SECONDS).output
        self._expect(isinstance(looks, int) and looks > 0, f"the monitor looked {looks} times")
        self._expect(not self.ledger.begun, f"never seen to end: {list(self.ledger.begun)}")
        statuses = list(list_instances(self._local, InstanceFilter()))
        unfinished = [status.instance_id for status in statuses if not status.is_final]
        self._expect(not unfinished, f"unfinished: {unfinished}")
        ids = {status.instance_id for status in statuses if ":" not in status.instance_id}
        wanted = {*self.ledger.kept, "monitor"}
        self._expect(ids == wanted, f"lost: {wanted - ids}; nobody's: {ids - wanted}")
        self._wait_for_signals()
        totals = {
            f"k{n}": self._local.get_entity(EntityId("counter", f"k{n}"))
            for n in range(KEYS)
            if self.ledger.added[f"k{n}"]
        }
        self._expect(
            totals == dict(self.ledger.added),
            f"the counters are {totals}, and should be {dict(self.ledger.added)}",
        )
        runs, expected = (self._folder / "runs").stat().st_size, self.ledger.counts["runs"]
        self._expect(runs == expected, f"{runs} runs of activities, and not {expected}")
        Shell(self._client("end", self._local), self._folder, str(self._path)).call("hub", "check")

    def _wait_for_signals(self) -> None:
        """Signals are answered before they are worked off."""
        deadline = time.monotonic() + STUCK_SECONDS
        while time.monotonic() < deadline and self._local.database.query(
            "SELECT 1 FROM inbox LIMIT 1"
        ):
            self._local.pause(0.1)

    def _expect(self, is_so: bool, trouble: str) -> None:
        if not is_so:
            self.troubles.append(trouble)
