"""The one-line form of `why` in the commands that show instances: where it is shown, where not, and
what it costs.
"""

from __future__ import annotations

import json
import re
import signal
import threading
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta

import pytest
from scripted_server import status
from terminal import durablectl, terminal

from durablectl.cli.wait.waiting_for import AT_ONCE, Glances, with_waiting
from durablectl.errors import Unreachable
from durablectl.model import InstanceStatus, RuntimeStatus
from durablectl.taskhub import TaskHub
from durablectl.wire import history_event_from_json

NOW = datetime.now(UTC)
PROBLEM = re.compile(r"problem\S* +no worker is running on this hub\r\n")
STARTED = {
    "EventType": "ExecutionStarted",
    "Timestamp": "2026-01-02T03:04:05Z",
    "FunctionName": "order",
}
CHARGE = {"EventType": "TaskScheduled", "Timestamp": "2026-01-02T03:04:06Z", "Name": "charge"}
APP = """
from datetime import timedelta
from durablectl import df
app = df.DFApp()

@app.orchestration_trigger(context_name="context")
def order(context):
    answer = context.wait_for_external_event("Approval")
    deadline = context.create_timer(context.current_utc_datetime + timedelta(hours=1))
    yield context.task_any([answer, deadline])
"""


def running(instance_id: str, **members: object) -> InstanceStatus:
    given = {"name": "order", "instance_id": instance_id, "created_time": NOW}
    given |= {"runtime_status": RuntimeStatus.RUNNING, "last_updated_time": NOW}
    return InstanceStatus(**given | members)  # type: ignore[arg-type]


class Hub(TaskHub):
    """A remote hub whose instances all wait for one activity; it counts what it is asked."""

    commits_together = False

    def __init__(self, together: int = 1) -> None:
        self.asked: list[str] = []
        self.most, self._now = 0, 0
        self._lock, self._together = threading.Lock(), threading.Barrier(together)

    def within(self, _seconds: float) -> Hub:
        return self

    def get_status(self, instance_id: str, **_options: object) -> InstanceStatus:
        with self._lock:
            self.asked.append(instance_id)
            self._now += 1
            self.most = max(self.most, self._now)
        self._together.wait(20)
        with self._lock:
            self._now -= 1
        if instance_id == "gone":
            raise Unreachable("no answer")
        return running(instance_id, history=tuple(map(history_event_from_json, [STARTED, CHARGE])))


def test_a_remote_hub_is_asked_eight_at_a_time():
    hub = Hub(AT_ONCE)
    rows = list(with_waiting(hub, [running(f"a{n}") for n in range(24)]))
    assert [each.instance_id for each, _ in rows] == [f"a{n}" for n in range(24)]
    assert all(line.startswith("activity 'charge'") for _, line in rows)
    assert (len(hub.asked), hub.most) == (24, 8)


def test_ctrl_c_does_not_wait_for_a_hub_that_is_silent():
    gate = threading.Event()

    class Silent(Hub):
        def get_status(self, instance_id: str, **_options: object) -> InstanceStatus:
            time.sleep(0.1)  # until the reader waits
            signal.pthread_kill(threading.main_thread().ident or 0, signal.SIGINT)
            gate.wait(20)
            return super().get_status(instance_id)

    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    began = time.monotonic()
    try:
        with pytest.raises(KeyboardInterrupt):
            list(with_waiting(Silent(), [running("a")]))
        assert time.monotonic() - began < 5
    finally:
        gate.set()
        signal.signal(signal.SIGINT, before)


def test_what_is_finished_or_does_not_answer_has_no_line():
    hub = Hub()
    done = running("done", runtime_status=RuntimeStatus.COMPLETED)
    assert [line for _, line in with_waiting(hub, [done, running("gone")])] == ["", ""]
    assert hub.asked == ["gone"]


