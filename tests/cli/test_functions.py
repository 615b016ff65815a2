"""`durablectl functions`."""

from __future__ import annotations

import json
from pathlib import Path

ORDERS = Path(__file__).parents[2] / "examples" / "orders"


def test_functions_are_listed_by_kind(run):
    code, out, err = run("functions", "--app", ORDERS)
    assert (code, err) == (0, "")
    assert out.splitlines() == [
        "orchestrators",
        "  Order",
        "activities",
        "  reserve",
        "  charge",
        "  ship",
        "HTTP functions (the worker does not run them)",
        "  start    POST /api/orchestrators/{functionName}",
    ]


def test_json_has_an_object_a_function(run):
    code, out, _ = run("functions", "--app", ORDERS, "-o", "json")
    rows = json.loads(out)
    assert (code, rows[0], len(rows)) == (0, {"name": "Order", "kind": "orchestrator"}, 5)
    assert rows[-1] == {
        "name": "start",
        "kind": "http",
        "trigger": "httpTrigger",
        "route": "orchestrators/{functionName}",
        "methods": ["POST"],
        "authLevel": "function",
    }


def test_jsonl_has_a_line_a_function(run):
    lines = run("functions", "--app", ORDERS, "-o", "jsonl").out.splitlines()
    assert [json.loads(line)["name"] for line in lines] == [
        "Order",
        "reserve",
        "charge",
        "ship",
        "start",
    ]


def test_ids_are_the_names_that_start_takes(run):
    assert run("functions", "--app", ORDERS, "-o", "id").out == "Order\n"


def test_other_triggers_and_entities_are_told_apart(run, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n"
        "@app.timer_trigger(arg_name='t', schedule='0 * * * * *')\ndef tick(t): ...\n"
        "@app.queue_trigger(arg_name='m', queue_name='q', connection='C')\ndef take(m): ...\n"
        "@app.route(route='/ping')\ndef ping(req): ...\n"
        "@app.entity_trigger(context_name='c')\ndef Stock(c): ...\n"
    )
    assert run("functions").out.splitlines() == [
        "entities",
        "  stock",
        "HTTP functions (the worker does not run them)",
        "  ping   any method /api/ping",
        "other triggers (not run)",
        "  tick   timerTrigger 0 * * * * *",
        "  take   queueTrigger",
    ]


def test_what_the_author_should_hear_is_said_on_stderr(run, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n@app.activity_trigger(input_name='x', "
        "activity='Two')\ndef one(x): ...\n"
    )
    code, out, err = run("functions")
    assert (code, out) == (0, "activities\n  Two\n")
    assert err.startswith(
        "warning: 'Two' is the function one (function_app.py:3): on Azure call "
        "it by its name in quotes"
    )


def test_without_an_app_it_says_how_to_get_one(run):
    code, out, err = run("functions")
    assert (code, out) == (1, "")
    assert err == (
        "durablectl: there is no app here: no function_app.py and no function.json folders\n"
        "hint: name it with --app PATH, or write one with: durablectl init\n"
    )


def test_a_broken_app_is_told_without_a_traceback(run, project):
    (project / "function_app.py").write_text("import os\n1 / 0\n")
    code, out, err = run("functions")
    assert (code, out) == (1, "")
    assert err == (
        "durablectl: the app fails while it is loaded: function_app.py:2: "
        "ZeroDivisionError: division by zero\n"
    )


def test_what_the_app_prints_does_not_spoil_the_json(run, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\nprint('loading')\napp = "
        "df.DFApp()\n@app.activity_trigger(input_name='x')\ndef one(x): ...\n"
    )
    code, out, err = run("functions", "-o", "json")
    assert (code, json.loads(out), err) == (0, [{"name": "one", "kind": "activity"}], "loading\n")


def test_a_disabled_function_is_marked_and_not_started(run, project):
    (project / "function_app.py").write_text(
        "from durablectl import df\napp = df.DFApp()\n"
        "@app.orchestration_trigger(context_name='c')\ndef Order(c): ...\n"
        "@app.orchestration_trigger(context_name='c')\ndef Ship(c): ...\n"
        "@app.route(route='/ping')\ndef ping(req): ...\n"
    )
    off = {
        "AzureWebJobs.Order.Disabled": "true",
        "AzureWebJobs_ping_Disabled": "1",
        "AzureWebJobs.Ship.Disabled": "false",
    }
    assert run("functions", env=off).out.splitlines() == [
        "orchestrators",
        "  Ship",
        "  Order  (disabled)",
        "HTTP functions (the worker does not run them)",
        "  ping   (disabled)",
    ]
    assert run("functions", "-o", "id", env=off).out == "Ship\n"
    assert json.loads(run("functions", "-o", "json", env=off).out)[1] == {
        "name": "Order",
        "kind": "orchestrator",
        "disabled": True,
    }
    code, _, err = run("run", "Order", env=off)
    assert (code, "no orchestrator 'Order'" in err) == (3, True)
