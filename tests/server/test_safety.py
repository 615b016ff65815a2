"""Who may ask `serve`, and what never leaves it."""

from __future__ import annotations

import signal
import stat

import pytest

from durablectl.config import state_folder
from durablectl.server.auth import Access
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
    assert guarded.ask("POST", f"orchestrators/echo?code={KEY}")[1]["statusQueryGetUri"].endswith(
        f"&code={KEY}"
    )


def test_the_key_is_in_no_log(guarded):
    guarded.ask("GET", f"instances/x?showInput=true&code={KEY}")
    guarded.until_said("instances/x?showInput=true&code=*** 404")
    assert KEY not in guarded.errors


@pytest.mark.parametrize(
    "host", ["localhost", "localhost:7071", "127.0.0.1:1", "[::1]:7071", "app.localhost"]
)
def test_without_a_key_local_names_are_answered(host, unguarded):
    assert unguarded.ask("GET", "instances", headers={"Host": host})[0] == 200


@pytest.mark.parametrize("target", ["instances", "/durabletask/instances", "/api/open", "/"])
@pytest.mark.parametrize(
    "host",
    ["evil.example", "localhost.evil.example", "127.0.0.1.evil.example:7071", "", "10.0.0.1"],
)
def test_another_name_is_refused_lest_a_page_rebinds_its_own(host, target, unguarded):
    assert unguarded.ask("GET", target, headers={"Host": host})[0] == 403


@pytest.mark.parametrize(
    "headers",
    [
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
        {"Origin": "http://localhost:1"},
        {"Sec-Fetch-Site": "cross-site"},
    ],
    ids=["another site", "no origin of its own", "another port", "an image of another site"],
)
@pytest.mark.parametrize(
    "target", ["orchestrators/echo", "/durabletask/orchestrators/echo", "/api/open"]
)
def test_a_page_of_another_origin_starts_nothing(target, headers, unguarded):
    status, answer = unguarded.ask("POST", target, b"{}", headers)
    assert (status, "does not answer to pages" in answer["Message"]) == (403, True)


def test_no_answer_allows_another_origin(unguarded):
    assert (
        unguarded.ask(
            "OPTIONS", "instances", headers={"Origin": f"http://127.0.0.1:{unguarded.port}"}
        )[0]
        == 404
    )


@pytest.fixture
def own_app(tmp_path, monkeypatch):
    """An app in a folder of its own, and the user's state folder beside it."""
    for name in ("HOME", "XDG_STATE_HOME"):
        monkeypatch.setenv(name, str(tmp_path / "home"))
    for name in ("app", "other"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "function_app.py").write_text(APP)
    return tmp_path / "app"


def kept_keys():
    return sorted(state_folder().iterdir())


def refused(folder, *options):
    """What a server says that does not start."""
    process = spawn(folder, "--port", "0", *options)
    assert process.wait(20) == 2
    process.stdout.close()
    return (folder / "stderr.txt").read_text()


def test_an_address_that_others_reach_gets_a_key_in_the_owners_state_folder(own_app):
    with serving(own_app, "--host", "0.0.0.0") as server:
        (file,) = kept_keys()
        key = file.read_text().strip()
        assert server.ask("GET", "instances")[0] == 401
        assert server.ask("GET", f"instances?code={key}")[0] == 200
        assert f"clients need the key in {file}" in server.errors
        assert key not in server.errors
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert not (own_app / "serve.key").exists()
    with serving(own_app, "--host", "0.0.0.0") as server:
        assert server.ask("GET", f"instances?code={key}")[0] == 200


def test_each_hub_has_a_key_of_its_own(own_app):
    for folder in (own_app, own_app.parent / "other"):
        with serving(folder, "--host", "0.0.0.0"):
            pass
    one, other = kept_keys()
    assert one.read_text() != other.read_text()


def test_a_key_that_came_with_the_project_opens_nothing_and_is_reported_once(own_app):
    (own_app / "serve.key").write_text("known-to-all\n")
    (own_app / "serve.key").chmod(0o600)
    with serving(own_app, "--host", "0.0.0.0") as server:
        assert server.ask("GET", "instances?code=known-to-all")[0] == 401
        assert server.errors.count(f"{own_app / 'serve.key'} is not read") == 1


@pytest.mark.parametrize("spoil", ["empty", "unreadable"])
def test_a_kept_key_that_cannot_be_used_is_an_error_that_says_how_to_make_a_new_one(own_app, spoil):
    with serving(own_app, "--host", "0.0.0.0"):
        (file,) = kept_keys()
    file.unlink()
    file.touch(0o600) if spoil == "empty" else file.mkdir()
    said = refused(own_app, "--host", "0.0.0.0")
    assert f"hint: remove it, and serve makes a new one: rm -r {file}\n" in said


@pytest.mark.parametrize(
    ("content", "mode", "said"),
    [
        (
            "",
            0o600,
            "holds no key\nhint: put a new key into it: (umask 077; openssl rand -hex 32 > ",
        ),
        ("a&b", 0o600, "would not survive in an address"),
        ("two words", 0o600, "would not survive in an address"),
        ("fine", 0o644, "can be read by others"),
        ("x" * 5000, 0o600, "would not survive in an address"),
        (None, 0, "no such file or directory\nhint: put a new key into it: "),
    ],
    ids=["empty", "a sign of queries", "a blank", "others can read it", "too long", "missing"],
)
def test_a_key_file_that_cannot_be_used_is_refused(content, mode, said, tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    if content is not None:
        (tmp_path / "key").write_text(content)
        (tmp_path / "key").chmod(mode)
    errors = refused(tmp_path, "--key-file", str(tmp_path / "key"))
    assert said in errors
    assert not content or f" {content} " not in errors


def test_a_port_in_use_is_told_and_not_taken(unguarded, tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    said = refused(tmp_path, "--port", str(unguarded.port))
    assert f"cannot listen on 127.0.0.1, port {unguarded.port}: address already in use" in said


def test_json_lines_are_logged_on_demand(tmp_path):
    (tmp_path / "function_app.py").write_text(APP)
    with serving(tmp_path, "--log", "json") as server:
        server.ask("GET", "instances?code=secret")
        server.until_said(f'"method": "GET", "target": "{BASE}/instances?code=***", "status": 200')
        assert server.stop(signal.SIGINT) == 0


def test_a_key_is_compared_whole():
    access = Access("key")
    assert [
        access.knows({"x-functions-key": given}, b"") for given in ("key", "kex", "ke", "keyy", "")
    ] == [
        True,
        False,
        False,
        False,
        False,
    ]
