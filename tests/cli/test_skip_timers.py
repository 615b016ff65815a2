"""`--skip-timers`: a worker that waits for no timer."""

from __future__ import annotations

import json

import pytest

from durablectl.backends.local import LocalTaskHub
from durablectl.engine.store.database import Database
from durablectl.engine.worker.worker import Worker
from durablectl.functionapp.loader import load_app
from durablectl.polling.loop import wait_for_completion
from tests.server.serving import serving

APP = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def patient(context):
    began = context.current_utc_datetime
    for _ in range(3):
        yield context.create_timer(context.current_utc_datetime + timedelta(days=30))
    return (context.current_utc_datetime - began).days
"""


@pytest.fixture(autouse=True)
def app(project):
    (project / "function_app.py").write_text(APP)


def test_a_run_jumps_over_timers_and_the_time_moves_on(run):
    code, out, err = run("run", "patient", "--skip-timers", "-q", "--timeout", "30s")
    assert (code, out) == (0, "90\n"), err


def test_a_worker_jumps_over_timers(run):
    run("start", "patient", "--instance-id", "p-1")
    assert run("worker", "--skip-timers", "--until-idle").code == 0
    assert json.loads(run("status", "p-1", "-o", "json").out)["output"] == 90


def test_a_remote_hub_skips_no_timers_and_nothing_is_started(run):
    code, _, err = run("run", "patient", "--skip-timers", "--hub", "http://127.0.0.1:9")
    assert (code, "waits for its own timers" in err) == (7, True)


def test_a_server_jumps_over_timers(project):
    with serving(project, "--skip-timers"), LocalTaskHub(project / "hub.db") as hub:
        assert wait_for_completion(hub, hub.start("patient").id, timeout=30).output == 90


def test_where_another_worker_works_timers_are_waited_for(run, project):
    run("worker", "--until-idle")
    database = Database(project / ".durablectl" / "hub.db")
    worker = Worker(database, load_app(project))
    worker.start()
    code, _, err = run("run", "patient", "--skip-timers", "--timeout", "0.2s")
    worker.stop()
    database.close()
    assert (code, "another worker does the work of this hub; it waits for timers" in err) == (
        124,
        True,
    )
