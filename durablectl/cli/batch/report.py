"""What became of each instance of a batch, told in every form; does nothing itself."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from durablectl.errors import DurablectlError
from durablectl.render.output import Output, OutputFormat
from durablectl.render.sanitize import safe_line
from durablectl.render.terminal.instances import tell_skipped
from durablectl.render.views import duration_text

FEW = 10
SHOWN_FAILURES = 50
WIDEST = 40
UNKNOWN = "no answer yet when it was stopped: it may have been done"
NOT_TRIED = "not tried"


@dataclass(frozen=True, slots=True)
class Skipped:
    """What an operation returns that had nothing to do, and why."""

    why: str


@dataclass(slots=True)
class BatchReport:
    """Of each of `ids`: done (with the id of a new instance, if it made one), skipped, failed,
    under way when it was stopped, or none.

    `ids` is what was meant, `started` the monotonic time of the beginning. With a `sum_name` the
    JSON tells under that name how many it was done to: their `sum`, what came along with one
    included.
    """

    result_text: str
    ids: list[str]
    started: float = 0.0
    done: dict[str, str | None] = field(default_factory=dict)
    skipped: dict[str, str] = field(default_factory=dict)
    failed: dict[str, DurablectlError] = field(default_factory=dict)
    unknown: list[str] = field(default_factory=list)
    stopped: bool = False
    sum_name: str | None = None
    sum: int = 0

    @property
    def over(self) -> int:
        return len(self.done) + len(self.skipped) + len(self.failed)

    @property
    def is_short(self) -> bool:
        """Whether each can be told by itself."""
        return len(self.ids) <= FEW

    @property
    def left(self) -> list[str]:
        """Those that nothing was started with."""
        known = (self.done, self.skipped, self.failed, set(self.unknown))
        return [each for each in self.ids if not any(each in part for part in known)]

    @property
    def is_complete(self) -> bool:
        """Whether nothing failed, and everything was tried."""
        return not (self.failed or self.unknown or self.left)


def show_account(out: Output, report: BatchReport) -> None:
    """Print the account in the wanted form.

    The failure of a single instance is raised by the caller.
    """
    alone = len(report.ids) == 1 and bool(report.failed)
    if out.format is OutputFormat.ID:
        out.ids(new_id or instance_id for instance_id, new_id in report.done.items())
    elif not out.is_text and not alone:
        out.show("", _sum(report, report.sum_name) if report.sum_name else [*_entries(report)])
    tell_skipped(out, report.skipped)
    if alone:
        return
    if report.failed:
        _tell_failures(out, report)
    if report.stopped:
        _tell_stop(out, report)
        return
    if len(report.ids) > 1 and (report.done or not report.failed):
        took = duration_text(time.monotonic() - report.started)
        out.note(
            f"{report.result_text}: {len(report.done)} of {len(report.ids)} instances [{took}]"
        )
    if report.failed:
        out.error(f"{len(report.failed)} of {len(report.ids)} failed")


def _entries(report: BatchReport) -> Iterator[Mapping[str, str]]:
    for each, new_id in report.done.items():
        yield {
            "instanceId": each,
            "result": report.result_text,
            **({"newInstanceId": new_id} if new_id else {}),
        }
    yield from ({"instanceId": each, "result": why} for each, why in report.skipped.items())
    yield from (
        {"instanceId": each, "error": error.message} for each, error in report.failed.items()
    )
    yield from ({"instanceId": each, "error": UNKNOWN} for each in report.unknown)
    yield from ({"instanceId": each, "result": NOT_TRIED} for each in report.left)


def _sum(report: BatchReport, name: str) -> Mapping[str, object]:
    failed = [entry for entry in _entries(report) if "error" in entry]
    return {name: report.sum, **({"failed": failed} if failed else {})}


def _tell_failures(out: Output, report: BatchReport) -> None:
    shown = dict(list(report.failed.items())[:SHOWN_FAILURES])
    width = min(max(len(safe_line(each)) for each in shown), WIDEST)
    for instance_id, error in shown.items():
        line = f"  {safe_line(instance_id):<{width}}  {safe_line(error.message)}"
        out.more(line, in_data=True)
    if rest := len(report.failed) - len(shown):
        out.more(f"  and {rest} more; -o json tells them all", in_data=True)


def _tell_stop(out: Output, report: BatchReport) -> None:
    if len(report.ids) == 1 and not report.unknown:
        return
    for instance_id in report.unknown[:FEW]:
        out.more(f"  {safe_line(instance_id)}: {UNKNOWN}", in_data=True)
    if len(report.unknown) > FEW:
        out.more(f"  and {len(report.unknown) - FEW} more", in_data=True)
    parts = [f"{len(report.done)} done", f"{len(report.failed)} failed"]
    parts += [f"{len(report.skipped)} skipped"] if report.skipped else []
    out.more(f"stopped after {report.over} of {len(report.ids)} instances: {', '.join(parts)}")
    if report.left:
        out.note(f"{len(report.left)} were not attempted; run the command again to continue")
