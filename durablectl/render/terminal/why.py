"""An explanation on stdout: the same lines on a terminal, in colour there, and through a pipe."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from datetime import datetime

from durablectl.explanation.model import Explanation, Failure, Next, TimeSpent
from durablectl.model import RuntimeStatus
from durablectl.render.explanation import (
    MOST_LINES,
    Line,
    call_label,
    chain_lines,
    details_line,
    headline,
    intervention_line,
    path_lines,
    span_line,
    unused_events,
    wait_lines,
)
from durablectl.render.hints import hanging
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.styles import STYLES

WIDEST_LABEL = 66
WIDEST_COMMAND = 60
INDENT, NEXT = "  ", "next: "


def show_explanation(
    out: Output, explanation: Explanation, now: datetime, line: Callable[[Next], str]
) -> None:
    """Print an explanation; `line` writes a command to run next."""
    width = out.width if out.is_rich else 0
    lines = list(explanation_lines(explanation, now, line, width))
    if not out.is_rich:
        out.lines(text for text, _ in lines)
        return
    with out.drawing() as terminal:
        for text, style in lines:
            shown = safe_line(text)
            if style == "" and shown.startswith(NEXT):
                terminal.styled([(NEXT, ""), (shown.removeprefix(NEXT), "bold")])
            else:
                terminal.styled([(shown, style)])


def _fitted(lines: Iterable[tuple[str, str]], width: int) -> Iterator[tuple[str, str]]:
    """Lines of prose broken between words where they are wider than the terminal."""
    for text, style in lines:
        if width and len(text) > width:
            indent = text[: len(text) - len(text.lstrip())] + INDENT * 2
            yield from ((each, style) for each in hanging(text, width, indent))
        else:
            yield text, style


def explanation_lines(
    explanation: Explanation, now: datetime, line: Callable[[Next], str], width: int = 0
) -> Iterator[tuple[str, str]]:
    """Each line with its style; of a terminal of that width, no command is broken."""
    yield from _fitted(_prose(explanation, now), width)
    yield from _next(explanation.next, line, width)


def _prose(made: Explanation, now: datetime) -> Iterator[tuple[str, str]]:
    yield safe_line(headline(made, now)), f"bold {STYLES.get(made.runtime_status, '')}".strip()
    if told := details_line(made.details):
        yield f"{INDENT}{safe_line(told)}", "dim"
    for problem in made.problems:
        yield f"{INDENT}{safe_line(problem)}", "bold yellow"
    if told := intervention_line(made):
        yield f"{INDENT}{safe_line(told)}", ""
    if made.waiting_for and made.runtime_status is RuntimeStatus.SUSPENDED:
        yield "after it is resumed it waits for", "dim"
    elif made.waiting_for and all(each.is_awaited is False for each in made.waiting_for):
        yield "its code has ended; it is finished when this is", "dim"
    elif made.is_any and len(made.waiting_for) > 1:
        yield "the first of these lets it continue", "dim"
    yield from _aligned(wait_lines(made.waiting_for, made.received, now))
    yield from ((f"{INDENT}{text}", "yellow") for text in unused_events(made, now))
    if made.failure is not None:
        yield from _failure(made.failure)
    if made.time_spent is not None:
        yield from _time_spent(made.time_spent)
    yield from ((f"unknown: {each}", "dim") for each in made.unknown)


def _failure(failure: Failure) -> Iterator[tuple[str, str]]:
    for text in failure.cause.splitlines() or [""]:
        yield f"{INDENT}{text}", "red"
    for frame in failure.frames:
        yield f"{INDENT * 2}{frame}", "dim"
    yield "call chain", "dim"
    yield from _aligned(chain_lines(failure))
    if failure.also_failed:
        yield "calls that failed too", "dim"
        lines = [Line(call_label(each), note=each.text) for each in failure.also_failed]
        yield from _aligned(lines[:MOST_LINES])


def _time_spent(spent: TimeSpent) -> Iterator[tuple[str, str]]:
    yield "critical path: the steps that its duration depends on", "dim"
    yield from _aligned(path_lines(spent))
    if spent.longest:
        yield "the longest steps", "dim"
        yield from _aligned(map(span_line, spent.longest))


def _next(
    commands: Sequence[Next], line: Callable[[Next], str], width: int
) -> Iterator[tuple[str, str]]:
    """The commands to run next; where a note does not fit beside its command, all stand below."""
    written = [line(each) for each in commands]
    column = min(max(map(len, written), default=0), WIDEST_COMMAND)
    lines = [
        f"{text:{column if each.note else 0}}  {each.note}".rstrip()
        for each, text in zip(commands, written, strict=True)
    ]
    is_narrow = bool(width) and max(map(len, lines), default=0) + len(NEXT) > width
    for number, (each, text) in enumerate(zip(commands, written, strict=True)):
        head = NEXT if number == 0 else " " * len(NEXT)
        if is_narrow and len(head) + len(text) > width:
            yield from ((each, "") for each in (head.rstrip(), text) if each)
        else:
            yield head + (text if is_narrow else lines[number]), ""
        if is_narrow and each.note:
            yield " " * (len(NEXT) + len(INDENT)) + each.note, "dim"


def _aligned(lines: Iterable[Line]) -> Iterator[tuple[str, str]]:
    """Lines whose places and notes stand below each other."""
    found = list(lines)
    labels = [f"{INDENT}{INDENT * each.depth}{safe_line(each.label)}" for each in found]
    width = min(max(map(len, labels), default=0), WIDEST_LABEL)
    places = max((len(each.place) for each in found), default=0)
    for label, each in zip(labels, found, strict=True):
        place = f"  {safe_line(each.place):{places}}" if places else ""
        yield f"{label:{width}}{place}  {safe_line(each.note)}".rstrip(), ""
