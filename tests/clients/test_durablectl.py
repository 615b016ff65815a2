"""`durablectl`'s own client of a remote hub against `serve`, over a socket."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.errors import (
    AlreadyExists,
    EntityNotFound,
    InstanceNotFound,
    KeyRefused,
    WrongState,
)
from durablectl.model import CheckStatusPayload, EntityId, InstanceFilter, RuntimeStatus
from durablectl.polling.loop import wait_for_completion
from durablectl.taskhub import list_instances
from tests.clients.conftest import KEY


@pytest.fixture
def hub(guarded):
    with HttpTaskHub(f"http://127.0.0.1:{guarded.port}", key=KEY) as hub:
        yield hub


def ended(hub, instance_id):
    return wait_for_completion(hub, instance_id, timeout=20, interval=0.05)


def test_an_instance_is_started_waited_for_and_purged(hub):
    run = hub.start("hello_cities", ["Oslo"])
    status = ended(hub, run.id)
    assert (status.output, status.input, status.runtime_status) == (
        ["Hello Oslo!"],
        ["Oslo"],
        RuntimeStatus.COMPLETED,
    )
    assert hub.purge(run.id) == 1
    with pytest.raises(InstanceNotFound):
        hub.get_status(run.id)


def test_an_instance_is_steered(hub):
    hub.start("approval", instance_id="own-a")
    with pytest.raises(AlreadyExists):
        hub.start("approval", instance_id="own-a")
    while hub.get_status("own-a").runtime_status is RuntimeStatus.PENDING:
        hub.pause(0.01)
    hub.suspend("own-a", "why")
    while hub.get_status("own-a").runtime_status is RuntimeStatus.RUNNING:
        hub.pause(0.01)
    with pytest.raises(WrongState):
        hub.suspend("own-a")
    with pytest.raises(WrongState):
        hub.purge("own-a")
    hub.resume("own-a")
    hub.raise_event("own-a", "Approve", {"ok": "☃"})
    assert ended(hub, "own-a").output == {"ok": "☃"}
    with pytest.raises(WrongState):
        hub.raise_event("own-a", "Approve")


def test_create_and_wait_answers_with_the_output_or_the_payload(hub):
    assert hub.create_and_wait("echo", "x", timeout=20, interval=0.1).output == "x"
    assert isinstance(
        hub.create_and_wait("sleeper", 60, timeout=0.1, interval=0.1), CheckStatusPayload
    )


def test_a_failed_instance_is_rewound(hub):
    hub.start("flaky", "own-f", instance_id="own-f")
    assert ended(hub, "own-f").runtime_status is RuntimeStatus.FAILED
    hub.rewind("own-f", "mended")
    while hub.get_status("own-f").runtime_status is RuntimeStatus.FAILED:
        hub.pause(0.01)
    assert ended(hub, "own-f").output == "second try"


def test_listings_go_through_all_pages(hub):
    ids = [f"own-l{n}" for n in range(7)]
    for each in ids:
        hub.start("echo", each, instance_id=each)
    found = list(list_instances(hub, InstanceFilter(prefix="own-l"), show_input=True, page_size=3))
    assert [(status.instance_id, status.input) for status in found] == [
        (each, each) for each in ids
    ]
    for each in ids:
        ended(hub, each)
    since = datetime.now(UTC) - timedelta(minutes=1)
    assert (
        hub.purge_by(
            created_from=since, created_to=None, statuses=frozenset({RuntimeStatus.COMPLETED})
        )
        >= 7
    )


def test_an_entity_is_signalled_read_and_listed(hub):
    counter = EntityId("counter", "own k")
    with pytest.raises(EntityNotFound):
        hub.get_entity(counter)
    hub.signal_entity(counter, "add", 5)
    while not (
        found := [
            each
            for each in hub.list_entities("counter", fetch_state=True)
            if each.entity_id == counter
        ]
    ):
        hub.pause(0.01)
    assert (found[0].state, hub.get_entity(counter)) == (5, 5)


def test_without_the_key_nothing_is_told(guarded):
    with HttpTaskHub(f"http://127.0.0.1:{guarded.port}") as hub, pytest.raises(KeyRefused):
        hub.get_status("x")
