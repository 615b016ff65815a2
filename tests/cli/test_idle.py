"""What a worker still waits for is said when it stays, and not too often."""

from __future__ import annotations

import io
from datetime import UTC, datetime, timedelta

import pytest

from durablectl.cli.local.idle import IdleReport, outstanding_text
from durablectl.engine.store.database import Database
from durablectl.engine.store.queries import OutstandingWork
from durablectl.render.output import Output

NOW = datetime(2026, 1, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("outstanding", "text"),
    [
        (OutstandingWork(1), "1 activity"),
        (
            OutstandingWork(1200, 1, 0, NOW + timedelta(seconds=90)),
            "1,200 activities, 1 timer, the next in 1 min 30 s",
        ),
        (
            OutstandingWork(0, 3, 0, NOW + timedelta(hours=4, minutes=58)),
            "3 timers, the next in 4 h 58 min",
        ),
        (OutstandingWork(0, 0, 2, NOW), "2 scheduled starts and operations, the next in 0.0 s"),
    ],
    ids=str,
)
def test_all_kinds_are_named(outstanding, text):
    assert outstanding_text(outstanding, NOW) == text


APP = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def later(context):
    hours = timedelta(hours=context.get_input())
    yield context.create_timer(context.current_utc_datetime + hours)
"""


def test_it_is_told_once_and_again_when_it_has_changed(run, project):
    (project / "function_app.py").write_text(APP)
    run("worker", "--until-idle")
    err, passed = io.StringIO(), [0.0]
    database = Database(project / ".durablectl" / "hub.db")
    report = IdleReport(database, Output(io.StringIO(), err), lambda: passed[0])

    def set_timer(hours: int) -> None:
        is_set = ("--until", "runtimeStatus=='Running'", "--timeout", "20s")
        assert run("run", "later", "--input-json", str(hours), *is_set).code == 0

    def look(*seconds: float) -> int:
        for each in seconds:
            passed[0] += each
            report.look()
        return err.getvalue().count("waiting for ")

    assert look(2.0, 2.0) == 0  # nothing is outstanding
    set_timer(5)
    assert look(0.5) == 0
    assert look(2.0, 2.0, 2.0, 60.0) == 1
    set_timer(4)
    assert look(2.0, 2.0) == 2
    set_timer(3)
    assert look(2.0, 2.0) == 2  # so soon
    assert look(60.0) == 3
    database.close()
