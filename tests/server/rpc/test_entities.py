"""Clients of the Durable Task SDK manage the entities of a served hub."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import grpc
import pytest
from durabletask.client import EntityQuery
from durabletask.entities import EntityInstanceId
from durabletask.internal import orchestrator_service_pb2 as pb

from tests.server.rpc.conftest import Served

ONE = EntityInstanceId("counter", "one")


def state_of(served: Served, entity: EntityInstanceId, expected: Any) -> Any:
    """The entity, once its state is as expected."""
    while True:
        found = served.client.get_entity(entity)
        if (found.get_state(int) if found is not None else None) == expected:
            return found
        served.hub.pause(0.05)


def test_an_entity_is_signaled_read_and_listed(served: Served) -> None:
    served.client.signal_entity(ONE, "add", input=4)
    found = state_of(served, ONE, 4)
    assert found.last_modified.year >= 2026
    (listed,) = served.client.get_all_entities(EntityQuery(instance_id_starts_with="@counter@o"))
    assert (listed.id, listed.get_state(int)) == (ONE, 4)


def test_a_signal_waits_for_its_time(served: Served) -> None:
    at = datetime.now(UTC) + timedelta(seconds=1)
    served.client.signal_entity(ONE, "add", input=1, signal_time=at)
    assert served.client.get_entity(ONE) is None
    state_of(served, ONE, 1)
    assert datetime.now(UTC) >= at


def test_an_entity_that_is_not_there_is_none(served: Served) -> None:
    assert served.client.get_entity(ONE) is None


def test_deleted_entities_are_cleaned_up(served: Served) -> None:
    served.client.signal_entity(ONE, "add")
    state_of(served, ONE, 1)
    served.client.signal_entity(ONE, "delete")
    state_of(served, ONE, None)
    assert served.client.clean_entity_storage().empty_entities_removed == 1
    assert served.client.clean_entity_storage().empty_entities_removed == 0


def test_an_id_that_is_no_entitys_is_refused(served: Served) -> None:
    request = pb.SignalEntityRequest(instanceId="plain", name="add")
    with pytest.raises(grpc.RpcError) as caught:
        served.client._stub.SignalEntity(request)
    assert caught.value.code() is grpc.StatusCode.INVALID_ARGUMENT
