"""Who may ask `serve`, and what never leaves it."""

from __future__ import annotations

import signal
import stat

import pytest

from durablectl.server.access import Access
from tests.server.serving import BASE, OWN, serving, spawn

KEY = "0123-secret.key=="
APP = (
    OWN
    + """
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def echo(context):
    return context.get_input()

@app.route(route="open", auth_level="anonymous")
def open_door(req):
    return "open"
"""
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    folder = tmp_path_factory.mktemp("app")
    (folder / "function_app.py").write_text(APP)
    return folder


@pytest.fixture(scope="module")
def guarded(folder):
    with serving(folder, "--key-env", "SERVED_KEY", environ={"SERVED_KEY": KEY}) as server:
        yield server


@pytest.fixture(scope="module")
def unguarded(tmp_path_factory):
    folder = tmp_path_factory.mktemp("open")
    (folder / "function_app.py").write_text(APP)
    with serving(folder) as server:
        yield server


@pytest.mark.parametrize(
    ("target", "headers", "status"),
    [
        ("instances", {}, 401),
        ("instances?code=wrong", {}, 401),
        (f"instances?code={KEY}", {}, 200),
        (f"instances?CODE={KEY}", {}, 200),
        (f"instances?code={KEY}&code=wrong", {}, 200),
        ("instances", {"x-functions-key": KEY}, 200),
        (f"instances?code={KEY}", {"x-functions-key": "wrong"}, 401),
        (f"instances?code={KEY[:-1]}", {}, 401),
        ("instances", {"x-functions-key": "\xe9"}, 401),
        ("nothing/like/it", {}, 401),
    ],
)
def test_only_the_key_opens(target, headers, status, guarded):
    assert guarded.ask("GET", target, headers=headers)[0] == status


def test_an_answer_without_the_key_is_empty(guarded):
    assert guarded.ask("POST", "orchestrators/echo") == (401, "")


def test_the_path_of_the_apps_own_client_cannot_be_guessed_where_there_is_a_key(guarded):
    assert guarded.ask("GET", "/durabletask/instances")[0] == 404


def test_addresses_carry_the_key_as_it_is(guarded):
    assert guarded.ask("POST", f"orchestrators/echo?code={KEY}")[1]["statusQueryGetUri"].endswith(f"&code={KEY}")


def test_the_key_is_in_no_log(guarded):
    guarded.ask("GET", f"instances/x?showInput=true&code={KEY}")
    guarded.until_said("instances/x?showInput=true&code=*** 404")
    assert KEY not in guarded.errors


@pytest.mark.parametrize("host", ["localhost", "localhost:7071", "127.0.0.1:1", "[::1]:7071", "app.localhost"])
def test_without_a_key_local_names_are_answered(host, unguarded):
    assert unguarded.ask("GET", "instances", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("target", ["instances", "/durabletask/instances", "/api/open", "/"])
@pytest.mark.parametrize("host", ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7071", "", "10.0.0.1"])
def test_another_name_is_refused_lest_a_page_rebinds_its_own(host, target, unguarded):
    assert unguarded.ask("GET", target, headers={"Host": host})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [{"Origin": "https://evil.example"}, {"Origin": "null"}, {"Origin": "http://localhost:1"}, {"Sec-Fetch-Site": "cross-site"}],
    ids=["another site", "no origin of its own", "another port", "an image of another site"],
)
@pytest.mark.parametrize("target", ["orchestrators/echo", "/durabletask/orchestrators/echo", "/api/open"])
def test_a_page_of_another_origin_starts_nothing(target, headers, unguarded):
    status, answer = unguarded.ask("POST", target, b"{}", headers)
    assert (status, "does not answer to pages" in answer["Message"]) == (403, True)


def test_no_answer_allows_another_origin(unguarded):
    assert unguarded.ask("OPTIONS", "instances", headers={"Origin": f"http://127.0.0.1:{unguarded.port}"})[0] == 404


def test_an_address_that_others_reach_gets_a_key_in_a_file_for_the_owner_only(tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    with serving(tmp_path, "--host", "0.0.0.0") as server:
        assert server.ask("GET", "instances")[0] == 401
        key = (tmp_path / "serve.key").read_text().strip()
        assert server.ask("GET", f"instances?code={key}")[0] == 200
        assert f"clients need the key in {tmp_path / 'serve.key'}" in server.errors
        assert key not in server.errors
    assert stat.S_IMODE((tmp_path / "serve.key").stat().st_mode) == 0o600
    with serving(tmp_path, "--host", "0.0.0.0") as server:
        assert server.ask("GET", f"instances?code={key}")[0] == 200


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        ("", 0o600, "holds no key"),
        ("a&b", 0o600, "would not survive in an address"),
        ("two words", 0o600, "would not survive in an address"),
        ("fine", 0o644, "can be read by others"),
        (None, 0, "cannot read the key file"),
    ],
    ids=["empty", "a sign of queries", "a blank", "others can read it", "missing"],
)
def test_a_key_file_that_cannot_be_used_is_refused(content, mode, said, tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    if content is not None:
        (tmp_path / "key").write_text(content)
        (tmp_path / "key").chmod(mode)
    process = spawn(tmp_path, "--key-file", str(tmp_path / "key"), "--port", "0")
    assert process.wait(20) == 2
    process.stdout.close()
    errors = (tmp_path / "stderr.txt").read_text()
    assert said in errors
    assert not content or f" {content} " not in errors


def test_a_port_in_use_is_told_and_not_taken(unguarded, tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    process = spawn(tmp_path, "--port", str(unguarded.port))
    assert process.wait(20) == 2
    process.stdout.close()
    assert f"cannot listen on 127.0.0.1, port {unguarded.port}: address already in use" in (tmp_path / "stderr.txt").read_text()


def test_json_lines_are_logged_on_demand(tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    with serving(tmp_path, "--log", "json") as server:
        server.ask("GET", "instances?code=secret")
        server.until_said(f'"method": "GET", "target": "{BASE}/instances?code=***", "status": 200')
        assert server.stop(signal.SIGINT) == 0


def test_a_key_is_compared_whole():
    access = Access("key")
    assert [access.knows({"x-functions-key": given}, b"") for given in ("key", "kex", "ke", "keyy", "")] == [
        True,
        False,
        False,
        False,
        False,
    ]
