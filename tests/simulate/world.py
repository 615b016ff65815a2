"""One simulated world: a hub file, workers, clients, a network and a clock, and the seeded
scheduler that decides what happens next.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from random import Random

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.leases import LeaseLost
from durablectl.engine.worker.dispatcher import Dispatcher
from durablectl.errors import EntityNotFound, HubBusy, HubUnusable, WrongState
from durablectl.model import EntityId, InstanceFilter, RuntimeStatus
from tests.engine.dispatching import T0
from tests.simulate.clients import Clients
from tests.simulate.network import Network
from tests.simulate.parts import FAULTS, Crash, FaultyDatabase, HandPool
from tests.simulate.promises import Broken, Watch
from tests.simulate.scripts import ACCOUNTS, COUNTER, simulated_app

MOST_WORKERS = 3
MOST_ROUNDS = 2000


class Worker:
    """One simulated process: a dispatcher, its pool, a clock that may be wrong.

    After trouble it goes on with a fresh dispatcher, as the real one.
    """

    def __init__(self, world: World, name: str) -> None:
        self._world, self.name = world, name
        self._skew = timedelta(seconds=world.rng.choice([0, 0, 0, -20, 20, 70]))
        self._cache_size = world.rng.choice([1, 2, 10_000])
        self.database = FaultyDatabase(world.path)
        self.pool = HandPool(world.app, self.now, world.rng, world.watch.check_dispatch)
        self.dispatcher = self._new_dispatcher()

    def now(self) -> datetime:
        return self._world.now + self._skew

    def _new_dispatcher(self) -> Dispatcher:
        dispatcher = Dispatcher(
            self.database,
            self._world.app,
            self.pool,  # type: ignore[arg-type]
            cache_size=self._cache_size,
            ticks=lambda: self._world.ticks,
        )
        dispatcher.open(self.now(), {})
        return dispatcher

    def turn(self) -> bool:
        try:
            return self.dispatcher.process_next(self.now())
        except HubBusy:
            return True
        except (LeaseLost, HubUnusable):
            self.database.fault = None
            self.dispatcher.lease.abandon()
            self.dispatcher = self._new_dispatcher()
            return True

    def look_for_the_dead(self) -> bool:
        """Free what the dead held; whether there was any."""
        found = self.dispatcher.lease.free_dead_workers(self.now())
        if found:
            self.dispatcher.fetch_again()
        return found

    def die(self) -> None:
        """End without a word; the system lets go of the lock."""
        self.dispatcher.lease.abandon()
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
        self._moods = [self.rng.choice([0.2, 1, 1, 4]) for _ in range(11)]
        self._is_broken = self.rng.random() < 0.3
        self.app = simulated_app(lambda: self._is_broken)
        self.hub = LocalTaskHub(self.path, create=True, now=lambda: self.now)
        self.watch = Watch(self.path, self.app)
        self._workers: list[Worker] = []
        self._named = 0
        self._network = Network(
            LocalTaskHub(self.path, now=lambda: self.now), self.rng, lambda: self.now
        )
        self._clients = Clients(self.rng, self.hub, self._network, self.watch)

    def run(self, steps: int) -> None:
        """Let things happen, then let everything come to its end; `Broken` when a promise was."""
        for _ in range(steps):
            self._step()
            self.watch.look(list(self._clients.expected))
        self._settle()
        self._check_outputs()
        self.watch.check_end()

    def close(self) -> None:
        for worker in self._workers:
            worker.die()
        self.watch.close()
        self._network.close()
        self.hub.close()

    # What can happen

    def _step(self) -> None:
        choices: list[tuple[int, Callable[[], str]]] = [
            (30, self._turn),
            (20, self._finish),
            (8, self._clients.act),
            (2, self._clients.receive_late),
            (6, self._advance),
            (3, self._patrol),
            (2, self._join),
            (1, self._kill),
            (1, self._leave),
            (1, self._lose_lock),
            (1, self._break),
        ]
        action = self.rng.choices(
            [action for _, action in choices],
            [weight * mood for (weight, _), mood in zip(choices, self._moods, strict=True)],
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
        worker.dispatcher.close()
        worker.database.close()
        return f"{worker.name} leaves"

    def _lose_lock(self) -> str:
        if not self._workers:
            return self._join()
        worker = self.rng.choice(self._workers)
        worker.dispatcher.lease.abandon()
        return f"{worker.name} loses its lock, and goes on"

    def _break(self) -> str:
        self._is_broken = not self._is_broken
        return "fragile things break" if self._is_broken else "fragile things are mended"

    # The end

    def _settle(self) -> None:
        """No more faults: whoever is there goes on, clients give what is waited for, and everything
        must come to an end.
        """
        self.story.append("-- from here on nothing goes wrong")
        self._is_broken = False
        self._clients.receive_late()
        self._clients.stay_at_home()
        if not self._workers:
            self._join()
        for _ in range(MOST_ROUNDS):
            moved = [worker.turn() for worker in self._workers]
            for worker in self._workers:
                while worker.pool.waiting:
                    worker.pool.finish_one()
                    moved.append(True)
                moved.append(worker.pool.outstanding > 0)
            self.watch.look(list(self._clients.expected))
            if any(moved):
                continue
            if any([worker.look_for_the_dead() for worker in self._workers]):  # noqa: C419  # every one of them looks
                continue
            if not (open_ := self._unfinished()) and not self._rewind_all():
                return
            self._wake(open_)
        raise Broken(f"never came to an end: {self._unfinished()}")

    def _rewind_all(self) -> int:
        failed = [
            each
            for each in self._clients.expected
            if self.hub.get_status(each).runtime_status is RuntimeStatus.FAILED
        ]
        self.story.extend(self._clients.rewind(each) for each in failed)
        return len(failed)

    def _wake(self, unfinished: Sequence[str]) -> None:
        self.now += timedelta(seconds=120)
        self.ticks += 120
        for worker in self._workers:
            worker.dispatcher.fetch_again()
            worker.look_for_the_dead()
        for instance_id in unfinished:
            if instance_id in self._clients.expected:
                self._clients.give_what_is_missing(instance_id)
            try:
                self.hub.resume(instance_id)
                self.story.append(f"resume {instance_id}")
            except WrongState:
                continue

    def _unfinished(self) -> list[str]:
        return [
            each.instance_id
            for each in self.hub.list_page(InstanceFilter(), top=1000).items
            if not each.runtime_status.is_final
        ]

    def _check_outputs(self) -> None:
        certain, possible = self._clients.signalled, 0
        paid, may_be_paid, torn = 0, 0, 0
        present = [(each, self._has_completed(id_)) for id_, each in self._clients.expected.items()]
        for expected, has_completed in [*self._clients.past, *present]:
            certain += expected.added if has_completed else 0
            possible += 0 if has_completed else expected.added
            paid += expected.paid if has_completed else 0
            may_be_paid += 0 if has_completed else expected.paid
            torn += 0 if has_completed else expected.moved
        try:
            total = self.hub.get_entity(COUNTER)
        except EntityNotFound:
            total = 0
        if not certain <= total <= certain + possible:
            raise Broken(f"the counter is {total}, and should be {certain} to {certain + possible}")
        amount = sum(self._amount(each) for each in ACCOUNTS)
        if not paid - torn <= amount <= paid + may_be_paid:
            raise Broken(
                f"the accounts hold {amount}, and should hold {paid - torn} to {paid + may_be_paid}"
            )

    def _amount(self, account: EntityId) -> int:
        try:
            state = self.hub.get_entity(account)
        except EntityNotFound:
            return 0
        amount: int = 0 if state is None else state[1]  # it was only read, or locked
        return amount

    def _has_completed(self, instance_id: str) -> bool:
        expected, status = self._clients.expected[instance_id], self.hub.get_status(instance_id)
        if status.runtime_status is RuntimeStatus.TERMINATED and expected.is_terminated:
            return False
        if status.runtime_status is not RuntimeStatus.COMPLETED:
            raise Broken(f"{instance_id} ended as {status.runtime_status.value}: {status.output}")
        if (why := expected.mismatch(status.output)) is not None:
            raise Broken(f"{instance_id}: {why}")
        return True
