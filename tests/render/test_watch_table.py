"""What a watched listing shows: what changed, on a line and on a screen."""

import io
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest

from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.terminal.console import console_on
from durablectl.render.terminal.screen import screenful
from durablectl.render.terminal.watch_table import (
    Change,
    ChangeMark,
    WatchTable,
    change_line,
    counted,
)

T0 = datetime(2026, 11, 2, 3, 4, 5, tzinfo=UTC)
RUNNING, COMPLETED = RuntimeStatus.RUNNING, RuntimeStatus.COMPLETED


def status(instance_id, state=RUNNING, custom=None):
    return InstanceStatus("order", instance_id, state, T0, T0, custom_status=custom)


def test_the_first_look_changes_nothing():
    assert WatchTable("hub").take([status("a")], T0) == []


def test_what_came_went_and_changed_is_told():
    board = WatchTable("hub")
    board.take([status("a"), status("b"), status("c")], T0)
    now = [status("a", COMPLETED), status("b"), status("d")]
    assert board.take(now, T0) == [
        Change(ChangeMark.CHANGED, now[0]),
        Change(ChangeMark.NEW, now[2]),
        Change(ChangeMark.GONE, status("c")),
    ]
    assert board.take(now, T0) == []


def test_nothing_is_gone_that_is_merely_beyond_the_end_of_the_look():
    board = WatchTable("hub")
    board.take([status("a"), status("b")], T0, more=True)
    assert board.take([status("a")], T0) == []


def test_a_change_is_one_line_whatever_it_holds():
    line = change_line(
        Change(
            ChangeMark.CHANGED, status("a\x1b[2J\n", custom={"percent": 40, "message": "half\nway"})
        ),
        T0,
    )
    assert line.split("\t")[1:] == ["a\\x1b[2J\\n", "order", "Running", "40 % half\\nway"]


@pytest.mark.parametrize(
    ("states", "more", "text"),
    [
        ([], False, "no instance matches"),
        ([RUNNING], False, "1 instance: 1 Running"),
        ([RUNNING, RUNNING, COMPLETED], True, "more than 3 instances: 2 Running, 1 Completed"),
    ],
)
def test_states_are_counted(states, more, text):
    assert (
        counted([status(str(number), state) for number, state in enumerate(states)], more=more)
        == text
    )


@pytest.mark.parametrize(("width", "height"), [(40, 6), (80, 24), (140, 40)])
def test_a_screenful_is_exactly_as_large_as_the_screen(width, height):
    board = WatchTable("local hub x", None)
    board.take([status(f"instance-{number}" * 5, custom="x" * 300) for number in range(100)], T0)
    stream = io.StringIO()
    console = console_on(stream, color=False)
    console.width = width
    console.print(screenful(board, T0 + timedelta(seconds=5), width, height))
    lines = stream.getvalue().splitlines()
    assert len(lines) == height
    assert max(map(len, lines)) <= width
    assert "100 instances: 100 Running" in lines[-1]


def test_a_screen_shows_why_one_failed():
    table = WatchTable("hub")
    failed = replace(
        status("a", RuntimeStatus.FAILED), output="Orchestrator function 'o' failed: no luck"
    )
    table.take([failed], T0)
    stream = io.StringIO()
    console = console_on(stream, color=False)
    console.width = 100
    console.print(screenful(table, T0, 100, 10))
    assert "no luck" in stream.getvalue()


@pytest.mark.parametrize(
    ("width", "progress"), [(120, True), (80, False)], ids=["a wide one", "a narrow one"]
)
def test_a_screen_shows_what_unfinished_ones_wait_for(width, progress):
    table = WatchTable("hub", waiting=lambda name, _now: f"event of {name}")
    custom = {"percent": 40, "message": "half way"}
    table.take([status("a", custom=custom), status("b", COMPLETED)], T0)
    stream = io.StringIO()
    console = console_on(stream, color=False)
    console.width = width
    console.print(screenful(table, T0, width, 10))
    text = stream.getvalue()
    assert "DETAILS" in text
    assert ("event of a" in text, "event of b" in text, "half way" in text) == (
        True,
        False,
        progress,
    )
