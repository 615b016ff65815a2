"""A command acts on the hub that it was given, or refuses."""

from __future__ import annotations

import pytest

from durablectl import connect
from durablectl.errors import UsageError

APP = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def hello(context):
    return "Hello"
    yield
"""


@pytest.fixture
def app(project):
    (project / "function_app.py").write_text(APP)
    return project


HOSTS = pytest.mark.parametrize(
    ("text", "address"),
    [
        ("orders.azurewebsites.net", "https://orders.azurewebsites.net"),
        (
            "Orders.AzureWebsites.net:443/runtime?code=SECRET",
            "https://Orders.AzureWebsites.net:443/runtime",
        ),
        ("localhost", "http://localhost"),
        ("localhost:7071", "http://localhost:7071"),
        ("127.0.0.1:7071/api", "http://127.0.0.1:7071/api"),
        ("[::1]:7071", "http://[::1]:7071"),
        ("10.0.0.7", "https://10.0.0.7"),
        ("func-host:8080", "https://func-host:8080"),
    ],
)
VERBS = pytest.mark.parametrize(
    "verb",
    [
        ("start", "hello"),
        ("run", "hello"),
        ("list",),
        ("worker",),
        ("entity", "signal", "@a@b", "c"),
    ],
)


@HOSTS
def test_a_host_without_a_scheme_is_refused_with_the_address_as_the_hint(run, app, text, address):
    code, out, err = run("start", "hello", "--hub", text)
    assert (code, out) == (2, "")
    assert err.endswith(f"is not a file, and an address needs a scheme\nhint: write {address}\n")
    assert "SECRET" not in err
    assert [each.name for each in app.iterdir()] == ["function_app.py"]


@VERBS
def test_no_command_makes_a_file_of_a_host(run, app, verb):
    code, out, err = run(*verb, env={"DURABLECTL_HUB": "localhost:7071"})
    assert (code, out) == (2, "")
    assert err.startswith("durablectl: DURABLECTL_HUB: 'localhost:7071' is not a file")
    assert [each.name for each in app.iterdir()] == ["function_app.py"]


@pytest.mark.parametrize("option", ["--url", "--hub"])
@HOSTS
def test_a_context_takes_no_host_without_a_scheme(run, option, text, address):
    code, _out, err = run("context", "add", "prod", option, text)
    assert (code, err.splitlines()[1]) == (2, f"hint: write {address}")
    assert "SECRET" not in err
    assert run("context", "list", "-o", "id").out == ""


@pytest.mark.parametrize("line", ['hub = "localhost:7071"', 'url = "localhost:7071"'])
@pytest.mark.parametrize("table", ["", "context = 'dev'\n[contexts.dev]\n"], ids=["top", "context"])
def test_a_projects_file_takes_no_host_without_a_scheme(run, app, table, line):
    (app / "durablectl.toml").write_text(table + line)
    code, _out, err = run("start", "hello")
    assert (code, err.splitlines()[1]) == (2, "hint: write http://localhost:7071")
    assert not (app / ".durablectl").exists()


@pytest.mark.parametrize("name", ["orders", "orders.hub", "data/orders", "~nobody-here/hub.db"])
def test_a_hub_is_made_only_under_a_name_that_says_so(run, app, name):
    code, _out, err = run("start", "hello", "--hub", name)
    assert (code, err.splitlines()[0].startswith("durablectl: --hub: ")) == (2, True)
    assert [each.name for each in app.iterdir()] == ["function_app.py"]


@pytest.mark.parametrize(
    ("hub", "file"),
    [
        ("x.db", "x.db"),
        ("data/x.SQLite", "data/x.SQLite"),
        ("orders.example.db", "orders.example.db"),
        ("here", "here/.durablectl/hub.db"),
    ],
)
def test_a_name_of_a_hub_or_a_folder_makes_one(run, app, hub, file):
    (app / "here").mkdir()
    assert run("start", "hello", "--hub", hub).code == 0
    assert (app / file).is_file()


def test_a_file_that_is_there_may_have_any_name(run, app):
    run("start", "hello", "--hub", "x.db", "--instance-id", "h-1")
    (app / "x.db").rename(app / "localhost:7071")
    assert run("status", "h-1", "--hub", "localhost:7071", "-o", "id").out == "h-1\n"


def test_a_context_may_name_the_folder_of_a_hub(run, app):
    run("start", "hello", "--instance-id", "h-1")
    assert run("context", "add", "here", "--hub", ".", "--use").code == 0
    assert run("status", "h-1", "-o", "id").out == "h-1\n"


FOUND_HUB = "using local hub .durablectl/hub.db, found beside the app\n"
READS = pytest.mark.parametrize(
    "words",
    [
        ("list", "-n", "1", "-o", "id"),
        ("status", "h-1", "-o", "id"),
        ("history", "h-1"),
        ("why", "h-1"),
        ("wait", "h-1", "--timeout", "0"),
        ("entity", "list"),
        ("hub", "check"),
        ("doctor",),
    ],
    ids=" ".join,
)


@pytest.fixture
def started(run, app):
    assert run("start", "hello", "--instance-id", "h-1", "-q").err == ""


@READS
def test_a_command_says_once_which_hub_it_found(run, started, words):
    assert run(*words).err.count("using ") == 1
    assert run(*words).err.startswith(FOUND_HUB)
    assert FOUND_HUB not in run(*words, "-q").err
    assert FOUND_HUB not in run(*words, "--hub", ".").err


@READS
def test_a_command_says_once_which_context_it_uses_and_who_chose_it(run, started, words):
    assert run("context", "add", "web", "--hub", ".", "--use").code == 0
    using = "using local hub .durablectl/hub.db (context web), from "
    assert run(*words).err.startswith(f"{using}current context\n")
    environ = {"DURABLECTL_CONTEXT": "web"}
    assert run(*words, env=environ).err.startswith(f"{using}DURABLECTL_CONTEXT\n")
    assert "using " not in run(*words, "--context", "web").err


def test_a_hub_beside_an_app_that_was_named_says_who_named_it(run, started, app, monkeypatch):
    monkeypatch.chdir(app.parent)
    told = "using local hub project/.durablectl/hub.db, found beside the app (flag --app)\n"
    assert run("list", "--app", "project").err == told


def test_json_and_completion_say_nothing_of_the_hub(run, started):
    assert run("list", "-o", "json").err == ""
    typed = {"_DURABLECTL_LINE": "durablectl status h", "_DURABLECTL_WORD": "h"}
    ended = run(env={"_DURABLECTL_COMPLETE": "bash", **typed})
    assert (ended.out, ended.err) == ("h-1\n", "")


def test_a_hub_that_a_payload_leads_away_from_is_not_said(run, started, app):
    away = "http://127.0.0.1:9/runtime/webhooks/durabletask/instances/a?taskHub=T&connection=C"
    assert "using " not in run("links", away).err
    assert "using local" not in run("terminate", away, "--reason", "x").err


@HOSTS
def test_the_library_takes_no_host_without_a_scheme(app, text, address):
    with pytest.raises(UsageError, match="needs a scheme") as caught:
        connect(text)
    assert caught.value.hint == f"write {address}"
