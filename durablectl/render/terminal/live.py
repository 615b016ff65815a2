"""What Rich keeps drawing while a command works: bars, rows, a line, a whole screen. Only `Output`
imports this module, when a display is wanted.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import AbstractContextManager, contextmanager
from datetime import datetime
from typing import Any, TextIO

from rich.console import Console, ConsoleOptions
from rich.live import Live
from rich.progress import (
    BarColumn,
    Progress,
    ProgressColumn,
    SpinnerColumn,
    Task,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
    TimeRemainingColumn,
)
from rich.table import Column
from rich.text import Text

from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.render.progress import MANY, count_text, progress_of
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.console import console_on
from durablectl.render.terminal.screen import screenful
from durablectl.render.terminal.watch_table import WatchTable


class LiveDisplays:
    """The displays of one command.

    While one of those on stderr lasts, `talking_above` prints what is said above it.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        wants_color: Callable[[TextIO], bool],
        talking_above: Callable[[Callable[[str], None]], AbstractContextManager[None]],
    ) -> None:
        self._stdout = console_on(stdout, color=wants_color(stdout))
        self._stderr = console_on(stderr, color=wants_color(stderr))
        self._talking_above = talking_above

    @contextmanager
    def bar(self, title: str, total: int) -> Iterator[Callable[[int, int], None]]:
        """A bar with rate and remaining time; it is told how many are over, and how many of them
        failed.
        """
        bar = Progress(
            TextColumn("{task.description}", markup=False),
            BarColumn(bar_width=20),
            _Count(),
            TextColumn("{task.fields[failed]}", markup=False),
            TimeRemainingColumn(compact=True),
            console=self._stderr,
            transient=True,
        )
        row = bar.add_task(title, total=total, failed="")

        def show(over: int, failed: int, /) -> None:
            bar.update(row, completed=over, failed=f"{failed} failed" if failed else "")

        with bar, self._above(bar.console):
            yield show

    @contextmanager
    def spinner(self, text: str) -> Iterator[Callable[[str], None]]:
        """A spinner with a text that changes."""
        status = self._stderr.status(text)
        with status, self._above(status.console):
            yield status.update

    @contextmanager
    def waiting(self, instance_ids: Sequence[str]) -> Iterator[Callable[[InstanceStatus], None]]:
        """A row for each instance, or of many one that counts; it is told every status."""
        progress = _waiting_progress(self._stderr)
        rows = _Total if len(instance_ids) > MANY else _Rows
        shown = rows(progress, instance_ids)
        with progress, self._above(progress.console):
            yield shown

    @contextmanager
    def line(self) -> Iterator[Callable[[str], None]]:
        """One line whose text changes."""
        with Live(Text(""), console=self._stderr, transient=True, auto_refresh=False) as live:

            def show(line: str) -> None:
                text = Text(line, style="dim", no_wrap=True, overflow="ellipsis")
                live.update(text, refresh=True)

            with self._above(live.console):
                yield show

    @contextmanager
    def screen(self) -> Iterator[Callable[[WatchTable, datetime], None]]:
        """The terminal's other screen, for a table; after it the terminal is as it was."""
        console = self._stdout
        with Live(
            console=console,
            screen=True,
            auto_refresh=False,
            redirect_stdout=False,
            redirect_stderr=False,
        ) as live:
            yield lambda table, now: live.update(
                screenful(table, now, console.width, console.height), refresh=True
            )

    def _above(self, console: Console) -> AbstractContextManager[None]:
        return self._talking_above(
            lambda line: console.print(line, markup=False, highlight=False, soft_wrap=True)
        )


class _Count(ProgressColumn):
    def render(self, task: Task) -> Text:
        of = f"/{task.total:.0f}" if task.total is not None else ""
        rate = f"  {task.speed:.0f}/s" if task.speed else ""
        return Text(f"{task.completed:.0f}{of}{rate}")


class _BarWhenKnown(BarColumn):
    def render(self, task: Task) -> Any:
        return super().render(task) if task.total is not None else Text("")


class _Display(Progress):
    def get_renderable(self) -> Any:
        return _Narrower(super().get_renderable())


class _Narrower:
    """A renderable that leaves room at the right: the `^C` that a terminal echoes would else begin
    a line that is not erased.
    """

    def __init__(self, inner: Any) -> None:
        self._inner = inner

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> Iterator[Any]:
        width = max(options.max_width - 3, 1)
        yield from console.render(self._inner, options.update(max_width=width))


def _waiting_progress(console: Console) -> Progress:
    def text(name: str, **column: Any) -> TextColumn:
        column = {"no_wrap": True, **column}
        return TextColumn("{task." + name + "}", markup=False, table_column=Column(**column))

    # What an app prints meanwhile comes by `Output.talk`, not by Rich's own way above the display.
    return _Display(
        SpinnerColumn(finished_text=" "),
        text("description", overflow="ellipsis"),
        text("fields[state]"),
        _BarWhenKnown(bar_width=20),
        text("fields[message]", overflow="ellipsis", ratio=2),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        expand=True,
        redirect_stdout=False,
        redirect_stderr=False,
    )


class _Rows:
    """A row for each instance."""

    def __init__(self, progress: Progress, instance_ids: Sequence[str]) -> None:
        self._progress = progress
        self._rows: dict[str, TaskID] = {
            each: progress.add_task(safe_line(each), total=None, state="…", message="")
            for each in instance_ids
        }

    def __call__(self, status: InstanceStatus) -> None:
        row = self._rows.get(status.instance_id)
        if row is None:
            return
        percent, message = progress_of(status.custom_status)
        state = status.runtime_status.value
        if percent is not None:
            done = 100 if status.runtime_status is RuntimeStatus.COMPLETED else percent
            self._progress.update(row, total=100, completed=done)
        self._progress.update(row, state=state, message=message if not status.is_final else "")
        if status.is_final:
            self._progress.stop_task(row)


class _Total:
    """One row that counts, for more instances than fit a screen."""

    def __init__(self, progress: Progress, instance_ids: Sequence[str]) -> None:
        self._progress, self._states = progress, dict[str, RuntimeStatus]()
        self._counts = Counter[RuntimeStatus]()
        self._row = progress.add_task(
            f"{len(instance_ids)} instances", total=len(instance_ids), state="", message=""
        )

    def __call__(self, status: InstanceStatus) -> None:
        before, now = self._states.get(status.instance_id), status.runtime_status
        if before is now:
            return
        self._states[status.instance_id] = now
        self._counts += Counter([now])
        self._counts -= Counter([before] if before else [])
        ended = sum(count for state, count in self._counts.items() if state.is_final)
        message = count_text(self._counts)
        self._progress.update(self._row, completed=ended, state=f"{ended} ended", message=message)
