"""`start --batch`: one start a line, in flat memory; what failed and what is left is kept in a file
that can be run again.
"""

from __future__ import annotations

import io
import json
import shutil
import signal
import tempfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import suppress
from itertools import chain, count
from pathlib import Path
from typing import IO, Any, NamedTuple, TextIO

from durablectl.cli.arguments.input import STDIN
from durablectl.cli.arguments.new_instance import Encode
from durablectl.cli.arguments.parameters import Pace
from durablectl.cli.batch.json_lines import Line, check_lines, lines_of
from durablectl.cli.batch.report import SHOWN_FAILURES
from durablectl.cli.batch.runner import Batch, runner_for
from durablectl.cli.framework.at_hub import tell_without_worker
from durablectl.cli.framework.interrupts import handling
from durablectl.errors import UsageError, reason_of
from durablectl.model import CheckStatusPayload, IfExists
from durablectl.polling.parallel import Outcome
from durablectl.render.output import Output
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.tables import show_items
from durablectl.taskhub import TaskHub


class Bulk(NamedTuple):
    """What `start --batch` was told.

    `name` is for lines without one; `failed` the file for what failed.
    """

    file: str
    name: str | None
    pace: Pace
    encode: Encode
    if_exists: IfExists = IfExists.FAIL
    version: str | None = None
    failed: str | None = None


def start_batch(
    out: Output,
    bulk: Bulk,
    *,
    cwd: Path,
    stdin: TextIO,
    begin: Callable[[], TaskHub],
    command: Callable[..., str],
) -> bool:
    """Start what the lines say; nothing is started when one of them cannot be read.

    `begin` opens the hub after they were read; `command` writes a command for the same hub. Whether
    all were started.
    """
    with _opened(bulk.file, cwd, stdin) as file:
        source = "standard input" if bulk.file == STDIN else bulk.file
        total = check_lines(file, source, bulk.name)
        if not total:
            out.note(f"{source} has no instances to start; nothing to do")
        hub = begin()

        def lines() -> Iterator[Line]:
            file.seek(0)
            return lines_of(file, source, bulk.name, as_text=bulk.encode is Encode.STRING)

        rest = _Rest(out, _failed_path(bulk, cwd))
        work = _Bulk(out, hub, bulk, rest, total)
        work.run(lines)
        if work.done:
            tell_without_worker(out, hub)
        rest.tell()
        work.tell_verdict()
        rest.tell_how_to_continue(bulk, command)
    if work.stopped is not None:
        raise work.stopped
    return not work.failures


class _Bulk:
    """One run: the runner, the rows that come of it, and the account."""

    def __init__(self, out: Output, hub: TaskHub, bulk: Bulk, rest: _Rest, total: int) -> None:
        self._out, self._hub, self._bulk, self._rest = out, hub, bulk, rest
        self._total = total
        self._examples: list[tuple[Line, BaseException]] = []
        self._over = bytearray()  # one byte a line: whether it has an outcome
        self.done = self.failures = self._attached = 0
        self.stopped: BaseException | None = None

    def run(self, lines: Callable[[], Iterator[Line]]) -> None:
        """Start them and show each; then what failed. `lines` reads them from the first on."""
        pace = self._bulk.pace
        runner = runner_for(self._hub, lines(), self._start, pace)
        batch = Batch(self._out, runner, pace, self._count)
        batch.run(self._show, "start", self._total, alone=self._out.is_terminal)
        self.stopped = batch.stopped
        if self.stopped is not None or self.done + self.failures < self._total:
            self._keep_rest(chain(batch.refused, runner.started, runner.not_started), lines())
        for line, error in self._examples:
            text = f"  line {line.number}  {line.instance_id}  {error}"
            self._out.more(safe_line(text), in_data=True)
        if (more := self.failures - len(self._examples)) > 0:
            self._out.more(f"  and {more} more", in_data=True)

    def _keep_rest(self, tried: Iterable[Line], lines: Iterable[Line]) -> None:
        """Keep those of the `lines` that have no outcome, with the ids that they were `tried` with.

        They are read again: an interrupt may have come while one was read.
        """
        tried_lines = {line.number: line for line in tried}
        # a second Ctrl-C is not to lose them
        with handling([signal.SIGINT, signal.SIGTERM], lambda _number, _frame: None):
            for line in lines:
                if not any(self._over[line.number : line.number + 1]):
                    self._rest.keep(tried_lines.get(line.number, line))

    def _start(self, line: Line) -> object:
        return self._hub.start(
            line.name,
            line.input,
            instance_id=line.instance_id,
            version=line.version or self._bulk.version,
            if_exists=self._bulk.if_exists,
        )

    def _count(self, outcome: Outcome[Line]) -> None:
        number = outcome.item.number
        self._over.extend(bytes(max(number + 1 - len(self._over), 0)))
        if outcome.error is None:
            self.done += 1
            self._attached += _is_attached(outcome)
            self._over[number] = True
            return
        self.failures += 1
        self._rest.keep(outcome.item)
        self._over[number] = True
        if len(self._examples) < SHOWN_FAILURES:
            self._examples.append((outcome.item, outcome.error))

    def _show(self, outcomes: Iterator[Outcome[Line]]) -> None:
        show_items(
            self._out,
            outcomes,
            text=lambda found: self._out.lines(
                "\t".join(map(safe_line, self._row(each))) for each in found
            ),
            json=self._entry,
            id=lambda each: each.item.instance_id if each.error is None else None,
        )

    def _row(self, outcome: Outcome[Line]) -> tuple[str, ...]:
        return (
            outcome.item.instance_id,
            outcome.item.name,
            _told(outcome) if outcome.error is None else f"failed: {outcome.error}",
        )

    def _entry(self, outcome: Outcome[Line]) -> dict[str, Any]:
        failed = outcome.error is not None
        result = {"error": str(outcome.error)} if failed else {"result": _told(outcome)}
        return {
            "line": outcome.item.number,
            "instanceId": outcome.item.instance_id,
            "name": outcome.item.name,
            **result,
        }

    def tell_verdict(self) -> None:
        out = self._out
        done = f"{self.done - self._attached} of {self._total} started"
        done += f", {self._attached} there already" if self._attached else ""
        if left := self._total - self.done - self.failures:
            failed = f"{self.failures} failed, {left} not tried or without an answer"
            out.more(f"stopped: {done}, {failed}")
        elif self.done:
            out.note(done)
        if self.failures:
            out.error(f"{self.failures} of {self._total} failed")


