"""The rows of the table: which figure, of what, and what it is after; figures in, Markdown out."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass

Figures = Mapping[str, Mapping[str, float]]
Measured = Mapping[str, Figures]


@dataclass(frozen=True, slots=True)
class Row:
    """One line: the figure `key` of `workload`, beside that of the bound and the peer.

    `peer` names the peer's workload when it differs.
    """

    title: str
    workload: str
    key: str
    unit: str
    after: str
    peer: str = ""

    @property
    def more_is_better(self) -> bool:
        return self.key in ("rate", "ratio")


ROWS = (
    Row(
        "W1: 1,000 sequences of 3, at once",
        "w1",
        "rate",
        "/s",
        ">= 3,000/s, >= 0.4 x bound, >= 50 x DBOS",
    ),
    Row("W1: one at a time, p50", "w1_one", "ms", "ms", "<= 6 ms, <= 3 x bound"),
    Row("W2: 1 x 1,000 activities", "w2_1x1000", "rate", "/s", ">= 15,000/s, >= 50 x DBOS"),
    Row("W2: 100 x 100 activities", "w2_100x100", "rate", "/s", ">= 15,000/s, >= 50 x DBOS"),
    Row("W3: 500 steps", "w3_500", "seconds", "s", "<= 3 x bound"),
    Row("W3: 2,000 steps", "w3_2000", "seconds", "s", "<= 2 s, <= 3 x bound, linear"),
    Row("W4: 1,000 events, 500 a commit", "w4_1000", "rate", "/s", ">= 50 x DBOS"),
    Row("W4: 5,000 events, 500 a commit", "w4_5000", "rate", "/s", ">= 3,000/s"),
    Row("W4: 5,000 events, memory", "w4_5000", "mb", "MB", "<= 150 MB"),
    Row("W4: 1,000 events, a commit each", "w4_singly", "rate", "/s", "", peer="w4_1000"),
    Row("growth: W1 on a full hub / on an empty one", "growth", "ratio", "", ">= 0.8"),
    Row("growth: the file, for each instance", "growth", "bytes", "B", "<= 1,536 B"),
    Row("growth: a status", "growth", "status_ms", "ms", "flat"),
    Row("growth: a page of 100", "growth", "list_ms", "ms", "flat"),
    Row("growth: the failed ones", "growth", "failed_ms", "ms", "flat"),
    Row("5 ms of CPU an activity, 1 worker", "processes_1", "rate", "/s", ""),
    Row(
        "5 ms of CPU an activity, 2 workers",
        "processes_2",
        "rate",
        "/s",
        ">= 1.7 x 1 worker (2 cores)",
    ),
    Row(
        "5 ms of CPU an activity, 4 workers",
        "processes_4",
        "rate",
        "/s",
        ">= 1.7 x 1 worker (2 cores)",
    ),
    Row(
        "the same, 1 worker, --activity-processes 2",
        "activity_processes_2",
        "rate",
        "/s",
        ">= 1.7 x 1 worker (2 cores)",
    ),
    Row("list of 100,000, peak memory", "list_100000", "mb", "MB", "<= 80 MB"),
    Row("python -c pass", "startup", "pass_ms", "ms", ""),
    Row("--version", "startup", "--version", "x pass", "<= 2"),
    Row("--help", "startup", "--help", "x pass", "<= 5"),
    Row("status, piped", "startup", "status", "x pass", "<= 6.5"),
    Row("status over gRPC, piped", "startup", "status over gRPC", "x pass", "<= 12"),
    Row("completion of an id", "startup", "completion", "x pass", "<= 6.5"),
    Row("status over HTTP", "startup", "status over HTTP", "x pass", "<= 16"),
)
HEADINGS = ("", "figure", "bound", "of the bound", "DBOS", "against DBOS", "last run", "after")


def table(measured: Measured, last: Measured) -> Iterator[str]:
    """The lines of the Markdown table.

    `measured` and `last` hold figures by who ("here", "bound", "dbos"), workload and key.
    """
    yield f"| {' | '.join(HEADINGS)} |"
    yield "|" + "---|" * len(HEADINGS)
    for row in ROWS:
        here = _figure(measured, "here", row.workload, row.key)
        if here is None:
            continue
        bound, peer = (
            _figure(measured, "bound", row.workload, row.key),
            _figure(measured, "dbos", row.peer or row.workload, row.key),
        )
        before = _figure(last, "here", row.workload, row.key)
        cells = [
            row.title,
            _shown(here, row.unit),
            _shown(bound, row.unit),
            _times(here, bound),
            _shown(peer, row.unit),
            _times(here, peer) if row.more_is_better else _times(peer, here, suffix=" faster"),
            "" if before is None else f"{(here / before - 1) * 100:+.0f} %",
            row.after,
        ]
        yield f"| {' | '.join(cells)} |"


def summary(measured: Measured) -> Iterator[str]:
    """What follows from several rows."""
    ratios: tuple[tuple[str, Callable[[Figures], float]], ...] = (
        (
            "W3: 2,000 steps / 4 x 500 steps",
            lambda here: here["w3_2000"]["seconds"] / here["w3_500"]["seconds"] / 4,
        ),
        (
            "2 workers / 1 worker",
            lambda here: here["processes_2"]["rate"] / here["processes_1"]["rate"],
        ),
        (
            "4 workers / 1 worker",
            lambda here: here["processes_4"]["rate"] / here["processes_1"]["rate"],
        ),
        (
            "--activity-processes 2 / threads",
            lambda here: here["activity_processes_2"]["rate"] / here["processes_1"]["rate"],
        ),
    )
    for title, ratio in ratios:
        try:
            yield f"- {title}: {ratio(measured['here']):.2f}"
        except KeyError:
            continue


def _figure(measured: Measured, who: str, workload: str, key: str) -> float | None:
    return measured.get(who, {}).get(workload, {}).get(key)


def _shown(figure: float | None, unit: str) -> str:
    if figure is None:
        return ""
    digits = 0 if figure >= 100 else 1 if figure >= 10 else 2
    return f"{figure:,.{digits}f} {unit}".rstrip()


def _times(figure: float | None, other: float | None, suffix: str = "") -> str:
    return "" if figure is None or not other else f"{figure / other:.2f} x{suffix}"
