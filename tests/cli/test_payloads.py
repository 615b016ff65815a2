"""A payload leads to the hub that wrote it, and to no other that has its names, its port or its
ids.
"""

from __future__ import annotations

import json
from contextlib import ExitStack
from pathlib import Path

import pytest

from durablectl import config
from durablectl.backends.local import LocalTaskHub
from durablectl.cli.session import open_session
from durablectl.cli.session.targets import Targets
from durablectl.model import InstanceFilter
from tests.server.serving import OWN, Served, serving

APP = (
    OWN
    + """
app = df.DFApp(http_auth_level=df.AuthLevel.ANONYMOUS)

@app.orchestration_trigger(context_name="context")
def waits(context):
    return (yield context.wait_for_external_event("Go"))

@app.route(route="begin/{id}")
@app.durable_client_input(client_name="client")
async def begin(req, client):
    return client.create_check_status_response(req, await client.start_new("waits", instance_id=req.route_params["id"]))
"""
)


@pytest.fixture
def folder(home, monkeypatch):
    """Make a folder with an app and a local hub that holds `single-1`, and go there."""

    def make(name: str) -> Path:
        made = home.parent / name
        made.mkdir()
        (made / "function_app.py").write_text(APP)
        with LocalTaskHub(made / ".durablectl" / "hub.db", create=True) as hub:
            hub.start("waits", instance_id="single-1")
        monkeypatch.chdir(made)
        return made

    return make


@pytest.fixture
def serve():
    """Serve the hub of a folder until the test ends."""
    with ExitStack() as stack:

        def start(folder: Path, *options: str, hub_name: str = "MyHub") -> Served:
            (folder / "host.json").write_text(
                json.dumps({"extensions": {"durableTask": {"hubName": hub_name}}})
            )
            return stack.enter_context(
                serving(folder / ".durablectl", *options, app=folder / "function_app.py")
            )

        yield start


def states(folder: Path) -> dict[str, str]:
    with LocalTaskHub(folder / ".durablectl" / "hub.db") as hub:
        return {
            status.instance_id: status.runtime_status.value
            for status in hub.list_page(InstanceFilter())
        }


def payload_of(served: Served, instance_id: str) -> str:
    """A payload that a server wrote, for an instance that need not be there; the name of its
    file."""
    answer = served.ask("POST", "orchestrators/waits")[1]
    Path("run.json").write_text(json.dumps(answer).replace(answer["id"], instance_id))
    return "@run.json"


def ended(served: Served, instance_id: str = "single-1") -> None:
    served.until(f"instances/{instance_id}", lambda code, _: code == 200)


def test_the_payload_of_a_server_changes_its_hub_and_never_the_local_one(run, folder, serve):
    there = folder("b")
    served = serve(there)
    here = folder("a")
    payload = payload_of(served, "single-1")
    assert run("terminate", payload).code == 0
    ended(served)
    assert run("purge", payload, "--yes").code == 0
    assert "single-1" not in states(there)
    assert states(here) == {"single-1": "Pending"}


def test_a_payload_of_a_starter_function_is_waited_for_where_it_leads(run, folder, serve):
    served = serve(folder("b"))
    folder("a")
    payload = run("start", f"http://127.0.0.1:{served.port}/api/begin/new-1", "-o", "json").out
    Path("run.json").write_text(payload)
    assert run("raise-event", "@run.json", "Go", "--input-json", '"on"').code == 0
    assert run("wait", "@run.json", "--timeout", "20s").out == "on\n"


@pytest.mark.parametrize(
    "verb",
    [
        ("terminate",),
        ("purge", "--yes"),
        ("raise-event", "--event", "Go"),
        ("status",),
        ("wait", "--timeout", "9s"),
    ],
)
def test_a_payload_of_another_local_hub_touches_nothing(run, folder, verb):
    folder("b")
    Path("run.json").write_text(run("links", "single-1", "-o", "json").out)
    run_json = Path("run.json").resolve()
    here = folder("a")
    code, out, err = run(verb[0], f"@{run_json}", *verb[1:])
    assert (code, out) == (2, "")
    assert err.startswith(
        "durablectl: instance 'single-1' is in another local hub than the local "
        "hub .durablectl/hub.db\n"
    )
    assert states(here) == {"single-1": "Pending"}


def test_a_payload_of_a_local_hub_is_its_own_while_it_is_served_and_afterwards(run, folder, serve):
    here = folder("a")
    before = run("links", "single-1", "-o", "json").out
    served = serve(here)
    during = run("links", "single-1", "-o", "json").out
    assert json.loads(during)["statusQueryGetUri"].startswith(served.base)
    from_server = payload_of(served, "single-1")
    assert run("status", from_server, "-o", "id", "--hub", ".").out == "single-1\n"
    served.stop()
    for text in (before, during):
        Path("run.json").write_text(text)
        assert run("status", "@run.json", "-o", "id").out == "single-1\n"


def test_a_payload_of_a_served_local_hub_leads_to_its_server_from_elsewhere(run, folder, serve):
    there = folder("b")
    serve(there)
    Path("run.json").write_text(run("links", "single-1", "-o", "json").out)
    here = folder("a")
    assert run("terminate", f"@{there / 'run.json'}").code == 0
    assert states(here) == {"single-1": "Pending"}


def test_a_server_of_another_hub_at_the_same_port_refuses_the_payload(run, folder, serve):
    there = folder("b")
    served = serve(there)
    Path("run.json").write_text(run("links", "single-1", "-o", "json").out)
    served.stop()
    other = folder("c")
    serve(other, "--port", str(served.port))
    folder("a")
    code, out, err = run("terminate", f"@{there / 'run.json'}")
    assert (code, out) == (2, "")
    assert (
        f"another hub answers at {served.base} now, not the local hub that wrote this payload\n"
        in err
    )
    assert set(states(other).values()) <= {"Pending", "Running"}


