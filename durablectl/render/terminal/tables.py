"""Details and tables on stdout: aligned and coloured on a terminal; plain, complete and
tab-separated through a pipe.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import TypeVar

from durablectl.render.hints import hanging
from durablectl.render.output import Output, OutputFormat
from durablectl.render.sanitize import safe_line
from durablectl.render.views import Details, Table

Item = TypeVar("Item")
_STYLE_OF_VERDICT = {"ok": "green", "warning": "yellow", "problem": "bold red"}


def show_details(out: Output, details: Details) -> None:
    """Print labels and values. Nothing is cut, and no word broken: an address can be copied."""
    if not out.is_rich:
        out.data(details.text())
        return
    with out.drawing() as terminal:
        terminal.details(details, out.width)


def show_items(
    out: Output,
    items: Iterable[Item],
    *,
    json: Callable[[Item], object],
    id: Callable[[Item], str | None],
    table: Callable[[Iterable[Item]], Table] | None = None,
    text: Callable[[Iterable[Item]], None] | None = None,
) -> None:
    """Print items in the wanted form, one by one as they come: a table for CSV and, unless there is
    another `text`, for people; what `json` makes of each, or the `id` of each that has one.
    """
    match out.format:
        case OutputFormat.TEXT if text is not None:
            text(items)
        case OutputFormat.TEXT if table is not None:
            show_table(out, table(items))
        case OutputFormat.ID:
            out.ids(each for each in map(id, items) if each is not None)
        case OutputFormat.JSON:
            out.json_array(map(json, items))
        case OutputFormat.JSONL:
            out.jsonl(map(json, items))
        case OutputFormat.CSV if table is not None:
            found = table(items)
            out.csv(chain([found.columns], found.rows))


def show_found(
    out: Output,
    items: Iterable[Item],
    *,
    json: Callable[[Item], object],
    id: Callable[[Item], str | None],
    table: Callable[[Iterable[Item]], Table],
) -> None:
    """`show_items`, but no table for people where there are none: a sentence says so elsewhere."""
    rest = iter(items)
    first = list(islice(rest, 1))
    if first or not out.is_text:
        show_items(out, chain(first, rest), json=json, id=id, table=table)


def show_table(out: Output, table: Table) -> None:
    """Print a table: on a terminal all at once, through a pipe line by line as the rows come."""
    if out.is_rich:
        draw_table(out, table)
        return
    out.lines("\t".join(safe_line(cell) for cell in row) for row in _with_header(table))


def draw_table(out: Output, table: Table, lines: int | None = None) -> int:
    """Print a table on a terminal, of its rows as many as fit that many lines: how many they are.
    To be used only when `is_rich`.
    """
    with out.drawing() as terminal:
        return terminal.table(table, out.width, lines)


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
        text = "\n".join(part for line in lines for part in hanging(line, out.width, " " * 25))
        style = _STYLE_OF_VERDICT.get(verdict, "")
        with out.drawing() as terminal:
            terminal.styled([(text[: len(verdict)], style), (text[len(verdict) :], "")])


def _with_header(table: Table) -> Iterator[Sequence[str]]:
    rows = iter(table.rows)
    # before the header: a hub that answers with an error leaves stdout empty
    first = next(rows, None)
    yield [column.upper() for column in table.columns]
    if first is not None:
        yield first
        yield from rows
