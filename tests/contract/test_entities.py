"""Entities on every hub."""

from __future__ import annotations

from typing import Any

from durablectl.errors import EntityNotFound
from durablectl.listing import each_of_pages
from durablectl.model import EntityId, InstanceFilter
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


def listed(hub: TaskHub, filter: InstanceFilter) -> list[str]:
    found = each_of_pages(lambda token: hub.list_page(filter, continuation_token=token))
    return [each.instance_id for each in found]


def test_an_entity_is_listed_once_among_the_instances_where_it_is_asked_for(
    hub: TaskHub, new_id: str
) -> None:
    counter = EntityId("counter", new_id)
    hub.signal_entity(counter, "add", 1)
    assert state(hub, counter, 1) == 1
    instance = hub.start("echo", 1)
    wait_for_completion(hub, instance.id, timeout=30)
    ours = {instance.id, str(counter)}
    for filter, expected in (
        (InstanceFilter(include_entities=True), sorted(ours)),
        (InstanceFilter(include_entities=True, prefix=str(counter)), [str(counter)]),
        (InstanceFilter(), [instance.id]),
    ):
        assert sorted(each for each in listed(hub, filter) if each in ours) == expected


def test_a_deleted_entity_is_gone_and_not_listed(hub: TaskHub, new_id: str) -> None:
    counter = EntityId("counter", new_id)
    hub.signal_entity(counter, "add", 1)
    assert state(hub, counter, 1) == 1
    assert counter in [entity.entity_id for entity in hub.list_entities("counter", top=1000)]
    hub.delete_entity(counter)
    assert state(hub, counter, None) is None
    assert counter not in [entity.entity_id for entity in hub.list_entities("counter", top=1000)]
