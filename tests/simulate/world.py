"""One simulated world: a hub file, workers, clients and a clock, and the seeded scheduler that decides what happens next."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.session import LeaseLost
from durablectl.engine.wheel import Wheel
from durablectl.errors import EntityNotFound, HubBusy, HubUnusable, WrongState
from durablectl.model import InstanceFilter, RuntimeStatus
from tests.engine.turning import T0
from tests.simulate.parts import FAULTS, Crash, FaultyDatabase, HandPool
from tests.simulate.promises import Broken, Watch
from tests.simulate.scripts import COUNTER, Expected, random_steps, simulated_app

MOST_WORKERS, MOST_INSTANCES = 3, 6
MOST_ROUNDS = 2000


class Worker:
    """One simulated process: a wheel, its pool, a clock that may be wrong. After trouble it goes on with a fresh wheel, as the real one."""

    def __init__(self, world: World, name: str) -> None:
        self._world, self.name = world, name
        self._skew = timedelta(seconds=world.rng.choice([0, 0, 0, -20, 20, 70]))
        self._most_kept = world.rng.choice([1, 2, 10_000])
        self.database = FaultyDatabase(world.path)
        self.pool = HandPool(world.app, self.now, world.rng, world.watch.check_dispatch)
        self.wheel = self._new_wheel()

    def now(self) -> datetime:
        return self._world.now + self._skew

    def _new_wheel(self) -> Wheel:
        wheel = Wheel(
            self.database,
            self._world.app,
            self.pool,  # type: ignore[arg-type]
            most_kept=self._most_kept,
            ticks=lambda: self._world.ticks,
        )
        wheel.open(self.now(), {})
        return wheel

    def turn(self) -> bool:
        try:
            return self.wheel.turn(self.now())
        except HubBusy:
            return True
        except (LeaseLost, HubUnusable):
            self.database.fault = None
            self.wheel.session.abandon()
            self.wheel = self._new_wheel()
            return True

    def look_for_the_dead(self) -> bool:
        """Free what the dead held; whether there was any."""
        found = self.wheel.session.free_dead_workers(self.now())
        if found:
            self.wheel.look_again()
        return found

    def die(self) -> None:
        """End without a word; the system lets go of the lock."""
        self.wheel.session.abandon()
        self.database.close()


class World:
    """A world that is made from `seed` alone. `story` is what happened, step by step."""

    def __init__(self, seed: int, folder: Path) -> None:
        self.rng = Random(seed)
        self.path = folder / "hub.db"
        self.now = T0
        self.ticks = 0.0  # seconds that really passed, whatever the clock says
        self.story: list[str] = []
        # Each world has habits of its own: what is rare in one is frequent in another.
        self._moods = [self.rng.choice([0.2, 1, 1, 4]) for _ in range(10)]
        self._client_moods = [self.rng.choice([0.2, 1, 1, 4]) for _ in range(9)]
        self._is_broken = self.rng.random() < 0.3
        self.app = simulated_app(lambda: self._is_broken)
        self.hub = LocalTaskHub(self.path, create=True, now=lambda: self.now)
        self.watch = Watch(self.path, self.app)
        self._workers: list[Worker] = []
        self._named = 0
        self._expected: dict[str, Expected] = {}
        self._past: list[tuple[Expected, bool]] = []  # of instances that were replaced or purged: whether it had completed
        self._signalled = 0

    def run(self, steps: int) -> None:
        """Let things happen, then let everything come to its end; `Broken` when a promise was."""
        for _ in range(steps):
            self._step()
            self.watch.look(list(self._expected))
        self._settle()
        self._check_outputs()
        self.watch.check_end()

    def close(self) -> None:
        for worker in self._workers:
            worker.die()
        self.watch.close()
        self.hub.close()

    # What can happen

    def _step(self) -> None:
        choices: list[tuple[int, Callable[[], str]]] = [
            (30, self._turn),
            (20, self._finish),
            (8, self._client),
            (6, self._advance),
            (3, self._patrol),
            (2, self._join),
            (1, self._kill),
            (1, self._leave),
            (1, self._lose_lock),
            (1, self._break),
        ]
        action = self.rng.choices(
            [action for _, action in choices], [weight * mood for (weight, _), mood in zip(choices, self._moods, strict=True)]
        )[0]
        self.story.append(action())

    def _turn(self) -> str:
        if not self._workers:
            return self._join()
        worker = self.rng.choice(self._workers)
        fault = self.rng.choice(FAULTS) if self.rng.random() < 0.08 else None
        return self._turn_one(worker, fault)

    def _turn_one(self, worker: Worker, fault: str | None = None) -> str:
        worker.database.fault = fault
        try:
            worker.turn()
        except Crash:
            self._workers.remove(worker)
            worker.die()
            return f"{worker.name} turns: {fault}"
        worker.database.fault = None
        return f"{worker.name} turns" + (f": {fault}" if fault else "")

    def _finish(self) -> str:
        busy = [worker for worker in self._workers if worker.pool.waiting]
        if not busy:
            return self._turn()
        worker = self.rng.choice(busy)
        return f"{worker.name} finishes {worker.pool.finish_one()}"

    def _advance(self) -> str:
        seconds = self.rng.choice([0.001, 0.5, 1, 5, 5, 31, 120, -10, -3600])
        self.now += timedelta(seconds=seconds)
        self.ticks += max(0.0, seconds)
        return f"the clock goes on by {seconds} s"

    def _patrol(self) -> str:
        for worker in self._workers:
            worker.look_for_the_dead()
        return "workers look for dead ones"

    def _join(self) -> str:
        if len(self._workers) >= MOST_WORKERS:
            return self._turn()
        self._named += 1
        self._workers.append(Worker(self, f"worker {self._named}"))
        return f"worker {self._named} joins"

    def _kill(self) -> str:
        if not self._workers:
            return self._join()
        worker = self._workers.pop(self.rng.randrange(len(self._workers)))
        worker.die()
        return f"{worker.name} is killed"

    def _leave(self) -> str:
        if not self._workers:
            return self._join()
        worker = self._workers.pop(self.rng.randrange(len(self._workers)))
        worker.wheel.close()
        worker.database.close()
        return f"{worker.name} leaves"

    def _lose_lock(self) -> str:
        if not self._workers:
            return self._join()
        worker = self.rng.choice(self._workers)
        worker.wheel.session.abandon()
        return f"{worker.name} loses its lock, and goes on"

    def _break(self) -> str:
        self._is_broken = not self._is_broken
        return "fragile things break" if self._is_broken else "fragile things are mended"

    # What clients do

    def _client(self) -> str:
        if not self._expected or (len(self._expected) < MOST_INSTANCES and self.rng.random() < 0.5):
            return self._start()
        instance_id = self.rng.choice(sorted(self._expected))
        action = self.rng.choices(
            [
                self._raise,
                self._raise_race,
                self._suspend,
                self._resume,
                self._signal,
                self._terminate,
                self._restart,
                self._purge,
                self._rewind,
            ],
            [weight * mood for weight, mood in zip([12, 4, 3, 4, 3, 1, 1, 1, 3], self._client_moods, strict=True)],
        )[0]
        try:
            return action(instance_id)
        except WrongState as error:
            return f"refused: {error.message}"

    def _start(self) -> str:
        instance_id = f"i{len(self._past) + len(self._expected)}"
        steps = random_steps(self.rng)
        self.hub.start("script", [[], steps], instance_id=instance_id)
        self._expected[instance_id] = Expected(steps)
        return f"start {instance_id}: {steps}"

    def _raise(self, instance_id: str) -> str:
        """An event, or some at once; now and then the network delivers one twice."""
        expected = self._expected[instance_id]
        before = len(expected.items)
        for _ in range(self.rng.choice([1, 1, 2, 4])):
            value = len(expected.items)
            for _ in range(self.rng.choice([1, 1, 1, 2])):
                self.hub.raise_event(instance_id, self.rng.choice(["Item", "item"]), value)
                expected.items.append(value)
        return f"raise Items {expected.items[before:]} to {instance_id}"

    def _raise_race(self, instance_id: str) -> str:
        races = self._expected[instance_id].races
        self.hub.raise_event(instance_id, "Race", f"r{len(races)}")
        races.append(f"r{len(races)}")
        return f"raise Race to {instance_id}"

    def _suspend(self, instance_id: str) -> str:
        self.hub.suspend(instance_id)
        return f"suspend {instance_id}"

    def _resume(self, instance_id: str) -> str:
        self.hub.resume(instance_id)
        return f"resume {instance_id}"

    def _signal(self, _instance_id: str) -> str:
        amount = self.rng.randint(1, 9)
        self.hub.signal_entity(COUNTER, "add", amount)
        self._signalled += amount
        return f"signal the counter: {amount}"

    def _terminate(self, instance_id: str) -> str:
        self.hub.terminate(instance_id, "enough")
        self._expected[instance_id].is_terminated = True
        return f"terminate {instance_id}"

    def _restart(self, instance_id: str) -> str:
        has_completed = self.hub.get_status(instance_id).runtime_status is RuntimeStatus.COMPLETED
        self.hub.restart(instance_id, new_id=False)
        self._past.append((self._expected[instance_id], has_completed))
        given = self.hub.get_status(instance_id).input
        self._expected[instance_id] = Expected(given[1], done=given[0])
        return f"restart {instance_id}"

    def _rewind(self, instance_id: str) -> str:
        self.hub.rewind(instance_id)
        self.watch.expect_rewound()
        self._forget_what_came_too_late(instance_id)
        return f"rewind {instance_id}"

    def _forget_what_came_too_late(self, instance_id: str) -> None:
        """Events that had not been seen when the instance failed are gone, as for every instance that ends."""
        expected, done = self._expected[instance_id], self.hub.get_status(instance_id).input[0]
        before = Expected(expected.steps[: len(done) - len(expected.done)])
        expected.items = expected.items[: before.takes] + self.watch.events_seen(instance_id, "item")

    def _purge(self, instance_id: str) -> str:
        has_completed = self.hub.get_status(instance_id).runtime_status is RuntimeStatus.COMPLETED
        self.hub.purge(instance_id)
        self._past.append((self._expected.pop(instance_id), has_completed))
        return f"purge {instance_id}"

    # The end

    def _settle(self) -> None:
        """No more faults: whoever is there goes on, clients give what is waited for, and everything must come to an end."""
        self.story.append("-- from here on nothing goes wrong")
        self._is_broken = False
        if not self._workers:
            self._join()
        for _ in range(MOST_ROUNDS):
            moved = [worker.turn() for worker in self._workers]
            for worker in self._workers:
                while worker.pool.waiting:
                    worker.pool.finish_one()
                    moved.append(True)
                moved.append(worker.pool.outstanding > 0)
            self.watch.look(list(self._expected))
            if any(moved):
                continue
            if any([worker.look_for_the_dead() for worker in self._workers]):  # noqa: C419  # every one of them looks
                continue
            if not (open_ := self._unfinished()) and not self._rewind_all():
                return
            self._wake(open_)
        raise Broken(f"never came to an end: {self._unfinished()}")

    def _rewind_all(self) -> int:
        failed = [each for each in self._expected if self.hub.get_status(each).runtime_status is RuntimeStatus.FAILED]
        self.story.extend(self._rewind(each) for each in failed)
        return len(failed)

    def _give_what_is_missing(self, instance_id: str, expected: Expected) -> None:
        try:
            while len(expected.items) < expected.takes:
                value = f"last {len(expected.items)}"
                self.hub.raise_event(instance_id, "Item", value)
                expected.items.append(value)
        except WrongState:
            return

    def _wake(self, unfinished: Sequence[str]) -> None:
        self.now += timedelta(seconds=120)
        self.ticks += 120
        for worker in self._workers:
            worker.wheel.look_again()
            worker.look_for_the_dead()
        for instance_id in unfinished:
            if instance_id in self._expected:
                self._give_what_is_missing(instance_id, self._expected[instance_id])
            try:
                self.hub.resume(instance_id)
                self.story.append(f"resume {instance_id}")
            except WrongState:
                continue

    def _unfinished(self) -> list[str]:
        return [each.instance_id for each in self.hub.list_page(InstanceFilter(), top=1000).items if not each.runtime_status.is_final]

    def _check_outputs(self) -> None:
        certain, possible = self._signalled, 0
        for expected, has_completed in [*self._past, *((each, self._has_completed(id_)) for id_, each in self._expected.items())]:
            certain += expected.added if has_completed else 0
            possible += 0 if has_completed else expected.added
        try:
            total = self.hub.get_entity(COUNTER)
        except EntityNotFound:
            total = 0
        if not certain <= total <= certain + possible:
            raise Broken(f"the counter is {total}, and should be {certain} to {certain + possible}")

    def _has_completed(self, instance_id: str) -> bool:
        expected, status = self._expected[instance_id], self.hub.get_status(instance_id)
        if status.runtime_status is RuntimeStatus.TERMINATED and expected.is_terminated:
            return False
        if status.runtime_status is not RuntimeStatus.COMPLETED:
            raise Broken(f"{instance_id} ended as {status.runtime_status.value}: {status.output}")
        if (why := expected.mismatch(status.output)) is not None:
            raise Broken(f"{instance_id}: {why}")
        return True
