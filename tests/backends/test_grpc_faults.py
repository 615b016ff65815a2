"""What a hub over gRPC does when its server, or the way there, goes wrong."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from grpc_server import durable_task_server, free_port, needs_durabletask
from scripted_server import scripted_server
from tcp_proxy import Proxy, proxy_of

pytest.importorskip("grpc")
from scripted_grpc import scripted_grpc

from durablectl.backends.grpc.hub import GrpcTaskHub
from durablectl.errors import (
    BadAddress,
    NotATaskHub,
    OutcomeUnknown,
    Unreachable,
    UsageError,
    WaitTimeout,
)
from durablectl.model import EntityId, IfExists, InstanceFilter, RuntimeStatus
from durablectl.taskhub import list_instances

pytestmark = needs_durabletask
CERTIFICATE = Path(__file__).with_name("self_signed.pem")
T0 = datetime(2026, 11, 2, tzinfo=UTC)


@pytest.fixture(scope="module")
def server() -> Iterator[str]:
    with durable_task_server() as address:
        yield address


@pytest.fixture
def proxy(server: str) -> Iterator[Proxy]:
    with proxy_of(int(server.rpartition(":")[2])) as proxy:
        yield proxy


@pytest.fixture
def hub(proxy: Proxy) -> Iterator[GrpcTaskHub]:
    with GrpcTaskHub(proxy.url) as hub:
        yield hub


def test_a_silent_server_ends_a_request_on_time(proxy: Proxy) -> None:
    proxy.fall_silent()
    with GrpcTaskHub(proxy.url, timeout=0.3) as hub, pytest.raises(Unreachable, match="in time"):
        hub.within(1.0).get_status("a")


ENTITY = EntityId("counter", "k")
VERBS: dict[str, Callable[[GrpcTaskHub], object]] = {
    "start": lambda hub: hub.start("echo"),
    "start under an id": lambda hub: hub.start("echo", instance_id="a"),
    "replace": lambda hub: hub.start("echo", instance_id="a", if_exists=IfExists.REPLACE),
    "status": lambda hub: hub.get_status("a"),
    "history": lambda hub: hub.get_status("a", show_history=True),
    "raw history": lambda hub: hub.raw_history("a"),
    "list": lambda hub: hub.list_page(InstanceFilter()),
    "count": lambda hub: hub.counts(),
    "raise event": lambda hub: hub.raise_event("a", "Go"),
    "terminate": lambda hub: hub.terminate("a"),
    "suspend": lambda hub: hub.suspend("a"),
    "resume": lambda hub: hub.resume("a"),
    "rewind": lambda hub: hub.rewind("a"),
    "restart": lambda hub: hub.restart("a"),
    "purge": lambda hub: hub.purge("a"),
    "purge by time": lambda hub: hub.purge_by(
        created_from=T0, created_to=None, statuses=frozenset({RuntimeStatus.COMPLETED})
    ),
    "entity": lambda hub: hub.get_entity(ENTITY),
    "entities": lambda hub: hub.list_entities(),
    "signal": lambda hub: hub.signal_entity(ENTITY, "add"),
}


@pytest.mark.parametrize("verb", VERBS)
def test_a_silent_server_ends_every_verb_on_time(proxy: Proxy, verb: str) -> None:
    proxy.fall_silent()
    started = time.monotonic()
    with GrpcTaskHub(proxy.url, timeout=3600) as hub, pytest.raises(Unreachable, match="in time"):
        VERBS[verb](hub.within(0.2))
    assert time.monotonic() - started < 10  # the rest of the machine may be busy


def test_a_silent_server_ends_a_wait_on_time(proxy: Proxy) -> None:
    with GrpcTaskHub(proxy.url, timeout=3600) as hub:
        hub.start("sleeper", 60, instance_id="silent")
        assert hub.get_status("silent").name == "sleeper"
        proxy.fall_silent()
        with pytest.raises(WaitTimeout):
            hub.wait_for_completion("silent", timeout=1.0)


def test_a_connection_that_was_forgotten_is_replaced(proxy: Proxy) -> None:
    with GrpcTaskHub(proxy.url, timeout=2) as hub:
        hub.start("sleeper", 60, instance_id="forgotten")
        proxy.forget_connections()
        assert hub.get_status("forgotten").name == "sleeper"


def test_a_wait_outlives_a_server_that_is_away(hub: GrpcTaskHub, proxy: Proxy) -> None:
    hub.start("sleeper", 1.5, instance_id="away")
    waited: list[object] = []
    waiting = threading.Thread(
        target=lambda: waited.append(hub.wait_for_completion("away", timeout=30).output)
    )
    waiting.start()
    proxy.go()
    hub.pause(0.5)
    proxy.come_back()
    waiting.join(40)
    assert waited == ["woke"]


def test_a_wait_ends_with_the_instance_and_not_with_the_interval(hub: GrpcTaskHub) -> None:
    hub.start("approval", instance_id="prompt")
    threading.Timer(0.5, hub.raise_event, ("prompt", "Approve", 1)).start()
    assert hub.wait_for_completion("prompt", interval=3600).output == 1


def test_a_listing_survives_a_connection_that_breaks(hub: GrpcTaskHub, proxy: Proxy) -> None:
    ids = [f"broken-{number}" for number in range(6)]
    for each in ids:
        hub.start("hello_cities", ["Oslo"], instance_id=each)
    found = []
    for status in list_instances(hub, InstanceFilter(prefix="broken-"), page_size=2):
        found.append(status.instance_id)
        if len(found) == 2:
            proxy.cut_answers_after(10)
    assert sorted(found) == ids


def test_a_listing_that_a_server_leaves_is_not_taken_for_whole(
    hub: GrpcTaskHub, proxy: Proxy
) -> None:
    for number in range(3):
        hub.start("echo", instance_id=f"left-{number}")
    listed = list_instances(hub.within(2), InstanceFilter(prefix="left-"), page_size=1)
    assert next(listed).instance_id == "left-0"
    proxy.go()
    with pytest.raises(Unreachable):
        list(listed)


def test_a_history_that_a_server_leaves_is_not_taken_for_whole(
    hub: GrpcTaskHub, proxy: Proxy
) -> None:
    hub.start("hello_cities", ["x" * 5000] * 40, instance_id="cut")
    hub.wait_for_completion("cut", timeout=60)
    proxy.go_after(100_000)
    with pytest.raises(Unreachable):
        hub.within(2).get_status("cut", show_history=True)


def test_a_start_whose_answer_is_lost_starts_once(hub: GrpcTaskHub, proxy: Proxy) -> None:
    proxy.lose_answer_to(b"hello_cities")
    assert hub.start("hello_cities", ["Oslo"], instance_id="lost").id == "lost"
    assert hub.wait_for_completion("lost", timeout=30).output == ["Hello Oslo!"]


def test_a_start_whose_answer_is_late_starts_once(proxy: Proxy) -> None:
    proxy.mute_answer_to(b"hello_cities")
    with GrpcTaskHub(proxy.url, timeout=1) as hub:
        assert hub.start("hello_cities", ["Oslo"], instance_id="late").id == "late"
        assert hub.wait_for_completion("late", timeout=30).output == ["Hello Oslo!"]


def test_a_restart_whose_answer_is_late_is_not_sent_again(proxy: Proxy) -> None:
    with GrpcTaskHub(proxy.url, timeout=1) as hub:
        hub.start("fan_out", 1, instance_id="first")
        hub.wait_for_completion("first", timeout=30)
        proxy.mute_answer_to(b"RestartInstance")
        with pytest.raises(OutcomeUnknown, match="not sent again"):
            hub.restart("first")
        assert hub.counts(by_name=True)["fan_out"] == 2


def test_an_event_whose_answer_is_lost_is_not_sent_again(hub: GrpcTaskHub, proxy: Proxy) -> None:
    hub.start("approval", instance_id="event")
    proxy.lose_answer_to(b"Other")
    with pytest.raises(OutcomeUnknown, match="not sent again"):
        hub.raise_event("event", "Other", 1)


def test_a_history_whose_stream_is_cut_is_read_again(hub: GrpcTaskHub, proxy: Proxy) -> None:
    hub.start("hello_cities", ["x" * 5000] * 40, instance_id="long")
    hub.wait_for_completion("long", timeout=60)
    whole = hub.get_status("long", show_history=True).history
    proxy.cut_answers_after(100_000)
    assert hub.get_status("long", show_history=True).history == whole


def test_an_answer_of_more_than_four_megabytes_is_read(hub: GrpcTaskHub) -> None:
    hub.start("echo", "x" * 3_000_000, instance_id="large")  # comes back as input and as output
    assert len(hub.wait_for_completion("large", timeout=60).output) == 3_000_000


def test_an_answer_beyond_the_limit_is_refused(server: str, hub: GrpcTaskHub) -> None:
    hub.start("echo", "x" * 300_000, instance_id="limit")
    hub.wait_for_completion("limit", timeout=60)
    with (
        GrpcTaskHub(server, max_response=100_000) as limited,
        pytest.raises(NotATaskHub, match="too large") as caught,
    ):
        limited.get_status("limit")
    assert "max-response" in str(caught.value.hint)


def test_a_page_beyond_the_limit_is_asked_for_in_parts(server: str, hub: GrpcTaskHub) -> None:
    for number in range(4):
        hub.start("echo", "x" * 30_000, instance_id=f"parts-{number}")
        hub.wait_for_completion(f"parts-{number}", timeout=60)
    with GrpcTaskHub(server, max_response=100_000) as limited:
        found = list_instances(limited, InstanceFilter(prefix="parts-"), page_size=1000)
        assert len(list(found)) == 4


def test_a_request_that_the_server_finds_too_large_is_a_bad_input(hub: GrpcTaskHub) -> None:
    with pytest.raises(UsageError, match="larger than"):
        hub.start("echo", "x" * 5_000_000, instance_id="huge")


def test_nobody_listens() -> None:
    with GrpcTaskHub(f"grpc://127.0.0.1:{free_port()}") as hub, pytest.raises(Unreachable):
        hub.within(0.5).get_status("a")


def test_a_host_that_is_unknown_is_not_asked_again() -> None:
    with GrpcTaskHub("grpc://no-such-host.invalid:80") as hub, pytest.raises(BadAddress):
        hub.get_status("a")


def test_an_http_server_is_not_a_task_hub() -> None:
    with scripted_server() as server:
        port = server.url.rpartition(":")[2]
        with (
            GrpcTaskHub(f"grpc://127.0.0.1:{port}") as hub,
            pytest.raises(NotATaskHub, match="not in gRPC"),
        ):
            hub.get_status("a")


def test_tls_to_a_server_without_it_is_said(server: str) -> None:
    with GrpcTaskHub(server.replace("grpc:", "grpcs:")) as hub, pytest.raises(BadAddress) as caught:
        hub.get_status("a")
    assert caught.value.hint == "is it grpc:// instead?"


def test_no_tls_to_a_server_with_it_is_said() -> None:
    with scripted_grpc(tls=CERTIFICATE) as server:
        address = server.url.replace("grpcs:", "grpc:")
        with GrpcTaskHub(address) as hub, pytest.raises(Unreachable) as caught:
            hub.within(1).get_status("a")
    assert "grpcs://" in str(caught.value.hint)


@pytest.mark.parametrize(
    ("host", "ca_file", "hint"),
    [
        ("127.0.0.1", None, "name the certificate authority with ca-file in the context"),
        ("localhost", CERTIFICATE, "use the name that the certificate is for"),
    ],
)
def test_a_certificate_that_is_not_trusted_is_said(
    host: str, ca_file: Path | None, hint: str
) -> None:
    with scripted_grpc(tls=CERTIFICATE) as server:
        address = server.url.replace("127.0.0.1", host)
        with GrpcTaskHub(address, ca_file=ca_file) as hub, pytest.raises(BadAddress) as caught:
            hub.get_status("a")
    assert caught.value.hint == hint


def test_a_replaced_instance_is_another_one(hub: GrpcTaskHub) -> None:
    hub.start("hello_cities", ["Oslo"], instance_id="again")
    before = hub.wait_for_completion("again", timeout=30)
    hub.start("hello_cities", ["Rome"], instance_id="again", if_exists=IfExists.REPLACE)
    after = hub.wait_for_completion("again", timeout=30)
    assert (after.output, after.runtime_status) == (["Hello Rome!"], RuntimeStatus.COMPLETED)
    assert after.created_time > before.created_time
