"""What an app registers, whichever way it is written."""

from __future__ import annotations

import asyncio
import inspect
import os
import sys
from pathlib import Path

import pytest

from durablectl.functionapp.loader import load_app
from durablectl.functionapp.search import find_app

SDK = "import azure.durable_functions as df\n"
OWN = "from durablectl import df\n"

APP = """
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def Order(context):
    yield context.call_activity("charge", 1)

@app.activity_trigger(input_name="amount")
def charge(amount):
    return amount * 2

@app.activity_trigger(input_name="item")
async def ship(item, context):
    return item

@app.entity_trigger(context_name="context")
def Stock(context):
    context.set_result(0)
"""

BOTH = pytest.mark.parametrize("names", [SDK, OWN], ids=["azure", "durablectl"])


@BOTH
def test_durable_functions_are_recovered_raw(load, names):
    registry = load(APP, names)
    order, charge, ship = (
        registry.orchestrators.get("order"),
        registry.activities.get("CHARGE"),
        registry.activities.get("ship"),
    )
    assert inspect.isgeneratorfunction(order.function)
    assert (charge.function(amount=2), charge.parameter, charge.is_async) == (4, "amount", False)
    assert (ship.is_async, asyncio.run(ship.function(item=1))) == (True, 1)
    assert (registry.entities.names, registry.warnings, registry.app) == (
        ["stock"],
        [],
        str(Path("function_app.py").absolute()),
    )


@BOTH
def test_an_alias_is_the_name_and_the_function_keeps_its_own(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.activity_trigger(input_name="x", activity="Double")
        def double_it(x):
            return 2 * x
        """,
        names,
    )
    assert registry.activities.names == ["Double"]
    assert registry.activities.get("double_it") is registry.activities.get("double")
    assert registry.warnings == [
        (
            "'Double' is the function double_it (function_app.py:5): on Azure call it by its name "
            "in quotes; "
            "handing over the function itself works here only"
        )
    ]


@BOTH
def test_two_functions_that_swap_their_names_are_found_by_their_aliases(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.activity_trigger(input_name="x", activity="b")
        def a(x):
            return "a"

        @app.activity_trigger(input_name="x", activity="a")
        def b(x):
            return "b"
        """,
        names,
    )
    assert [registry.activities.get(name).function(x=0) for name in "ab"] == ["b", "a"]


@BOTH
def test_function_name_names_a_function(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.function_name("Bill")
        @app.activity_trigger(input_name="x")
        def make_bill(x):
            return x
        """,
        names,
    )
    assert (registry.activities.names, registry.activities.get("make_bill").name) == (
        ["Bill"],
        "Bill",
    )


@BOTH
def test_a_starter_is_collected_with_its_route_and_its_client(load, names):
    registry = load(
        """
        app = df.DFApp(http_auth_level="ANONYMOUS")

        @app.route(route="orchestrators/{functionName}", methods=["post"])
        @app.durable_client_input(client_name="client")
        async def start(req, client):
            return client

        @app.activity_trigger(input_name="x")
        def a(x):
            return x
        """,
        names,
    )
    (start,) = registry.others
    assert (start.name, start.trigger, start.parameter, start.clients) == (
        "start",
        "httpTrigger",
        "req",
        {"client": False},
    )
    assert start.settings == {
        "route": "orchestrators/{functionName}",
        "methods": ("POST",),
        "auth_level": "anonymous",
    }
    assert list(inspect.signature(start.function).parameters) == ["req", "client"]
    assert not hasattr(start.function, "client_function")


@BOTH
def test_an_http_function_has_its_name_as_route_and_the_level_of_the_app(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.route()
        def ping(req):
            return "pong"
        """,
        names,
    )
    assert registry.others[0].settings == {"route": "ping", "methods": (), "auth_level": "function"}


