"""What a wait says while it lasts: quiet lines without a terminal, a live display with one."""

import io
from datetime import UTC, datetime

import pytest

from durablectl.errors import Unreachable
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.output import Output
from durablectl.render.progress import progress_of
from durablectl.render.terminal.displays import Troubles, WaitLines, waiting_display

T0 = datetime(2026, 1, 1, tzinfo=UTC)
NO_ANSWER = Unreachable("no answer")


class Terminal(io.StringIO):
    def isatty(self):
        return True


class Clock:
    now = 0.0

    def __call__(self):
        return self.now


def status(state="Running", custom=None, instance_id="a"):
    return InstanceStatus("order", instance_id, RuntimeStatus(state), T0, T0, custom_status=custom)


@pytest.fixture
def lines():
    clock, err = Clock(), io.StringIO()
    watcher = WaitLines(Output(io.StringIO(), err, environ={}), 1, clock)

    def at(seconds, *args, **kwargs):
        clock.now = seconds
        watcher(status(*args, **kwargs))
        return err.getvalue().splitlines()

    return at


@pytest.mark.parametrize(
    ("custom", "progress"),
    [
        ({"percent": 40, "message": "packing"}, (40.0, "packing")),
        ({"percent": 140}, (100.0, "")),
        (25, (25.0, "")),
        ({"done": 3, "total": 12}, (25.0, "3 of 12")),
        ('{"percent": 5}', (5.0, "")),
        ("packing\x1b[2J\n", (None, "packing\\x1b[2J\\n")),
        ({"stage": "approval"}, (None, "")),
        ({"done": 1, "total": 0}, (None, "")),
        ({"percent": "many"}, (None, "")),
        (True, (None, "")),
        (float("nan"), (None, "")),
        (None, (None, "")),
    ],
)
def test_how_far_an_instance_is_can_be_told_in_several_forms(custom, progress):
    assert progress_of(custom) == progress


def test_a_change_of_state_is_a_line(lines):
    lines(2, "Pending")
    lines(3, "Running")
    lines(4, "Running")
    assert lines(5, "Completed") == [
        "a: Pending [2.0 s]",
        "a: Running [3.0 s]",
        "a: Completed [5.0 s]",
    ]


def test_what_is_over_within_a_second_says_nothing(lines):
    lines(0, "Pending")
    assert lines(0.5, "Completed") == []


def test_silence_is_broken_once_a_minute(lines):
    for second in range(2, 130):
        said = lines(second)
    assert said == [
        "a: Running [2.0 s]",
        "a: Running (unchanged) [1 min 2 s]",
        "a: Running (unchanged) [2 min 2 s]",
    ]


def test_a_heartbeat_tells_what_has_changed_after_a_long_time(lines):
    for second in range(0, 360, 30):
        lines(second)
    assert lines(400, "Running", {"percent": 40})[-1] == "a: Running, 40 % [6 min 40 s]"


def test_half_an_hour_of_changing_custom_status_stays_under_sixty_lines(lines):
    for second in range(1800):
        said = lines(second, "Running", {"percent": second / 18})
    assert len(said) < 60


@pytest.mark.parametrize(
    "ids",
    [["a"], [f"a-{number}" for number in range(10)], [f"a-{number}" for number in range(500)]],
    ids=len,
)
def test_half_an_hour_of_instances_and_a_hub_that_come_and_go_stays_under_sixty_lines(ids):
    clock, err = Clock(), io.StringIO()
    out = Output(io.StringIO(), err, environ={})
    watcher, troubles = WaitLines(out, len(ids), clock), Troubles(out, clock)
    for clock.now in range(1800):
        (troubles.failed if clock.now % 7 < 3 else lambda _: troubles.answered())(NO_ANSWER)
        for number, instance_id in enumerate(ids):
            changing = ("Running", "ContinuedAsNew", "Pending")[(int(clock.now) + number) % 3]
            watcher(
                status(
                    changing if clock.now < 1799 else "Completed",
                    {"percent": clock.now % 100},
                    instance_id,
                )
            )
    assert 20 < len(err.getvalue().splitlines()) < 58


def test_the_end_of_the_one_instance_is_told_whatever_was_said_before(lines):
    for second in range(2, 40):
        lines(second, ("Running", "Pending")[second % 2])
    assert lines(40, "Completed")[-1] == "a: Completed [40 s]"


def test_a_trouble_is_told_once_and_that_it_is_over():
    clock, err = Clock(), io.StringIO()
    troubles = Troubles(Output(io.StringIO(), err, environ={}), clock)
    for clock.now in (1, 2, 30, 700):
        troubles.failed(NO_ANSWER)
        troubles.failed(NO_ANSWER)
        troubles.answered()
    assert (
        err.getvalue().splitlines()
        == ["warning: no answer; still waiting", "the hub answers again"] * 2
    )


def test_many_instances_are_summed_up():
    clock, err = Clock(), io.StringIO()
    watcher = WaitLines(Output(io.StringIO(), err, environ={}), 12, clock)
    for clock.now in (2.0, 3.0, 4.0, 40.0):
        for number in range(12):
            watcher(status("Completed" if clock.now > 30 else "Running", instance_id=str(number)))
    assert err.getvalue().splitlines() == [
        "12 instances: 12 Running [3.0 s]",
        "12 instances: 12 Completed [40 s]",
    ]


def test_quiet_says_nothing():
    err = io.StringIO()
    with waiting_display(Output(io.StringIO(), err, quiet=True, environ={}), ["a"]) as watcher:
        watcher(status())
    assert err.getvalue() == ""


@pytest.mark.parametrize("count", [2, 12], ids=["a row each", "one row in all"])
def test_a_terminal_gets_a_live_display_that_leaves_nothing_behind(count):
    err = Terminal()
    out = Output(io.StringIO(), err, environ={"TERM": "xterm", "COLUMNS": "100"})
    with waiting_display(out, [str(number) for number in range(count)]) as watcher:
        for number in range(count):
            watcher(status("Running", {"percent": 40, "message": "[red]packing"}, str(number)))
        out.note("the hub answers again")
    shown = err.getvalue()
    assert "the hub answers again" in shown
    assert ("[red]packing" in shown) == (count == 2)
    assert shown.rstrip("\n").endswith("\x1b[2K")