def test_the_id_of_a_started_instance_that_the_local_hub_has_too_is_refused(run, folder, serve):
    there = folder("b")
    served = serve(there)
    served.ask("DELETE", "instances/single-1")
    run("start", f"http://127.0.0.1:{served.port}/api/begin/new-1")
    here = folder("a")
    assert run("status", "new-1", "-o", "id").out == "new-1\n"
    with LocalTaskHub(here / ".durablectl" / "hub.db") as hub:
        hub.start("waits", instance_id="new-1")
    code, _, err = run("terminate", "new-1")
    assert (
        code,
        err.startswith(
            "durablectl: instance 'new-1' is in two hubs: the local hub .durablectl/hub.db, and "
        ),
    ) == (2, True)
    assert states(here)["new-1"] == "Pending"


# Status URLs


KEY = "SECRET9-opens.it"


@pytest.fixture
def url(folder, serve, monkeypatch):
    """The status URL of an instance behind a server that asks for a key; the working directory has
    a hub with the same id.
    """
    monkeypatch.setenv("SERVED_KEY", KEY)
    served = serve(folder("b"), "--key-env", "SERVED_KEY")
    folder("a")
    return f"{served.base}/instances/single-1?taskHub=MyHub&connection=Storage&code={KEY}"


@pytest.mark.parametrize(
    "args",
    [
        ("status", "-o", "json"),
        ("history",),
        ("links",),
        ("links", "-o", "json"),
        ("raise-event", "Note", "a=b"),
        ("suspend",),
        ("terminate", "--dry-run"),
        ("restart",),
        ("wait", "--until", "runtimeStatus=='Running'", "--timeout", "20s", "-o", "json"),
    ],
    ids=" ".join,
)
def test_a_status_url_names_the_instance_and_its_key_is_never_shown(run, url, args):
    code, out, err = run(args[0], url, *args[1:])
    assert code == 0, err
    assert KEY not in out + err
    assert states(Path()) == {"single-1": "Pending"}


def test_a_status_url_is_terminated_and_purged_where_it_leads(run, url):
    assert run("raise-event", "--event", "Note", url, "a=b").code == 0
    assert run("terminate", "-", "--wait", "--timeout", "20s", stdin=url).code == 0
    Path("urls").write_text(f'"{url}"\n')
    assert run("purge", "--from", "urls", "--yes").code == 0
    assert run("status", url).code == 3
    assert states(Path()) == {"single-1": "Pending"}


@pytest.mark.parametrize(
    "flags",
    [("--hub", "."), ("--hub", "http://127.0.0.1:9"), ("--task-hub", "Other", "--hub")],
    ids=["file", "origin", "hub"],
)
def test_a_status_url_of_another_hub_than_the_named_one_is_refused(run, url, flags):
    more = [url.partition("/runtime")[0]] if flags[-1] == "--hub" else []
    code, out, err = run("terminate", url, *flags, *more)
    assert (code, out) == (2, "")
    assert err.startswith(
        "durablectl: instance 'single-1' belongs to task hub 'MyHub' at http://127.0.0.1:"
    )
    assert KEY not in err


def test_the_key_of_a_status_url_opens_the_app_that_was_named_without_one(run, url):
    hub = url.partition("/runtime")[0]
    assert run("status", url, "--hub", hub, "-o", "id").out == "single-1\n"
    assert run("status", "single-1", "--hub", hub).code == 4


def test_a_command_to_copy_leads_to_the_same_hub_and_holds_no_key(run, url):
    base = url.partition("/instances")[0]
    assert (
        f"durablectl terminate --hub {base} --task-hub MyHub --connection Storage single-1\n"
        in run("links", url).out
    )
    session = open_session({})
    assert Targets(session, [url]).words == [url.replace(KEY, "***")]
    session.close()


def test_links_shows_a_person_every_address(run, url, folder):
    out = run("links", url, "--management").out
    assert all(verb in out for verb in ("raise event", "terminate", "rewind", "resume", "purge"))
    folder("c")
    assert "nothing answers at these addresses now" in run("links", "single-1").err


def test_a_command_to_copy_for_a_started_instance_needs_its_id_only(run, folder, serve):
    served = serve(folder("b"))
    folder("a")
    assert (
        "durablectl terminate new-1\n"
        in run("start", f"http://127.0.0.1:{served.port}/api/begin/new-1").out
    )
    assert run("terminate", "new-1").code == 0
    ended(served, "new-1")


def test_a_hint_that_changes_something_leads_to_the_same_hub(run, url):
    base = url.partition("/instances")[0]
    err = run("purge", url).err
    assert (
        f"\nhint: durablectl terminate --hub {base} --task-hub MyHub --connection Storage "
        "single-1\n"
    ) in err
    run("start", "waits", "--instance-id", "single-1", "--hub", "other.db")
    assert (
        "\nhint: durablectl terminate --hub other.db single-1\n"
        in run("purge", "single-1", "--hub", "other.db").err
    )
    assert "\nhint: durablectl terminate single-1\n" in run("purge", "single-1").err


@pytest.mark.parametrize("text", ["", "{", "[]", "null", '{"id": "another"}'])
def test_a_kept_payload_that_cannot_be_read_is_as_good_as_none(tmp_path, text):
    config.Started(tmp_path).keep({"id": "a"})
    (file,) = tmp_path.glob("*.json")
    assert config.Started(tmp_path).find("a") == {"id": "a"}
    file.write_text(text)
    assert config.Started(tmp_path).find("a") is None
