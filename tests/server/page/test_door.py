"""Who may use the page: the token, the cookie, origins, hosts, frames, protected and read-only hubs,
and that a hub's key stays in the process.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys

import pytest

from tests.server.page.shown import API, Shown, showing
from tests.server.serving import OWN, RECORDINGS, serving
from tests.terminal import durablectl, terminal

KEY = "0123-secret.key=="
READS = ["/ui/", "/ui/main.js", "/ui/api/hub", "/ui/api/instances", f"{API}/instances", "/"]


def test_the_token_is_exchanged_for_a_cookie_that_scripts_and_other_sites_cannot_use(shown):
    answer = shown.ask("GET", f"/ui/?token={shown.token}")
    assert (answer.status, answer.headers["Location"]) == (303, "/ui/")
    assert answer.headers["Set-Cookie"].split("; ")[1:] == ["Path=/", "HttpOnly", "SameSite=Strict"]
    assert shown.token not in answer.headers["Set-Cookie"]


@pytest.mark.parametrize("target", [*READS, "/ui/nothing", "/nothing"])
@pytest.mark.parametrize(
    "cookie", [None, "durablectl=x", "durablectl-{port}=", "durablectl-{port}=wrong", ';;="']
)
def test_nothing_is_answered_without_the_cookie(target, cookie, shown):
    headers = {} if cookie is None else {"Cookie": cookie.format(port=shown.port)}
    answer = shown.ask("GET", target, **headers)
    assert answer.status == 401
    assert "instanceId" not in answer.text


@pytest.mark.parametrize("token", ["", "wrong", "é"])
def test_a_wrong_or_expired_token_opens_nothing_and_says_what_to_do(token, shown):
    answer = shown.ask("GET", f"/ui/?token={token.encode().hex() if token == 'é' else token}")
    assert (answer.status, answer.headers["Set-Cookie"]) == (401, None)
    assert "run it again" in answer.text


@pytest.mark.parametrize("target", READS)
@pytest.mark.parametrize(
    "headers",
    [
        {"Host": "evil.example"},
        {"Host": "localhost.evil.example"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Sec_Fetch_Site": "cross-site"},
        {"Sec_Fetch_Site": "same-site"},
    ],
    ids=lambda headers: " ".join(f"{name} {value}" for name, value in headers.items()),
)
def test_other_names_origins_and_sites_are_refused_even_with_the_cookie(target, headers, shown):
    assert shown.ask("GET", target, Cookie=shown.cookie(), **headers).status == 403


@pytest.mark.parametrize("origin", [{}, {"Origin": "http://127.0.0.1:1"}], ids=["none", "foreign"])
def test_a_change_must_come_from_the_page_itself(origin, shown, hub):
    started = shown.ask(
        "POST", f"{API}/orchestrators/Echo/foreign", b"1", Cookie=shown.cookie(), **origin
    )
    assert started.status == 403
    assert shown.ask("GET", f"{API}/instances/foreign", Cookie=shown.cookie()).status == 404


@pytest.mark.parametrize("target", READS)
def test_no_answer_can_be_framed_or_run_what_it_did_not_bring(target, shown):
    headers = shown.ask("GET", target, Cookie=shown.cookie()).headers
    assert "default-src 'self'" in headers["Content-Security-Policy"]
    assert "frame-ancestors 'none'" in headers["Content-Security-Policy"]
    assert (headers["X-Frame-Options"], headers["X-Content-Type-Options"]) == ("DENY", "nosniff")


def contexts(folder, **settings):
    lines = [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    (folder / "durablectl").mkdir(exist_ok=True)
    (folder / "durablectl" / "contexts.toml").write_text(
        "[contexts.prod]\n" + "\n".join([f'hub = "{folder / "hub.db"}"', *lines])
    )


@pytest.mark.parametrize("confirm", [None, "", "other", "PROD"])
def test_a_protected_hub_takes_no_change_without_its_name(confirm, folder, hub, tmp_path):
    contexts(folder, protected=True)
    hub.start("Approval", instance_id=f"kept-{confirm}")
    with showing(folder, "--context", "prod") as shown:
        headers = {"Cookie": shown.cookie(), "Origin": shown.origin}
        if confirm is not None:
            headers["x_durablectl_confirm"] = confirm
        address = f"{API}/instances/kept-{confirm}/terminate"
        assert shown.ask("POST", address, **headers).status == 403
        assert shown.ask("POST", f"{API}/orchestrators/Echo", b"1", **headers).status == 403
        assert shown.ask("POST", address, **{**headers, "x_durablectl_confirm": "prod"}).status == (
            202
        )


def test_a_read_only_hub_takes_no_change_whatever_the_page_shows(folder, hub):
    contexts(folder, **{"read-only": True})
    with showing(folder, "--context", "prod") as shown:
        headers = {"Cookie": shown.cookie(), "Origin": shown.origin, "x_durablectl_confirm": "prod"}
        answer = shown.ask("POST", f"{API}/orchestrators/Echo/never", b"1", **headers)
        assert (answer.status, "read-only" in answer.text) == (403, True)
        assert shown.ask("GET", "/ui/api/instances", Cookie=shown.cookie()).status == 200


def test_the_key_of_a_remote_hub_is_in_no_answer_and_no_log(folder, tmp_path):
    environ = {"HUB_KEY": KEY}
    app = RECORDINGS / "function_app.py"
    with (
        serving(tmp_path, "--key-env", "HUB_KEY", app=app, environ=environ) as served,
        showing(tmp_path, "--hub", f"http://127.0.0.1:{served.port}", "--key-env", "HUB_KEY",
                environ=environ) as shown,
    ):  # fmt: skip
        headers = {"Cookie": shown.cookie(), "Origin": shown.origin}
        started = shown.ask("POST", f"{API}/orchestrators/echo/one", b"1", **headers)
        served.finished(f"one?code={KEY}")
        answers = [started] + [
            shown.ask("GET", target, Cookie=shown.cookie())
            for target in [
                *READS,
                "/ui/api/instance?id=one",
                "/ui/api/instance?id=none",
                "/ui/api/steps?id=one",
                "/ui/api/history?id=one",
                "/ui/api/payload?id=one&part=input",
                f"{API}/instances/one?showHistory=true",
            ]
        ]
        assert [KEY in answer.text + str(answer.headers) for answer in answers] == [False] * 13
        assert json.loads(answers[7].text)["runtimeStatus"] == "Completed"
        assert KEY not in shown.errors.read_text()


def test_a_port_in_use_is_an_error_that_names_it(shown, folder):
    command = [sys.executable, "-m", "durablectl", "--hub", "hub.db", "ui", "--no-open"]
    done = subprocess.run(
        [*command, "--port", str(shown.port)], cwd=folder, capture_output=True, text=True
    )
    assert (done.returncode, done.stdout) == (1, "")
    assert f"cannot listen on 127.0.0.1, port {shown.port}" in done.stderr


def test_a_hub_that_is_not_there_is_refused_and_not_made(tmp_path):
    command = [sys.executable, "-m", "durablectl", "--hub", "hub.db", "ui", "--no-open"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert (done.returncode, (tmp_path / "hub.db").exists()) == (2, False)


@pytest.mark.parametrize(
    ("target", "status"),
    [
        ("instance?id=none", 404),
        ("instance", 400),
        ("steps?id=none", 404),
        ("history?id=none", 404),
        ("payload?id=none&part=output", 404),
        ("payload?id=none&part=all", 400),
        ("instances?at=nothing", 400),
        ("instances?at=1.2.3", 400),
        ("nothing", 404),
    ],
)
def test_what_cannot_be_read_is_refused_in_words(target, status, shown):
    assert shown.ask("GET", f"/ui/api/{target}", Cookie=shown.cookie()).status == status


@pytest.mark.parametrize("since", ["nan", "infinity", "-1", "one"])
def test_history_is_read_from_its_first_event_where_no_number_says_another(since, shown, hub):
    instance_id = hub.start("Echo", 1).id
    assert shown.read(f"history?id={instance_id}&since={since}")["since"] == 0


def test_serve_has_the_page_where_no_function_answers_and_tells_a_log_no_way_past_its_key(tmp_path):
    app = RECORDINGS / "function_app.py"
    with serving(tmp_path, app=app) as served:
        assert served.ask("GET", "/")[0] == 303
        assert "main.js" in served.ask("GET", "/ui/")[1]
        assert served.ask("GET", "/ui/api/hub")[1]["hasWorker"] is True
        assert served.ask("GET", "/ui/", headers={"Host": "evil.example"})[0] == 403
    with serving(tmp_path, "--key-env", "HUB_KEY", app=app, environ={"HUB_KEY": KEY}) as served:
        assert served.ask("GET", "/ui/")[0] == 404
        assert "token" not in served.errors


def test_the_page_of_serve_knows_the_app_that_it_runs(tmp_path):
    (tmp_path / "function_app.py").write_text(
        f"{OWN}app = func.DFApp()\n\n\n"
        "@app.orchestration_trigger(context_name='context')\n"
        "def Stage(context):\n    yield context.wait_for_external_event('Go')\n"
    )
    with serving(tmp_path) as served:
        served.ask("POST", "orchestrators/Stage/s-1")
        made = served.until("/ui/api/why?id=s-1", lambda _status, body: bool(body["waitingFor"]))
        assert (made["waitingFor"][0]["name"], made["unknown"]) == ("Go", [])


@pytest.fixture(scope="module")
def keyed(tmp_path_factory):
    """The page of a `serve` with a key, at a terminal of its own; and what the terminal shows."""
    hub = tmp_path_factory.mktemp("keyed") / "hub.db"
    options = ["--hub", str(hub), "--app", str(RECORDINGS / "function_app.py"), "--port", "0"]
    command = [*durablectl("serve"), *options, "--key-env", "HUB_KEY"]
    with terminal(command, columns=200, env={"HUB_KEY": KEY}) as seen:
        text = seen.wait_for("stop it with")
        address = re.search(r"http://127\.0\.0\.1:\d+/ui/\?token=[\w-]+", text)
        assert address is not None, text
        yield Shown(seen.process, address[0], hub), seen


@pytest.fixture(scope="module")
def entered(keyed):
    """The cookie that the address was exchanged for."""
    return keyed[0].cookie()


def test_a_serve_with_a_key_opens_its_page_once(keyed, entered):
    shown, seen = keyed
    assert shown.ask("GET", f"/ui/?token={shown.token}").status == 401
    assert shown.ask("GET", f"/ui/?token={shown.token}", Cookie=entered).status == 200
    assert shown.ask("GET", "/ui/main.js", Cookie=entered).status == 200
    assert KEY not in seen.text


@pytest.mark.parametrize("target", ["/ui/", "/ui/main.js", "/ui/api/hub", f"{API}/instances"])
def test_a_serve_with_a_key_shows_nothing_without_the_cookie(target, keyed):
    assert keyed[0].ask("GET", target).status == 401
    assert keyed[0].ask("GET", target, Cookie=f"durablectl-{keyed[0].port}=wrong").status == 401


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"Origin": "http://127.0.0.1:1"}, 403),
        ({"Host": "evil.example", "Origin": "http://evil.example"}, 401),
        ({"Origin": "{origin}"}, 202),
    ],
    ids=["no origin", "foreign origin", "another name", "the page"],
)
def test_the_cookie_changes_a_hub_with_a_key_from_the_page_only(headers, status, keyed, entered):
    shown = keyed[0]
    given = {name: value.format(origin=shown.origin) for name, value in headers.items()}
    asked = shown.ask("POST", f"{API}/orchestrators/echo", b"1", Cookie=entered, **given)
    assert (asked.status, KEY in asked.text) == (status, False)


def test_the_address_that_opens_a_page_is_in_no_log_of_requests(keyed, entered):
    shown, seen = keyed
    shown.ask("HEAD", f"/ui/?token={shown.token}&last")
    assert "HEAD /ui/?token=***" in seen.wait_for("&last")
