"""`durablectl context`: add, use, list, show, remove."""

from __future__ import annotations

import json

import pytest

URL = "https://orders.azurewebsites.net"


@pytest.fixture
def prod(run):
    run(
        "context",
        "add",
        "prod",
        "--url",
        URL,
        "--key-env",
        "ORDERS_KEY",
        "--task-hub",
        "OrdersHub",
        "--protected",
        "--use",
    )


def test_a_context_is_added_and_shown(run, user_file):
    code, out, err = run(
        "context",
        "add",
        "prod",
        "--url",
        URL,
        "--key-env",
        "ORDERS_KEY",
        "--task-hub",
        "OrdersHub",
        "--protected",
    )
    assert (code, out) == (0, "")
    assert err.startswith(
        "context 'prod' added\nwarning: the variable ORDERS_KEY is not set here\n"
    )
    assert user_file.stat().st_mode & 0o777 == 0o600
    assert json.loads(run("context", "show", "prod", "-o", "json").out) == {
        "name": "prod",
        "url": URL,
        "taskHub": "OrdersHub",
        "protected": True,
        "keyEnv": "ORDERS_KEY",
        "current": False,
    }


def test_every_setting_of_a_context_is_kept(run, project):
    settings = [
        "--key-command",
        "k",
        "--header",
        "A: 1",
        "--header",
        "B: 2",
        "--header-command",
        "h",
        "--ca-file",
        "ca.pem",
    ]
    more = [
        "--proxy",
        "http://u:p@proxy:1",
        "--encode",
        "string",
        "--read-only",
        "--connection",
        "C",
        "--app",
        "app",
        "--max-response",
        "2GB",
    ]
    assert run("context", "add", "a", "--url", URL, *settings, *more).code == 0
    assert json.loads(run("context", "show", "a", "-o", "json").out) == {
        "name": "a",
        "url": URL,
        "connection": "C",
        "app": str(project / "app"),
        "encode": "string",
        "readOnly": True,
        "keyCommand": "k",
        "header": ["A", "B"],
        "headerCommand": "h",
        "caFile": str(project / "ca.pem"),
        "proxy": "proxy:1",
        "maxResponse": "2GB",
        "current": False,
    }


def test_a_local_file_may_be_a_context(run, project):
    assert run("context", "add", "dev", "--hub", "hub.db", "--use").code == 0
    assert json.loads(run("context", "show", "-o", "json").out) == {
        "context": "dev",
        "hub": str(project / "hub.db"),
        "encode": "json",
    }


def test_a_variable_is_not_kept_in_a_context(run):
    run(
        "context",
        "add",
        "a",
        "--url",
        URL,
        env={"DURABLECTL_TASK_HUB": "T", "DURABLECTL_KEY_ENV": "K"},
    )
    assert json.loads(run("context", "show", "a", "-o", "json").out) == {
        "name": "a",
        "url": URL,
        "current": False,
    }


