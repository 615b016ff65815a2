"""What an app says goes to stderr, with the instance in front, once; never into our data."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import threading
from textwrap import indent

import pytest
from growth import is_linear

from durablectl.engine.worker.app_output import CURRENT_INSTANCE, MOST_KEPT, REPEATING, AppOutput

APP = """
import asyncio, logging, sys
from durablectl import df

print("loading")
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def order(context):
    print("first")
    yield context.call_activity("pay", context.instance_id)
    print("second")
    yield context.call_activity("ship", context.instance_id)
    yield context.call_entity(df.EntityId("tally", "t"), "add")
    yield context.wait_for_external_event("Go")
    print("third")
    return "done"

@app.activity_trigger(input_name="id")
def pay(id):
    print("paying", id)
    logging.info("paid %s", id)
    logging.getLogger("shop").warning("dear")

@app.activity_trigger(input_name="id")
async def ship(id):
    print("ship", end="")
    await asyncio.sleep(0.01)
    print("ping", id, file=sys.stderr)

@app.entity_trigger(context_name="context")
def tally(context):
    print("counting")
    context.set_state(1)
"""


@pytest.fixture
def shop(project):
    (project / "function_app.py").write_text(APP)
    return project


def durablectl(*args):
    command = [sys.executable, "-m", "durablectl", *args]
    return subprocess.run(command, capture_output=True, text=True, timeout=60, env={**os.environ})


def test_every_line_has_its_instance_in_front(shop):
    durablectl("start", "order", "--instance-id", "o-1")
    durablectl("raise-event", "o-1", "Go")
    done = durablectl("wait", "o-1", "-o", "json", "-q", "--timeout", "30s")
    assert json.loads(done.stdout)["output"] == "done"
    lines = done.stderr.splitlines()
    assert lines[0] == "loading"
    assert lines[1:] == [
        "[o-1] first",
        "[o-1] paying o-1",
        "[o-1] paid o-1",
        "[o-1] warning: dear",
        "[o-1] second",
        "[o-1] shipping o-1",
        "[@tally@t] counting",
        "[o-1] third",
    ]


def test_a_line_that_is_replayed_is_not_printed_again(shop):
    durablectl("start", "order", "--instance-id", "o-1")
    first = durablectl("worker", "--until-idle")
    durablectl("raise-event", "o-1", "Go")
    second = durablectl("worker", "--until-idle")
    assert "[o-1] first" in first.stderr
    assert [line for line in second.stderr.splitlines() if line.startswith("[")] == ["[o-1] third"]


def test_activities_in_processes_are_told_too(shop):
    durablectl("start", "order", "--instance-id", "o-1")
    assert (
        "[o-1] paying o-1\n"
        in durablectl("worker", "--until-idle", "--activity-processes", "1").stderr
    )


def test_lines_of_several_speakers_do_not_mix():
    lines: list[str] = []
    app_output = AppOutput(lines.append)
    for speaker, text in (
        ("a", "one "),
        ("b", "two\nthr"),
        (None, "x\n"),
        ("a", "half\n"),
        (REPEATING, "again\n"),
    ):
        CURRENT_INSTANCE.set(speaker)
        assert app_output.write(text) == len(text)
    CURRENT_INSTANCE.set(None)
    app_output.finish()
    assert lines == ["[b] two", "x", "[a] one half", "[b] thr"]


@pytest.mark.parametrize(
    ("written", "shown"),
    [
        (["10 %\r", "20 %\r", "done\n"], ["10 %", "20 %", "done"]),
        (["\r10 %", "\r20 %", "\n", "next\n"], ["10 %", "20 %", "next"]),
        (["a\r\n", "b\r", "\n", "\n", "c\r\nd\r"], ["a", "b", "", "c", "d"]),
        (["x" * MOST_KEPT, "y", "\n", "z\n"], ["x" * MOST_KEPT + "y", "z"]),
        (["a" * 9] * 10_000, ["a" * 9 * (1 + MOST_KEPT // 9)] * 5),
    ],
    ids=[
        "updates",
        "updates from their beginning",
        "line ends of Windows",
        "a long line",
        "no line end",
    ],
)
def test_what_has_no_line_end_is_shown_as_it_comes(written, shown):
    lines: list[str] = []
    app_output = AppOutput(lines.append)
    for text in written:
        app_output.write(text)
    assert lines == shown


@pytest.mark.parametrize("text", ["10 %\r", "\r10 %", ".", "line\n"], ids=repr)
def test_many_small_writes_take_linear_time(text):
    def write(count: int) -> None:
        app_output = AppOutput(lambda _line: None)
        for _ in range(count):
            app_output.write(text)

    assert is_linear(write, lambda count: count)


UNENDED = """
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def bars(context):
    yield context.task_all([context.call_activity(name, n) for n, name in enumerate(("bar", "later"))])
    print("so far", end="")
    yield context.call_entity(df.EntityId("dots", "d"), "add")
    yield context.wait_for_external_event("Go")

@app.activity_trigger(input_name="n")
def bar(n):
    for percent in range(40_000):
        print(f"{percent} of 40000", end="\\r")
    print("over", end="")

@app.activity_trigger(input_name="n")
async def later(n):
    print("later", end="")

@app.entity_trigger(context_name="context")
def dots(context):
    print("...", end="")
    context.set_state(1)
"""


@pytest.mark.parametrize(
    "options", [[], ["--activity-processes", "1"]], ids=["threads", "processes"]
)
def test_what_has_no_line_end_is_shown_when_the_code_that_wrote_it_has_ended(project, options):
    (project / "function_app.py").write_text(UNENDED)
    durablectl("start", "bars", "--instance-id", "b")
    command = [sys.executable, "-m", "durablectl", "worker", *options]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as worker:
        late = threading.Timer(60, worker.kill)
        late.start()
        shown = []
        for line in worker.stderr:
            shown.append(line.rstrip("\n"))
            if shown[-1] == "[@dots@d] ...":
                break  # while the worker runs on
        worker.terminate()
        worker.stderr.read()
        late.cancel()
    updates = [line for line in shown if line.endswith("of 40000")]
    assert updates == [f"[b] {percent} of 40000" for percent in range(40_000)]
    others = [line for line in shown if line.startswith("[") and not line.endswith("of 40000")]
    assert sorted(others[:2]) + others[2:] == [
        "[b] later",
        "[b] over",
        "[b] so far",
        "[@dots@d] ...",
    ]


def test_what_an_app_says_cannot_act_on_the_terminal(shop):
    (shop / "function_app.py").write_text(
        APP.replace('print("paying", id)', 'print("\\x1b[2Jpaying")')
    )
    durablectl("start", "order", "--instance-id", "o-1")
    assert "[o-1] \\x1b[2Jpaying\n" in durablectl("worker", "--until-idle").stderr


def test_an_activity_that_is_left_behind_does_not_write_between_the_data(shop):
    chatty = """
import time
for _ in range(10_000):
    print("busy", end="\\n" if _ % 3 else "")
    time.sleep(0.0005)
"""
    (shop / "function_app.py").write_text(
        APP.replace('    print("paying", id)', indent(chatty, "    "))
    )
    done = durablectl("run", "order", "--timeout", "0.5s", "-o", "json")
    assert done.returncode == 124
    assert "busy" not in done.stdout
    assert json.loads(done.stdout)