@BOTH
def test_other_triggers_are_collected_with_their_settings(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.timer_trigger(arg_name="timer", schedule="0 * * * * *")
        def tick(timer):
            pass

        @app.queue_trigger(arg_name="message", queue_name="orders", connection="Storage")
        def take(message):
            pass
        """,
        names,
    )
    assert [(one.name, one.trigger, one.settings) for one in registry.others] == [
        ("tick", "timerTrigger", {"schedule": "0 * * * * *"}),
        ("take", "queueTrigger", {"queue_name": "orders", "connection": "Storage"}),
    ]


@BOTH
def test_a_blueprint_of_a_sibling_module_is_registered(load, write, names):
    write(
        "shared_steps.py",
        names
        + """
bp = df.Blueprint()

@bp.activity_trigger(input_name="x")
def step(x):
    return x
""",
    )
    registry = load(
        "from shared_steps import bp\napp = df.DFApp()\napp.register_functions(bp)\n", names
    )
    assert registry.activities.names == ["step"]


def test_a_plain_function_app_is_an_app_under_any_name(load):
    registry = load(
        """
        import azure.functions as func
        functions = func.FunctionApp()

        @functions.orchestration_trigger(context_name="context")
        def hello(context):
            return "hi"
        """,
        "",
    )
    assert registry.orchestrators.get("hello").function(None) == "hi"


@BOTH
def test_the_declared_input_type_is_kept(load, names):
    registry = load(
        """
        app = df.DFApp()

        @app.orchestration_trigger(context_name="c", input_type=dict)
        def typed(c):
            return None
        """,
        names,
    )
    assert registry.orchestrators.get("typed").input_type is dict


def test_a_function_json_app_is_loaded(folder, write):
    write("host.json", "{}")
    write("shared_code/__init__.py", "GREETING = 'Hello'\n")
    write(
        "hello/function.json",
        '{"bindings": [{"type": "orchestrationTrigger", "name": "context", "direction": "in"}]}',
    )
    write(
        "hello/__init__.py",
        OWN + "def run(context):\n    return 1\nmain = df.Orchestrator.create(run)\n",
    )
    write(
        "say/function.json",
        '{"scriptFile": "code.py", "entryPoint": "say", "bindings": [{"type": "activityTrigger", '
        '"name": "who", "direction": "in"}]}',
    )
    write(
        "say/code.py",
        "from shared_code import GREETING\nfrom ..shared_code import GREETING as same\ndef "
        "say(who):\n    return GREETING + who\n",
    )
    registry = load_app(folder)
    assert registry.orchestrators.get("hello").function(None) == 1
    assert registry.activities.get("say").function(who="!") == "Hello!"


@pytest.mark.parametrize(
    ("script", "beside"), [("main.py", None), ("run.py", "notes.txt"), ("__init__.py", "other.py")]
)
def test_the_script_of_a_function_json_may_be_left_out(folder, write, script, beside):
    write("host.json", "{}")
    write("say/function.json", '{"bindings": [{"type": "activityTrigger", "name": "who"}]}')
    write(f"say/{script}", "def main(who):\n    return who\n")
    if beside:
        write(f"say/{beside}", "1 / 0\n")
    assert load_app(folder).activities.get("say").function(who=1) == 1


def test_a_function_json_starter_keeps_its_route(folder, write):
    write("host.json", "{}")
    bindings = (
        '[{"type": "httpTrigger", "name": "req", "route": "start/{name}", "methods": ["post"], '
        '"authLevel": "anonymous"},'
        ' {"type": "http", "name": "$return", "direction": "out"}, {"type": "durableClient", '
        '"name": "starter"}]'
    )
    write("start/function.json", f'{{"bindings": {bindings}}}')
    write("start/__init__.py", "async def main(req, starter):\n    pass\n")
    (start,) = load_app(folder).others
    assert (start.parameter, start.clients) == ("req", {"starter": True})
    assert start.settings == {
        "route": "start/{name}",
        "methods": ("POST",),
        "auth_level": "anonymous",
    }


def test_the_app_is_the_module_function_app_while_it_loads_and_after(load):
    load("import sys\nassert sys.modules['function_app'].__name__ == __name__\n" + APP)
    assert sys.modules["function_app"].Order


def test_what_the_app_prints_on_import_is_no_output_of_ours(load, capsys):
    load("print('hello from the app')\n" + APP)
    assert capsys.readouterr() == ("", "hello from the app\n")


def test_the_next_app_does_not_see_the_siblings_of_the_last(folder, write):
    for number in (1, 2):
        write(f"app{number}/shared_steps.py", f"NUMBER = {number}\n")
        write(f"app{number}/function_app.py", OWN + "from shared_steps import NUMBER\n" + APP)
    numbers = [
        load_app(folder / app).activities.get("charge").function.__globals__["NUMBER"]
        for app in ("app1", "app2")
    ]
    assert numbers == [1, 2]
    assert str(folder / "app1") not in sys.path


def test_local_settings_are_the_environment_of_the_app_without_overriding_it(
    load, write, monkeypatch
):
    monkeypatch.setenv("NAME", "set before")
    write(
        "local.settings.json",
        '{"IsEncrypted": false, "Values": {"NAME": "from the file", "CITY": "Tokyo"}}',
    )
    load("import os\nSEEN = os.environ['NAME'], os.environ['CITY']\n" + APP)
    assert sys.modules["function_app"].SEEN == ("set before", "Tokyo")


def test_local_settings_follow_their_file(load, write, monkeypatch):
    monkeypatch.setenv("NAME", "set before")
    write(
        "local.settings.json",
        '{"Values": {"NAME": "a", "CITY": "Tokyo", "AzureWebJobs.charge.Disabled": "true"}}',
    )
    assert load(APP).activities.names == ["ship"]
    write("local.settings.json", '{"Values": {"NAME": "b", "CITY": "Oslo"}}')
    assert load(APP).activities.names == ["charge", "ship"]
    assert (os.environ["NAME"], os.environ["CITY"]) == ("set before", "Oslo")


def test_encrypted_settings_are_told_and_not_used(load, write):
    write("local.settings.json", '{"IsEncrypted": true, "Values": {"CITY": "x"}}')
    assert load(APP).warnings == [
        "local.settings.json is encrypted: its values are not used (func settings decrypt)"
    ]
    assert "CITY" not in os.environ


def test_the_nearest_app_upwards_is_found(folder, write):
    app = write("function_app.py", "")
    (folder / "a" / "b").mkdir(parents=True)
    assert find_app(folder / "a" / "b") == app


def test_a_function_json_app_is_found_by_its_folder(folder, write):
    write("host.json", "{}")
    write("hello/function.json", "{}")
    assert find_app(folder / "hello") == folder
