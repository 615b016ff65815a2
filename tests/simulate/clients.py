"""The clients of a simulated world, on its file and over its network: what they ask for, and what
must come of it.
"""

from __future__ import annotations

from collections.abc import Callable
from random import Random
from typing import Any

from durablectl.backends.local import LocalTaskHub
from durablectl.errors import (
    Conflict,
    DurablectlError,
    NotFound,
    ServiceError,
    Unreachable,
    WrongState,
)
from durablectl.model import RuntimeStatus
from durablectl.taskhub import TaskHub
from tests.simulate.network import MAY_COME_LATER, Done, Network
from tests.simulate.promises import Broken, Watch
from tests.simulate.scripts import COUNTER, Expected, random_steps

MOST_INSTANCES = 6
STATES = {"suspend", "resume", "terminate"}
"""A client that sends these again takes a refusal for a yes when the state is the wanted one."""


class Clients:
    """Each acts on the local hub, or through the network; what was carried out is booked, whoever
    was told.

    `expected` are the instances that are there, `past` those that were replaced or purged (whether
    they had completed), `signalled` is what the counter was told to add.
    """

    def __init__(self, rng: Random, hub: LocalTaskHub, network: Network, watch: Watch) -> None:
        self.expected: dict[str, Expected] = {}
        self.past: list[tuple[Expected, bool]] = []
        self.signalled = 0
        self._rng, self._hub, self._network, self._watch = rng, hub, network, watch
        self._share = rng.choice([0, 0.3, 0.9])
        self._moods = [rng.choice([0.2, 1, 1, 4]) for _ in range(9)]

    def act(self) -> str:
        if not self.expected or (len(self.expected) < MOST_INSTANCES and self._rng.random() < 0.5):
            return self._start()
        instance_id = self._rng.choice(sorted(self.expected))
        verbs: list[tuple[int, Callable[[str], str]]] = [
            (12, self._raise),
            (4, self._raise_race),
            (3, lambda each: self._steer("suspend", each)),
            (4, lambda each: self._steer("resume", each)),
            (3, self._signal),
            (1, lambda each: self._steer("terminate", each)),
            (1, self._restart),
            (1, self._purge),
            (3, self.rewind),
        ]
        verb = self._rng.choices(
            [verb for _, verb in verbs],
            [weight * mood for (weight, _), mood in zip(verbs, self._moods, strict=True)],
        )[0]
        try:
            return verb(instance_id)
        except WrongState as error:
            return f"refused: {error.message}"

    def stay_at_home(self) -> None:
        """From now on use the file only."""
        self._share = 0.0

    def receive_late(self) -> str:
        """Let requests arrive whose clients have given up on them."""
        count = self._network.deliver_late()
        self._book()
        return f"{count} late requests arrive"

    def _ask(self, call: Callable[[TaskHub], object], change: Done) -> int:
        """Ask for a change; how often it was carried out.

        What a client was told was done must have been.
        """
        if self._rng.random() >= self._share:
            call(self._hub)
            self._network.accepted.append(change)
            return self._book().count(change)
        trouble: DurablectlError | None = None
        doubled = self._network.doubled
        try:
            call(self._network.hub)
        except (Unreachable, ServiceError, Conflict, NotFound) as error:
            trouble = error
        self._network.deliver_late(but=MAY_COME_LATER)
        done = self._book().count(change)
        if (
            change[0] not in STATES
            and not (trouble is None) <= done <= 1 + self._network.doubled - doubled
        ):
            raise Broken(
                f"asked for once, and done {done} times: {change}, {trouble or 'acknowledged'}"
            )
        # else it was refused the second time only
        if isinstance(trouble, Conflict | NotFound) and not done:
            raise trouble
        return done

    def _ask_once(self, call: Callable[[TaskHub], object], change: Done) -> bool:
        """Ask for what must never happen twice, whatever the network does; whether it was carried
        out.
        """
        done = self._ask(call, change)
        if done > 1:
            raise Broken(f"asked for once, and done {done} times: {change}")
        return done == 1

    def _book(self) -> list[Done]:
        """Write down what the server, or the file, has accepted since the last time."""
        accepted, self._network.accepted = self._network.accepted, []
        for verb, instance_id, sent in accepted:
            match verb, sent:
                case "raiseEvent", ("item", value):
                    self.expected[instance_id].items.append(value)
                case "raiseEvent", ("race", value):
                    self.expected[instance_id].races.append(value)
                case "terminate", _:
                    self.expected[instance_id].is_terminated = True
                case "signal", amount:
                    self.signalled += amount
        return accepted

    def _start(self) -> str:
        instance_id = f"i{len(self.past) + len(self.expected)}"
        steps = random_steps(self._rng)
        started = self._ask_once(
            lambda hub: hub.start("script", [[], steps], instance_id=instance_id),
            ("start", instance_id, None),
        )
        if not started:
            return f"{instance_id} is not started"
        self.expected[instance_id] = Expected(steps)
        return f"start {instance_id}: {steps}"

    def _raise(self, instance_id: str) -> str:
        """An event, or some at once; now and then one is raised twice."""
        expected = self.expected[instance_id]
        before = len(expected.items)
        for _ in range(self._rng.choice([1, 1, 2, 4])):
            value, name = len(expected.items), self._rng.choice(["Item", "item"])
            for _ in range(self._rng.choice([1, 1, 1, 2])):
                self._raise_one(instance_id, name, value)
        return f"raise Items {expected.items[before:]} to {instance_id}"

    def _raise_race(self, instance_id: str) -> str:
        self._raise_one(instance_id, "Race", f"r{len(self.expected[instance_id].races)}")
        return f"raise Race to {instance_id}"

    def _raise_one(self, instance_id: str, name: str, value: Any) -> None:
        self._ask(
            lambda hub: hub.raise_event(instance_id, name, value),
            ("raiseEvent", instance_id, (name.lower(), value)),
        )

    def _steer(self, verb: str, instance_id: str) -> str:
        self._ask(lambda hub: getattr(hub, verb)(instance_id, "enough"), (verb, instance_id, None))
        return f"{verb} {instance_id}"

    def _signal(self, _instance_id: str) -> str:
        amount = self._rng.randint(1, 9)
        self._ask(lambda hub: hub.signal_entity(COUNTER, "add", amount), ("signal", "", amount))
        return f"signal the counter: {amount}"

    def _restart(self, instance_id: str) -> str:
        has_completed = self._state(instance_id) is RuntimeStatus.COMPLETED
        if not self._ask_once(
            lambda hub: hub.restart(instance_id, new_id=False), ("restart", instance_id, None)
        ):
            return f"{instance_id} is not restarted"
        self.past.append((self.expected[instance_id], has_completed))
        given = self._hub.get_status(instance_id).input
        self.expected[instance_id] = Expected(given[1], done=given[0])
        return f"restart {instance_id}"

    def rewind(self, instance_id: str) -> str:
        if not self._ask_once(lambda hub: hub.rewind(instance_id), ("rewind", instance_id, None)):
            return f"{instance_id} is not rewound"
        self._watch.expect_rewound()
        self._forget_what_came_too_late(instance_id)
        return f"rewind {instance_id}"

    def _forget_what_came_too_late(self, instance_id: str) -> None:
        """Events that had not been seen when the instance failed are gone, as for every instance
        that ends.
        """
        expected, done = self.expected[instance_id], self._hub.get_status(instance_id).input[0]
        before = Expected(expected.steps[: len(done) - len(expected.done)])
        expected.items = expected.items[: before.takes] + self._watch.events_seen(
            instance_id, "item"
        )

    def _purge(self, instance_id: str) -> str:
        has_completed = self._state(instance_id) is RuntimeStatus.COMPLETED
        if not self._ask_once(lambda hub: hub.purge(instance_id), ("purge", instance_id, None)):
            return f"{instance_id} is not purged"
        self.past.append((self.expected.pop(instance_id), has_completed))
        return f"purge {instance_id}"

    def give_what_is_missing(self, instance_id: str) -> None:
        """Raise the events that an instance still waits for."""
        expected = self.expected[instance_id]
        try:
            while len(expected.items) < expected.takes:
                value = f"last {len(expected.items)}"
                self._hub.raise_event(instance_id, "Item", value)
                expected.items.append(value)
        except WrongState:
            return

    def _state(self, instance_id: str) -> RuntimeStatus:
        return self._hub.get_status(instance_id).runtime_status