def _is_attached(outcome: Outcome[Line]) -> bool:
    payload = outcome.result
    return isinstance(payload, CheckStatusPayload) and payload.attached is not None


def _told(outcome: Outcome[Line]) -> str:
    return "there" if _is_attached(outcome) else "started"


class _Rest:
    """The file of the lines that failed or were not tried, with the ids that they have got; made
    when there is the first.
    """

    def __init__(self, out: Output, path: Path) -> None:
        self._out = out
        self._path: Path | None = path
        self._file: IO[str] | None = None
        self._count = 0

    def keep(self, line: Line) -> None:
        if self._path is None:
            return
        try:
            # line by line: what cannot be written must show here, not when the file is closed
            self._file = self._file or self._path.open("w", encoding="utf-8", buffering=1)
            self._file.write(json.dumps(line.to_json()) + "\n")
            self._count += 1
        except OSError as error:
            self._out.warn(f"what failed cannot be kept in {self._path}: {reason_of(error)}")
            self._path = None
            with suppress(OSError):
                self.close()

    def close(self) -> None:
        if self._file is not None:
            self._file.close()

    def tell(self) -> None:
        """Close the file, and say where it is."""
        if not self._count or self._path is None:
            return
        self.close()
        kept = f"{self._count} lines that failed or were not tried are"
        kept = "1 line that failed or was not tried is" if self._count == 1 else kept
        self._out.more(f"{kept} in {self._path}")

    def tell_how_to_continue(self, bulk: Bulk, command: Callable[..., str]) -> None:
        """Say how to run the file: its inputs are as they are to be sent."""
        if not self._count or self._path is None:
            return
        again = IfExists.REPLACE if bulk.if_exists is IfExists.REPLACE else IfExists.ATTACH
        options = ["--batch", str(self._path), "--if-exists", again.value]
        options += ["--encode", Encode.JSON.value] if bulk.encode is Encode.STRING else []
        options += ["--orchestration-version", bulk.version] if bulk.version is not None else []
        self._out.hint(f"continue with: {command('start', options=options)}")


def _failed_path(bulk: Bulk, cwd: Path) -> Path:
    source = cwd / Path(bulk.file.removeprefix("@")).expanduser()
    is_file = bulk.file != STDIN and source.is_file()
    if bulk.failed is not None:
        path = cwd / Path(bulk.failed).expanduser()
        if is_file and path.resolve() == source.resolve():
            raise UsageError(
                "--failed names the file of the batch itself", hint="name another --failed FILE"
            )
        return path
    if is_file:
        return source.with_name(f"{source.name.removesuffix('.jsonl')}.failed.jsonl")
    # a pipe has no name: a new file for each, so that none hides what failed before
    names = (f"batch{number}.failed.jsonl" for number in chain([""], map("-{}".format, count(2))))
    return next(path for name in names if not (path := cwd / name).exists())


def _opened(file: str, cwd: Path, stdin: TextIO) -> IO[bytes]:
    """The file, or a copy of what is a pipe: it is read twice."""
    if file == STDIN:
        buffer = getattr(stdin, "buffer", None)
        return _copy(buffer or io.BytesIO(stdin.read().encode("utf-8", "surrogateescape")))
    try:
        opened = (cwd / Path(file.removeprefix("@")).expanduser()).open("rb")
    except OSError as error:
        reason = reason_of(error)
        raise UsageError(
            f"{file!r} cannot be read: {reason}",
            hint="--batch takes a file of JSON lines, or - for standard input",
        ) from error
    if opened.seekable():
        return opened
    with opened:
        return _copy(opened)


def _copy(pipe: IO[bytes]) -> IO[bytes]:
    copy = tempfile.TemporaryFile()  # noqa: SIM115 - the caller closes it
    shutil.copyfileobj(pipe, copy)
    copy.seek(0)
    return copy
