"""The HTTP API stands over any hub, a remote one included."""

from __future__ import annotations

import asyncio

import httpx
import pytest

from durablectl.backends.http.hub import HttpTaskHub
from durablectl.errors import InstanceNotFound
from durablectl.model import InstanceStatus
from durablectl.server.api import Api
from durablectl.server.app import App
from durablectl.server.async_hub import Gate
from durablectl.server.auth import Access
from durablectl.server.place import Place
from durablectl.taskhub import TaskHub
from tests.server.serving import BASE, RECORDINGS, serving


class Proxy:
    def __init__(self, app: App) -> None:
        self._app = app

    def ask(self, method: str, target: str, body: object = None) -> httpx.Response:
        async def send() -> httpx.Response:
            async with httpx.AsyncClient(
                transport=httpx.ASGITransport(self._app), base_url=f"http://localhost{BASE}/"
            ) as client:
                return await client.request(method, target, json=body)

        return asyncio.run(send())


@pytest.fixture(scope="module")
def proxy(tmp_path_factory):
    """A server in this process whose hub is another server."""
    with (
        serving(tmp_path_factory.mktemp("hub"), app=RECORDINGS / "function_app.py") as served,
        HttpTaskHub(f"http://127.0.0.1:{served.port}") as hub,
    ):
        gate = Gate(hub)
        yield Proxy(App(Api(gate, Place("proxied", "Storage")), Access()))
        gate.close()


def test_what_is_started_is_waited_for(proxy):
    answer = proxy.ask(
        "POST", "orchestrators/hello_cities/p1?timeout=20&pollingInterval=0.1", ["Oslo"]
    )
    assert (answer.status_code, answer.json()) == (200, ["Hello Oslo!"])
    assert proxy.ask("GET", "instances/p1").json()["output"] == ["Hello Oslo!"]


def test_a_finished_instance_is_replaced_and_a_running_one_is_not(proxy):
    assert proxy.ask("POST", "orchestrators/echo/p2?timeout=20&pollingInterval=0.1", 1).json() == 1
    assert proxy.ask("POST", "orchestrators/sleeper/p2", 60).status_code == 202
    assert proxy.ask("POST", "orchestrators/sleeper/p2", 60).status_code == 409


def test_addresses_name_the_hub_that_was_asked(proxy):
    links = proxy.ask("POST", "orchestrators/echo/p3", 1).json()
    assert (
        links["statusQueryGetUri"]
        == f"http://localhost{BASE}/instances/p3?taskHub=proxied&connection=Storage"
    )


@pytest.mark.parametrize(
    ("method", "target", "status"),
    [
        ("GET", "instances/absent", 404),
        ("POST", "instances/absent/terminate", 404),
        ("POST", "instances/absent/rewind", 404),
        ("GET", "entities", 200),
    ],
)
def test_the_hubs_refusals_become_the_services_answers(method, target, status, proxy):
    assert proxy.ask(method, target).status_code == status


class PurgingHub(TaskHub):
    """Its instances are purged as soon as they are started."""

    def begin_text(self, *_args: object, **_options: object) -> str:
        return "gone"

    def get_status(self, instance_id: str, **_options: object) -> InstanceStatus:
        raise InstanceNotFound(f"no instance '{instance_id}'")


def test_an_instance_that_is_purged_while_its_start_waits_is_not_there():
    gate = Gate(PurgingHub())
    proxy = Proxy(App(Api(gate, Place("proxied", "Storage")), Access()))
    answer = proxy.ask("POST", "orchestrators/echo?timeout=20&pollingInterval=0.1")
    gate.close()
    assert (answer.status_code, answer.content) == (404, b"")
