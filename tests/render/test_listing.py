"""A listing on a narrow screen: what gives way, and how ids are shortened."""

import pytest
from rich.text import Text

from durablectl.render.terminal.listing import fitting, listing, shortened

NEEDS = {"id": 34, "name": 10, "status": 9, "created": 10, "updated": 10, "details": 60}
IDS = (32, 34)
GUID = "0123456789abcdef0123456789abcdef"
CELLS = (f"{GUID}:0", "charge_all", "Completed", "59 min ago", "59 min ago", "x" * 60)


@pytest.mark.parametrize(
    ("width", "expected"),
    [
        (160, NEEDS),
        (120, {**NEEDS, "details": 37}),
        (100, {"id": 13, "name": 10, "status": 9, "updated": 10, "details": 50}),
        (80, {"id": 13, "name": 10, "status": 9, "updated": 10, "details": 30}),
        (60, {"id": 13, "name": 8, "status": 9, "details": 24}),
        (40, {"id": 17, "name": 10, "status": 9}),
    ],
    ids=str,
)
def test_what_gives_way_leaves_room_for_why_an_instance_failed(width, expected):
    assert fitting(NEEDS, IDS, width) == expected


def test_one_long_id_takes_no_room_from_the_other_rows():
    widths = fitting({**NEEDS, "id": 80}, [8, 12, 80], 80)
    assert (widths["id"], widths["details"]) == (13, 30)
    widths = fitting({**NEEDS, "id": 80, "details": 20}, [8, 16, 80], 80)
    assert (widths["id"], widths["details"]) == (23, 20)


@pytest.mark.parametrize("width", [20, 40, 60, 80, 100, 160])
def test_a_line_is_never_wider_than_the_screen(width):
    columns = ("id", "name", "status", "created", "updated", "details")
    lines = listing(columns, [[Text(each) for each in CELLS]], width)
    assert len(lines) == 2
    assert all(line.cell_len <= width or line.no_wrap for line in lines)


@pytest.mark.parametrize(
    ("ids", "expected"),
    [
        ([GUID, "a" * 32, "short"], ["0123456789ab…", "aaaaaaaaaaaa…", "short"]),
        ([GUID, f"{GUID}:0", f"{GUID}:1"], ["0123456789ab…", "0123456789…:0", "0123456789…:1"]),
        (["order-2026-11-0001", "order-2026-11-0002"], ["order-20…0001", "order-20…0002"]),
    ],
    ids=["beginnings", "children", "ends"],
)
def test_ids_are_shortened_to_what_tells_them_apart(ids, expected):
    assert shortened(ids, 13) == expected
