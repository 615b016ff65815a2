"""Where a command's words go: the only writer to stdout, and the one for talk on stderr.

Knows no hub and no command.

stdout is data, stderr is talk. What comes from a hub is data: it never reaches a terminal, or a CI
runner's log, as its command.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from enum import Enum
from typing import TYPE_CHECKING, Any, TextIO

from durablectl.errors import DurablectlError, UsageError, reason_of
from durablectl.redaction import redact
from durablectl.render.ending import Ending
from durablectl.render.hints import folded
from durablectl.render.query import compiled, searched
from durablectl.render.sanitize import defuse, json_safe, safe
from durablectl.render.streams import is_terminal, screen, silence, write_any
from durablectl.wire import finite

if TYPE_CHECKING:
    from durablectl.render.terminal.console import Terminal
    from durablectl.render.terminal.live import LiveDisplays

FLUSH_EVERY = 100


class OutputFormat(Enum):
    """What `-o` offers."""

    TEXT = "text"
    JSON = "json"
    JSONL = "jsonl"
    ID = "id"
    CSV = "csv"


class Color(Enum):
    """What `--color` offers."""

    AUTO = "auto"
    ALWAYS = "always"
    NEVER = "never"


class Output:
    """The two streams of one command, and how they want to be written to.

    A reader that goes away (EPIPE) ends a stream of rows with BrokenPipeError; a single answer is
    then dropped in silence, so that the exit code still tells the outcome.
    """

    def __init__(
        self,
        stdout: TextIO,
        stderr: TextIO,
        *,
        format: OutputFormat = OutputFormat.TEXT,
        query: str | None = None,
        color: Color = Color.AUTO,
        quiet: bool = False,
        verbose: bool = False,
        progress: bool = True,
        environ: Mapping[str, str] | None = None,
        ending: Ending | None = None,
    ) -> None:
        self._stdout, self._stderr = stdout, stderr
        self._environ = os.environ if environ is None else environ
        self._color, self._progress = color, progress
        self._ending = ending if ending is not None else Ending()
        # now, before anything is asked or done
        self._expression = None if query is None else compiled(query)
        self._above: Callable[[str], None] | None = None
        self.on_same_hub: Callable[[str], str] = str
        """Repeats in the commands of a sentence what flags chose their hub."""
        self.write_talk: Callable[[TextIO, str], None] = write_any
        """Writes to stderr. A command that lasts has a way that its end does not wait for."""
        self.format, self.quiet, self.verbose = format, quiet, verbose
        self._in_ci = bool(self._environ.get("GITHUB_ACTIONS") or self._environ.get("TF_BUILD"))

    # What the streams are

    @property
    def is_text(self) -> bool:
        return self.format is OutputFormat.TEXT

    @property
    def is_terminal(self) -> bool:
        """Whether a person reads stdout."""
        return is_terminal(self._stdout)

    @property
    def talks_to_terminal(self) -> bool:
        """Whether a person reads stderr."""
        return is_terminal(self._stderr)

    @property
    def is_for_person(self) -> bool:
        """Whether a person reads both."""
        return self.is_terminal and self.talks_to_terminal

    @property
    def is_rich(self) -> bool:
        """Whether text on stdout is for a terminal that can show more than plain lines (otherwise:
        plain, complete, untruncated).
        """
        return self.is_text and self.is_terminal and self._shows_more_than_lines

    @property
    def wants_progress(self) -> bool:
        """Whether stderr can show a live display."""
        is_wanted = self._progress and not self.quiet
        return is_wanted and self.talks_to_terminal and self._shows_more_than_lines

    @property
    def _shows_more_than_lines(self) -> bool:
        # a CI runner reads lines, some as its commands, whatever it gives to the process
        return self._environ.get("TERM") != "dumb" and not self._in_ci

    @property
    def is_unicode(self) -> bool:
        """Whether stdout takes every character."""
        return (getattr(self._stdout, "encoding", None) or "ascii").lower().replace("-", "") in (
            "utf8",
            "utf16",
        )

    @property
    def width(self) -> int:
        return screen().columns

    @property
    def _talk_width(self) -> int:
        with suppress(AttributeError, OSError, ValueError):
            if not self.is_terminal:  # stdout goes into a file
                return os.get_terminal_size(self._stderr.fileno()).columns
        return self.width

    @property
    def height(self) -> int:
        return screen().lines

    def wants_color(self, stream: TextIO) -> bool:
        """The flag decides, then NO_COLOR, then FORCE_COLOR, then whether it is a terminal that is
        not dumb.
        """
        if self._color is not Color.AUTO:
            return self._color is Color.ALWAYS
        if self._environ.get("NO_COLOR"):
            return False
        if self._environ.get("FORCE_COLOR"):
            return True
        return is_terminal(stream) and self._environ.get("TERM") != "dumb"

    # Data

    def data(self, text: str) -> None:
        """Write one text answer and end its line."""
        self._write_last(self._harmless(text))

    def value(self, text: str) -> None:
        """Write what an instance returned, and end its line: into a pipe exactly as it is, for
        the program that reads it.
        """
        self._write_last(self._for_reader(text))

    def exact(self, text: str) -> None:
        """Write text for a program that reads it, as it is and without a line end."""
        self._write(text)
        self.flush()

    def json(self, value: Any) -> None:
        """Write one JSON value, through `--query`."""
        self._write_last(self._encode(self._ask(value), indent=2))

    def json_array(self, values: Iterable[Any]) -> None:
        """Write a JSON array element by element as they come; with `--query` the whole array is
        asked.
        """
        if self._expression is not None:
            self.json(list(values))
            return
        opening = "["
        for value in self._flushing(values):
            element = self._encode(value, indent=2).replace("\n", "\n  ")
            self._write(f"{opening}\n  {element}")
            opening = ","
        self._write_last("[]" if opening == "[" else "\n]")

    def jsonl(self, values: Iterable[Any]) -> None:
        """Write one line of JSON for each value as it comes; `--query` asks each, and leaves out
        those in which it finds nothing.
        """
        found = map(self._ask, values)
        self._write_rows(
            self._encode(each) + "\n"
            for each in found
            if each is not None or self._expression is None
        )

    def csv(self, rows: Iterable[Sequence[str]]) -> None:
        """Write rows as RFC 4180 has them, line by line as they come."""
        self._write_rows(
            ",".join(_csv_cell(self._harmless(cell)) for cell in row) + "\r\n" for row in rows
        )

    def ids(self, ids: Iterable[str]) -> None:
        """Write one id a line as they come: into a pipe exactly as they are, for the next
        command."""
        self._write_rows(self._for_reader(each) + "\n" for each in ids)

    def lines(self, lines: Iterable[str]) -> None:
        """Write lines of text as they come."""
        self._write_rows(self._harmless(line) + "\n" for line in lines)

    def show(self, text: str, value: Any, *, id: str | None = None) -> None:
        """Write one answer in the wanted form: `text` for people, else the JSON `value`, or the
        `id` with `-o id`.
        """
        match self.format:
            case OutputFormat.TEXT:
                self.data(text)
            case OutputFormat.JSON:
                self.json(value)
            case OutputFormat.JSONL:
                self.jsonl(value if isinstance(value, list) else [value])
            case OutputFormat.CSV:
                raise UsageError("there are no rows to print here", hint="use -o json or -o text")
            case OutputFormat.ID:
                if id is None:
                    raise UsageError("there is no id to print here", hint="use -o json or -o text")
                self.ids([id])

    @contextmanager
    def drawing(self) -> Iterator[Terminal]:
        """What draws on stdout; to be used only when `is_rich`."""
        # deferred: a pipe does not pay for Rich
        from durablectl.render.terminal.console import Terminal, console_on

        with self._reader_may_be_gone():
            yield Terminal(console_on(self._stdout, color=self.wants_color(self._stdout)))
        self.flush()

    @property
    def live(self) -> LiveDisplays:
        """The displays that last while a command works; to be used only when `wants_progress` or
        `is_rich`.
        """
        from durablectl.render.terminal.live import LiveDisplays  # deferred, as above

        return LiveDisplays(self._stdout, self._stderr, self.wants_color, self.talking_above)

    # Talk

    def note(self, text: str) -> None:
        """Say something that is good to know; not with -q or -o json."""
        if not (self.quiet or self._ending.is_json):
            self.say(text)

    def progress(self, text: str) -> None:
        """Say how far a long command is; not with -q."""
        if not self.quiet:
            self.say(text)

    def detail(self, text: str) -> None:
        """Say something that is shown with -v only."""
        if self.verbose:
            self.say(text)

    def hint(self, text: str) -> None:
        """Say what to do next; not with -q. With -o json it waits for the last line."""
        if self._ending.is_json:
            self._ending.hint = self.on_same_hub(text)
        elif not self.quiet:
            self.say(f"hint: {text}")

    def warn(self, text: str) -> None:
        """Say that something may not be as wanted; also with -q."""
        self.say(f"warning: {text}")

    def error(self, message: str, hint: str | None = None) -> None:
        """Say why it failed, then what to do; also with -q. With -o json both wait for the last
        line.
        """
        if self._ending.is_json:
            self._ending.add(message, hint and self.on_same_hub(hint))
            return
        self.say(f"durablectl: {message}")
        if hint:
            self.say(f"hint: {hint}")

    def more(self, line: str, *, in_data: bool = False) -> None:
        """Say a line more about what went wrong; also with -q. With -o json it waits for the last
        line, unless it is `in_data` there.
        """
        if not self._ending.is_json:
            self.talk(line)
        elif not in_data:
            self._ending.more.append(line)

    def say(self, text: str) -> None:
        """Write sentences to stderr whatever else is set: the commands in them are for the same
        hub, and a terminal's lines are folded.
        """
        text = self.on_same_hub(text)
        self.talk(folded(text, self._talk_width) if self.talks_to_terminal else text)

    def ended(self, exit_code: int, meaning: str) -> None:
        """Write the last line of a command that did not succeed: with -o json an object, which
        programs read.
        """
        if self._ending.is_json:
            self._talk(json_safe(self._ending.line(exit_code, meaning), ci=self._in_ci))

    def talk(self, text: str) -> None:
        """Write lines to stderr as they are, whatever else is set, but without the keys in them; a
        reader that went away does not end it.
        """
        self._talk(self._harmless(redact(text)))

    def notes_with_json(self) -> None:
        """From here on, notes are written whatever the format: for commands that serve until they
        are stopped, and print no JSON.
        """
        self._ending.is_json = False

    def command(self, line: str) -> None:
        """Write a command for a CI runner, one that `render.ci` made, as it is; also with -q."""
        self._talk(line)

    def _talk(self, line: str) -> None:
        if self._above is not None:
            self._above(line)
            return
        try:
            self.write_talk(self._stderr, line + "\n")
            self._stderr.flush()
        except (OSError, ValueError):
            silence(self._stderr)

    @contextmanager
    def talking_above(self, write: Callable[[str], None]) -> Iterator[None]:
        """While inside, talk goes to `write`, which prints it above a live display."""
        self._above, before = write, self._above
        try:
            yield
        finally:
            self._above = before

    def flush(self) -> None:
        """Hand over what was written; BrokenPipeError when the reader is gone."""
        with self._reader_may_be_gone():
            self._stdout.flush()

    def finish(self) -> None:
        """Hand over what is left, or drop it: the interpreter's own last flush must find nothing
        that it cannot write.
        """
        with suppress(BrokenPipeError, DurablectlError):
            self.flush()

    def _ask(self, value: Any) -> Any:
        if self._expression is None:
            return value
        return searched(self._expression, value)

    def _encode(self, value: Any, *, indent: int | None = None) -> str:
        try:
            text = json.dumps(
                value, ensure_ascii=not self.is_unicode, indent=indent, allow_nan=False
            )
        except ValueError:  # 1e400 is read as infinite, which JSON cannot hold
            text = json.dumps(finite(value), ensure_ascii=not self.is_unicode, indent=indent)
        return json_safe(text, ci=self._in_ci)

    def _harmless(self, text: str) -> str:
        return defuse(safe(text), ci=self._in_ci)

    def _for_reader(self, text: str) -> str:
        """The text harmless for who looks at it, or for a program as it is."""
        return self._harmless(text) if self.is_terminal or self._in_ci else text

    def _write_rows(self, rows: Iterable[str]) -> None:
        for row in self._flushing(rows):
            self._write(row)
        self.flush()

    def _flushing(self, values: Iterable[Any]) -> Iterator[Any]:
        """Hand rows over early at first and for a person always, later in bundles."""
        for count, value in enumerate(values):
            yield value
            if self.is_terminal or count < FLUSH_EVERY or count % FLUSH_EVERY == 0:
                self.flush()

    def _write(self, text: str) -> None:
        with self._reader_may_be_gone():
            write_any(self._stdout, text)

    @contextmanager
    def _reader_may_be_gone(self) -> Iterator[None]:
        try:
            yield
        except BrokenPipeError:
            silence(self._stdout)
            raise
        except OSError as error:
            silence(self._stdout)
            raise DurablectlError(f"cannot write to standard output: {reason_of(error)}") from error

    def _write_last(self, text: str) -> None:
        try:
            self._write(text + "\n")
            self.flush()
        except BrokenPipeError:
            pass


def _csv_cell(text: str) -> str:
    return '"' + text.replace('"', '""') + '"' if set(text) & set('",\r\n') else text
