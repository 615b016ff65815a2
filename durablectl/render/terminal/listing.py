"""A listing of instances as lines that fit a screen, one for each: what does not fit is shortened
or left out. Asks no clock.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from rich.text import Text

from durablectl.model import is_child_id
from durablectl.render.views import DETAILS, WAITING_FOR

MARK, PROGRESS = "mark", "progress"
UNTITLED = frozenset({MARK, PROGRESS})
GAP = "  "
SHORT_ID = 13
ENDS = (0, 4, 6)  # of a shortened id: characters that tell it apart
# which columns give way, in order, and what each keeps then
GIVING_WAY = (
    (PROGRESS, 16),
    (DETAILS, 32),
    ("created", 0),
    ("id", SHORT_ID),
    ("name", 16),
    (DETAILS, 24),
    (PROGRESS, 8),
    ("updated", 0),
    ("name", 8),
    (DETAILS, 8),
    (PROGRESS, 0),
    (DETAILS, 0),
    ("id", 8),
    ("name", 0),
)
GROWING = (DETAILS, PROGRESS, "name", "id")


def listing(columns: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> list[Text]:
    """The header and the rows, each a line of at most this width."""
    names = [DETAILS if column == WAITING_FOR else column for column in columns]
    titles = ["" if column in UNTITLED else column.upper() for column in columns]
    cells = {
        name: [Text(titles[number], style="bold"), *(row[number] for row in rows)]
        for number, name in enumerate(names)
    }
    needs = {name: max(cell.cell_len for cell in column) for name, column in cells.items()}
    ids = [cell.plain for cell in cells["id"][1:]]
    widths = fitting(needs, [*map(len, ids)], width)
    for cell, short in zip(cells["id"][1:], shortened(ids, widths["id"]), strict=True):
        cell.plain = short
    for name, wide in widths.items():
        for cell in cells[name]:
            cell.truncate(wide, overflow="ellipsis", pad=True)
    lines = [Text(GAP).join(line) for line in zip(*map(cells.__getitem__, widths), strict=True)]
    for line in lines:
        line.rstrip()
        line.no_wrap, line.overflow = True, "ellipsis"  # on a screen too narrow for this
    return lines


def fitting(needs: Mapping[str, int], ids: Sequence[int], width: int) -> dict[str, int]:
    """The widths of the columns that are shown: what they need where there is room for all.

    `ids` is how long each id is: their column is as wide as some of them, or has them short.
    """
    widths = {name: need for name, need in needs.items() if need}
    for name, least in GIVING_WAY:
        missing = _total(widths) - width
        if missing > 0 and widths.get(name, 0) > least:
            left = max(widths[name] - missing, least) if least else 0
            if name == "id":
                left = max((each for each in ids if least <= each <= left), default=least)
            widths[name] = left
            widths = {name: wide for name, wide in widths.items() if wide}
    for name in GROWING:
        if name in widths:
            spare = max(width - _total(widths), 0)
            widths[name] = min(needs[name], widths[name] + spare)
    return widths


def shortened(ids: Sequence[str], width: int) -> list[str]:
    """The ids in that many characters: of those that are longer the beginning, and as much of the
    end as tells them apart; of a child its number.
    """
    for end in ENDS:
        shown = [_short(each, width, end) for each in ids]
        if len(set(shown)) == len(set(ids)):
            break
    return shown


def _short(instance_id: str, width: int, end: int) -> str:
    if len(instance_id) <= width:
        return instance_id
    if is_child_id(instance_id):
        end = max(end, len(instance_id) - instance_id.rindex(":"))
    return f"{instance_id[: max(width - 1 - end, 1)]}…{instance_id[len(instance_id) - end :]}"


def _total(widths: Mapping[str, int]) -> int:
    return sum(widths.values()) + len(GAP) * (len(widths) - 1)