def test_a_second_look_asks_only_for_what_has_changed():
    hub = Hub()
    glances = Glances(hub)
    glances.look([running("a"), running("b")])
    glances.look([running("a"), replace(running("b"), last_updated_time=NOW + timedelta(1))])
    assert sorted(hub.asked) == ["a", "b", "b"]
    assert glances.line("a", NOW).startswith("activity 'charge'")
    glances.look([])
    assert glances.line("a", NOW) == ""


@pytest.fixture
def waiting(run, project):
    """An order that has waited for its approval, in a project with its app."""
    (project / "function_app.py").write_text(APP)
    assert run("start", "order", "--instance-id", "o-1").code == 0
    return run("wait", "o-1", "--timeout", "0.5s")


def test_a_wait_that_times_out_names_the_event_and_its_line(waiting):
    assert waiting.code == 124
    assert "o-1 waits for event 'Approval' at function_app.py:8, and 1 more\n" in waiting.err
    assert "hint: durablectl why o-1\n" in waiting.err


@pytest.mark.parametrize(
    "command", [("status", "o-1"), ("history", "o-1")], ids=lambda each: each[0]
)
def test_it_is_shown_on_a_terminal_only(waiting, run, command):
    with terminal(durablectl(*command), columns=120) as shown:
        assert shown.end() == 0
    assert "waiting for" in shown.text
    assert "timer, fires in 59 min" in shown.text
    assert PROBLEM.search(shown.text)
    assert "waiting for" not in run(*command).out
    assert "waitingFor" not in run(*command, "-o", "json").out


def test_a_suspended_one_waits_for_its_resume_first(waiting, run):
    assert run("suspend", "o-1").code == 0
    assert "o-1 waits for resume; then event" in run("wait", "o-1", "--timeout", "0.5s").err
    listed = run("list", "--columns", "id,waiting").out
    assert "o-1\tresume; then timer, fires in 59 min" in listed


def test_stuck_ones_are_listed_with_what_they_wait_for_on_a_terminal(waiting, run):
    with terminal(durablectl("list", "--stuck=0s"), columns=160) as shown:
        assert shown.end() == 0
    assert "WAITING FOR" in shown.text
    assert "timer, fires in 59 min" in shown.text
    assert "WAITING FOR" not in run("list", "--stuck=0s").out
    rows = run("list", "--columns", "id,waiting").out.splitlines()
    assert rows[0] == "ID\tWAITING FOR"
    assert rows[1].startswith("o-1\ttimer, fires in 59 min")


def test_a_pending_one_says_that_no_worker_is_running(run, project):
    (project / "function_app.py").write_text(APP)
    assert run("start", "order", "--instance-id", "o-1").code == 0
    assert (
        run("list", "--columns", "waiting").out == "WAITING FOR\nno worker is running on this hub\n"
    )


def test_a_pending_one_has_a_problem_and_waits_for_nothing(run, project):
    (project / "function_app.py").write_text(APP)
    assert run("start", "order", "--instance-id", "o-1").code == 0
    with terminal(durablectl("status", "o-1"), columns=120) as shown:
        assert shown.end() == 0
    assert PROBLEM.search(shown.text)
    assert "waiting for" not in shown.text


def test_after_a_time_out_a_problem_is_not_what_it_waits_for(run, project, monkeypatch):
    (project / "function_app.py").write_text(APP)
    assert run("start", "order", "--instance-id", "o-1").code == 0
    assert "no worker is running" not in run("wait", "o-1", "--timeout", "0").err
    monkeypatch.chdir(project.parent)
    err = run("wait", "o-1", "--timeout", "0", "--hub", "project/.durablectl/hub.db").err
    assert "\no-1: no worker is running on this hub\n" in err


def test_json_of_a_listing_asks_for_no_history(remote, server):
    server.on("GET", "/instances", (200, [status("a", "Running")]))
    assert len(json.loads(remote("list", "--stuck=0s", "-o", "json").out)) == 1
    assert server.paths("GET") == ["/instances"]
