"""What the clients of a soak do, with any task hub: each mission starts something, and sees to it
that it ends as it must.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from itertools import count
from random import Random
from typing import Any

from durablectl.model import EntityId, InstanceFilter, InstanceStatus, RuntimeStatus
from durablectl.polling.loop import WaitRules, wait_for_completion, wait_for_instances
from durablectl.taskhub import TaskHub, list_instances
from tests.soak.ledger import Ledger

STUCK_SECONDS = 60.0
KEYS = 5


@dataclass(slots=True)
class Client:
    """Somebody with a hub. `name` begins all ids."""

    name: str
    hub: TaskHub
    ledger: Ledger
    rng: Random
    numbers: count[int]

    def new_id(self) -> str:
        instance_id = f"{self.name}-{next(self.numbers)}"
        self.ledger.begin(instance_id)
        return instance_id

    def start(self, orchestrator: str, input: Any) -> str:
        return self.hub.start(orchestrator, input, instance_id=self.new_id()).id

    def ended(self, instance_id: str) -> InstanceStatus:
        return wait_for_completion(self.hub, instance_id, timeout=STUCK_SECONDS)

    def expect(self, instance_id: str, output: Any, runs: int = 0, **known: str) -> None:
        """Wait for an instance, which must complete with this output and so many runs of
        activities.
        """
        status = self.ended(instance_id)
        assert (status.runtime_status, status.output) == (RuntimeStatus.COMPLETED, output), (
            f"{status} instead of {output!r}"
        )
        self.settle(status, runs, **known)

    def settle(self, status: InstanceStatus, runs: int, **known: str) -> None:
        self.ledger.finish(status.instance_id, status.created_time, **known)
        self.ledger.count("runs", runs)
        self.ledger.count("instances")


def sequence(client: Client) -> None:
    values = [client.rng.randrange(1000) for _ in range(3)]
    client.expect(client.start("sequence", values), values, runs=3)


def fan_out(client: Client) -> None:
    width = client.rng.choice([1, 5, 20, 50])
    client.expect(client.start("fan_out", width), list(range(width)), runs=width)


def family(client: Client) -> None:
    client.expect(client.start("family", [[], [[], []], []]), 4, runs=4)


def naps(client: Client) -> None:
    client.expect(client.start("naps", [1, client.rng.choice([5, 100, 700])]), "woke")


def items(client: Client) -> None:
    instance_id, wanted = client.start("items", 4), [client.rng.random() for _ in range(4)]
    for item in wanted:
        client.hub.raise_event(instance_id, "Item", item)
        client.ledger.count("events")
    client.expect(instance_id, wanted)


def counted(client: Client) -> None:
    key, amount = f"k{client.rng.randrange(KEYS)}", client.rng.randint(1, 9)
    client.expect(client.start("counted", [key, amount]), "counted")
    client.ledger.add(key, 2 * amount)


def signals(client: Client) -> None:
    for _ in range(5):
        key, amount = f"k{client.rng.randrange(KEYS)}", client.rng.randint(1, 9)
        client.hub.signal_entity(EntityId("counter", key), "add", amount)
        client.ledger.add(key, amount)
        client.ledger.count("signals")


def failing(client: Client) -> None:
    status = client.ended(client.start("failing", "out of order"))
    assert status.runtime_status is RuntimeStatus.FAILED, status
    assert "out of order" in str(status.output), status
    client.settle(status, 1)


def retried(client: Client) -> None:
    token = f"{client.name}-{next(client.numbers)}"
    client.expect(client.start("retried", token), token, runs=5)


def rounds(client: Client) -> None:
    client.expect(client.start("rounds", [3, 0]), 6, runs=4)


def terminated(client: Client) -> None:
    instance_id = client.start("items", 1)
    client.hub.terminate(instance_id, "enough")
    status = client.ended(instance_id)
    assert status.runtime_status is RuntimeStatus.TERMINATED, status
    client.settle(status, 0)


def suspended(client: Client) -> None:
    """What is raised to a suspended instance is seen after it was resumed."""
    instance_id = client.start("items", 1)
    client.hub.suspend(instance_id, "wait")
    client.hub.raise_event(instance_id, "Item", 7)
    client.ledger.count("events")
    until(client, instance_id, RuntimeStatus.SUSPENDED)
    client.hub.resume(instance_id)
    client.expect(instance_id, [7])


def until(client: Client, instance_id: str, state: RuntimeStatus) -> None:
    rules = WaitRules(STUCK_SECONDS, until=lambda status: status.runtime_status is state)
    status = wait_for_instances(client.hub, [instance_id], rules).seen[instance_id]
    assert status is not None
    assert status.runtime_status is state, status


def restarted(client: Client) -> None:
    """Once more, under an id that is known only afterwards."""
    first = client.start("sequence", [1])
    assert client.ended(first).output == [1]
    placeholder = client.new_id()
    again = client.hub.restart(first).id
    client.expect(first, [1], runs=1)
    client.expect(again, [1], runs=1, known_as=placeholder)


def batch(client: Client) -> None:
    ids = [client.start("sequence", [number]) for number in range(12)]
    seen = wait_for_instances(client.hub, ids, WaitRules(STUCK_SECONDS, at_once=4)).seen
    assert [status and status.output for status in seen.values()] == [
        [number] for number in range(12)
    ]
    for each in ids:
        client.settle(client.hub.get_status(each), 1)


def at_once(client: Client) -> None:
    """Start and wait in one call."""
    instance_id = client.new_id()
    answer = client.hub.create_and_wait(
        "sequence", [5], instance_id=instance_id, timeout=STUCK_SECONDS, interval=0.1
    )
    assert isinstance(answer, InstanceStatus), answer
    client.expect(instance_id, [5], runs=1)


def listing(client: Client) -> None:
    """Lists and histories, while everybody else goes on."""
    found = list(list_instances(client.hub, InstanceFilter(prefix=client.name), page_size=50))
    assert all(status.instance_id.startswith(client.name) for status in found)
    client.hub.list_page(
        InstanceFilter(statuses=frozenset({RuntimeStatus.RUNNING, RuntimeStatus.FAILED})), top=20
    )
    client.hub.list_entities(fetch_state=True)
    client.hub.get_status("monitor", show_history=True, show_history_output=True)
    client.ledger.count("listings")


MISSIONS: tuple[Callable[[Client], None], ...] = (
    sequence,
    fan_out,
    family,
    naps,
    items,
    counted,
    signals,
    failing,
    retried,
    rounds,
    terminated,
    suspended,
    restarted,
    batch,
    at_once,
    listing,
)
