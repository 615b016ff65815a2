"""The source check: each call that a replay does not repeat, with its line and what to use."""

from __future__ import annotations

from pathlib import Path

import pytest

from durablectl.functionapp.loader import load_app
from durablectl.functionapp.source_check import LONG, UnsafeCall, unsafe_calls

ROOT = Path(__file__).parents[2]
HEAD = """
import os, random, time, uuid, datetime as dt, urllib.request
from datetime import datetime, date
from os import environ, getenv
from random import randint as draw
from time import time as now
try:
    import azure.durable_functions as df
except ImportError:
    from durablectl import df

app = df.DFApp()
WORDS = {"a", "b"}


@app.activity_trigger(input_name="value")
def act(value):
    return random.random(), datetime.now(), os.environ
"""


def found_in(folder: Path, body: str, before: str = "") -> list[UnsafeCall]:
    source = (
        f"{HEAD}\n{before}\n\n@app.orchestration_trigger(context_name='context')\n"
        f"def order(context):\n{body}\n    yield context.call_activity('act')\n"
    )
    (folder / "function_app.py").write_text(source)
    return unsafe_calls(load_app(folder))


@pytest.mark.parametrize(
    ("code", "name", "instead"),
    [
        ("random.random()", "random.random", "an activity"),
        ("draw(1, 2)", "random.randint", "an activity"),
        ("random.Random()", "random.Random", "an activity"),
        ("uuid.uuid4()", "uuid.uuid4", "context.new_uuid()"),
        ("datetime.now()", "datetime.datetime.now", "context.current_utc_datetime"),
        ("datetime.utcnow()", "datetime.datetime.utcnow", "context.current_utc_datetime"),
        ("dt.datetime.today()", "datetime.datetime.today", "context.current_utc_datetime"),
        ("date.today()", "datetime.date.today", "context.current_utc_datetime.date()"),
        ("time.time()", "time.time", "context.current_utc_datetime"),
        ("now()", "time.time", "context.current_utc_datetime"),
        ("time.monotonic()", "time.monotonic", "context.current_utc_datetime"),
        ("time.sleep(1)", "time.sleep", "context.create_timer"),
        ("os.environ['A']", "os.environ", "the input, or an activity"),
        ("environ.get('A')", "os.environ", "the input, or an activity"),
        ("os.getenv('A')", "os.getenv", "the input, or an activity"),
        ("getenv('A')", "os.getenv", "the input, or an activity"),
        ("open('a')", "open", "an activity"),
        (
            "urllib.request.urlopen('a')",
            "urllib.request.urlopen",
            "context.call_http, or an activity",
        ),
        ("[x for x in {1, 2}]", "the order of a set", "sorted(...)"),
        ("list(set([1]))", "the order of a set", "sorted(...)"),
    ],
)
def test_an_unsafe_call_is_found_at_its_line(
    tmp_path: Path, code: str, name: str, instead: str
) -> None:
    (found,) = found_in(tmp_path, f"    value = {code}")
    lines = (tmp_path / "function_app.py").read_text().splitlines()
    assert (found.orchestrator, found.name, found.instead) == ("order", name, instead)
    assert lines[found.line - 1] == f"    value = {code}"
    assert found.sentence.endswith(f"uses {name}, which is not replay-safe; use {instead}")


def test_loops_over_sets_and_inner_functions_are_read(tmp_path: Path) -> None:
    body = """
    kinds = {1, 2}
    for kind in kinds:
        pass
    def inner():
        return uuid.uuid4()
    """
    assert [each.name for each in found_in(tmp_path, body)] == ["the order of a set", "uuid.uuid4"]


def test_helpers_that_an_orchestrator_calls_are_read_once(tmp_path: Path) -> None:
    helpers = """
def helper(context):
    yield from deeper(context)

def deeper(context):
    yield context.call_activity("act", random.random())

def other():
    return uuid.uuid4()
"""
    found = found_in(
        tmp_path, "    yield from helper(context)\n    yield from helper(context)", helpers
    )
    assert [each.name for each in found] == ["random.random"]


@pytest.mark.parametrize(
    "body",
    [
        "    value = context.current_utc_datetime, context.new_uuid()",
        "    value = random.Random(7).random()",
        "    value = uuid.uuid5(uuid.NAMESPACE_URL, 'a')",
        "    value = datetime.fromisoformat('2026-01-01'), time.strptime('1', '%d')",
        "    value = sorted({1, 2}), len(set([1])), 1 in {1}",
        "    for each in sorted(WORDS):\n        pass",
        "    random = context\n    random.call_activity('act')",
        "    open = context.get_input\n    open()",
        "    value = os.path.join('a', 'b')",
        "    from datetime import datetime\n    value = datetime(2026, 1, 1)",
    ],
)
def test_what_a_replay_repeats_is_not_warned_of(tmp_path: Path, body: str) -> None:
    assert found_in(tmp_path, body) == []


@pytest.mark.parametrize(
    "app",
    [
        "examples/orders",
        "tests/recordings/function_app.py",
        "benchmarks/app",
        "tests/soak/function_app.py",
        "tests/powerloss/app",
    ],
)
def test_the_examples_and_the_apps_of_the_tests_give_no_warning(
    app: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SOAK_RUNS", "runs")
    assert unsafe_calls(load_app(ROOT / app)) == []


def test_a_long_timer_that_is_cancelled_is_found(tmp_path: Path) -> None:
    body = (
        "    from datetime import timedelta\n    now = context.current_utc_datetime\n"
        "    late = context.create_timer(now + timedelta(days=7))\n"
        "    soon = context.create_timer(now + timedelta(days=5, hours=24))\n"
        "    yield late\n    soon.cancel()\n    late.cancel()"
    )
    (found,) = found_in(tmp_path, body)
    assert (found.name, found.to_json()["point"]) == (LONG, 19)
    assert "keeps running until the timer fires (point 19" in found.sentence


def test_an_orchestrator_without_a_source_file_is_left_out(tmp_path: Path) -> None:
    (tmp_path / "function_app.py").write_text(
        f"{HEAD}\nexec('''\n@app.orchestration_trigger(context_name='context')\n"
        "def order(context):\n    yield random.random()\n''')\n"
    )
    assert unsafe_calls(load_app(tmp_path)) == []


def test_of_a_run_only_what_it_starts_and_calls_is_read(tmp_path: Path) -> None:
    orchestrator = "@app.orchestration_trigger(context_name='context')\ndef {}(context):\n    {}\n"
    bodies = {
        "first": "yield from step(context)",
        "second": "yield context.call_sub_orchestrator(third)",
        "third": "yield random.random()",
        "other": "yield time.time()",
    }
    helper = "def step(context):\n    yield context.call_sub_orchestrator('second')\n"
    functions = [orchestrator.format(name, body) for name, body in bodies.items()]
    (tmp_path / "function_app.py").write_text("\n\n".join([HEAD, helper, *functions]))
    app = load_app(tmp_path)
    assert [each.orchestrator for each in unsafe_calls(app, "FIRST")] == ["third"]
    assert [each.orchestrator for each in unsafe_calls(app, "other")] == ["other"]
    assert unsafe_calls(app, "unknown") == []
    assert len(unsafe_calls(app)) == 2
