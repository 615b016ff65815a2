"""Entities on every hub."""

from __future__ import annotations

from typing import Any

from durablectl.errors import EntityNotFound
from durablectl.model import EntityId
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import TaskHub


def state(hub: TaskHub, entity: EntityId, wanted: Any) -> Any:
    """The entity's state once it is the one that is wanted, or what it stays."""
    found: Any = None
    for _ in range(400):
        try:
            found = hub.get_entity(entity)
        except EntityNotFound:
            found = None
        if found == wanted:
            break
        hub.pause(0.05)
    return found


def test_signals_are_worked_off_in_order(hub: TaskHub, new_id: str) -> None:
    counter = EntityId("Counter", new_id)
    for operation, number in (("add", 5), ("reset", None), ("add", 2)):
        hub.signal_entity(counter, operation, number)
    assert state(hub, counter, 2) == 2


def test_an_orchestration_calls_what_it_has_signalled(hub: TaskHub, new_id: str) -> None:
    instance = hub.start("counter_caller", new_id)
    assert wait_for_completion(hub, instance.id, timeout=30).output == 2


def test_a_deleted_entity_is_gone_and_not_listed(hub: TaskHub, new_id: str) -> None:
    counter = EntityId("counter", new_id)
    hub.signal_entity(counter, "add", 1)
    assert state(hub, counter, 1) == 1
    assert counter in [entity.entity_id for entity in hub.list_entities("counter", top=1000)]
    hub.delete_entity(counter)
    assert state(hub, counter, None) is None
    assert counter not in [entity.entity_id for entity in hub.list_entities("counter", top=1000)]
