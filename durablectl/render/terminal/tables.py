"""Details and tables on stdout: aligned and coloured on a terminal; plain, complete and
tab-separated through a pipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain
from typing import TYPE_CHECKING, TypeVar

from durablectl.model import RuntimeStatus
from durablectl.render.output import Output, OutputFormat
from durablectl.render.sanitize import safe, safe_line
from durablectl.render.views import DETAILS, WAITING_FOR, Details, Table

if TYPE_CHECKING:
    from rich.text import Text

Item = TypeVar("Item")
STYLES = {
    RuntimeStatus.PENDING: "dim",
    RuntimeStatus.RUNNING: "cyan",
    RuntimeStatus.CONTINUED_AS_NEW: "cyan",
    RuntimeStatus.SUSPENDED: "magenta",
    RuntimeStatus.COMPLETED: "green",
    RuntimeStatus.FAILED: "bold red",
    RuntimeStatus.TERMINATED: "yellow",
    RuntimeStatus.CANCELED: "yellow",
}
_STYLE_OF_VERDICT = {"ok": "green", "warning": "yellow", "problem": "bold red"}
# of what is folded, and of what is cut: one long name must not take the room of the ids
NARROWEST, WIDEST = 8, 32
# of a cell on a terminal: Rich takes seconds to fold a megabyte, and it cannot be read there
LONGEST = 2000
_STYLE_OF_WORD = {status.value: style for status, style in STYLES.items()}


def show_details(out: Output, details: Details) -> None:
    """Print labels and values. Nothing is wrapped or cut: an address can be copied."""
    if not out.is_rich:
        out.data(details.text())
        return
    from rich.text import Text  # deferred: a pipe does not pay for it

    text = Text(safe(details.text()))
    text.highlight_regex(r"(?m)^[a-z][a-z ]*?(?=  )", "bold")
    if details.state is not None:
        text.highlight_regex(
            rf"(?m)(?<=^status)\s+{details.state.value}$", STYLES.get(details.state, "")
        )
    out.rich(text, wrap=False)


def show_items(
    out: Output,
    items: Iterable[Item],
    *,
    table: Callable[[Iterable[Item]], Table],
    json: Callable[[Item], object],
    id: Callable[[Item], str | None],
) -> None:
    """Print items in the wanted form, one by one as they come: a table for people and for CSV, what
    `json` makes of each, or the `id` of each that has one.
    """
    match out.format:
        case OutputFormat.TEXT:
            show_table(out, table(items))
        case OutputFormat.ID:
            out.ids(each for each in map(id, items) if each is not None)
        case OutputFormat.JSON:
            out.json_array(map(json, items))
        case OutputFormat.JSONL:
            out.jsonl(map(json, items))
        case OutputFormat.CSV:
            found = table(items)
            out.csv(chain([found.columns], found.rows))


def show_table(out: Output, table: Table) -> None:
    """Print a table: on a terminal all at once, through a pipe line by line as the rows come.

    On a terminal nothing is cut while there is room for all of it; details are cut to one line.
    """
    if not out.is_rich:
        out.lines("\t".join(safe_line(cell) for cell in row) for row in _with_header(table))
        return
    from rich.table import Table as RichTable  # deferred: a pipe does not pay for it

    rich = RichTable(box=None, pad_edge=False, header_style="bold", padding=(0, 2, 0, 0))
    rows = [[_cell(cell) for cell in row] for row in table.rows]
    if table.columns[-1] in (DETAILS, WAITING_FOR):
        table, rows = _fitted(table, rows, out.width)
    has_room = _width(table.columns, rows) <= out.width
    for number, column in enumerate(table.columns):
        last = number == len(table.columns) - 1
        folds = (number == 0 or last) and column not in (DETAILS, WAITING_FOR)
        rich.add_column(
            column.upper(),
            overflow="fold" if folds else "ellipsis",
            no_wrap=not folds,
            min_width=NARROWEST if folds else None,
            max_width=None if folds or has_room or last else WIDEST,
        )
    for row in rows:
        rich.add_row(*row)
    out.rich(rich)


def _fitted(table: Table, rows: list[list[Text]], width: int) -> tuple[Table, list[list[Text]]]:
    """The table with its details cut to the room that the other columns leave, or without them."""
    room = width - _width(table.columns[:-1], [row[:-1] for row in rows]) - 2
    if room < NARROWEST:
        return Table(table.columns[:-1], ()), [row[:-1] for row in rows]
    for row in rows:
        row[-1].truncate(room, overflow="ellipsis")
    return table, rows


def _width(columns: Sequence[str], rows: Sequence[Sequence[Text]]) -> int:
    """The columns that a table takes when nothing of it is cut or folded."""
    cells = [len(column) for column in columns]
    for row in rows:
        cells = [max(known, cell.cell_len) for known, cell in zip(cells, row, strict=True)]
    return sum(cells) + 2 * len(cells)


def show_findings(out: Output, findings: Iterable[tuple[str, str, str, str | None]]) -> None:
    """Print what was found as it comes: the verdict, what was looked at, what was found; and below
    it what fixes it.
    """
    for verdict, check, text, fix in findings:
        lines = [
            f"{verdict:<7}  {safe_line(check):<14}  {safe_line(text)}",
            *([f"{'':25}fix: {safe_line(fix)}"] if fix else []),
        ]
        if not out.is_rich:
            out.lines(lines)
            continue
        from rich.text import Text  # deferred, as above

        shown = Text("\n".join(lines))
        shown.stylize(_STYLE_OF_VERDICT.get(verdict, ""), 0, len(verdict))
        out.rich(shown, wrap=False)


def _with_header(table: Table) -> Iterator[Sequence[str]]:
    rows = iter(table.rows)
    # before the header: a hub that answers with an error leaves stdout empty
    first = next(rows, None)
    yield [column.upper() for column in table.columns]
    if first is not None:
        yield first
        yield from rows


def _cell(cell: str) -> Text:
    from rich.text import Text  # deferred, as above

    shown = safe_line(cell[:LONGEST])
    return Text(shown if len(cell) <= LONGEST else f"{shown}…", style=_STYLE_OF_WORD.get(cell, ""))