@pytest.mark.parametrize(
    ("args", "said"),
    [
        (["a"], "a context needs an address"),
        (["a", "--url", URL, "--hub", "x.db"], "--url and --hub exclude each other"),
        (["a b", "--url", URL], "'a b' is not a valid context name"),
        (["../a", "--url", URL], "'../a' is not a valid context name"),
        (["a", "--url", "orders"], "the hub's address is not an http, https, grpc or grpcs"),
        (["a", "--url", f"{URL}/?code=SECRET"], "holds more than an address"),
        (["a", "--url", URL, "--encode", "xml"], "--encode: 'xml' is not one of json, string"),
        (["a", "--url", URL, "--key-env", "A", "--key-file", "b"], "has more than one key"),
        (["a", "--url", URL, "--header", "SECRET"], "a header of context 'a' is not 'Name: value'"),
        (
            ["a", "--url", URL, "--max-response", "much"],
            "the max-response of context 'a': 'much' is not a size",
        ),
        (
            ["a", "--hub", "x.db", "--max-response", "1GB"],
            "is a local file: max-response goes with a url only",
        ),
        (["a", "--hub", "x.db", "--key-env", "A"], "is a local file: key-env goes with a url only"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_a_context_that_makes_no_sense_is_refused(run, user_file, args, said):
    code, out, err = run("context", "add", *args)
    assert (code, out) == (2, "")
    assert said in err
    assert not user_file.exists()


def test_a_wrong_header_is_told_without_its_value(run):
    assert (
        "SECRET"
        not in run(
            "context", "add", "a", "--url", URL, "--header", "Authorization SECRET\n"
        ).err.partition("begins")[0]
    )


def test_a_context_that_is_there_is_replaced_only_when_asked(run, prod):
    code, _out, err = run("context", "add", "prod", "--url", "https://other.example")
    assert code == 6
    assert err.startswith("durablectl: context 'prod' is already there\nhint: ")
    assert run("context", "add", "prod", "--url", "https://other.example", "--replace").code == 0
    assert (
        json.loads(run("context", "show", "prod", "-o", "json").out)["url"]
        == "https://other.example"
    )


def test_http_in_the_open_is_warned_about(run):
    assert "travel unencrypted" in run("context", "add", "a", "--url", "http://orders.example").err
    assert (
        "travel unencrypted" not in run("context", "add", "b", "--url", "http://localhost:7071").err
    )


def test_the_current_context_has_a_star(run, prod):
    run("context", "add", "dev", "--hub", "/x/hub.db")
    assert run("context", "list").out == (
        f"*  prod  {URL}  OrdersHub  protected\n   dev   /x/hub.db\n"
    )
    assert run("context", "use", "dev").err == "context 'dev' is in use\n"
    assert run("context", "list", "-o", "id").out == "prod\ndev\n"
    assert [each["current"] for each in json.loads(run("context", "list", "-o", "json").out)] == [
        False,
        True,
    ]


def test_no_contexts_say_how_to_add_one(run):
    assert run("context", "list") == (
        0,
        "",
        "no contexts yet\nhint: durablectl context add NAME --url URL\n",
    )


def test_show_tells_where_every_value_comes_from(run, prod, user_file):
    code, out, err = run(
        "context", "show", "--sources", "--connection", "Other", env={"ORDERS_KEY": "SECRET"}
    )
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        f"context     prod  (current context ({user_file}))",
        f"url         {URL}  (current context ({user_file}))",
        "taskHub     OrdersHub  (context prod)",
        "connection  Other  (flag --connection)",
        "encode      json  (default)",
        "protected   yes  (context prod)",
        "key         ***  (ORDERS_KEY)",
    ]


def test_show_of_the_projects_own_hub(run, project):
    (project / "function_app.py").touch()
    shown = json.loads(run("context", "show", "--sources", "-o", "json").out)
    assert shown["hub"]["value"] == str(project / ".durablectl" / "hub.db")
    assert shown["app"] == {
        "value": str(project / "function_app.py"),
        "source": "found upwards from the working directory",
    }


def test_a_context_is_removed(run, prod):
    assert run("context", "remove", "prod").err == (
        "context 'prod' removed\nno context is current now\n"
    )
    assert run("context", "list", "-o", "json").out == "[]\n"


@pytest.mark.parametrize("verb", ["use", "show", "remove"])
def test_a_context_that_is_not_there_is_told_the_near_one(run, prod, verb):
    code, out, err = run("context", verb, "prdo")
    assert (code, out) == (2, "")
    assert err == (
        "durablectl: no context 'prdo'\nhint: did you mean 'prod'? see: durablectl context list\n"
    )


def test_a_folder_that_cannot_be_written_is_a_clear_error(run, home):
    (home / ".config").write_text("a file in the way")
    code, _out, err = run("context", "add", "a", "--url", URL)
    assert code in (1, 2)
    assert "contexts.toml" in err
    assert "Traceback" not in err


def test_a_read_only_context_refuses_changes(run, project):
    (project / "function_app.py").touch()
    run("context", "add", "ro", "--hub", "hub.db", "--read-only", "--use")
    code, out, err = run("start", "hello")
    assert (code, out) == (2, "")
    assert "context 'ro' is read-only" in err
    assert not (project / "hub.db").exists()


def test_removing_the_last_context_leaves_no_file(run, user_file):
    run("context", "add", "spare", "--hub", "spare.db")
    assert user_file.is_file()
    run("context", "remove", "spare")
    assert not user_file.exists()
    user_file.write_text("# mine\n[contexts.spare]\nhub = 'x.db'\n")
    run("context", "remove", "spare")
    assert user_file.read_text().startswith("# mine\n")
