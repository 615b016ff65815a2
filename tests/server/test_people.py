"""What `serve` tells people, and how it goes on with an app that changes."""

from __future__ import annotations

import os
import pty
import subprocess
import sys

from durablectl.backends.local import LocalTaskHub
from durablectl.model import RuntimeStatus
from durablectl.render.terminal.server_status import Pulse, greeting, summary
from tests.server.serving import OWN, serving
from tests.server.starters_app import APP

SMALL = """
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def version(context):
    return {answer!r}

@app.route(route={answer!r}, auth_level="anonymous")
def {answer}(req):
    return {answer!r}
"""


def test_the_greeting_tells_the_hub_the_functions_and_their_routes(tmp_path):
    (tmp_path / "function_app.py").write_text(OWN + APP)
    with serving(tmp_path) as server:
        server.until_said("stop it with Ctrl-C")
        lines = server.errors.splitlines()
    address = f"http://127.0.0.1:{server.port}"
    assert lines[:2] == [
        f"task hub 'local' at {address}/runtime/webhooks/durabletask",
        "5 orchestrators, 1 activity, 1 entity, 12 HTTP functions",
    ]
    assert f"  POST        {address}/api/steer/{{operation}}/{{id}}" in lines


def test_a_payload_of_the_hub_carries_the_address_of_its_live_server(tmp_path):
    (tmp_path / "function_app.py").write_text(OWN + SMALL.format(answer="one"))
    with serving(tmp_path) as server, LocalTaskHub(tmp_path / "hub.db") as hub:
        links = hub.start("version")
        assert (
            links.status_query_get_uri
            == f"{server.base}/instances/{links.id}?taskHub=local&connection={hub.connection}"
        )
        assert server.ask("GET", links.status_query_get_uri.partition(str(server.port))[2])[0] in (
            200,
            202,
        )
    with LocalTaskHub(tmp_path / "hub.db") as hub:
        assert hub.check_status("x").status_query_get_uri.startswith(
            "http://localhost:7071/runtime/webhooks/durabletask/"
        )


def test_a_changed_app_is_loaded_again_and_a_broken_one_is_not(tmp_path):
    file = tmp_path / "function_app.py"
    file.write_text(OWN + SMALL.format(answer="one"))
    with serving(tmp_path, "--reload") as server:
        assert server.ask("POST", "orchestrators/version?timeout=20&pollingInterval=1") == (
            200,
            "one",
        )
        file.write_text("this is no Python")
        server.until_said("still running the app as it was")
        assert server.ask("GET", "/api/one") == (200, "one")
        file.write_text(OWN + SMALL.format(answer="another"))
        server.until_said("was loaded again")
        assert server.ask("POST", "orchestrators/version?timeout=20&pollingInterval=1") == (
            200,
            "another",
        )
        assert (server.ask("GET", "/api/one")[0], server.ask("GET", "/api/another")) == (
            404,
            (200, "another"),
        )


def test_a_terminal_gets_a_line_that_lives(tmp_path):
    (tmp_path / "function_app.py").write_text(OWN + SMALL.format(answer="one"))
    main, end = pty.openpty()
    command = [
        sys.executable,
        "-m",
        "durablectl",
        "serve",
        "--port",
        "0",
        "--hub",
        str(tmp_path / "hub.db"),
    ]
    process = subprocess.Popen(
        command,
        cwd=tmp_path,
        stderr=end,
        stdout=end,
        env={**os.environ, "TERM": "xterm", "COLUMNS": "120"},
    )
    os.close(end)
    said = b""
    try:
        while b"no instances yet" not in said:
            said += os.read(main, 4096)
    finally:
        process.terminate()
        assert process.wait(10) == 0
        os.close(main)


def test_the_summary_counts_states_and_rates():
    before = Pulse(10, {RuntimeStatus.COMPLETED: 5})
    now = Pulse(30, {RuntimeStatus.COMPLETED: 1005, RuntimeStatus.RUNNING: 2})
    assert summary(now, before, 2.0) == "2 Running, 1,005 Completed · 10 requests/s · 500 ended/s"
    assert summary(Pulse(0, {}), Pulse(0, {}), 1.0) == "no instances yet · 0 requests/s · 0 ended/s"


def test_a_greeting_shows_no_control_characters():
    lines = list(greeting("a\x1b[2J", "http://x", {}, [("GET", "http://x/\x07")]))
    assert not any(character < " " for line in lines for character in line)
