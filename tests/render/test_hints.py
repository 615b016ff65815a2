"""A command that is copied from a terminal stays on one line."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from durablectl.explanation.model import Explanation, Next
from durablectl.model import RuntimeStatus
from durablectl.render.hints import folded, hanging
from durablectl.render.terminal.why import explanation_lines

T0 = datetime(2026, 1, 1, tzinfo=UTC)
LONG = "durablectl raise-event --hub hubs/orders.db --app apps/orders order-1 Approval"


def shown(width: int) -> list[str]:
    made = Explanation(
        instance_id="order-1",
        name="Order",
        runtime_status=RuntimeStatus.RUNNING,
        created=T0,
        since=T0,
        unknown=("what it waits for: " + "the history does not say that " * 5,),
        next=(
            Next(("raise-event",), note="add its data as name=value"),
            Next(("worker",), note="runs the app's functions"),
        ),
    )
    words = {"raise-event": LONG, "worker": "durablectl worker"}
    lines = explanation_lines(
        made, T0 + timedelta(hours=1), lambda each: words[each.words[0]], width
    )
    return [text for text, _ in lines]


@pytest.mark.parametrize("width", [80, 100])
def test_no_line_of_why_is_wider_than_the_terminal_but_for_a_command(width: int) -> None:
    lines = shown(width)
    assert [each for each in lines if len(each) > width and "durablectl" not in each] == []
    assert (LONG in lines) is (width == 80)
    assert (f"next: {LONG}" in lines) is (width == 100)
    assert "      durablectl worker" in lines
    assert lines[-1] == "        runs the app's functions"


@pytest.mark.parametrize("width", [0, 140])
def test_a_note_stands_beside_its_command_where_there_is_room(width: int) -> None:
    assert any(line.startswith(f"next: {LONG}  add its data") for line in shown(width))


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        (f"hint: continue it here: {LONG}", f"hint: continue it here:\n  {LONG}"),
        ("hint: durablectl list", "hint: durablectl list"),
        (
            f"no worker is running on this hub; start one with `{LONG}` there",
            f"no worker is running on this hub; start one with\n  `{LONG}`\n  there",
        ),
        ("  " + "word " * 16 + "end", "  " + ("word " * 15).strip() + "\n    word end"),
    ],
    ids=["a hint", "a short one", "in a sentence", "indented"],
)
def test_lines_are_folded_between_words_and_never_within_a_command(text: str, shown: str) -> None:
    assert folded(text, 80) == shown


def test_prose_is_broken_between_words() -> None:
    assert list(hanging("  a timer  that fires in a long while", 26, "      ")) == [
        "  a timer  that fires in a",
        "      long while",
    ]
