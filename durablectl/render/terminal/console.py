"""What Rich draws once: styled text, details and tables. Only `Output` imports this module, when a
terminal is written to.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import TextIO

from rich.console import Console, Group, RenderableType
from rich.table import Table as RichTable
from rich.text import Text

from durablectl.render.sanitize import safe, safe_line
from durablectl.render.terminal.listing import listing
from durablectl.render.terminal.styles import STYLES
from durablectl.render.views import Details, Table

# of what is folded, and of what is cut: one long name must not take the room of the ids
NARROWEST, WIDEST = 8, 32
# of a cell on a terminal: Rich takes seconds to fold a megabyte, and it cannot be read there
LONGEST = 2000
_STYLE_OF_WORD = {status.value: style for status, style in STYLES.items()}


def console_on(stream: TextIO, *, color: bool) -> Console:
    """A console that reads no markup."""
    return Console(
        file=stream,
        no_color=not color,
        force_terminal=color or None,
        markup=False,
        emoji=False,
        highlight=False,
    )


class Terminal:
    """Draws on one console what went through `safe`."""

    def __init__(self, console: Console) -> None:
        self._console = console

    def styled(self, parts: Iterable[tuple[str, str]]) -> None:
        """Print a line in parts, each with its style; nothing is cut."""
        self._print(Text.assemble(*parts), wrap=False)

    def details(self, details: Details, width: int) -> None:
        """Print labels and values."""
        text = Text(safe(details.text(width)))
        text.highlight_regex(r"(?m)^[a-z][a-z ]*?(?=  |$)", "bold")
        if (state := details.state) is not None:
            text.highlight_regex(rf"(?m)(?<=^status)\s+{state.value}$", STYLES.get(state, ""))
        self._print(text, wrap=False)

    def table(self, table: Table, width: int, lines: int | None = None) -> int:
        """Print a table: nothing is cut while there is room for all of it. Of its rows as many as
        fit `lines` with the header, one at least: how many they are.
        """
        rows = [[_cell(cell) for cell in row] for row in table.rows]
        if table.is_listing:
            self._print(Group(*listing(table.columns, rows, width)), wrap=True)
            return len(rows)
        rich = _folding(table.columns, rows, width)
        while lines and len(rows) > 1 and (tall := self._height(rich)) > lines:
            rows = rows[: max(len(rows) * lines // tall, 1)]
            rich = _folding(table.columns, rows, width)
        self._print(rich, wrap=True)
        return len(rows)

    def _height(self, renderable: RenderableType) -> int:
        return len(self._console.render_lines(renderable, pad=False))

    def _print(self, renderable: RenderableType, *, wrap: bool) -> None:
        self._console.print(
            renderable, markup=False, emoji=False, highlight=False, soft_wrap=not wrap
        )


def _folding(columns: Sequence[str], rows: Sequence[Sequence[Text]], width: int) -> RichTable:
    """A table whose first and last columns are folded where there is no room, and all of them
    where that is not enough.
    """
    rich = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    needs = _widths(columns, rows)
    has_room = _width(needs) <= width
    least = [min(NARROWEST, needs[0]), *needs[1:-1], min(NARROWEST, needs[-1])]
    is_narrow = _width([min(each, WIDEST) for each in least]) > width
    for number, column in enumerate(columns):
        last = number == len(columns) - 1
        folds = number == 0 or last or is_narrow
        rich.add_column(
            column.upper(),
            overflow="fold" if folds else "ellipsis",
            no_wrap=not folds,
            min_width=least[number] if folds and not is_narrow else None,
            max_width=None if folds or has_room or last else WIDEST,
        )
    for row in rows:
        rich.add_row(*row)
    return rich


def _widths(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> list[int]:
    """How wide each column is when nothing of it is cut or folded."""
    cells = [len(column) for column in columns]
    for row in rows:
        cells = [max(known, cell.cell_len) for known, cell in zip(cells, row, strict=True)]
    return cells


def _width(cells: Sequence[int]) -> int:
    """How wide a table of such columns is."""
    return sum(cells) + 2 * len(cells)


def _cell(cell: str) -> Text:
    shown = safe_line(cell[:LONGEST])
    return Text(shown if len(cell) <= LONGEST else f"{shown}…", style=_STYLE_OF_WORD.get(cell, ""))
